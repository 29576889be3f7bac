import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { mainOf } from '../metrics/main-metric.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { distributionOver, statisticOfSketch } from '../metrics/values.ts';
import type { TrendReport } from './report-model.ts';

const maxPoints = 20;

/**
 * One statistic of a metric over recent stored runs and this one, oldest first; null when there are not two values
 * to set beside each other. Without a metric, the main one of this run is taken.
 */
export const trendOf = (
  history: readonly BaselineRecord[],
  head: readonly RoundMeasurement[],
  metric: string | null,
  statistic: 'p50' | 'p90' | 'p95' | 'p99' | 'p999' = 'p95',
): TrendReport | null => {
  const shown = mainOf(metric, head);
  if (shown === null) return null;
  const values = [...history.map((record) => record.rounds), head].flatMap((rounds) => {
    const sketch = distributionOver(rounds, shown);
    return sketch === null ? [] : statisticOfSketch(sketch, statistic)!;
  });
  return values.length < 2 ? null : { metric: shown, statistic, values: values.slice(-maxPoints) };
};
