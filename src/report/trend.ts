import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { sketchOver } from '../metrics/merge-rounds.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { Statistic } from '../metrics/threshold.ts';
import type { TrendReport } from './report-model.ts';

const quantileOf: Partial<Record<Statistic, number>> = {
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
};
const maxPoints = 20;

const mostMeasured = (rounds: readonly RoundMeasurement[]): string | null => {
  const counts = new Map<string, number>();
  for (const round of rounds)
    for (const [id, sketch] of Object.entries(round.metrics))
      counts.set(id, (counts.get(id) ?? 0) + sketch.count);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
};

/**
 * One statistic of a metric over recent stored runs and this one, oldest first; null when there are not two values
 * to set beside each other. Without a metric, that with most values is taken.
 */
export const trendOf = (
  history: readonly BaselineRecord[],
  head: readonly RoundMeasurement[],
  metric: string | null,
  statistic: 'p50' | 'p90' | 'p95' | 'p99' | 'p999' = 'p95',
): TrendReport | null => {
  const shown = metric ?? mostMeasured(head);
  if (shown === null) return null;
  const values = [...history.map((record) => record.rounds), head].flatMap((rounds) => {
    const sketch = sketchOver(rounds, shown);
    return sketch === null || sketch.count === 0 ? [] : sketch.quantileMs(quantileOf[statistic]!);
  });
  return values.length < 2 ? null : { metric: shown, statistic, values: values.slice(-maxPoints) };
};
