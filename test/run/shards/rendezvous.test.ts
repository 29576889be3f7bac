import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { problemsOf, type TailgateError } from '../../../src/errors.ts';
import { createLiveLine, createTerminalHost } from '../../../src/host/terminal-host.ts';
import { tailgateVersion } from '../../../src/host/versions.ts';
import { gateCommand } from '../../../src/run/gate-command.ts';
import { ClockComparison } from '../../../src/run/shards/clock-offset.ts';
import { followShard, tellCannot } from '../../../src/run/shards/follow-shard.ts';
import { gatherShards } from '../../../src/run/shards/gather-shards.ts';
import { connectToPeer } from '../../../src/run/shards/peer.ts';
import type { RunIdentity } from '../../../src/run/shards/rendezvous.ts';
import { freePort } from '../../../src/side/target/ports.ts';

const token = 'the token of this run';
const count = 3;
const identity: RunIdentity = {
  tailgate: tailgateVersion,
  run: { id: '7', attempt: 1 },
  commit: 'c'.repeat(40),
  count,
  seed: 1,
  suites: [{ suite: 'chat', scenarioHash: 'a', settingsHash: 'b' }],
};

const hostUntil = (signal: AbortSignal) => {
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream;
  return createTerminalHost({
    env: {},
    cwd: process.cwd(),
    signal,
    stderr,
    stdout: stderr,
    live: createLiveLine(stderr),
  });
};

/** A run of three shards at a port of its own. What each gave: null, or why it ended. */
const meeting = async (waitMs = 20_000, file?: string) => {
  const cancel = new AbortController();
  const host = hostUntil(cancel.signal);
  const port = await freePort();
  const rendezvous = {
    address: `tcp://127.0.0.1:${port}`,
    place: file === undefined ? { host: '127.0.0.1', port } : { file },
    waitMs,
    token,
  };
  const failureOf = (ending: Promise<unknown>): Promise<TailgateError | null> =>
    ending.then(
      () => null,
      (failure) => problemsOf(failure)[0]!,
    );
  const lead = (more: Partial<RunIdentity> = {}) =>
    gatherShards({
      rendezvous,
      identity: { ...identity, ...more },
      machine: 'one',
      driftUs: 10_000,
      host,
    });
  const follow = (number: number, more: Partial<RunIdentity> = {}, ownToken = token) =>
    failureOf(
      followShard({
        rendezvous: { ...rendezvous, token: ownToken },
        number,
        identity: { ...identity, ...more },
        machine: `machine ${number}`,
        host,
        openLoad: () => Promise.reject(new Error('no load is opened here')),
      }),
    );
  return { host, port, rendezvous, cancel, lead, led: () => failureOf(lead()), failureOf, follow };
};

