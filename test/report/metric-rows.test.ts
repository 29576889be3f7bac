import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { judgedMetric } from '../../src/report/measured-parts.ts';
import { metricRows } from '../../src/report/metric-rows.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import { evidenceOf, noRegression, quietWorld, simulatePairs } from '../verdict/simulator.ts';

const rowsOf = (thresholds: readonly string[]) => {
  const world = { ...quietWorld, processDeviation: 0.2, burstShare: 0.2 };
  const pairs = simulatePairs(world, { ...noRegression, slower: 1.1 }, 6, 7);
  const judgement = judgeSuite(
    evidenceOf({
      comparison: 'side-by-side',
      pairs,
      final: true,
      thresholds: thresholds.map((text) => parseThreshold(text)),
    }),
  );
  return metricRows({ metrics: judgement.metrics.map(judgedMetric), main: judgement.main });
};

test('the values of a row agree with the change beside them', () => {
  const rows = rowsOf([]).filter(({ change }) => change !== null);
  assert.ok(rows.length >= 4);
  for (const { baseline, head, change, statistic } of rows) {
    const expected = baseline! * (1 + change!.relative);
    assert.ok(Math.abs(head! / expected - 1) < 1e-9, `${statistic}: ${baseline}, ${head}`);
  }
});

test('what an absolute limit was held against has a line of its own where it is another value', () => {
  const rows = rowsOf(['chat.ack.p95 < 1s']).filter(({ statistic }) => statistic === 'p95');
  assert.equal(rows.length, 2);
  const [compared, held] = rows;
  assert.deepEqual(
    held!.limits.map(({ rule }) => rule),
    ['chat.ack.p95 < 1s'],
  );
  assert.equal(compared!.limits[0]?.value, undefined);
  assert.equal(held!.change, null);
  assert.equal(held!.head, held!.limits[0]!.value);
  assert.notEqual(held!.head, compared!.head);
});
