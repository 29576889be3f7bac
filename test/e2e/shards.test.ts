// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { formatRecord, parseRecord } from '../../src/baseline/record-format.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { formatBlob, parseBlob } from '../../src/run/shards/shard-blob.ts';
import { freePort } from '../../src/side/target/ports.ts';
import { type Checkout, chatServer, checkout, serverAndRoom } from './fixture.ts';
import { runTailgate, type StartedTailgate, startTailgate } from './runner.ts';

/** Shards as processes of their own against a server that none of them started, and what is merged of them. */

const count = 3;
const users = 25;
/** Of each machine's clock: it starts so much too early. */
const clocksAheadMs = [0, 300, 0];
let user: Checkout;
let server: ReturnType<typeof spawn>;
let url = '';
let startAt = 0;
let ends: { code: number | null; stderr: string }[] = [];

const tailgate = async (words: readonly string[], env: Record<string, string> = {}) => {
  const { exitCode: code, ...said } = await runTailgate(user.dir, words, { env });
  return { code, ...said };
};

const folderOf = (number: number): string => path.join(user.dir, 'shards', String(number));
const fileOf = (number: number): string => path.join(folderOf(number), `shard-${number}-of-${count}.json`);
/** As on a machine whose clock is ahead by so much. */
const withClock = (aheadMs: number): Record<string, string> =>
  aheadMs === 0
    ? {}
    : {
        NODE_OPTIONS: `--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()+${aheadMs}`,
      };
const shard = (number: number, instant: number, aheadMs = 0) =>
  tailgate(
    [
      ...['run', '--shard', `${number}/${count}`, '--start-at', String(instant), '--target', url],
      ...['--report-dir', folderOf(number)],
    ],
    withClock(aheadMs),
  );
const merge = async (folder: string, ...more: string[]) => {
  const json = path.join(user.dir, 'merged.json');
  rmSync(json, { force: true });
  const result = await tailgate(['merge', folder, '--target', url, '--json', json, ...more]);
  return { ...result, report: existsSync(json) ? parseReport(readFileSync(json, 'utf8'), json) : null };
};

