import { mean } from './averages.ts';
import { enduranceValue } from './endurance-series.ts';
import { LatencySketch, type LatencySummary, type SerializedSketch } from './latency-sketch.ts';
import { mergeAnswers, mergeCounters, mergeNameUses, mergeUnheard, mergeUntagged } from './merge-rounds.ts';
import { countIn, latency, type Metric, metricOf } from './metric.ts';
import { rates, workMetrics } from './metric-names.ts';
import type {
  AnswerUse,
  ErrorRecord,
  NameUse,
  PluginCheck,
  QuietInstant,
  ResourceSample,
  ResourceUsage,
  RoundMeasurement,
  UnheardEvent,
  UntaggedArrival,
} from './round-measurement.ts';
import type { Statistic, Unit } from './threshold.ts';

/** Failures, and the attempts that they are a share of. */
export type Events = { events: number; attempts: number };

/**
 * What one side showed: read once, and asked by every gate. Latencies in milliseconds, everything in the unit of its
 * metric; null is what was never observed.
 */
export type Values = {
  /** Each round alone. What comes from a report has one. */
  rounds: readonly Values[];
  /** Latencies that have values. */
  latencies: readonly string[];
  /** Names of the user's own numbers. */
  custom: readonly string[];
  errors: readonly ErrorRecord[];
  /** What arrived where deliveries are watched, and was none. */
  untagged: readonly UntaggedArrival[];
  /** Names that steps read, with how often they had no value. */
  nameUses: readonly NameUse[];
  /** How the waits of steps for answers ended. */
  answers: readonly AnswerUse[];
  /** What came and nobody looks at, most frequent first. */
  unheard: readonly UnheardEvent[];
  /** After each wave, where users came in waves. */
  quiet: readonly QuietInstant[];
  checks: readonly PluginCheck[];
  /** Arrivals that were intended, over all rounds. */
  intendedArrivals: number;
  /** Name of a number that is none: then nothing here can be trusted. Null when all are sound. */
  damaged: string | null;
  metric: (id: string) => Metric;
  value: (id: string, statistic: Statistic) => number | null;
  /** Values of a latency; 0 when it was not measured. */
  samples: (id: string) => number;
  summary: (id: string) => LatencySummary | null;
  /** Of a count of failures or its rate; null when it was not counted. */
  events: (id: string) => Events | null;
};

/** Every look at the data asks for the same rounds again. */
const ofRounds = new WeakMap<RoundMeasurement, Values>();

const restored = new WeakMap<SerializedSketch, LatencySketch>();

const quantileOf = { p5: 0.05, p10: 0.1, p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 } as const;

const fieldOf = {
  count: 'count',
  mean: 'meanMs',
  p5: 'p5Ms',
  p10: 'p10Ms',
  p50: 'p50Ms',
  p90: 'p90Ms',
  p95: 'p95Ms',
  tail: 'tailMs',
  p99: 'p99Ms',
  p999: 'p999Ms',
  max: 'maxMs',
} as const satisfies Partial<Record<Statistic, keyof LatencySummary>>;

const sampleField: Record<string, (sample: ResourceSample) => number | undefined> = {
  'server.cpu': (sample) => sample.cpuShare,
  'server.rss': (sample) => sample.rssBytes,
  'server.fds': (sample) => sample.openFiles,
  'server.threads': (sample) => sample.threads,
  'server.heap': (sample) => sample.heapUsedBytes,
  'server.loopDelay': (sample) => sample.loopDelayP99Ms,
};

const peakField: Record<string, keyof Peaks> = {
  'server.cpu': 'maxCpuShare',
  'server.rss': 'maxRssBytes',
  'server.fds': 'maxOpenFiles',
  'server.threads': 'maxThreads',
  'server.heap': 'maxHeapUsedBytes',
  'server.loopDelay': 'maxLoopDelayMs',
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
  'server.calls.perMessage': ({ calls }) => calls,
  'server.allocated.perMessage': ({ resources }) => resources?.work?.allocatedBytes,
  'server.collections.perMessage': ({ resources }) => resources?.work?.collections,
  'wire.bytes.perMessage': ({ wire }) =>
    wire === undefined || wire.bytesSent === null || wire.bytesReceived === null
      ? null
      : wire.bytesSent + wire.bytesReceived,
  'wire.bytes.perDelivery': ({ wire }) => wire?.bytesReceived,
  'wire.frames.perMessage': ({ wire }) =>
    wire?.framesReceived === undefined ? null : (wire.framesSent ?? 0) + wire.framesReceived,
  'wire.frames.perDelivery': ({ wire }) => wire?.framesReceived,
};

