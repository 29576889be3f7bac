import type { GeneratorHealth } from '../measurement/round-measurement.ts';

/**
 * Limits beyond which what was measured says more about the generator than about the server.
 *
 * `cpuShare`: the generator is one thread; near a whole core its queue, not the server's, sets the latency.
 * `loopDelayP99Ms`: one in a hundred moments at which an answer waited at least this long before it was timed; this
 * much is added to the p99 that is reported.
 * `lateShare`: arrivals and fixed-rate sends started over 50 ms after their instant; the load was not the one asked for.
 */
export const bottleneckLimits = { cpuShare: 0.9, loopDelayP99Ms: 25, lateShare: 0.05 } as const;

const percent = (share: number): string => `${Math.round(share * 100)}%`;

/** Why the generator was the bottleneck in a round; null when it was not. Pure. */
export const generatorBottleneck = (health: GeneratorHealth): string | null => {
  if (health.cpuShare > bottleneckLimits.cpuShare)
    return `it used ${percent(health.cpuShare)} of a core, and a generator process has one thread`;
  const intended = health.intendedArrivals + health.intendedSends;
  const late = health.lateArrivals + health.lateSends;
  if (intended > 0 && late / intended > bottleneckLimits.lateShare)
    return `${percent(late / intended)} of its arrivals and timed sends started late, up to ${Math.round(health.maxLagMs)} ms`;
  if (health.loopDelayP99Ms > bottleneckLimits.loopDelayP99Ms)
    return `its event loop was delayed by ${Math.round(health.loopDelayP99Ms)} ms at the 99th percentile, which every latency includes`;
  return null;
};