before(async () => {
  user = checkout();
  user.write(
    'chat.yml',
    `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 3, arrivalCount: ${users} }]
  payload: { path: users.csv, fields: [name], order: sequence }
  socketio:
    transports: [websocket]
    auth: { accessToken: "Bearer {{ $token }}" }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: createRoom, data: { roomId: "room-{{ name }}" } }
        acknowledge: {}
      - loop:
          - emit: { channel: chat, data: { roomId: "room-{{ name }}", text: "hello" } }
            acknowledge: {}
          - think: 100ms
        count: 4
`,
  );
  user.write('users.csv', Array.from({ length: users }, (_, index) => `user${index}\n`).join(''));
  user.write(
    'tailgate.yml',
    `target: { ready: { type: http, path: /health } }
measure:
  jwt: { secret: example-secret, claims: { sub: "{{ name }}" } }
suites: [{ name: chat, scenario: chat.yml }]
thresholds: ["chat.ack.p95 < 5s", "users.failed = 0"]
verdict: { minSamplesP50: 10, minSamplesP95: 20 }
rounds: 1
baseline: { mode: none }
`,
  );
  user.git('add', '-A');
  user.git('commit', '-qm', 'Shards');
  const [command = '', ...words] = chatServer.split(' ');
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = spawn(command, words, { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
  startAt = Math.ceil(Date.now() / 1_000) + 15;
  ends = await Promise.all(clocksAheadMs.map((aheadMs, index) => shard(index + 1, startAt, aheadMs)));
});

after(() => {
  server.kill();
  user.remove();
});

test('each shard drives its part at the instant, and the parts are the whole', () => {
  for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
  const blobs = ends.map((_, index) => {
    const parsed = parseBlob(readFileSync(fileOf(index + 1), 'utf8'));
    assert.ok('blob' in parsed, JSON.stringify(parsed));
    return parsed.blob;
  });
  const [first, second, third] = blobs.map(({ suites }) => suites[0]!.rounds[0]!.measurement.counters);
  assert.deepEqual(
    [first, second, third].map((counters) => counters!['users.completed']),
    [9, 8, 8],
  );
  for (const { suites } of blobs) assert.ok(suites[0]!.rounds[0]!.startedAtMs >= startAt * 1_000);
});

test('what they left is judged as one run', async () => {
  const { code, report, stdout, stderr } = await merge('shards');
  assert.equal(code, 0, stdout + stderr);
  assert.equal(report!.verdict, 'pass');
  const [suite] = report!.suites;
  const sent = suite!.metrics.find(({ id }) => id === 'chat.ack');
  assert.equal(sent?.head?.count, users * 4);
  // Each believes that it was on time; the clock of the server tells that one was not.
  const [, skewMs, errorMs] =
    /3 shards on 1 machine drove the load together; by the server's clock they started within (\d+) ms \(give or take (\d+) ms\)/.exec(
      suite!.warnings.join('\n'),
    ) ?? [];
  assert.ok(Number(errorMs) < 400, errorMs);
  assert.ok(Math.abs(Number(skewMs) - 300) <= Number(errorMs) + 150, `${skewMs} +- ${errorMs}`);
});

test('a suspect of shards is confirmed by the same shards started again', async () => {
  const started = ends.map((_, index) => readFileSync(fileOf(index + 1), 'utf8'));
  // Stored runs of the same shards, which were ten times as fast.
  const fast = path.join(user.dir, 'fast.jsonl');
  const against = (folder: string, ...more: string[]) =>
    merge(folder, '--baseline', `file:${fast}`, '--record-baseline', 'never', ...more);
  await merge('shards');
  const records = path.join(user.dir, '.tailgate/records.jsonl');
  const parsed = parseRecord(readFileSync(records, 'utf8').trim());
  assert.ok('record' in parsed);
  const { record } = parsed;
  const quick = new LatencySketch();
  for (let index = 0; index < users * 4; index += 1) quick.record(0.1 + (index % 7) / 1_000);
  const rounds = record.rounds.map((round) => ({ ...round, metrics: { 'chat.ack': quick.toJSON() } }));
  const stored = Array.from({ length: 12 }, (_, day) =>
    formatRecord({
      ...record,
      rounds,
      recordedAt: new Date(Date.now() - (12 - day) * 86_400_000).toISOString(),
    }),
  );
  writeFileSync(fast, `${stored.join('\n')}\n`);
  const screened = await against('shards');
  assert.deepEqual([screened.code, screened.report!.verdict], [0, 'inconclusive'], screened.stdout);
  assert.equal(screened.report!.suites[0]!.suspect, true);
  const suspect = path.join(user.dir, 'suspect.jsonl');
  copyFileSync(records, suspect);
  const same = await against('shards', '--confirm-from', suspect);
  assert.match(same.stdout + same.stderr, /the shards that are merged started before it was made/);
  const later = 86_400_000;
  for (const [index, text] of started.entries()) {
    const parsed = parseBlob(text);
    assert.ok('blob' in parsed);
    const blob = structuredClone(parsed.blob);
    blob.startAtMs += later;
    for (const round of blob.suites[0]!.rounds) {
      round.dueAtMs += later;
      round.startedAtMs += later;
    }
    mkdirSync(path.join(user.dir, 'again'), { recursive: true });
    writeFileSync(path.join(user.dir, 'again', path.basename(fileOf(index + 1))), formatBlob(blob));
  }
  const confirmed = await against('again', '--confirm-from', suspect);
  assert.deepEqual([confirmed.code, confirmed.report!.verdict], [1, 'fail'], confirmed.stdout);
  assert.match(confirmed.report!.suites[0]!.warnings.join('\n'), /Measured again to confirm/);
});

test('without one of them there is no verdict', async () => {
  const kept = readFileSync(fileOf(2));
  rmSync(fileOf(2));
  const { code, report, stdout } = await merge('shards');
  assert.equal(code, 4, stdout);
  assert.equal(report!.verdict, 'invalid');
  assert.match(report!.problems[0]!.what, /1 of 3 shards left nothing: 2\./);
  writeFileSync(fileOf(2), kept);
});

test('a shard that comes late drives nothing, takes the older file away, and says so to whoever merges', async () => {
  const { code, stderr } = await shard(2, Math.floor(Date.now() / 1_000) - 1);
  assert.equal(code, 4);
  assert.match(stderr, /ready \d+ ms after the start of round 1/);
  const { code: merged, report } = await merge('shards');
  assert.equal(merged, 4);
  assert.match(report!.problems.map(({ what }) => what).join('\n'), /Shard 2 did not measure suite "chat"/);
});

test('mistakes are told before anything is started', async () => {
  mkdirSync(path.join(user.dir, 'empty'));
  const soon = String(Math.floor(Date.now() / 1_000) + 60);
  const cases: [words: string[], said: RegExp][] = [
    [['run', '--shard', '4/3', '--start-at', soon], /Write which shard of how many/],
    [['run', '--shard', '1/3'], /shards must start at one instant/],
    [['run', '--start-at', soon], /no shard is named/],
    [['run', '--shard', '1/3', '--start-at', 'noon'], /Write an instant with its zone/],
    [['run', '--shard', '1/3', '--start-at', '2030-01-31T12:00:00'], /with its zone/],
    [
      ['run', '--shard', '1/3', '--start-at', soon, '--start', 'node server.js'],
      /would start a server in every shard/,
    ],
    [
      ['run', '--shard', '1/3', '--start-at', soon, '--room', '{ create: { event: createRoom } }'],
      /would open a room in every shard/,
    ],
    [['merge', 'nowhere'], /"nowhere" cannot be read/],
  ];
  const said = await Promise.all(cases.map(([words]) => tailgate([...words, '--target', url])));
  for (const [index, { stderr, stdout, code }] of said.entries()) {
    assert.match(stderr + stdout, cases[index]![1]);
    assert.ok(code === 2 || code === 4, `${code}`);
  }
  await delay(0);
  assert.equal((await merge('empty')).code, 4);
});

/** Settings of a run whose server and room are of shard 1, and whose users get what others send. */
const meetingSettings = (scenario: string, more: string): string => `${serverAndRoom}measure:
  jwt: { secret: example-secret, claims: { sub: user } }
  drainMs: 5000
  arrivals: best-effort
suites: [{ name: room, scenario: ${scenario} }]
thresholds: ["chat.ack.p95 < 5s", "deliveries.lost = 0", "users.failed = 0"]
rounds: 1
${more}`;
const roomScenario = (seconds: number, perUser: number): string => `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: ${seconds}, arrivalCount: 18 }]
  socketio:
    transports: [websocket]
    auth: { accessToken: "Bearer {{ $token }}" }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: joinRoom, data: { roomId: load-test } }
        acknowledge: {}
        joins: load-test
      - loop:
          - emit: { channel: chat, data: { roomId: load-test, text: "hello {{ $tag }}" } }
            delivery: chat
            acknowledge: {}
          - think: 100ms
        count: ${perUser}
      - think: 500ms
`;

const token = 'a-token-of-this-test';
/** Starts node where the monotonic clock is a day ahead, as that of another machine is; where this may not be, as usual. */
const inOtherTime =
  spawnSync('unshare', ['--time', 'true']).status === 0
    ? ['unshare', '--time', '--monotonic', '86400', '--kill-child', '--fork', process.execPath]
    : [process.execPath];

/** Starts the shards of a run that meet, each with a report folder of its own. */
const meet = async (
  shards: number,
  name: string,
  flags: readonly string[],
  second: readonly string[] = [process.execPath],
): Promise<StartedTailgate[]> => {
  const address = `tcp://127.0.0.1:${await freePort()}?wait=60s`;
  return Array.from({ length: shards }, (_, index) =>
    startTailgate(
      user.dir,
      [
        ...['run', '--shard', `${index + 1}/${shards}`, '--rendezvous', address],
        ...['--report-dir', path.join(user.dir, name, String(index + 1)), ...flags],
      ],
      {
        env: { TAILGATE_RENDEZVOUS_TOKEN: token },
        node: index === 1 ? second : [process.execPath],
      },
    ),
  );
};
const reportOf = (name: string) => {
  const file = path.join(user.dir, name, '1', 'report.json');
  return parseReport(readFileSync(file, 'utf8'), file);
};
// Most of the second is the time after which a shard that hangs is given up.
describe('shards that meet', { concurrency: true }, () => {
  before(() => {
    user.write('room.yml', roomScenario(5, 10));
    user.write('long-room.yml', roomScenario(60, 10));
    user.write(
      'pairs.yml',
      meetingSettings(
        'room.yml',
        `verdict: { minPairs: 2, maxPairs: 2, slicesPerSide: 2, sliceMs: 700, warmUpMs: 1000 }
explain: never
baseline: { mode: side-by-side, ref: HEAD~1 }
`,
      ),
    );
    user.write('whole.yml', meetingSettings('long-room.yml', 'baseline: { mode: none }\n'));
    user.git('add', '-A');
    user.git('commit', '-qm', 'Meet');
  });

  test('one starts both versions and the room, and all drive the slices of a pair', async () => {
    const shards = await meet(3, 'pairs', ['--config', 'pairs.yml'], inOtherTime);
    const ended = await Promise.all(shards.map((each) => each.ended));
    const codes = ended.map(({ exitCode }) => exitCode);
    const logs = shards.map(({ log }) => log()).join('\n---\n');
    // Whether the machine was quiet enough for a verdict is not what is tested.
    assert.deepEqual(codes.slice(1), [0, 0], logs);
    const report = reportOf('pairs');
    const [suite] = report.suites;
    assert.deepEqual([...report.problems, ...suite!.problems], [], logs);
    assert.equal(suite!.comparison, 'side-by-side');
    const [, skewMs] =
      /3 shards on 1 machine drove the load together; each part of it started within ([\d.]+) ms, by (?:one clock|clocks that agree to within [\d.]+ ms)\./.exec(
        suite!.warnings.join('\n'),
      ) ?? [];
    assert.ok(Number(skewMs) < 1_000, suite!.warnings.join('\n'));
    for (const side of ['baseline', 'head'] as const) {
      const of = (name: string) => suite!.counters[`deliveries.${name}`]![side]!;
      assert.ok(of('expected') > 100, logs);
      assert.equal(of('received') + of('lost'), of('expected'));
      assert.equal(of('lost'), 0);
      assert.equal(of('duplicated'), 0);
    }
    const delivery = suite!.metrics.find(({ id }) => id === 'chat.delivery')!;
    assert.ok(delivery.baseline!.count > 20 && delivery.head!.count > 20);
  });

  test('a shard that dies, hangs or is stopped ends the run of all, and is named', async () => {
    const cases: [name: string, number: number, signal: NodeJS.Signals, said: RegExp][] = [
      ['dead', 2, 'SIGKILL', /Shard 2 dropped out: its connection (ended|broke)/],
      ['cancelled', 2, 'SIGTERM', /Shard 2 dropped out: it was cancelled/],
      ['leaderless', 1, 'SIGKILL', /Shard 1 dropped out: its connection (ended|broke)/],
      ['hanging', 2, 'SIGSTOP', /Shard 2 dropped out: nothing was heard of it for 15 s/],
    ];
    await Promise.all(
      cases.map(async ([name, number, signal, said]) => {
        const shards = await meet(2, name, ['--config', 'whole.yml']);
        const hit = shards[number - 1]!;
        const other = shards[2 - number]!;
        try {
          while (!shards[0]!.log().includes('measuring') && shards[0]!.child.exitCode === null)
            await delay(100);
          const hitAt = performance.now();
          hit.child.kill(signal);
          assert.equal((await other.ended).exitCode, 4, other.log());
          assert.match(other.log(), said);
          const tookMs = performance.now() - hitAt;
          assert.ok(tookMs < (signal === 'SIGSTOP' ? 30_000 : 15_000), `${name}: ${tookMs} ms`);
          if (number === 2) assert.equal(reportOf(name).verdict, 'invalid');
        } finally {
          for (const { child } of shards) child.kill('SIGKILL');
        }
      }),
    );
  });
});
