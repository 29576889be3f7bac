import { LatencySketch, type LatencySummary, type SerializedSketch } from './latency-sketch.ts';
import { mergeCounters } from './merge-rounds.ts';
import {
  customPrefix,
  isLatencyMetric,
  namedErrorPrefix,
  peakSendRate,
  resourceMetrics,
  unitOfMetric,
  valueFromCounters,
  workMetrics,
} from './metric-names.ts';
import type { ResourceSample, RoundMeasurement } from './round-measurement.ts';
import type { Statistic, Unit } from './threshold.ts';

const restored = new WeakMap<SerializedSketch, LatencySketch>();

/** The sketch behind its JSON, restored once: every look at the data asks for the same sketches again. */
export const restoreSketch = (json: SerializedSketch): LatencySketch => {
  const known = restored.get(json);
  if (known !== undefined) return known;
  const sketch = LatencySketch.fromJSON(json);
  restored.set(json, sketch);
  return sketch;
};

/** The distribution of one latency metric over rounds of one side; null when nothing was recorded. */
export const distributionOver = (
  rounds: readonly RoundMeasurement[],
  metric: string,
): LatencySketch | null => {
  const parts = rounds.flatMap((round) => round.metrics[metric] ?? []).filter((part) => part.count > 0);
  if (parts.length === 0) return null;
  if (parts.length === 1) return restoreSketch(parts[0]!);
  const merged = new LatencySketch();
  for (const part of parts) merged.merge(restoreSketch(part));
  return merged;
};

/** One statistic of a latency distribution, milliseconds (a plain number for `count`). */
export const statisticOfSketch = (sketch: LatencySketch, statistic: Statistic): number | null => {
  switch (statistic) {
    case 'count':
      return sketch.count;
    case 'mean':
      return sketch.summary().meanMs;
    case 'max':
      return sketch.summary().maxMs;
    case 'value':
      return null;
    default:
      return sketch.quantileMs(quantileOf[statistic]);
  }
};

export const quantileOf = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 } as const;

/** One statistic of a summary, milliseconds (a plain number for `count`). */
export const statisticOfSummary = (summary: LatencySummary, statistic: Statistic): number | null => {
  const fields = {
    count: summary.count,
    mean: summary.meanMs,
    p50: summary.p50Ms,
    p90: summary.p90Ms,
    p95: summary.p95Ms,
    p99: summary.p99Ms,
    p999: summary.p999Ms,
    max: summary.maxMs,
    value: null,
  };
  return fields[statistic];
};

/** Whether `metric` is a latency distribution, by its name or because the rounds hold one of that name. */
export const isDistribution = (metric: string, rounds: readonly RoundMeasurement[]): boolean =>
  isLatencyMetric(metric) || rounds.some((round) => round.metrics[metric] !== undefined);

/** Unit in which one statistic of `metric` is given. */
export const unitOfObserved = (
  metric: string,
  statistic: Statistic,
  rounds: readonly RoundMeasurement[],
): Unit => {
  if (statistic === 'count') return 'count';
  if (Object.hasOwn(resourceMetrics, metric)) return resourceMetrics[metric]!.unit;
  if (isDistribution(metric, rounds)) return 'ms';
  return unitOfMetric(metric) ?? 'count';
};

const sampleField: Record<string, (sample: ResourceSample) => number | undefined> = {
  'server.cpu': (sample) => sample.cpuShare,
  'server.rss': (sample) => sample.rssBytes,
  'server.fds': (sample) => sample.openFiles,
  'server.threads': (sample) => sample.threads,
  'server.heap': (sample) => sample.heapUsedBytes,
  'server.loopDelay': (sample) => sample.loopDelayP99Ms,
};

const peakOf: Record<string, (round: RoundMeasurement) => number | null | undefined> = {
  'server.cpu': (round) => round.resources?.maxCpuShare,
  'server.rss': (round) => round.resources?.maxRssBytes,
  'server.fds': (round) => round.resources?.maxOpenFiles,
  'server.threads': (round) => round.resources?.maxThreads,
  'server.heap': (round) => round.resources?.maxHeapUsedBytes,
  'server.loopDelay': (round) => round.resources?.maxLoopDelayMs,
};

const maxOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((max, value) => Math.max(max, value));

const average = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

const known = (value: number | null | undefined): number[] =>
  value === null || value === undefined ? [] : [value];

/** CPU time of the server over the messages sent, milliseconds; null when a round was not sampled or none was sent. */
const cpuPerMessage = (rounds: readonly RoundMeasurement[]): number | null => {
  const messages = rounds.reduce((sum, round) => sum + (round.counters['messages.sent'] ?? 0), 0);
  if (messages === 0 || rounds.some((round) => round.resources === null)) return null;
  return (1000 * rounds.reduce((sum, round) => sum + round.resources!.cpuSeconds, 0)) / messages;
};

