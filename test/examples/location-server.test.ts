import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Socket } from 'socket.io-client';
import type { RunningTarget } from '../../src/side/target/running-target.ts';
import { tokenFor } from './chat-client.ts';
import { ask, connect, next, root, startExample } from './example-server.ts';

const script = 'examples/location-server/server.js';
const folder = mkdtempSync(join(tmpdir(), 'location-test-'));
const ends: (() => unknown)[] = [];
after(() => {
  for (const end of ends) end();
  rmSync(folder, { recursive: true, force: true });
});

let databases = 0;
const newDatabase = (): string => {
  databases += 1;
  return join(folder, `messages-test-${databases}.db`);
};
const startServer = (file: string, env: Record<string, string> = {}): Promise<RunningTarget> =>
  startExample(script, { NODE_ENV: 'test', DATABASE_URL: `file:${file}`, ...env }, (end) => ends.push(end));

const user = async (url: string): Promise<Socket> => {
  const socket = await connect(url);
  ends.push(() => socket.disconnect());
  return socket;
};

/** What the gate asks after the load. */
const counted = (
  file: string,
  env: Record<string, string> = {},
  flags: string[] = [],
): { persisted: number; lost: number } => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, 'examples/location-server/count-messages.js'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, NODE_ENV: 'test', DATABASE_URL: `file:${file}`, ...env },
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { persisted: number; lost: number };
};

const berlin = { longitude: 13.405, latitude: 52.52 };
/** 700 m to the east, and 3 km. */
const nearBerlin = { longitude: 13.4153, latitude: 52.52 };
const spandau = { longitude: 13.4493, latitude: 52.52 };

const message = async (
  place: { longitude: unknown; latitude: unknown },
  more: Record<string, unknown> = {},
): Promise<Record<string, unknown>> => ({
  token: await tokenFor('ann'),
  contents: 'hello',
  radius: 2_000,
  ...place,
  ...more,
});

