import { mean, sum } from './averages.ts';
import { metricOf } from './metric.ts';
import { enduranceMetrics } from './metric-names.ts';
import type { QuietInstant } from './round-measurement.ts';

/** A count of what is left, over what came and went until then. */
export type Series = { x: number[]; y: number[] };

/** Of the waves, the share that only warms the server up: code is compiled, caches fill. */
const warmUpShare = 0.25;
const leastWarmUp = 2;
/** Waves after the warm-up without which nothing is said. */
const leastSettled = 6;

/** Waves in all without which nothing is said. */
export const leastWaves = leastWarmUp + leastSettled;

/** What was left after the warm-up and after each wave since then; less is not enough to tell growth from chance. */
export const settled = <T>(waves: readonly T[]): T[] => {
  const kept = waves.slice(Math.max(leastWarmUp, Math.floor(warmUpShare * waves.length)));
  return kept.length < leastSettled ? [] : kept;
};

/** Whether a metric is memory for each session or message, a slope; else it is a count of what is left. */
export const isRetained = (metric: string): boolean => enduranceMetrics[metric]?.per !== undefined;

/** Whether the memory is that of the heap; else it is what the kernel counts as resident. Never now this, now that. */
export const isOfHeap = (quiet: readonly QuietInstant[]): boolean =>
  quiet.some(({ heapBytes }) => heapBytes !== null);

/**
 * What an endurance metric is read from: bytes, or a count, over the sessions (for `perMessage` the messages) that came
 * until then; after the warm-up, or from the first wave on. Null where an instant lacks it, or there are too few waves:
 * missing data is no growth of zero.
 */
export const enduranceSeries = (
  quiet: readonly QuietInstant[],
  metric: string,
  waves: 'settled' | 'all' = 'settled',
): Series | null => {
  const per = enduranceMetrics[metric]?.per ?? 'sessions';
  let total = 0;
  const points = quiet.map((instant) => {
    total += instant[per];
    return { x: total, y: amountOf(instant, metric, isOfHeap(quiet)) };
  });
  const kept = waves === 'all' && settled(points).length > 0 ? points : settled(points);
  const first = kept[0];
  if (first === undefined || kept.some(({ y }) => y === null) || kept.at(-1)!.x <= first.x) return null;
  return { x: kept.map(({ x }) => x - first.x), y: kept.map(({ y }) => y!) };
};

/** Bytes for each message or session, by least squares; or how many more there are at the end than at the start. */
export const enduranceValue = (quiet: readonly QuietInstant[], metric: string): number | null => {
  const series = enduranceSeries(quiet, metric);
  if (series === null) return null;
  return isRetained(metric) ? slopeOf(series) : series.y.at(-1)! - series.y[0]!;
};

/** Slope of the line through the points, by least squares; NaN where they have one x. */
export const slopeOf = ({ x, y }: Series): number => {
  const [mx, my] = [mean(x), mean(y)];
  const across = sum(x.map((value) => (value - mx) ** 2));
  return sum(x.map((value, index) => (value - mx) * (y[index]! - my))) / across;
};

function amountOf(instant: QuietInstant, metric: string, ofHeap: boolean): number | null {
  if (isRetained(metric)) return ofHeap ? instant.heapBytes : instant.rssBytes;
  return instant.left[metricOf(metric).of ?? ''] ?? null;
}
