import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runWorkload } from './workload-run.ts';

const config = 'examples/location-server/tailgate.yml';
/** So many users that a few of them stand in the same city. */
const users = (arrivalCount: number, duration: number) => ({ phases: [{ duration, arrivalCount }] });
const limits = ['save_msg.delivery.max < 60s', 'users.failed = 0', 'lost = 0', 'custom.lost = 0'];

describe('location messages', () => {
  test('every message is stored in a test database and pushed to everyone near', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.suites[0]!.overrides = users(120, 5);
      settings.thresholds = [...limits, 'custom.persisted = 120'];
    });
    assert.equal(result.exitCode, 0, result.log);
    assert.equal(result.counter('users.completed'), 120);
    assert.equal(result.latency('save_msg.ack').count, 120);
    assert.equal(result.latency('http.response').count, 120);
    assert.equal(result.value('custom.persisted'), 120);
    const received = result.counter('deliveries.received');
    assert.ok(received > 20, `${received} deliveries`);
    assert.equal(result.counter('deliveries.expected'), received);
    assert.equal(result.latency('save_msg.delivery').count, received);
    assert.deepEqual(result.suite.errors, []);
  });

  test('two generator processes share the users and count what one sends to users of the other', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.suites[0]!.overrides = users(120, 5);
      settings.measure = { ...settings.measure, generators: 2 };
      settings.thresholds = [...limits, 'custom.persisted = 120'];
    });
    assert.equal(result.exitCode, 0, result.log);
    assert.equal(result.counter('users.completed'), 120);
    assert.equal(result.suite.generator?.startedArrivals, 120);
    const received = result.counter('deliveries.received');
    assert.ok(received > 20, `${received} deliveries`);
    assert.equal(result.counter('deliveries.expected'), received);
    assert.deepEqual(result.suite.errors, []);
  });

  test('messages that were acknowledged and never stored fail the gate', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.suites[0]!.overrides = users(60, 4);
      settings.target!.env = {
        ...(settings.target!.env as object),
        WRITE_BATCH_MS: 500,
        WRITE_QUEUE_LIMIT: 3,
      };
      settings.thresholds = limits;
    });
    assert.equal(result.exitCode, 1, result.log);
    assert.equal(result.counter('messages.acknowledged'), 60);
    const lost = result.value('custom.lost') ?? 0;
    assert.ok(lost > 0 && lost < 60, `${lost} lost`);
    const failed = result.suite.metrics.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);
    assert.deepEqual(failed, ['custom.lost']);
  });

  test('43 connections that a full server refuses are 43 errors that say so', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.suites[0]!.overrides = users(60, 2);
      settings.target!.env = { ...(settings.target!.env as object), MAX_CONNECTIONS: 17 };
      settings.thresholds = limits;
      // The users stay until all have tried, so that none of them makes room for another.
      settings.suites[0]!.variables = { staySeconds: 5 };
    });
    assert.equal(result.exitCode, 1, result.log);
    assert.equal(result.counter('users.failed'), 43);
    assert.deepEqual(result.suite.errors, [
      {
        name: 'connect error: HTTP 503',
        count: 43,
        baselineCount: null,
        messages: ['websocket error: Unexpected server response: 503'],
        steps: ['tell those nearby, step 2 (save_msg)'],
      },
    ]);
    for (const name of ['report.md', 'report.html', 'junit.xml'])
      assert.match(result.file(name), /connect error: HTTP 503/, name);
    assert.match(result.log, /connect error: HTTP 503 × 43/);
  });

  test('when the server is out of descriptors, the report says what clients saw and that its limit was reached', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.suites[0]!.overrides = users(60, 2);
      settings.suites[0]!.variables = { staySeconds: 5 };
      settings.target!.start = 'ulimit -n 60; exec node examples/location-server/server.js';
      settings.thresholds = [...limits, 'server.fds.max < 50'];
    });
    assert.equal(result.exitCode, 1, result.log);
    const names = result.suite.errors.map(({ name }) => name);
    assert.ok(names.length > 0 && names.every((name) => /ECONNRESET/.test(name)), names.join());
    assert.ok(result.counter('users.failed') > 10);
    assert.equal(result.suite.resources?.head?.openFilesLimit, 60);
    assert.ok((result.suite.resources?.head?.maxOpenFiles ?? 0) >= 59);
    assert.match(result.file('report.md'), /Open files, peak \|.*6\d of 60/);
  });

  test('a server that would write into the real database does not start, and the report says why', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.target!.env = { NODE_ENV: 'test' };
    });
    assert.equal(result.report.verdict, 'invalid');
    assert.notEqual(result.exitCode, 0);
    assert.match(result.file('report.md'), /DATABASE\\?_URL is not set\. In tests and in CI/);
  });
});
