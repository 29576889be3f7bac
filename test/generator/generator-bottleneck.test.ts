import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bottleneckLimits, generatorBottleneck } from '../../src/generator/generator-bottleneck.ts';
import type { GeneratorHealth } from '../../src/metrics/round-measurement.ts';

const healthy: GeneratorHealth = {
  cpuShare: bottleneckLimits.cpuShare,
  loopDelayP50Ms: bottleneckLimits.loopDelayP50Ms,
  loopDelayP99Ms: bottleneckLimits.loopDelayP99Ms,
  loopDelayMaxMs: 500,
  intendedArrivals: 80,
  startedArrivals: 80,
  lateArrivals: 3,
  intendedSends: 20,
  lateSends: 2,
  maxLagMs: 70,
  peakRssBytes: 1e8,
};

test('a generator at its limits is not the bottleneck, nor is one that did nothing', () => {
  assert.equal(generatorBottleneck(healthy), null);
  assert.equal(
    generatorBottleneck({ ...healthy, intendedArrivals: 0, lateArrivals: 0, intendedSends: 0, lateSends: 0 }),
    null,
  );
});

for (const [what, change, reason] of [
  ['its CPU', { cpuShare: 0.97 }, /97% of a core/],
  [
    'arrivals and sends that were late',
    { lateSends: 3 },
    /6% of its arrivals and timed sends started late, up to 70 ms/,
  ],
  ['a slow event loop throughout', { loopDelayP50Ms: 22 }, /22 ms at the median/],
  ['an event loop that stalls', { loopDelayP99Ms: 81.4 }, /81 ms at the 99th percentile/],
] as const)
  test(`${what} makes it the bottleneck, with the reason`, () => {
    assert.match(generatorBottleneck({ ...healthy, ...change }) ?? '', reason);
  });
