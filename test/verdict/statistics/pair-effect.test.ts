import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mean } from '../../../src/metrics/averages.ts';
import type { Statistic } from '../../../src/metrics/threshold.ts';
import {
  estimatorFor,
  pairLogRatio,
  sketchResolution,
  sliceChanges,
  summarisePairs,
} from '../../../src/verdict/statistics/pair-effect.ts';
import {
  standardDeviation,
  trimmedMean,
  weightedTrimmedMean,
  winsorisedDeviation,
} from '../../../src/verdict/statistics/robust.ts';
import {
  metricId,
  noRegression,
  quietWorld,
  type Regression,
  roundOf,
  simulatePairs,
  sketchOf,
  type World,
} from '../simulator.ts';

test('robust location and scale', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1000];
  // The two values at each end are cut: (3 + ... + 8) / 6. Winsorised: 3, 3, 3, 4, 5, 6, 7, 8, 8, 8.
  assert.equal(trimmedMean(values, 0.2), 5.5);
  assert.ok(Math.abs(winsorisedDeviation(values, 0.2) - Math.sqrt(42.5 / 9)) < 1e-12);
  assert.equal(trimmedMean([7], 0.2), 7);
  const equal = values.map((value) => ({ value, weight: 3 }));
  assert.ok(Math.abs(weightedTrimmedMean(equal, 0.2) - 5.5) < 1e-12, 'with equal weights it is the same');
  // Of the total weight of 10, two are cut at each end: all of 1 and half of 3; all of 9 and one of the six of 5.
  const unequal = [
    { value: 5, weight: 6 },
    { value: 1, weight: 1 },
    { value: 3, weight: 2 },
    { value: 9, weight: 1 },
  ];
  assert.ok(Math.abs(weightedTrimmedMean(unequal, 0.2) - (1 * 3 + 5 * 5) / 6) < 1e-12);
  assert.equal(weightedTrimmedMean(unequal, 0), (1 + 6 + 30 + 9) / 10);
  assert.equal(mean([1, 2, 6]), 3);
  assert.ok(Math.abs(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]) - Math.sqrt(32 / 7)) < 1e-12);
  assert.ok(Number.isNaN(standardDeviation([1])));
});

describe('inside one pair', () => {
  const sliced = (mediansMs: number[], count = 100) => {
    const slices = mediansMs.map((medianMs) => sketchOf(Array.from({ length: count }, () => medianMs)));
    return roundOf({
      metrics: { [metricId]: sketchOf(mediansMs.flatMap((one) => Array.from({ length: count }, () => one))) },
      slices: slices.map((slice) => ({ [metricId]: slice })),
    });
  };
  const flat = (value: number) => Array.from({ length: 10 }, () => value);

  test('adjacent slices are compared, in the order they were measured', () => {
    const changes = sliceChanges(sliced([10, 20, 40]), sliced([11, 22, 44]), metricId, 'p50');
    assert.deepEqual(
      changes.map(({ samples }) => samples),
      [100, 100, 100],
    );
    for (const { logRatio } of changes) assert.ok(Math.abs(logRatio - Math.log(1.1)) < 0.011);
  });

  test('two odd slices do not move a trimmed estimate, and move the mean that a p99 has', () => {
    const head = [...flat(10)];
    head[3] = 200;
    head[7] = 300;
    const p50 = pairLogRatio(sliced(flat(10)), sliced(head), metricId, 'p50')!;
    assert.ok(Math.abs(p50) < 0.005, `${p50}`);
    const p99 = pairLogRatio(sliced(flat(10)), sliced(head), metricId, 'p99')!;
    assert.ok(Math.abs(p99 - (Math.log(20) + Math.log(30)) / 10) < 0.01, `${p99}`);
  });

  test('without enough slices, or values in them, the pooled values are compared', () => {
    const pooled = pairLogRatio(sliced([10, 20]), sliced([12, 24]), metricId, 'p50')!;
    assert.ok(Math.abs(pooled - Math.log(1.2)) < 0.011);
    const thin = pairLogRatio(sliced(flat(10), 3), sliced(flat(12), 3), metricId, 'p95')!;
    assert.ok(Math.abs(thin - Math.log(1.2)) < 0.011);
    assert.deepEqual(sliceChanges(sliced(flat(10), 3), sliced(flat(12), 3), metricId, 'p95'), []);
  });

  test('what one side did not measure has no ratio', () => {
    assert.equal(pairLogRatio(roundOf({}), sliced(flat(10)), metricId, 'p50'), null);
    assert.equal(pairLogRatio(sliced(flat(10)), roundOf({}), metricId, 'p50'), null);
  });

  test('other metrics are compared by their one value', () => {
    const rounds = [roundOf({ custom: { queries: 100 } }), roundOf({ custom: { queries: 110 } })] as const;
    assert.ok(Math.abs(pairLogRatio(...rounds, 'custom.queries', 'value')! - Math.log(1.1)) < 1e-12);
    const zero = roundOf({ custom: { queries: 0 } });
    assert.equal(pairLogRatio(zero, rounds[1], 'custom.queries', 'value'), null);
  });
});

