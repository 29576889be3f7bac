// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRabbitMq } from '../engines/stomp/rabbitmq.ts';
import { runWorkload } from './workload-run.ts';

const config = 'examples/rabbitmq-rooms/tailgate.yml';

/** The suite of one variant, at the level of 30 users. */
const smallest = (variant: string) => (settings: Parameters<Parameters<typeof runWorkload>[1]>[0]) => {
  settings.suites = settings.suites.filter(({ name }) => name === variant);
  const [suite] = settings.suites;
  suite!.levels = [];
  settings.verdict = { minSamplesP95: 100 };
  settings.thresholds = ['room.delivery.p95 < 5s', 'errors = 0', 'lost = 0', 'custom.missing = 0'];
};

test(
  'rooms on RabbitMQ: every message reaches the six of its room and the database',
  needsRabbitMq,
  async () => {
    const result = await runWorkload(config, smallest('inline'));
    assert.equal(result.exitCode, 0, result.log);
    assert.equal(result.report.verdict, 'pass');
    assert.equal(result.counter('users.completed'), 30);
    assert.equal(result.counter('messages.sent'), 50);
    assert.equal(result.counter('deliveries.expected'), 300);
    assert.equal(result.counter('deliveries.received'), 300);
    assert.equal(result.latency('room.receipt').count, 50);
    assert.equal(result.latency('subscribe.receipt').count, 30);
    assert.equal(result.value('custom.missing'), 0);
  },
);

test('rooms on RabbitMQ: messages that were never persisted fail the gate', needsRabbitMq, async () => {
  const result = await runWorkload(config, (settings) => {
    smallest('queue')(settings);
    settings.suites[0]!.target = { env: { VARIANT: 'queue', QUEUE_LIMIT: 1 } };
    settings.suites[0]!.overrides = { phases: [{ duration: 1, arrivalCount: 60 }] };
  });
  assert.equal(result.exitCode, 1, result.log);
  assert.equal(result.report.verdict, 'fail');
  // Everyone got everything, and no error tells of it: only the database does.
  assert.equal(result.counter('deliveries.received'), 600);
  assert.equal(result.counter('errors'), 0);
  assert.ok((result.value('custom.missing') ?? 0) > 0, result.log);
});
