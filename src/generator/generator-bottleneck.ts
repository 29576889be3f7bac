import type { GeneratorHealth } from '../metrics/round-measurement.ts';

/**
 * Limits beyond which what was measured says more about the generator than about the server. `bench/generator-limits`
 * makes a generator waste CPU on each message and shows what it adds (bench/results/generator-limits.md): at 88% of a
 * core 0.7 ms to the p50 and nothing to the p99, since what arrives together counts from when the first of it was read.
 * What is left is the delay of its event loop, which goes into the latencies as it is, also when another process takes
 * the core and its own share of the CPU stays low. So the delays are limited, and the CPU only where the queue behind it
 * begins to grow without bound.
 *
 * `cpuShare`: of one core; a generator is one thread.
 * `lateShare`: arrivals and fixed-rate sends that started over 50 ms after their instant: not the load that was asked for.
 */
export const bottleneckLimits = {
  cpuShare: 0.9,
  loopDelayP50Ms: 10,
  loopDelayP99Ms: 50,
  lateShare: 0.05,
} as const;

/** Why the generator was the bottleneck in a round; null when it was not. Pure. */
export const generatorBottleneck = (health: GeneratorHealth): string | null => {
  if (health.cpuShare > bottleneckLimits.cpuShare)
    return `it used ${percent(health.cpuShare)} of a core, and a generator process has one thread`;
  const intended = health.intendedArrivals + health.intendedSends;
  const late = health.lateArrivals + health.lateSends;
  if (intended > 0 && late / intended > bottleneckLimits.lateShare)
    return `${percent(late / intended)} of its arrivals and timed sends started late, up to ${Math.round(health.maxLagMs)} ms`;
  if (health.loopDelayP50Ms > bottleneckLimits.loopDelayP50Ms)
    return `its event loop was delayed by ${Math.round(health.loopDelayP50Ms)} ms at the median, which every latency includes`;
  if (health.loopDelayP99Ms > bottleneckLimits.loopDelayP99Ms)
    return `its event loop was delayed by ${Math.round(health.loopDelayP99Ms)} ms at the 99th percentile, which the latencies include`;
  return null;
};

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
