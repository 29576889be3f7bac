import type { ResourceSample, ResourceUsage, ServerWork } from '../../metrics/round-measurement.ts';
import type { NodeSample } from './node-samples.ts';
import type { TreeUsage } from './process-tree-usage.ts';

/** A reading of a server; what the preload tells of Node servers may come with it instead. */
export type ServerReading = TreeUsage & {
  heapUsedBytes?: number | undefined;
  loopDelayP99Ms?: number | undefined;
  loopDelayMaxMs?: number | undefined;
  /** Since the process started. */
  gcPauseMs?: number | undefined;
};

/** A share of CPU over a shorter time than this is mostly the coarseness of the kernel's clock ticks. */
const shortestShareMs = 50;

/** The preload hands over twice a second, each time about the half second before. */
const nodeIntervalMs = 500;

/** A Node process that was silent for so long has ended, and its heap with it. */
const nodeSilenceMs = 2_500;

/**
 * Collects readings of one server over one round, and sums them up. Pure: the caller brings readings and times, in
 * milliseconds since the start of the load.
 */
export class UsageSeries {
  #samples: ResourceSample[] = [];
  #first: ServerReading | null = null;
  #last: { atMs: number; usage: ServerReading } | null = null;
  #openFilesLimit: number | null = null;
  #maxOpenFiles: number | null = null;
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

  /** Adds a reading of the server. */
  addReading(atMs: number, usage: ServerReading): void {
    this.#first ??= usage;
    const before = this.#last;
    if (before !== null && atMs - before.atMs < shortestShareMs) return;
    this.#last = { atMs, usage };
    if (usage.openFiles !== null && usage.openFiles >= (this.#maxOpenFiles ?? 0)) {
      this.#maxOpenFiles = usage.openFiles;
      this.#openFilesLimit = usage.openFilesLimit;
    }
    // The first reading has nothing before it that a share of CPU could be taken from.
    if (before === null) return;
    const cpuSeconds = grownBy(before.usage.cpuSeconds, usage.cpuSeconds);
    const sample: ResourceSample = {
      atMs: Math.round(atMs),
      ...(cpuSeconds !== null && { cpuShare: round((cpuSeconds * 1000) / (atMs - before.atMs)) }),
      ...(usage.rssBytes !== null && { rssBytes: usage.rssBytes }),
      ...(usage.openFiles !== null && { openFiles: usage.openFiles }),
      ...(usage.threads !== null && { threads: usage.threads }),
    };
    this.#addToldByUser(sample, before.usage, usage);
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

  /** What the source of the user tells in place of the preload. */
  #addToldByUser(sample: ResourceSample, before: ServerReading, usage: ServerReading): void {
    const { heapUsedBytes, loopDelayP99Ms, loopDelayMaxMs = loopDelayP99Ms } = usage;
    if (heapUsedBytes !== undefined) {
      sample.heapUsedBytes = heapUsedBytes;
      this.#maxHeapUsedBytes = Math.max(this.#maxHeapUsedBytes ?? 0, heapUsedBytes);
    }
    if (loopDelayP99Ms !== undefined) sample.loopDelayP99Ms = round(loopDelayP99Ms);
    if (loopDelayMaxMs !== undefined)
      this.#maxLoopDelayMs = Math.max(this.#maxLoopDelayMs ?? 0, loopDelayMaxMs);
    const paused = grownBy(before.gcPauseMs ?? null, usage.gcPauseMs ?? null);
    if (paused !== null) sample.gcPauseMs = round(paused);
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
    const { cpuSeconds, rssBytes, threads, gcPauseMs = null } = this.#first;
    const spent = grownBy(cpuSeconds, last.cpuSeconds);
    const paused = grownBy(gcPauseMs, last.gcPauseMs ?? null);
    const peak = (of: (sample: ResourceSample) => number | undefined, atLeast: number | null) =>
      atLeast === null
        ? null
        : this.#samples.reduce((most, sample) => Math.max(most, of(sample) ?? 0), atLeast);
    return {
      samples: this.#samples,
      cpuSeconds: spent === null ? null : round(spent),
      maxCpuShare: peak((sample) => sample.cpuShare, spent === null ? null : 0),
      maxRssBytes: peak((sample) => sample.rssBytes, rssBytes),
      maxOpenFiles: this.#maxOpenFiles,
      openFilesLimit: this.#openFilesLimit,
      maxThreads: peak((sample) => sample.threads, threads),
      maxHeapUsedBytes: this.#maxHeapUsedBytes,
      maxLoopDelayMs: this.#maxLoopDelayMs === null ? null : round(this.#maxLoopDelayMs),
      gcPauseMs: paused !== null ? round(paused) : this.#nodes.size === 0 ? null : round(this.#gcPauseMs()),
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

/** How far a counter got from one reading to a later one; null where one of them does not have it. */
function grownBy(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : Math.max(0, to - from);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
