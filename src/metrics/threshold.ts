import type { SourcePosition } from '../errors.ts';

/**
 * Statistics that a threshold can name. `tail` is the mean of the slow percentiles, 80 to 97, on a logarithmic scale;
 * `value` is a counter, a rate, a resource or a custom metric itself.
 */
export type Statistic =
  | 'count'
  | 'mean'
  | 'p5'
  | 'p10'
  | 'p50'
  | 'p90'
  | 'p95'
  | 'tail'
  | 'p99'
  | 'p999'
  | 'max'
  | 'value';

/** Metric of a threshold that names a statistic alone (`p95 < +10%`): the main latency of the suite. */
export const mainMetric = 'main';

/**
 * One limit, parsed. `chat.ack.p95 < 200ms` is absolute; `chat.ack.p95 < +10% and +5ms` is relative to the baseline
 * (both parts must be exceeded to fail); `lost = 0`, `errors.rate < 0.1%`, `server.rss.max < 400MB`.
 */
export type Threshold = {
  /** As the user wrote it. */
  source: string;
  where: SourcePosition;
  /**
   * Latency metric (`chat.ack`), counter (`deliveries.lost`), rate (`errors.rate`), resource (`server.rss`), custom
   * metric (`custom.persisted`) or `mainMetric`. Aliases (`lost`) are already replaced by the full name.
   */
  metric: string;
  /** True when `metric` holds `*`, which stands for any characters: `matchesPattern` tells which. */
  wildcard?: true;
  statistic: Statistic;
  operator: '<' | '<=' | '=' | '>' | '>=';
  /**
   * Relative: the limit is `baseline * (1 + percent / 100)` and `baseline + delta`; where both are set, both must be
   * exceeded. `errors <= +0` (also written `errors <= baseline`) has `percent: null` and a delta of 0.
   */
  bound:
    | { kind: 'absolute'; value: number; unit: Unit }
    | { kind: 'relative'; percent: number | null; delta: { value: number; unit: Unit } | null };
};

/** Units after normalisation: milliseconds, bytes, a share of 1, a plain count, cores, events a second. */
export type Unit = 'ms' | 'bytes' | 'ratio' | 'count' | 'cores' | 'perSecond';
