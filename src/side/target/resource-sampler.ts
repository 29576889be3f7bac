import { setTimeout as delay } from 'node:timers/promises';
import { hasProcessTable } from '../../host/processes/process-table.ts';
import type { ResourceUsage } from '../../metrics/round-measurement.ts';
import type { NodeSample, NodeSamples } from './node-samples.ts';
import { readTree, readTreeUsage, readTreeWork, type TreeUsage, workBetween } from './process-tree-usage.ts';
import { readPsUsage } from './ps-tree-usage.ts';
import { heapWorkBetween, UsageSeries } from './usage-series.ts';

export type SamplingOptions = {
  intervalMs: number;
  /** What the preload in the server's Node processes hands over (`RunningTarget.nodeSamples`). */
  nodeSamples?: NodeSamples | null | undefined;
};

/** Samples the resources of one server until it is stopped. */
export type ResourceSampler = {
  /** Time from one sample to the next, milliseconds. */
  readonly intervalMs: number;
  /**
   * Counts work from now on, and not from when the sampling began. Waits until every Node process has told what it
   * allocated before, half a second at most: for a server that idles.
   */
  begin(): Promise<void>;
  /** Ends the sampling; `quick` waits for nobody. Null if nothing, or not all that there was, could be read. */
  stop(quick?: boolean): Promise<ResourceUsage | null>;
  /** Why there is no usage, or not all of it, a sentence, once it is stopped; null where it is whole, or that is no news. */
  missing(): string | null;
};

/** Node processes hand over twice a second. */
const freshSampleMs = 600;

/** One that was silent for so long has ended. */
const silenceMs = 2_500;

/** ps starts a process each time, which on a busy machine is load of its own. */
const shortestPsIntervalMs = 1_000;

/**
 * Samples CPU, memory, open files and threads of the process tree below `pid`, from now on: through /proc, or
 * through ps where there is none. Never throws; a process that cannot be read has no usage.
 */
export const sampleResources = (pid: number, options: SamplingOptions): ResourceSampler => {
  const startedAt = performance.now();
  const sinceStart = (): number => performance.now() - startedAt;
  const series = new UsageSeries(options.nodeSamples?.latest() ?? []);
  const ignore =
    options.nodeSamples?.onSample((sample) => {
      series.addNodeSample(sinceStart(), sample);
      heard.set(sample.pid, performance.now());
    }) ?? (() => {});
  const heard = new Map((options.nodeSamples?.latest() ?? []).map(({ pid: each }) => [each, startedAt]));
  const latest = (): NodeSample[] => options.nodeSamples?.latest() ?? [];
  /** Waits until each Node process that lives has handed over once more. */
  const freshSamples = async (): Promise<void> => {
    const since = performance.now();
    const waiting = () => [...heard.values()].some((atMs) => atMs < since && since - atMs < silenceMs);
    while (waiting() && performance.now() - since < freshSampleMs) await delay(10);
  };
  let heapBefore = new Map(latest().map((sample) => [sample.pid, sample]));
  let workBefore = hasProcessTable ? readTreeWork(pid) : null;

  let reading: Promise<void> | null = null;
  let readings = 0;
  let silent: readonly number[] = [];
  const takeReading = (): Promise<void> => {
    reading ??= read(pid).then((usage) => {
      reading = null;
      if (usage === null) return;
      readings += 1;
      series.addReading(sinceStart(), usage);
    });
    return reading;
  };
  const intervalMs = hasProcessTable
    ? options.intervalMs
    : Math.max(shortestPsIntervalMs, options.intervalMs);
  const timer = setInterval(() => void takeReading(), intervalMs);
  timer.unref();
  void takeReading();

  return {
    intervalMs,
    begin: async () => {
      await freshSamples();
      heapBefore = new Map(latest().map((sample) => [sample.pid, sample]));
      if (workBefore !== null) workBefore = readTreeWork(pid);
    },
    stop: async (quick = false) => {
      clearInterval(timer);
      const kernel = workBefore === null ? null : workBetween(workBefore, readTreeWork(pid));
      await takeReading();
      if (!quick) await freshSamples();
      ignore();
      const isSilent = (sample: NodeSample): boolean =>
        performance.now() - heard.get(sample.pid)! >= silenceMs;
      const living = latest().filter((sample) => !isSilent(sample));
      const there = new Set(hasProcessTable ? readTree(pid).map((entry) => entry.pid) : []);
      silent = latest().flatMap((sample) => (isSilent(sample) && there.has(sample.pid) ? [sample.pid] : []));
      const told = series.usage();
      if (told === null) return null;
      // What a process that lives told no more is not known, and its peak may be yet to come.
      const usage =
        silent.length === 0
          ? told
          : { ...told, maxHeapUsedBytes: null, maxLoopDelayMs: null, gcPauseMs: null };
      return kernel === null
        ? usage
        : { ...usage, work: { ...kernel, ...heapWorkBetween(heapBefore, living) } };
    },
    missing: () =>
      readings === 0
        ? unreadable(pid)
        : silent.length === 0
          ? null
          : `Node process ${silent.join(', ')} of the server told nothing of its heap and its event loop in the end: it is held up, or out of file descriptors.`,
  };
};

function read(pid: number): Promise<TreeUsage | null> {
  return hasProcessTable ? Promise.resolve(readTreeUsage(pid)) : readPsUsage(pid);
}

function unreadable(pid: number): string {
  return process.platform === 'win32'
    ? 'The resources of the server were not sampled: Windows has no /proc and no ps.'
    : `The resources of process ${pid} could not be read.`;
}