/**
 * The values of rounds of one side: a latency over all their samples, a counter or rate over their sums, a resource over
 * their samples, a custom number as its mean.
 */
export function valuesOf(rounds: readonly RoundMeasurement[]): Values {
  const [only] = rounds;
  return rounds.length === 1 && only !== undefined ? ofRound(only) : read(rounds);
}

/** One statistic of one metric over rounds of one side. */
export const observedValue = (
  rounds: readonly RoundMeasurement[],
  metric: string,
  statistic: Statistic,
): number | null => valuesOf(rounds).value(metric, statistic);

/** The highest values that the resources of a server had. */
export type Peaks = Pick<
  ResourceUsage,
  'maxCpuShare' | 'maxRssBytes' | 'maxOpenFiles' | 'maxThreads' | 'maxHeapUsedBytes' | 'maxLoopDelayMs'
>;

/** The highest value of one resource; null when it is none, or was not sampled. */
export const peakOf = (usage: Peaks, metric: string): number | null => {
  const field = peakField[metric];
  return field === undefined ? null : usage[field];
};

/** Unit in which one statistic of a metric is given. */
export const unitOf = ({ kind, unit }: Metric, statistic: Statistic): Unit =>
  statistic === 'count' && kind === 'latency' ? 'count' : (unit ?? 'count');

/** Failures and attempts, from the counters and errors of one round or one report. */
export function eventsIn(
  counters: Readonly<Record<string, number>>,
  errors: readonly Pick<ErrorRecord, 'name' | 'count'>[],
  id: string,
): Events | null {
  const { kind, of, failure } = metricOf(id);
  const { part, of: attempted } = failure ?? { part: id, of: ['users.created'] };
  const events = kind === 'error' ? sumOf(errors, of!) : countIn(counters, part);
  if (events === null || Number.isNaN(events)) return null;
  return { events, attempts: attempted.reduce((sum, name) => sum + (counters[name] ?? 0), 0) };
}

/**
 * Value of a counter, a rate or a throughput from the summed counters of one side and its `activeMs` of driven load;
 * null when the name is none of them or its counter was never kept.
 */
export function valueFromCounters(
  id: string,
  counters: Readonly<Record<string, number>>,
  activeMs: number,
): number | null {
  const { kind, of } = metricOf(id);
  if (kind === 'rate') {
    const { part, of: attempted } = rates[id]!;
    const count = counters[part];
    if (count === undefined) return null;
    const whole = attempted.reduce((sum, name) => sum + (counters[name] ?? 0), 0);
    return whole === 0 ? 0 : count / whole;
  }
  if (kind === 'throughput') {
    const count = countIn(counters, of!);
    return count === null || activeMs <= 0 ? null : count / (activeMs / 1000);
  }
  return countIn(counters, id);
}

/** The sketch behind its JSON, restored once. */
export function restoreSketch(json: SerializedSketch): LatencySketch {
  const known = restored.get(json) ?? LatencySketch.fromJSON(json);
  restored.set(json, known);
  return known;
}

/** The distribution of one latency over rounds of one side; null when nothing was recorded. */
export function distributionOver(rounds: readonly RoundMeasurement[], id: string): LatencySketch | null {
  const parts = rounds.flatMap((round) => round.metrics[id] ?? []).filter((part) => part.count > 0);
  if (parts.length === 0) return null;
  if (parts.length === 1) return restoreSketch(parts[0]!);
  const merged = new LatencySketch();
  for (const part of parts) merged.merge(restoreSketch(part));
  return merged;
}