test('over pairs, a deviation smaller than the sketches can show is not believed', () => {
  const same = summarisePairs([0.05, 0.05, 0.05, 0.05], sketchResolution);
  assert.equal(same.deviation, sketchResolution);
  assert.ok(Math.abs(same.standardError - sketchResolution / 2) < 1e-15);
  const differing = summarisePairs([0, 0.2], sketchResolution);
  assert.ok(Math.abs(differing.deviation - Math.SQRT2 * 0.1) < 1e-12);
});

describe('why these estimators', () => {
  const values = (
    world: World,
    regression: Regression,
    statistic: Statistic,
    estimator: 'pooled' | 'mean' | 'trimmed',
  ) =>
    simulatePairs(world, regression, 60, 5).map(
      (pair) => pairLogRatio(pair.baseline, pair.head, metricId, statistic, estimator)!,
    );
  const bursts: World = { ...quietWorld, processDeviation: 0.01, rate: 100, burstShare: 0.1 };

  test('bursts of the machine: slices are far steadier than pooled quantiles, trimmed ones most', () => {
    const deviation = (estimator: 'pooled' | 'mean' | 'trimmed') =>
      standardDeviation(values(bursts, noRegression, 'p95', estimator));
    assert.ok(deviation('trimmed') < 0.7 * deviation('mean'), 'trimmed against mean');
    assert.ok(deviation('mean') < 0.9 * deviation('pooled'), 'mean against pooled');
    const tail = (estimator: 'pooled' | 'mean') =>
      standardDeviation(values(bursts, noRegression, 'p99', estimator));
    assert.ok(tail('mean') < 0.5 * tail('pooled'), 'p99');
  });

  test('a load that is still filling up: slices that weigh by their samples are steadier than equal ones', () => {
    const filling: World = {
      ...quietWorld,
      processDeviation: 0.005,
      rate: 120,
      startShare: 0.1,
      burstShare: 0,
    };
    const pairs = simulatePairs(filling, noRegression, 150, 7);
    const equal = pairs.map(({ baseline, head }) =>
      trimmedMean(
        sliceChanges(baseline, head, metricId, 'p50').map(({ logRatio }) => logRatio),
        0.2,
      ),
    );
    const weighted = pairs.map(({ baseline, head }) => pairLogRatio(baseline, head, metricId, 'p50')!);
    const gain = standardDeviation(weighted) / standardDeviation(equal);
    assert.ok(gain < 0.96, `${gain}`);
    assert.ok(Math.abs(mean(weighted)) < 0.015, `${mean(weighted)}`);
  });

  test('drift that both sides share does not bias, and a change is found in full', () => {
    const drift: World = {
      ...quietWorld,
      processDeviation: 0.01,
      rate: 100,
      burstShare: 0,
      driftPerSlice: 0.1,
    };
    for (const statistic of ['p50', 'p95', 'p99'] as const) {
      const estimator = estimatorFor(statistic) as 'mean' | 'trimmed';
      const still = mean(values(drift, noRegression, statistic, estimator));
      const slower = mean(values(drift, { ...noRegression, slower: 1.1 }, statistic, estimator));
      assert.ok(Math.abs(still) < 0.03, `${statistic}: ${still}`);
      assert.ok(Math.abs(slower - still - Math.log(1.1)) < 0.03, `${statistic}: ${slower}`);
    }
  });

  test('a stall in one slice of ten: the trimmed p95 is nearly blind to it, the p99 and the maximum are not', () => {
    const stall = { ...noRegression, stallMs: 200, stallShare: 0.1 };
    const quiet: World = { ...quietWorld, processDeviation: 0.01, rate: 100, burstShare: 0.02 };
    const strength = (statistic: Statistic) => {
      const found = values(quiet, stall, statistic, estimatorFor(statistic));
      return (mean(found) / standardDeviation(found)) * Math.sqrt(20);
    };
    assert.ok(mean(values(quiet, stall, 'p95', 'trimmed')) < 0.08);
    assert.ok(strength('p99') > 3, `p99 ${strength('p99')}`);
    assert.ok(strength('max') > 3, `max ${strength('max')}`);
  });
});
