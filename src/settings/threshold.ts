import type { SourcePosition } from '../errors.ts';

/** Statistics that a threshold can name. `value` is a counter, a rate, a resource or a custom metric itself. */
export type Statistic = 'count' | 'mean' | 'p50' | 'p90' | 'p95' | 'p99' | 'p999' | 'max' | 'value';

/**
 * One limit, parsed. `chat.ack.p95 < 200ms` is absolute; `chat.ack.p95 < +10% and +5ms` is relative to the baseline
 * (both parts must be exceeded to fail); `lost = 0`, `errors.rate < 0.1%`, `server.rss.max < 400MB`.
 */
export type Threshold = {
  /** As the user wrote it. */
  source: string;
  where: SourcePosition;
  /** Latency metric (`chat.ack`), counter (`lost`), rate (`errors.rate`), resource (`server.rss`) or custom metric. */
  metric: string;
  statistic: Statistic;
  operator: '<' | '<=' | '=' | '>' | '>=';
  bound:
    | { kind: 'absolute'; value: number; unit: Unit }
    | { kind: 'relative'; percent: number | null; delta: { value: number; unit: Unit } | null };
};

/** Units after normalisation: milliseconds, bytes, a share of 1, a plain count, cores. */
export type Unit = 'ms' | 'bytes' | 'ratio' | 'count' | 'cores';
