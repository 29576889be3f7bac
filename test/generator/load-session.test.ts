import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TailgateError } from '../../src/errors.ts';
import type { LoadProgress } from '../../src/generator/load-session.ts';
import { observedValue } from '../../src/metrics/values.ts';
import { folderWith, openSession, runLoad, startServer, useBundledWorker } from './load-fixture.ts';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const rejects = async (work: Promise<unknown>): Promise<TailgateError> => {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TailgateError, String(error));
    return error;
  }
  assert.fail('it did not fail');
};

describe('a load session', { concurrency: 2 }, () => {
  useBundledWorker();

  test('starts nothing until it is resumed, and drives one continuous load in slices', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 1, arrivalRate: 40 }] }
scenarios: [{ flow: [{ get: { url: /a } }, { think: 100ms }, { get: { url: /b } }] }]
`,
    });
    await using session = await openSession(folder.path, server.url);
    await delay(200);
    assert.equal(server.requests.length, 0);
    const windows: { from: number; to: number }[] = [];
    for (let slice = 0; slice < 3; slice += 1) {
      const from = performance.now();
      await session.resume(slice);
      await delay(300);
      await session.pause(500);
      windows.push({ from, to: performance.now() });
      const seen: number = server.requests.length;
      await delay(150);
      assert.equal(server.requests.length, seen, 'nothing is sent while paused');
    }
    await session.resume(3);
    await session.finished;
    const measurement = await session.collect();
    assert.equal(measurement.counters['users.created'], 40);
    assert.equal(measurement.counters['users.completed'], 40);
    assert.equal(server.requests.length, 80);
    assert.equal(measurement.slices.length, 4);
    const perSlice = measurement.slices.map((slice) => slice['http.response']?.count ?? 0);
    assert.equal(
      perSlice.reduce((total, count) => total + count, 0),
      80,
    );
    assert.ok(
      perSlice.every((count) => count > 0),
      String(perSlice),
    );
    // Pauses are part of neither the round nor a session.
    assert.ok(measurement.activeMs >= 1_000 && measurement.activeMs < 2_500, `${measurement.activeMs} ms`);
    const sessions = measurement.metrics['session.length']!;
    assert.ok(sessions.minMs >= 100);
  });

  test('a reset forgets the warm-up', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 0.4, arrivalRate: 20 }, { pause: 1 }, { duration: 0.2, arrivalCount: 3 }] }
scenarios: [{ flow: [{ get: { url: / } }] }]
`,
    });
    const rawPath = path.join(folder.path, 'raw.jsonl');
    await using session = await openSession(folder.path, server.url, { rawPath });
    await session.resume();
    await delay(900);
    await session.pause(500);
    assert.equal(server.requests.length, 8);
    await session.reset();
    await session.resume();
    await session.finished;
    const measurement = await session.collect();
    assert.equal(measurement.counters['users.completed'], 3);
    assert.equal(measurement.metrics['http.response']?.count, 3);
    assert.equal(measurement.generator.intendedArrivals, 3);
    assert.equal(measurement.counters['http.requests'], 3);
    assert.equal(observedValue([measurement], 'http.codes.500', 'value'), 0);
    assert.ok(measurement.activeMs < 1_500, `${measurement.activeMs} ms`);
    const raw = (await readFile(rawPath, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(raw.filter(({ metric }) => metric === 'http.response').length, 3);
    assert.ok(raw.every(({ ms, atMs, slice }) => ms > 0 && atMs > 0 && slice === -1));
  });

  test('tells its progress about twice a second', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ name: steady, duration: 2, arrivalRate: 20 }] }
scenarios: [{ flow: [{ get: { url: / } }] }]
`,
    });
    await using session = await openSession(folder.path, server.url);
    const seen: LoadProgress[] = [];
    session.onProgress((progress) => seen.push(progress));
    await session.resume();
    await session.finished;
    const middle = seen.find(({ usersCreated }) => usersCreated > 5)!;
    assert.ok(seen.length >= 2 && seen.length <= 8, `${seen.length} reports`);
    assert.equal(middle.plannedMs, 2_000);
    assert.equal(middle.phase, 'steady');
    assert.equal(middle.main?.id, 'http.response');
    assert.ok((middle.main?.p95Ms ?? 0) > 0);
  });

  test('ends early when it is collected before the scenario is over, and never leaves a process', async () => {
    let echoes = 0;
    await using server = await startServer((socket) =>
      socket.on('echo', () => {
        echoes += 1;
      }),
    );
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 600, arrivalRate: 20 }] }
scenarios: [{ engine: socketio, flow: [{ emit: { channel: echo, data: 1 }, acknowledge: {} }, { think: 300 }] }]
`,
    });
    await using session = await openSession(folder.path, server.url, { session: { workers: 2 } });
    await session.resume();
    while (echoes < 5) await delay(20);
    const measurement = await session.collect();
    const { pids } = session;
    assert.ok((measurement.counters['messages.acknowledged'] ?? 0) >= 1);
    assert.equal(pids.length, 2);
    await session[Symbol.asyncDispose]();
    assert.deepEqual(pids.filter(isAlive), []);
    await session[Symbol.asyncDispose]();
  });

  test("what the scenario's code prints goes to the log and nowhere else", async () => {
    await using server = await startServer();
    const scenario = `
config: { phases: [{ duration: 0.1, arrivalCount: 1 }], processor: ./p.cjs }
scenarios: [{ flow: [{ log: "::set-output name=a::b" }, { function: shout }] }]
`;
    const { log } = await runLoad(
      {
        'scenario.yml': scenario,
        'p.cjs': `exports.shout = (context, events, done) => { console.error('::error::no'); done(); };`,
      },
      server.url,
    );
    assert.match(log, /::set-output name=a::b/);
    assert.match(log, /::error::no/);
  });

  test('an exception of the scenario ends the load, and what was measured is kept', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 60, arrivalRate: 20 }], processor: ./p.cjs }