const fieldOfWork: Record<string, (round: RoundMeasurement) => number | null | undefined> = {
  'server.syscalls.perMessage': ({ resources }) => resources?.work?.systemCalls,
  'server.read.perMessage': ({ resources }) => resources?.work?.bytesRead,
  'server.written.perMessage': ({ resources }) => resources?.work?.bytesWritten,
  'server.contextSwitches.perMessage': ({ resources }) => resources?.work?.contextSwitches,
  'server.pageFaults.perMessage': ({ resources }) => resources?.work?.pageFaults,
  'server.userCpu.perMessage': ({ resources }) => inMs(resources?.work?.userCpuSeconds),
  'server.systemCpu.perMessage': ({ resources }) => inMs(resources?.work?.systemCpuSeconds),
  'server.runQueue.perMessage': ({ resources }) => inMs(resources?.work?.runQueueSeconds),
  'server.allocated.perMessage': ({ resources }) => resources?.work?.allocatedBytes,
  'server.collections.perMessage': ({ resources }) => resources?.work?.collections,
  'wire.bytes.perMessage': ({ wire }) => wire && wire.bytesSent + wire.bytesReceived,
  'wire.bytes.perDelivery': ({ wire }) => wire?.bytesReceived,
};

function inMs(seconds: number | null | undefined): number | null {
  return seconds === null || seconds === undefined ? null : seconds * 1000;
}

/** Work over the messages or deliveries of all rounds; null when a round did not count it, or there were none. */
const workOver = (rounds: readonly RoundMeasurement[], metric: string): number | null => {
  const counted = rounds.flatMap((round) => known(fieldOfWork[metric]?.(round)));
  const { of } = workMetrics[metric]!;
  const events = rounds.reduce((sum, round) => sum + (round.counters[of] ?? 0), 0);
  if (events === 0 || counted.length < rounds.length) return null;
  return counted.reduce((sum, value) => sum + value, 0) / events;
};

/**
 * A resource over rounds of one side: `max` is the highest of all rounds, `mean` the mean over their samples, and
 * what has one value a round (`server.gc`) the mean over rounds. Null when it was never sampled.
 */
const resourceOver = (
  rounds: readonly RoundMeasurement[],
  metric: string,
  statistic: Statistic,
): number | null => {
  if (metric === 'server.cpuPerMessage') return cpuPerMessage(rounds);
  if (metric === 'server.gc') return average(rounds.flatMap((round) => known(round.resources?.gcPauseMs)));
  if (statistic === 'max') {
    const peaks = rounds.flatMap((round) => known(peakOf[metric]?.(round)));
    return peaks.length === 0 ? null : Math.max(...peaks);
  }
  const samples = rounds.flatMap((round) => round.resources?.samples ?? []);
  return average(samples.flatMap((sample) => known(sampleField[metric]?.(sample))));
};

/**
 * What rounds of one side showed for one statistic of one metric: a latency in milliseconds over all their samples, a
 * counter or rate over their sums, a resource, or the mean of a custom number. Null when it was never observed.
 */
export const observedValue = (
  rounds: readonly RoundMeasurement[],
  metric: string,
  statistic: Statistic,
): number | null => {
  if (rounds.length === 0) return null;
  if (Object.hasOwn(resourceMetrics, metric)) return resourceOver(rounds, metric, statistic);
  if (Object.hasOwn(workMetrics, metric)) return workOver(rounds, metric);
  if (metric.startsWith(customPrefix)) {
    const name = metric.slice(customPrefix.length);
    return average(rounds.flatMap((round) => known(round.custom[name])));
  }
  if (metric.startsWith(namedErrorPrefix)) {
    const name = metric.slice(namedErrorPrefix.length);
    const errors = rounds.flatMap((round) => round.errors);
    return errors.reduce((sum, error) => sum + (error.name === name ? error.count : 0), 0);
  }
  if (metric === peakSendRate) return maxOf(rounds.flatMap((round) => round.sentPerSecond ?? []));
  if (isDistribution(metric, rounds)) {
    const sketch = distributionOver(rounds, metric);
    return sketch === null ? null : statisticOfSketch(sketch, statistic);
  }
  const counters = mergeCounters(rounds.map((round) => round.counters));
  const activeMs = rounds.reduce((sum, round) => sum + round.activeMs, 0);
  return valueFromCounters(metric, counters, activeMs);
};
