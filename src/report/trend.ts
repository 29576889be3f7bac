import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { sketchOver } from '../measurement/merge-rounds.ts';
import type { RoundMeasurement } from '../measurement/round-measurement.ts';
import type { Statistic } from '../settings/threshold.ts';
import type { TrendReport } from './report-model.ts';

const quantileOf: Partial<Record<Statistic, number>> = {
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
};
const maxPoints = 20;

/**
 * One statistic of a metric over recent stored runs and this one, oldest first; null when there are not two values
 * to set beside each other.
 */
export const trendOf = (
  history: readonly BaselineRecord[],
  head: readonly RoundMeasurement[],
  metric: string,
  statistic: 'p50' | 'p90' | 'p95' | 'p99' | 'p999' = 'p95',
): TrendReport | null => {
  const values = [...history.map((record) => record.rounds), head].flatMap((rounds) => {
    const sketch = sketchOver(rounds, metric);
    return sketch === null || sketch.count === 0 ? [] : sketch.quantileMs(quantileOf[statistic]!);
  });
  return values.length < 2 ? null : { metric, statistic, values: values.slice(-maxPoints) };
};