describe('location server', () => {
  test('a message is stored, and pushed to those who are near', async () => {
    const file = newDatabase();
    await using server = await startServer(file);
    const [ann, bob, cid, dan] = await Promise.all([1, 2, 3, 4].map(() => user(server.url)));
    assert.ok(ann && bob && cid && dan);
    assert.equal((await ask(bob, 'save_msg', await message(berlin))).receivers, 0);
    assert.equal((await ask(cid, 'save_msg', await message(spandau))).receivers, 0);
    // Dan has not said where he is.
    const heard: unknown[] = [];
    for (const socket of [cid, dan]) socket.on('new_msg', (data) => heard.push(data));
    const pushed = next(bob, 'new_msg');
    const answer = await ask(ann, 'save_msg', await message(nearBerlin, { contents: 'anyone here?' }));
    assert.deepEqual(answer, { ok: true, id: answer.id, receivers: 1 });
    const got = await pushed;
    assert.deepEqual(got, {
      id: answer.id,
      from: 'ann',
      ...nearBerlin,
      contents: 'anyone here?',
      distance: got.distance,
    });
    assert.ok(Number(got.distance) > 650 && Number(got.distance) < 750, String(got.distance));
    const farther = next(cid, 'new_msg');
    assert.equal((await ask(ann, 'save_msg', await message(nearBerlin, { radius: 10_000 }))).receivers, 2);
    await farther;
    assert.equal(heard.length, 1);
    assert.deepEqual(counted(file), { persisted: 4, lost: -4 });
    const sent = {
      TAILGATE_COUNTERS: '{"messages.sent":3}',
      TAILGATE_WARM_UP_COUNTERS: '{"messages.sent":2}',
    };
    assert.deepEqual(counted(file, sent), { persisted: 4, lost: 1 });
    bob.disconnect();
    for (let receivers = 2; receivers > 1; await new Promise((resolve) => setTimeout(resolve, 20)))
      receivers = Number(
        (await ask(ann, 'save_msg', await message(nearBerlin, { radius: 10_000 }))).receivers,
      );
  });

  test('coordinates may be text, as they are in a CSV file; what is wrong is said and not stored', async () => {
    const file = newDatabase();
    await using server = await startServer(file);
    const ann = await user(server.url);
    assert.equal(
      (await ask(ann, 'save_msg', await message({ longitude: '13.4', latitude: '52.5' }))).ok,
      true,
    );
    for (const [wrong, error] of [
      [{ token: undefined }, 'Unauthorized'],
      [{ token: await tokenFor('ann', -10) }, 'Token expired'],
      [{ token: await tokenFor('ann', 600, 'another') }, 'Unauthorized'],
      [{ longitude: 181 }, 'longitude must be a number of degrees, at most 180'],
      [{ latitude: '' }, 'latitude must be a number of degrees, at most 90'],
      [{ contents: '' }, 'contents must be a text'],
      [{ radius: 0 }, 'radius must be a number of metres'],
    ] as const)
      assert.deepEqual(await ask(ann, 'save_msg', await message(berlin, wrong)), { ok: false, error });
    assert.equal(counted(file).persisted, 1);
  });

  test('only WebSocket is spoken, and the page answers', async () => {
    await using server = await startServer(newDatabase());
    assert.equal((await fetch(server.url)).status, 200);
    const polled = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`);
    assert.equal(polled.status, 400);
  });

  test('connections beyond the limit are answered with HTTP 503, until one is free', async () => {
    await using server = await startServer(newDatabase(), { MAX_CONNECTIONS: '2' });
    const [ann] = await Promise.all([user(server.url), user(server.url)]);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
      const asked = request(`${server.url}/socket.io/?EIO=4&transport=websocket`, { headers });
      asked.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
      asked.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve(101);
      });
      asked.end();
    });
    assert.equal(status, 503);
    await assert.rejects(connect(server.url), /websocket error/);
    ann?.disconnect();
    for (let isIn = false; !isIn; await new Promise((resolve) => setTimeout(resolve, 20)))
      isIn = await user(server.url).then(
        () => true,
        () => false,
      );
  });

  test('written behind, a full queue loses messages that were acknowledged', async () => {
    const file = newDatabase();
    await using server = await startServer(file, { WRITE_BATCH_MS: '300', WRITE_QUEUE_LIMIT: '3' });
    const ann = await user(server.url);
    const same = await message(berlin);
    for (let index = 0; index < 10; index += 1) assert.equal((await ask(ann, 'save_msg', same)).ok, true);
    let { persisted } = counted(file);
    for (let tries = 0; tries < 50 && persisted === 0; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      persisted = counted(file).persisted;
    }
    assert.ok(persisted >= 3 && persisted < 10, `${persisted} of 10 messages were stored`);
  });

  test('a test database is emptied at the start', async () => {
    const file = newDatabase();
    for (let run = 0; run < 2; run += 1) {
      await using server = await startServer(file);
      await ask(await user(server.url), 'save_msg', await message(berlin));
      assert.equal(counted(file).persisted, 1);
    }
  });

  test('without SQLite in Node messages are lines of JSON', async () => {
    const file = newDatabase();
    const flags = ['--no-experimental-sqlite'];
    {
      await using server = await startExample(
        `${flags[0]} ${script}`,
        { NODE_ENV: 'test', DATABASE_URL: `file:${file}` },
        (end) => ends.push(end),
      );
      const health = (await (await fetch(`${server.url}/health`)).json()) as { store: string };
      assert.equal(health.store, 'json-lines');
      const ann = await user(server.url);
      for (let index = 0; index < 3; index += 1) await ask(ann, 'save_msg', await message(berlin));
      assert.equal(counted(file, {}, flags).persisted, 3);
      assert.equal(counted(file).persisted, 3);
    }
    assert.equal(JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '').sender, 'ann');
  });
});

describe('the test database', () => {
  const start = (env: Record<string, string>) =>
    spawnSync(process.execPath, [join(root, script)], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      timeout: 30_000,
    });

  test('the server refuses to start without one, in tests and in CI', () => {
    for (const env of [{ NODE_ENV: 'test' }, { CI: 'true' }, { CI: '1', DATABASE_URL: '' }]) {
      const { status, stderr } = start(env as unknown as Record<string, string>);
      assert.equal(status, 1);
      assert.match(stderr, /DATABASE_URL is not set\. In tests and in CI it must name a test database/);
    }
    for (const url of ['file:location-messages.db', 'file:/srv/app/production.db', 'file:contest.db']) {
      const { status, stderr } = start({ CI: 'true', DATABASE_URL: url });
      assert.equal(status, 1);
      assert.match(stderr, /the name must have the word "test" in it/);
    }
    const { status, stderr } = start({ NODE_ENV: 'test', DATABASE_URL: 'postgres://127.0.0.1/test' });
    assert.equal(status, 1);
    assert.match(stderr, /must begin with "file:"/);
    assert.equal(existsSync(join(folder, 'location-messages.db')), false);
  });

  test('elsewhere the real one is the default, and is kept', async () => {
    const { databaseFile, isTestRun } = (await import(
      join(root, 'examples/location-server/test-database.js')
    )) as {
      databaseFile(env: Record<string, string>, cwd: string): string;
      isTestRun(env: Record<string, string>): boolean;
    };
    assert.equal(databaseFile({}, '/srv'), '/srv/location-messages.db');
    assert.equal(databaseFile({ DATABASE_URL: 'file:data/real.db' }, '/srv'), '/srv/data/real.db');
    assert.equal(databaseFile({ DATABASE_URL: 'file:///data/real.db' }, '/srv'), '/data/real.db');
    assert.equal(databaseFile({ CI: 'true', DATABASE_URL: 'file:app_TEST.db' }, '/srv'), '/srv/app_TEST.db');
    assert.equal(isTestRun({}), false);
    assert.equal(isTestRun({ CI: 'false', NODE_ENV: 'production' }), false);
  });
});