scenarios: [{ flow: [{ get: { url: / } }, { function: later }] }]
`,
      'p.cjs': `let calls = 0;
exports.later = (context, events, done) => { if (++calls === 5) setTimeout(() => { throw new Error('in a timer'); }, 1); done(); };`,
    });
    await using session = await openSession(folder.path, server.url);
    await session.resume();
    const error = await rejects(session.finished);
    assert.equal(error.code, 'LOAD_FAILED');
    assert.match(error.what, /in a timer/);
    const measurement = await session.collect();
    assert.ok((measurement.metrics['http.response']?.count ?? 0) >= 5);
  });

  test('a generator that is killed is LOAD_FAILED at once, with what it had told', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 60, arrivalRate: 50 }] }
scenarios: [{ flow: [{ get: { url: / } }] }]
`,
    });
    await using session = await openSession(folder.path, server.url);
    let created = 0;
    session.onProgress((progress) => {
      created = progress.usersCreated;
    });
    await session.resume();
    while (created < 130) await delay(20);
    process.kill(session.pid, 'SIGKILL');
    const error = await rejects(session.finished);
    assert.equal(error.code, 'LOAD_FAILED');
    assert.match(error.what, /SIGKILL/);
    const measurement = await session.collect();
    assert.ok((measurement.metrics['http.response']?.count ?? 0) > 0);
    assert.ok(measurement.warnings.some((warning) => /ended/.test(warning)));
  });

  test('a generator whose session is gone ends by itself', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 600, arrivalRate: 5 }] }
scenarios: [{ flow: [{ get: { url: / } }] }]
`,
      'parent.mjs': `
import { openSession, useBundledWorker } from ${JSON.stringify(new URL('./load-fixture.ts', import.meta.url).href)};
const session = await openSession(process.argv[2], process.argv[3], { session: { workerPath: process.argv[4] } });
await session.resume();
console.log(session.pid);
setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);
`,
    });
    const { execFile } = await import('node:child_process');
    const { workerPath } = await import('./load-fixture.ts');
    const stdout = await new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [path.join(folder.path, 'parent.mjs'), folder.path, server.url, workerPath()],
        (_error, output) => resolve(output),
      );
    });
    const pid = Number(/^\d+$/m.exec(stdout)?.[0]);
    assert.ok(pid > 0, stdout);
    for (let waited = 0; isAlive(pid) && waited < 5_000; waited += 50) await delay(50);
    assert.equal(isAlive(pid), false);
  });

  test('runs on the cores it is given', {
    skip: process.platform !== 'linux' && 'taskset is Linux',
  }, async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 0.1, arrivalCount: 1 }] }
scenarios: [{ flow: [{ get: { url: / } }] }]
`,
    });
    await using session = await openSession(folder.path, server.url, { session: { cpus: [0] } });
    if (session.pinnedTo === null) return;
    assert.equal(session.pinnedTo, '0');
    for (const thread of await readdir(`/proc/${session.pid}/task`)) {
      const status = await readFile(`/proc/${session.pid}/task/${thread}/status`, 'utf8').catch(() => '');
      if (status !== '') assert.match(status, /^Cpus_allowed_list:\t0$/m);
    }
  });

  for (const [what, files, code, pattern] of [
    [
      'a "before" that fails',
      {
        'scenario.yml':
          'config: {}\nbefore: { flow: [{ get: { url: "http://127.0.0.1:1/" } }] }\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
      },
      'LOAD_FAILED',
      /"before" section failed.*ECONNREFUSED/,
    ],
    [
      'a processor that does not load',
      {
        'scenario.yml': 'config: { processor: p.cjs }\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
        'p.cjs': 'throw new Error("no such table")',
      },
      'SCENARIO_CODE_FAILED',
      /no such table/,
    ],
    [
      'a plugin that does not start',
      {
        'scenario.yml': 'config: { plugins: { broken: {} } }\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
        'artillery-plugin-broken.js':
          'exports.Plugin = class { constructor() { throw new Error("no licence key"); } }',
      },
      'SCENARIO_CODE_FAILED',
      /no licence key/,
    ],
    [
      'an engine that does not start',
      {
        'scenario.yml':
          'config: { engines: { broken: {} } }\nscenarios: [{ engine: broken, flow: [{ x: 1 }] }]\n',
        'artillery-engine-broken.js': 'throw new Error("needs a browser")',
      },
      'SCENARIO_CODE_FAILED',
      /needs a browser/,
    ],
  ] as const)
    test(`${what} is an error before the load, with its place`, async () => {
      await using folder = await folderWith(files);
      const error = await rejects(
        openSession(folder.path, 'http://127.0.0.1:1', {
          session: { env: { ...process.env, NODE_PATH: folder.path } },
        }),
      );
      assert.equal(error.code, code);
      assert.match(error.what, pattern);
      if (code === 'SCENARIO_CODE_FAILED') assert.equal(error.where.line, 1);
    });
});