/** One statistic of a latency distribution, milliseconds (a plain number for `count`). */
export function statisticOfSketch(sketch: LatencySketch, statistic: Statistic): number | null {
  switch (statistic) {
    case 'count':
      return sketch.count;
    case 'mean':
      return sketch.summary().meanMs;
    case 'max':
      return sketch.summary().maxMs;
    case 'tail':
      return sketch.count === 0 ? null : sketch.tailMs();
    case 'value':
      return null;
    default:
      return sketch.quantileMs(quantileOf[statistic]);
  }
}

/** Whether it is a statistic of a distribution: the name of one may come from a report. */
export const isLatencyStatistic = (statistic: string): statistic is keyof typeof fieldOf =>
  Object.hasOwn(fieldOf, statistic);

/** One statistic of a summary, milliseconds (a plain number for `count`). */
export function statisticOfSummary<N extends number | null>(
  summary: { [Field in Exclude<keyof LatencySummary, 'p5Ms' | 'p10Ms' | 'tailMs'>]: N } & {
    p5Ms?: N | undefined;
    p10Ms?: N | undefined;
    tailMs?: N | undefined;
  },
  statistic: Statistic,
): N | null {
  return statistic === 'value' ? null : (summary[fieldOf[statistic]] ?? null);
}

function ofRound(round: RoundMeasurement): Values {
  const known = ofRounds.get(round) ?? read([round]);
  ofRounds.set(round, known);
  return known;
}

function known(value: number | null | undefined): number[] {
  return value === null || value === undefined ? [] : [value];
}

