import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SSMS } from '../../node_modules/artillery/dist/lib/core/ssms.js';
import { recorder } from '../../src/engines/core/recorder.ts';
import { MetricStore } from '../../src/generator/artillery/metric-store.ts';
import { folderWith, openSession, runLoad, startServer, useBundledWorker } from './load-fixture.ts';

const users = (count: number): string => `phases: [{ duration: 0.2, arrivalCount: ${count} }]`;

/** Each of these fails, hangs or lies on plain Artillery. */
describe('traps', { concurrency: 2 }, () => {
  useBundledWorker();

  test('an acknowledgement that never comes ends as a named error', async () => {
    await using server = await startServer();
    const scenario = `
config: { ${users(2)} }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: silent, data: 1 }
        acknowledge: {}
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, server.url, {
      engine: { timeoutMs: 1_500 },
    });
    assert.equal(measurement.counters['users.failed'], 2);
    assert.equal(measurement.counters['messages.unanswered'], 2);
    const [error] = measurement.errors;
    assert.equal(error?.count, 2);
    assert.match(error?.name ?? '', /timeout/);
    assert.match(error?.name ?? '', /silent/);
  });

  test('scenarios of engine socketio-v3 have latencies', async () => {
    await using server = await startServer();
    const scenario = `
config: { ${users(3)}, engines: { socketio-v3: {} } }
scenarios:
  - engine: socketio-v3
    flow: [{ emit: [echo, { a: 1 }], acknowledge: {} }]
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, server.url);
    assert.equal(measurement.counters['users.completed'], 3);
    assert.equal(measurement.metrics['echo.ack']?.count, 3);
  });

  test('errors keep their count, their message and their step', async () => {
    const scenario = `
config: { ${users(3)}, processor: ./p.cjs }
scenarios:
  - { name: down, weight: 1, flow: [{ get: { url: "http://127.0.0.1:1/nothing" } }] }
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario, 'p.cjs': '' }, 'http://127.0.0.1:1');
    assert.equal(measurement.counters['users.failed'], 3);
    assert.equal(measurement.counters.errors, 3, 'counted once each');
    assert.deepEqual(measurement.errors, [
      {
        name: 'ECONNREFUSED',
        count: 3,
        messages: ['connect ECONNREFUSED 127.0.0.1:1'],
        steps: ['get http://127.0.0.1:1/nothing'],
      },
    ]);
  });

  test("errors of the scenario's own code are errors like others", async () => {
    await using server = await startServer();
    const scenario = `
config: { ${users(2)}, processor: ./p.cjs }
scenarios: [{ flow: [{ function: complain }, { get: { url: / } }, { function: fail }] }]
`;
    const processor = `module.exports = {
  complain(context, events, done) { events.emit('error', 'not my day'); done(); },
  async fail() { throw new Error('broken on purpose'); },
};`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario, 'p.cjs': processor }, server.url);
    assert.deepEqual(measurement.errors.map(({ name, count }) => [name, count]).toSorted(), [
      ['broken on purpose', 2],
      ['not my day', 2],
    ]);
    assert.equal(measurement.counters['users.failed'], 2);
  });

  test('a processor may export what no JSON holds, with plugins beside it', async () => {
    await using server = await startServer();
    const scenario = `
config: { ${users(1)}, processor: ./p.cjs, plugins: { expect: {} } }
scenarios: [{ flow: [{ function: go }, { get: { url: /, expect: [{ statusCode: 200 }] } }] }]
`;
    const processor = `const cache = { big: 1n }; cache.self = cache;
module.exports = { cache, go(context, events, done) { done(); } };`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario, 'p.cjs': processor }, server.url);
    assert.equal(measurement.counters['users.completed'], 1);
  });

  test('code of the scenario that replaces clocks and timers changes no latency, and is named', async () => {
    await using server = await startServer();
    const scenario = `
config: { ${users(3)}, processor: ./p.cjs, socketio: { transports: [websocket] } }
scenarios: [{ engine: socketio, flow: [{ emit: { channel: echo, data: 1 }, acknowledge: {} }] }]
`;
    const processor = `
performance.now = () => 0;
process.hrtime = () => [0, 0];
Date.now = () => 0;
global.performance = { now: () => 0 };
global.setTimeout = (callback) => setImmediate(callback);
global.Promise = class {};
module.exports = {};`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario, 'p.cjs': processor }, server.url);
    assert.equal(measurement.counters['users.completed'], 3);
    const sketch = measurement.metrics['echo.ack'];
    assert.equal(sketch?.count, 3);
    assert.ok(sketch.minMs > 0 && sketch.maxMs < 2_000, JSON.stringify(sketch));
    assert.ok(measurement.activeMs > 100, 'the load lasted as long as its phase');
    assert.deepEqual(measurement.warnings, [
      'Code of the scenario replaces performance.now, process.hrtime, Date.now, performance, setTimeout, Promise. The load kept its own, by which it measures.',
    ]);
  });

  test('templates of config that only a user can resolve reach the user: headers of HTTP', async () => {
    await using server = await startServer();
    const scenario = `
config:
  ${users(2)}
  payload: { path: tokens.csv, fields: [token], order: sequence }
  http: { defaults: { headers: { authorization: "Bearer {{ token }}", x-static: "{{ $environment }}" } } }
scenarios: [{ flow: [{ get: { url: / } }] }]
`;
    await runLoad({ 'scenario.yml': scenario, 'tokens.csv': 'aaa\nbbb\n' }, server.url);
    assert.deepEqual(server.requests.map(({ headers }) => headers.authorization).toSorted(), [
      'Bearer aaa',
      'Bearer bbb',
    ]);
  });

  test('templates of config that only a user can resolve reach the user: Socket.IO headers', async () => {
    const seen: unknown[] = [];
    await using server = await startServer((socket) => {
      seen.push(socket.handshake.headers.authorization);
    });
    const scenario = `
config:
  ${users(2)}
  payload: { path: tokens.csv, fields: [token], order: sequence }
  socketio: { transports: [websocket], extraHeaders: { authorization: "Bearer {{ token }}" } }
scenarios:
  - engine: socketio
    flow: [{ emit: { channel: echo, data: 1 }, acknowledge: {} }]
`;
    const { measurement } = await runLoad(
      { 'scenario.yml': scenario, 'tokens.csv': 'aaa\nbbb\n' },
      server.url,
    );
    assert.equal(measurement.counters['users.completed'], 2);
    assert.deepEqual(seen.toSorted(), ['Bearer aaa', 'Bearer bbb']);
  });

  test('arrivals at a steady rate do not spin', async () => {
    const scenario = `
config: { phases: [{ duration: 2, arrivalRate: 250 }] }
scenarios: [{ flow: [{ think: 0 }] }]
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, 'http://127.0.0.1:1');
    assert.equal(measurement.counters['users.completed'], 500);
    // Artillery's timer keeps a whole core busy.
    assert.ok(measurement.generator.cpuShare < 0.6, `${measurement.generator.cpuShare} of a core`);
  });

  test('metrics take constant memory', () => {
    const heapAfter = (record: (index: number) => void): number => {
      globalThis.gc?.();
      const before = process.memoryUsage().heapUsed;
      for (let index = 0; index < 200_000; index += 1) record(index);
      globalThis.gc?.();
      return process.memoryUsage().heapUsed - before;
    };
    // The flag makes garbage collection callable, so that what is kept can be told from what was used.
    const { setFlagsFromString } = process.getBuiltinModule('v8');
    const { runInNewContext } = process.getBuiltinModule('vm');
    setFlagsFromString('--expose-gc');
    globalThis.gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
    const ours = new MetricStore();
    const kept = heapAfter((index) => {
      ours.counter('my.events', 1);
      ours.histogram('my.latency', index % 100);
    });
    const artillery = new SSMS();
    const keptByArtillery = heapAfter((index) => {
      artillery.counter('my.events', 1);
      artillery.histogram('my.latency', index % 100);
    });
    artillery.stop();
    assert.equal(recorder.counter('my.events'), 200_000);
    assert.ok(kept < 500_000, `${kept} bytes`);
    assert.ok(keptByArtillery > 5_000_000, `${keptByArtillery} bytes in Artillery's store`);
  });

  test('an error counter of somebody else counts as many as it says', () => {
    recorder.reset();
    const store = new MetricStore();
    store.counter('errors.ETIMEDOUT', 5);
    store.counter('errors.ETIMEDOUT', 1);
    store.counter('errors.EPIPE', 0);
    const { errors, counters } = recorder.snapshot();
    assert.deepEqual(
      errors.map(({ name, count }) => [name, count]),
      [['ETIMEDOUT', 6]],
    );
    assert.equal(counters.errors, 6);
    recorder.reset();
  });

  test('the load is over when its last user is, not seconds later', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 0.3, arrivalCount: 3 }] }
scenarios: [{ flow: [{ get: { url: /slow/400 } }] }]
`,
    });
    await using session = await openSession(folder.path, server.url);
    await session.resume();
    await session.finished;
    const finishedMs = performance.now();
    const lastAnswerMs = Math.max(...server.requests.map(({ atMs }) => atMs)) + 400;
    assert.ok(finishedMs - lastAnswerMs < 800, `${finishedMs - lastAnswerMs} ms after the last answer`);
    const { activeMs } = await session.collect();
    await delay(0);
    assert.ok(activeMs >= 600 && activeMs < 3_000, `${activeMs} ms`);
  });
});
