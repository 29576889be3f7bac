// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runWorkload } from './workload-run.ts';

const config = 'examples/signalling-server/tailgate.yml';

test('media signalling: every user goes live, and the rates of its events are reported', async () => {
  const result = await runWorkload(config, (settings) => {
    settings.suites[0]!.overrides = { phases: [{ duration: 5, arrivalCount: 60 }] };
    settings.target!.env = { MEDIA: 'stand-in' };
    settings.verdict = { minSamplesP95: 50 };
    settings.thresholds = [
      'users.failed = 0',
      'session.length.p95 < 5s',
      '*.ack.p95 < 5s',
      'messages.sent.perSecond > 20/s',
      'messages.sent.maxPerSecond > 20/s',
    ];
  });
  assert.equal(result.exitCode, 0, result.log);
  assert.equal(result.report.verdict, 'pass');
  assert.equal(result.counter('users.created'), 60);
  assert.equal(result.counter('users.completed'), 60);
  assert.equal(result.counter('users.failed'), 0);
  assert.equal(result.counter('messages.sent'), 240);
  assert.equal(result.counter('messages.acknowledged'), 240);
  for (const event of ['getRouterRtpCapabilities', 'createTransport', 'connectTransport', 'produce'])
    assert.equal(result.latency(`${event}.ack`).count, 60);
  const session = result.latency('session.length');
  assert.equal(session.count, 60);
  assert.ok((session.maxMs ?? 0) >= (session.p50Ms ?? Number.POSITIVE_INFINITY));
  const rate = result.suite.sendRate?.head;
  assert.ok(rate !== undefined && rate !== null && rate.maxPerSecond !== null);
  // Four events each of about twelve users a second, over the time that was driven.
  assert.equal(result.value('messages.sent.perSecond'), rate.meanPerSecond);
  assert.equal(result.value('messages.sent.maxPerSecond'), rate.maxPerSecond);
  assert.ok(rate.meanPerSecond > 20 && rate.meanPerSecond <= 48.1, `${rate.meanPerSecond}/s`);
  assert.ok(rate.maxPerSecond >= rate.meanPerSecond && rate.maxPerSecond <= 240, `${rate.maxPerSecond}/s`);
  assert.match(result.file('report.md'), /Messages a second/);
});

test('media signalling: users that the server has no transport for fail, with its words', async () => {
  const result = await runWorkload(config, (settings) => {
    settings.suites[0]!.overrides = { phases: [{ duration: 4, arrivalCount: 40 }] };
    settings.target!.env = { MEDIA: 'stand-in', MAX_TRANSPORTS: 0 };
    settings.thresholds = ['users.failed = 0', 'getRouterRtpCapabilities.ack.max < 60s'];
  });
  assert.equal(result.exitCode, 1, result.log);
  assert.equal(result.report.verdict, 'fail');
  assert.equal(result.counter('users.failed'), 40);
  const [error] = result.suite.errors;
  assert.equal(error?.name, 'ack mismatch: createTransport');
  assert.equal(error?.count, 40);
  assert.match(String(error?.steps), /createTransport/);
  assert.match(String(error?.messages), /No transport is left: all 0 are in use/);
});
