import type { LatencySummary } from '../metrics/latency-sketch.ts';
import type { Values } from '../metrics/values.ts';
import { weakCentre } from './statistics/stored-history.ts';

/**
 * The usual summary of one latency over stored runs: the median run of each number. One run is itself; null when no
 * run has the metric. Merging the runs instead would let the longest or the oddest decide.
 */
export const typicalSummary = (history: readonly Values[], metric: string): LatencySummary | null => {
  const summaries = history.flatMap((run) => run.summary(metric) ?? []);
  if (summaries.length === 0) return null;
  const median = (of: (summary: LatencySummary) => number) => weakCentre(summaries.map(of));
  return {
    count: Math.round(median((summary) => summary.count)),
    meanMs: median((summary) => summary.meanMs),
    p10Ms: median((summary) => summary.p10Ms),
    p50Ms: median((summary) => summary.p50Ms),
    p90Ms: median((summary) => summary.p90Ms),
    p95Ms: median((summary) => summary.p95Ms),
    tailMs: median((summary) => summary.tailMs),
    p99Ms: median((summary) => summary.p99Ms),
    p999Ms: median((summary) => summary.p999Ms),
    maxMs: median((summary) => summary.maxMs),
  };
};