test('shards meet, and part when the run is over', async () => {
  const { lead, follow, port } = await meeting();
  const others = [follow(2), follow(3)];
  const crew = await lead();
  assert.deepEqual(crew.part.shard, { index: 0, count });
  assert.deepEqual(crew.notes(), []);
  const load = { suite: 'chat', side: 'head', seed: 1, url: 'http://127.0.0.1:1', variables: {} } as const;
  const { started } = crew.part.others!(load);
  started([1e9, 1e9 + 30_000, 1e9 + 12_000]);
  started([2e9, 2e9 + 5_000, 2e9]);
  assert.match(
    crew.notes()[0]!,
    /^3 shards on 3 machines drove the load together; each part of it started within 30 ms, by clocks that agree to within \d/,
  );
  assert.throws(
    () => started([3e9, 3e9, 3e9 + 1_100_000]),
    /started a part of suite "chat" 1100 ms apart \(give or take \d+ ms\), shard 3 last; one load allows 1000 ms/,
  );
  // Whoever comes now is one too many.
  const late = connect(port, '127.0.0.1');
  const [refused] = await once(late, 'error');
  assert.equal((refused as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  crew.end(null);
  await crew[Symbol.asyncDispose]();
  assert.deepEqual(await Promise.all(others), [null, null]);
});

test('shards meet by a file, which may be left from a run before, or half written', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-meet-'));
  const file = path.join(folder, 'met');
  writeFileSync(file, `[{ "host": "127.0.0.1", "port": ${await freePort()} }`);
  const { lead, follow, led } = await meeting(20_000, file);
  const others = [follow(2), follow(3)];
  await delay(700);
  writeFileSync(file, `[{ "host": "127.0.0.1", "port": ${await freePort()} }]`);
  await delay(700);
  const crew = await lead();
  crew.end(null);
  await crew[Symbol.asyncDispose]();
  assert.deepEqual(await Promise.all(others), [null, null]);
  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
  assert.match((await led())!.what, /^Shard 1 cannot wait for the others at tcp.*: ENOENT/);
});

test('a run without a verdict ends with its reason everywhere', async () => {
  const { lead, follow } = await meeting();
  const others = [follow(2), follow(3)];
  const crew = await lead();
  crew.end('The server died.');
  await crew[Symbol.asyncDispose]();
  for (const problem of await Promise.all(others))
    assert.match(problem!.what, /^Shard 1 ended the run: The server died\.$/);
});

test('a shard of another run is named, and nobody goes on without it', async () => {
  const other: [more: Partial<RunIdentity>, said: RegExp][] = [
    [{ tailgate: '0.0.1' }, /Shard 3 is not of this run: it runs Tailgate 0\.0\.1, and shard 1/],
    [{ count: 4 }, /one of 4 shards, and shard 1 of 3/],
    [{ run: { id: '8', attempt: 1 } }, /it is of run 8, attempt 1, and shard 1 of run 7, attempt 1/],
    [{ run: { id: '7', attempt: 2 } }, /attempt 2, and/],
    [{ run: null }, /it is of no CI run/],
    [{ commit: 'd'.repeat(40) }, /it has checked out dddddddddd, and shard 1 cccccccccc/],
    [{ commit: null }, /it has checked out no commit/],
    [{ seed: 2 }, /it has the seed 2, and shard 1 1/],
    [
      { suites: [{ ...identity.suites[0]!, suite: 'rooms' }] },
      /it has the suites "rooms", and shard 1 "chat"/,
    ],
    [{ suites: [] }, /it has the suites/],
    [{ suites: [{ ...identity.suites[0]!, scenarioHash: 'x' }] }, /its scenario of suite "chat" is another/],
    [{ suites: [{ ...identity.suites[0]!, settingsHash: 'x' }] }, /its settings of suite "chat" are others/],
  ];
  await Promise.all(
    other.map(async ([more, said]) => {
      const { led, follow } = await meeting();
      const [leader, second, third] = await Promise.all([led(), follow(2), follow(3, more)]);
      assert.equal(leader?.code, 'SHARD_DISAGREES');
      assert.match(leader.what, said);
      // The other one may not have been there yet.
      for (const problem of [second, third])
        assert.ok(
          ['SHARDS_ENDED', 'RENDEZVOUS_FAILED', 'SHARD_LOST'].includes(problem?.code ?? ''),
          `${problem}`,
        );
    }),
  );
});

test('two with one number, and a second first', async () => {
  for (const [number, said] of [
    [2, /Shard 2 is not of this run: two came with the number 2/],
    [1, /Shard 1 is not of this run: shard 1 leads/],
  ] as const) {
    const { led, follow } = await meeting();
    const [leader] = await Promise.all([led(), follow(2), follow(number)]);
    assert.match(leader!.what, said);
  }
});

test('who does not come is named, and who tried without the token', async () => {
  const { led, follow } = await meeting(3_000);
  const [leader, second, stranger] = await Promise.all([
    led(),
    follow(2),
    follow(3, {}, 'another token, as long'),
  ]);
  assert.match(
    leader!.what,
    /^1 of 3 shards did not come to the rendezvous within 3 s: 3\. Somebody without the token tried to from 127\.0\.0\.1\.$/,
  );
  assert.match(second!.what, /^Shard 1 ended the run: 1 of 3 shards did not come/);
  assert.match(stranger!.what, /who waits there has another token, or is no shard/);
});

test('strangers and nonsense at the port disturb nobody', async () => {
  const { lead, follow, port } = await meeting();
  const gathering = lead();
  const ready = async () => {
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      const [here] = await Promise.race([
        once(socket, 'connect').then(() => [true]),
        once(socket, 'error').then(() => [false]),
      ]);
      if (here) return socket;
      await delay(20);
    }
  };
  const silent = await ready();
  for (const words of ['GET / HTTP/1.1\r\nHost: here\r\n\r\n', '\0\x01\xff'.repeat(1_000)])
    (await ready()).on('error', () => {}).end(words);
  connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {});
  const member = await connectToPeer('127.0.0.1', port, token);
  member.send({ type: 'hello', number: 'two' } as never);
  assert.match(await member.gone, /connection/);
  const huge = await connectToPeer('127.0.0.1', port, token);
  huge.send({ type: 'x'.repeat(3_000_000) });
  assert.match(await huge.gone, /connection/);
  const others = [follow(2), follow(3)];
  const crew = await gathering;
  crew.end(null);
  await crew[Symbol.asyncDispose]();
  assert.deepEqual(await Promise.all(others), [null, null]);
  silent.destroy();
});

