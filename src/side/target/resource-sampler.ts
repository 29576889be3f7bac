import { hasProcessTable } from '../../host/processes/process-table.ts';
import type { ResourceUsage } from '../../metrics/round-measurement.ts';
import type { NodeSamples } from './node-samples.ts';
import { readTreeUsage, type TreeUsage, treeCpuSeconds } from './process-tree-usage.ts';
import { readPsUsage } from './ps-tree-usage.ts';
import { UsageSeries } from './usage-series.ts';

export type SamplingOptions = {
  intervalMs: number;
  /** What the preload in the server's Node processes hands over (`RunningTarget.nodeSamples`). */
  nodeSamples?: NodeSamples | null | undefined;
  /** Told once why nothing, or not everything, can be sampled. */
  warn?: ((message: string) => void) | undefined;
};

/** Samples the resources of one server until it is stopped. */
export type ResourceSampler = {
  /** CPU time of the process tree since it started, seconds, read now; null if it cannot be read. */
  cpuSeconds(): number | null;
  /** Ends the sampling. Null if the process could never be read. */
  stop(): Promise<ResourceUsage | null>;
};

/** ps starts a process each time, which on a busy machine is load of its own. */
const shortestPsIntervalMs = 1_000;

const read = (pid: number): Promise<TreeUsage | null> =>
  hasProcessTable ? Promise.resolve(readTreeUsage(pid)) : readPsUsage(pid);

/**
 * Samples CPU, memory, open files and threads of the process tree below `pid`, from now on: through /proc, or
 * through ps where there is none. Never throws; a process that cannot be read has no usage.
 */
export const sampleResources = (pid: number, options: SamplingOptions): ResourceSampler => {
  const startedAt = performance.now();
  const sinceStart = (): number => performance.now() - startedAt;
  const warn = options.warn ?? (() => {});
  const series = new UsageSeries(options.nodeSamples?.latest() ?? []);
  const ignore =
    options.nodeSamples?.onSample((sample) => series.addNodeSample(sinceStart(), sample)) ?? (() => {});

  let reading: Promise<void> | null = null;
  let readings = 0;
  const takeReading = (): Promise<void> => {
    reading ??= read(pid).then((usage) => {
      reading = null;
      if (usage === null) return;
      readings += 1;
      series.addReading(sinceStart(), usage);
    });
    return reading;
  };
  if (process.platform === 'win32')
    warn('The resources of the server are not sampled: Windows has no /proc and no ps.');
  else if (!hasProcessTable) warn('Open files and threads of the server are not sampled: there is no /proc.');
  const intervalMs = hasProcessTable
    ? options.intervalMs
    : Math.max(shortestPsIntervalMs, options.intervalMs);
  const timer = setInterval(() => void takeReading(), intervalMs);
  timer.unref();
  void takeReading();

  return {
    cpuSeconds: () => treeCpuSeconds(pid),
    stop: async () => {
      clearInterval(timer);
      await takeReading();
      ignore();
      if (readings === 0) warn(`The resources of process ${pid} could not be read.`);
      return series.usage();
    },
  };
};
