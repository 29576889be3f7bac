import type { ResourceSample, ResourceUsage, ServerWork } from '../../metrics/round-measurement.ts';
import type { NodeSample } from './node-samples.ts';
import type { TreeUsage } from './process-tree-usage.ts';

/** A share of CPU over a shorter time than this is mostly the coarseness of the kernel's clock ticks. */
const shortestShareMs = 50;
/** The preload hands over twice a second, each time about the half second before. */
const nodeIntervalMs = 500;
/** A Node process that was silent for so long has ended, and its heap with it. */
const nodeSilenceMs = 2_500;

const round = (value: number): number => Math.round(value * 1000) / 1000;

/**
 * Collects readings of one server over one round, and sums them up. Pure: the caller brings readings and times, in
 * milliseconds since the start of the load.
 */
export class UsageSeries {
  #samples: ResourceSample[] = [];
  #first: TreeUsage | null = null;
  #last: { atMs: number; usage: TreeUsage } | null = null;
  #openFilesLimit: number | null = null;
  #maxOpenFiles = 0;
  #nodes = new Map<number, { sample: NodeSample; atMs: number }>();
  #gcAtStartMs = new Map<number, number>();
  #fresh: NodeSample[] = [];
  #gcReportedMs = 0;
  #maxHeapUsedBytes: number | null = null;
  #maxLoopDelayMs: number | null = null;

  /** `earlier`: the last sample of each Node process from before the load, from which its pauses count. */
  constructor(earlier: Iterable<NodeSample> = []) {
    for (const sample of earlier) this.#gcAtStartMs.set(sample.pid, sample.gcPauseMs);
  }

  /** Adds what a Node process handed over. One that reaches back to before the load tells only of heap and pauses. */
  addNodeSample(atMs: number, sample: NodeSample): void {
    this.#nodes.set(sample.pid, { sample, atMs });
    if (atMs < nodeIntervalMs) return;
    this.#fresh.push(sample);
    this.#maxLoopDelayMs = Math.max(this.#maxLoopDelayMs ?? 0, sample.loopDelayMaxMs);
  }

  /** Adds a reading of the process tree. */
  addReading(atMs: number, usage: TreeUsage): void {
    this.#first ??= usage;
    const before = this.#last;
    if (before !== null && atMs - before.atMs < shortestShareMs) return;
    this.#last = { atMs, usage };
    if (usage.openFiles >= this.#maxOpenFiles) {
      this.#maxOpenFiles = usage.openFiles;
      this.#openFilesLimit = usage.openFilesLimit;
    }
    // The first reading has nothing before it that a share of CPU could be taken from.
    if (before === null) return;
    const cpuSeconds = Math.max(0, usage.cpuSeconds - before.usage.cpuSeconds);
    const sample: ResourceSample = {
      atMs: Math.round(atMs),
      cpuShare: round((cpuSeconds * 1000) / (atMs - before.atMs)),
      rssBytes: usage.rssBytes,
      openFiles: usage.openFiles,
      threads: usage.threads,
    };
    const living = [...this.#nodes.values()].filter((node) => atMs - node.atMs < nodeSilenceMs);
    if (living.length > 0) {
      sample.heapUsedBytes = living.reduce((sum, node) => sum + node.sample.heapUsedBytes, 0);
      this.#maxHeapUsedBytes = Math.max(this.#maxHeapUsedBytes ?? 0, sample.heapUsedBytes);
    }
    if (this.#fresh.length > 0) {
      sample.loopDelayP99Ms = round(Math.max(...this.#fresh.map((node) => node.loopDelayP99Ms)));
      const gcMs = this.#gcPauseMs();
      sample.gcPauseMs = round(gcMs - this.#gcReportedMs);
      this.#gcReportedMs = gcMs;
      this.#fresh = [];
    }
    this.#samples.push(sample);
  }

  /** Pauses of all processes since the start of the load; a process that started later counts from its start. */
  #gcPauseMs(): number {
    return [...this.#nodes.values()].reduce(
      (sum, { sample }) => sum + Math.max(0, sample.gcPauseMs - (this.#gcAtStartMs.get(sample.pid) ?? 0)),
      0,
    );
  }

  /** The sum of the round; null if the process tree was never read. */
  usage(): ResourceUsage | null {
    const last = this.#last?.usage;
    if (last === undefined || this.#first === null) return null;
    const peak = (of: (sample: ResourceSample) => number, atLeast: number): number =>
      this.#samples.reduce((most, sample) => Math.max(most, of(sample)), atLeast);
    return {
      samples: this.#samples,
      cpuSeconds: round(Math.max(0, last.cpuSeconds - this.#first.cpuSeconds)),
      maxCpuShare: peak((sample) => sample.cpuShare, 0),
      maxRssBytes: peak((sample) => sample.rssBytes, this.#first.rssBytes),
      maxOpenFiles: this.#maxOpenFiles,
      openFilesLimit: this.#openFilesLimit,
      maxThreads: peak((sample) => sample.threads, this.#first.threads),
      maxHeapUsedBytes: this.#maxHeapUsedBytes,
      maxLoopDelayMs: this.#maxLoopDelayMs === null ? null : round(this.#maxLoopDelayMs),
      gcPauseMs: this.#nodes.size === 0 ? null : round(this.#gcPauseMs()),
    };
  }
}

/**
 * What the heaps of Node processes allocated from the samples `before` to the samples `after`; null where a process
 * does not tell. A process that started in between counts from its start.
 */
export const heapWorkBetween = (
  before: ReadonlyMap<number, NodeSample>,
  after: readonly NodeSample[],
): Pick<ServerWork, 'allocatedBytes' | 'collections'> => {
  const sum = (name: 'allocatedBytes' | 'collections'): number | null => {
    const grown = after.flatMap((sample) => {
      const from = before.has(sample.pid) ? before.get(sample.pid)![name] : 0;
      const to = sample[name];
      return from === null || to === null ? [] : [Math.max(0, to - from)];
    });
    return grown.length === 0 || grown.length < after.length
      ? null
      : grown.reduce((total, value) => total + value, 0);
  };
  return { allocatedBytes: sum('allocatedBytes'), collections: sum('collections') };
};