test('a port that is taken, and a rendezvous to which nobody comes', async () => {
  const { led, follow, port } = await meeting(1_500);
  assert.match((await follow(2))!.what, /Shard 1 could not be met at tcp:.*ECONNREFUSED/);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  assert.match((await led())!.what, /^Shard 1 cannot wait for the others at tcp:.*: port \d+ is taken\.$/);
  // Who listens there is no shard: it never answers.
  assert.match((await follow(2))!.what, /Shard 1 could not be met/);
  server.close();
});

test('a shard whose settings cannot be read finds the file of the first where its run would', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-rendezvous-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(path.join(root, 'chat'));
  writeFileSync(path.join(root, 'chat', 'tailgate.yml'), 'suites: none');
  const { led, host } = await meeting(10_000, path.join(root, 'chat', 'meet'));
  const values = { 'working-directory': 'chat', shard: '2/3', rendezvous: 'file:meet?wait=10s' };
  const [leader] = await Promise.all([
    led(),
    gateCommand({
      host: { ...host, cwd: root, env: { TAILGATE_RENDEZVOUS_TOKEN: token } },
      print: () => {},
      inputs: { source: 'cli', values },
      files: {},
      github: null,
    }),
  ]);
  assert.match(leader!.what, /^Shard 2 dropped out: The setting "suites" is not valid/);
});

test('a shard that cannot take part, and one that goes before all are there', async () => {
  const { led, follow, rendezvous, host } = await meeting();
  const [leader, second] = await Promise.all([
    led(),
    follow(2),
    delay(500).then(() => tellCannot({ rendezvous, number: 3, host }, 'Its scenario is missing.')),
  ]);
  assert.equal(leader!.what, 'Shard 3 dropped out: Its scenario is missing.');
  assert.match(second!.what, /Shard 1 ended the run: Shard 3 dropped out/);

  const other = await meeting();
  const leading = other.led();
  const peer = await (async () => {
    for (;;) {
      const found = await connectToPeer('127.0.0.1', other.port, token).catch(() => null);
      if (found !== null) return found;
      await delay(20);
    }
  })();
  peer.send({
    type: 'hello',
    number: 2,
    identity,
    machine: 'two',
    errorUs: 100,
    roundTripUs: 200,
  } as never);
  await delay(100);
  peer.drop('');
  assert.match((await leading)!.what, /^Shard 2 dropped out: its connection ended\.$/);
});

test('cancelled, the first ends the others, and each of them tells the first', async () => {
  const first = await meeting();
  const others = [first.follow(2), first.follow(3)];
  const crew = await first.lead();
  const load = crew.part.others!({
    suite: 'chat',
    side: 'head',
    seed: 1,
    url: 'http://127.0.0.1:1',
    variables: {},
  });
  first.cancel.abort('SIGINT');
  for (const problem of await Promise.all(others)) assert.equal(problem!.code, 'CANCELLED');
  for (const [index, member] of load.members.entries()) {
    await assert.rejects(member.finished, new RegExp(`Shard ${index + 2} dropped out: it was cancelled`));
    await assert.rejects(member.ask({ type: 'pause', guardMs: 0, atUs: null }), /dropped out/);
  }
  await crew[Symbol.asyncDispose]();

  const gathering = await meeting();
  const leading = gathering.led();
  await delay(100);
  gathering.cancel.abort('SIGTERM');
  assert.equal((await leading)!.code, 'CANCELLED');
});

test('the offset of a clock is within its bound, however unequal the ways are', () => {
  const way = fc.double({ min: 1, max: 50_000, noNaN: true });
  fc.assert(
    fc.property(
      fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      fc.array(fc.tuple(way, way), { minLength: 1 }),
      (aheadUs, ways) => {
        const clock = new ClockComparison();
        let nowUs = 1e9;
        for (const [there, back] of ways) {
          const askedUs = nowUs;
          nowUs += there + back;
          clock.add({ askedUs, answeredUs: nowUs, theirsUs: askedUs + there + aheadUs });
        }
        const read = clock.read();
        assert.ok(Math.abs(read.aheadUs - aheadUs) <= read.errorUs + 0.01);
        const latest = ways.slice(-30).map(([there, back]) => (there + back) / 2);
        assert.ok(Math.abs(read.errorUs - Math.min(...latest)) < 0.01);
      },
    ),
  );
});
