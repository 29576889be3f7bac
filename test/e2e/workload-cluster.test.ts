// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutRedis } from '../examples/redis.ts';
import { root } from './runner.ts';
import { runWorkload } from './workload-run.ts';

test('before and after scaling out are one run, with every delivery across instances accounted for', {
  skip: withoutRedis,
}, async () => {
  const result = await runWorkload('examples/chat-cluster/tailgate.yml', (settings) => {
    settings.suites[0]!.overrides = { phases: [{ duration: 20, arrivalRate: 5 }] };
    settings.baseline!.dir = root;
    settings.verdict = {
      ...{ minPairs: 2, maxPairs: 2, slicesPerSide: 3, warmUpMs: 3_000 },
      ...{ minSamplesP50: 1, minSamplesP95: 1, minSamplesP99: 1 },
    };
    settings.thresholds = ['chat.delivery.p95 < 5s', 'users.failed = 0', 'lost = 0', 'duplicated = 0'];
    settings.explain = 'never' as never;
    // Two pairs are too few to say which of the two is faster; that is not asked here.
    settings.failOn = ['invalid'] as never;
  });
  assert.equal(result.exitCode, 0, result.log);
  const { suite } = result;
  assert.equal(suite.comparison, 'side-by-side');
  assert.equal(suite.rounds.length, 4);
  for (const side of ['baseline', 'head'] as const) {
    const counter = (name: string) => suite.counters[name]?.[side] ?? 0;
    assert.ok(counter('deliveries.received') > 100, `${side}: ${counter('deliveries.received')} deliveries`);
    assert.equal(counter('deliveries.expected'), counter('deliveries.received'), side);
    assert.equal(counter('deliveries.lost'), 0, side);
    assert.equal(counter('deliveries.duplicated'), 0, side);
    const delivery = suite.metrics.find(({ id }) => id === 'chat.delivery')?.[side];
    assert.equal(delivery?.count, counter('deliveries.received'), side);
  }
  const processes = suite.resources;
  assert.ok((processes?.head?.maxRssBytes ?? 0) > (processes?.baseline?.maxRssBytes ?? 0));
  assert.deepEqual(suite.errors, []);
});