function read(rounds: readonly RoundMeasurement[]): Values {
  const latencies = [...new Set(rounds.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const named = new Set(latencies);
  const sketches = new Map<string, LatencySketch | null>();
  const sketch = (id: string): LatencySketch | null => {
    if (!sketches.has(id)) sketches.set(id, distributionOver(rounds, id));
    return sketches.get(id)!;
  };
  const found = new Map<string, number | null>();
  let counters: Record<string, number> | null = null;
  const metric = (id: string): Metric => (named.has(id) ? latency(id) : metricOf(id));
  const quiet = rounds.flatMap((round) => round.quiet ?? []);
  const observe = (id: string, statistic: Statistic): number | null => {
    if (rounds.length === 0) return null;
    const { kind, of } = metric(id);
    switch (kind) {
      case 'latency': {
        const values = sketch(id);
        return values === null ? null : statisticOfSketch(values, statistic);
      }
      case 'resource':
        return resourceOver(rounds, id, statistic);
      case 'work':
        return workOver(rounds, id);
      case 'endurance':
        return enduranceValue(quiet, id);
      case 'custom':
        return average(rounds.flatMap((round) => ownNumber(round.custom, of!)));
      case 'error':
        return countErrors(rounds, of!);
      case 'peak':
        return maxOf(rounds.flatMap((round) => round.sentPerSecond ?? []));
      default: {
        counters ??= mergeCounters(rounds.map((round) => round.counters));
        const activeMs = rounds.reduce((sum, round) => sum + round.activeMs, 0);
        return valueFromCounters(id, counters, activeMs);
      }
    }
  };
  const values: Values = {
    rounds: [],
    latencies,
    custom: [...new Set(rounds.flatMap((round) => Object.keys(round.custom)))],
    errors: rounds.flatMap((round) => round.errors),
    untagged: mergeUntagged(rounds.map((round) => round.untagged ?? [])),
    nameUses: mergeNameUses(rounds.map((round) => round.nameUses ?? [])),
    answers: mergeAnswers(rounds.map((round) => round.answers ?? [])),
    unheard: mergeUnheard(rounds.map((round) => round.unheard ?? [])),
    quiet,
    checks: rounds.flatMap((round) => round.checks ?? []),
    intendedArrivals: rounds.reduce((sum, round) => sum + round.generator.intendedArrivals, 0),
    damaged: rounds.map(damagedIn).find((name) => name !== null) ?? null,
    metric,
    value: (id, statistic) => {
      const key = `${statistic} ${id}`;
      if (!found.has(key)) found.set(key, observe(id, statistic));
      return found.get(key)!;
    },
    samples: (id) => sketch(id)?.count ?? 0,
    summary: (id) => sketch(id)?.summary() ?? null,
    events: (id) => sumEvents(rounds.map((round) => eventsIn(round.counters, round.errors, id))),
  };
  return { ...values, rounds: rounds.length === 1 ? [values] : rounds.map(ofRound) };
}

/**
 * A resource over rounds of one side: `max` is the highest of all rounds, `mean` the mean over their samples, and
 * what has one value a round (`server.gc`) the mean over rounds. Null when a round was not sampled: what it would have
 * shown is not known.
 */
function resourceOver(
  rounds: readonly RoundMeasurement[],
  metric: string,
  statistic: Statistic,
): number | null {
  if (metric === 'server.cpuPerMessage') return cpuPerMessage(rounds);
  if (rounds.some(({ resources }) => resources === null)) return null;
  if (metric === 'server.gc') return average(rounds.flatMap((round) => known(round.resources?.gcPauseMs)));
  if (statistic === 'max') {
    const peaks = rounds.flatMap(({ resources }) => known(resources && peakOf(resources, metric)));
    return peaks.length === 0 ? null : Math.max(...peaks);
  }
  const samples = rounds.flatMap((round) => round.resources?.samples ?? []);
  return average(samples.flatMap((sample) => known(sampleField[metric]?.(sample))));
}

/** CPU time of the server over the messages sent, milliseconds; null when a round was not sampled or none was sent. */
function cpuPerMessage(rounds: readonly RoundMeasurement[]): number | null {
  const messages = rounds.reduce((sum, round) => sum + (round.counters['messages.sent'] ?? 0), 0);
  const spent = rounds.flatMap((round) => known(round.resources?.cpuSeconds));
  if (messages === 0 || spent.length < rounds.length) return null;
  return (1000 * spent.reduce((sum, seconds) => sum + seconds, 0)) / messages;
}

function average(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}

/** Work over the messages or deliveries of all rounds; null when a round did not count it, or there were none. */
function workOver(rounds: readonly RoundMeasurement[], metric: string): number | null {
  const counted = rounds.flatMap((round) => known(fieldOfWork[metric]?.(round)));
  const { of } = workMetrics[metric]!;
  const events = rounds.reduce((sum, round) => sum + (round.counters[of] ?? 0), 0);
  if (events === 0 || counted.length < rounds.length) return null;
  return counted.reduce((sum, value) => sum + value, 0) / events;
}

function ownNumber(numbers: Readonly<Record<string, number>>, name: string): number[] {
  return Object.hasOwn(numbers, name) ? known(numbers[name]) : [];
}

function countErrors(rounds: readonly RoundMeasurement[], name: string): number {
  return rounds.reduce((sum, round) => sum + sumOf(round.errors, name), 0);
}

function sumOf(errors: readonly Pick<ErrorRecord, 'name' | 'count'>[], name: string): number {
  return errors.reduce((sum, error) => sum + (error.name === name ? error.count : 0), 0);
}

function maxOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((max, value) => Math.max(max, value));
}

function damagedIn(round: RoundMeasurement): string | null {
  const counter = Object.entries(round.counters).find(([, value]) => !Number.isFinite(value));
  if (counter !== undefined) return `the counter ${counter[0]}`;
  const sketch = Object.entries(round.metrics).find(
    ([, { count, sumMs, maxMs }]) => ![count, sumMs, maxMs].every(Number.isFinite),
  );
  return sketch === undefined ? null : sketch[0];
}

function sumEvents(parts: readonly (Events | null)[]): Events | null {
  return parts.reduce<Events | null>(
    (sum, part) =>
      sum === null || part === null
        ? null
        : { events: sum.events + part.events, attempts: sum.attempts + part.attempts },
    { events: 0, attempts: 0 },
  );
}

function inMs(seconds: number | null | undefined): number | null {
  return seconds === null || seconds === undefined ? null : seconds * 1000;
}
