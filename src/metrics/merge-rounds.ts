import { settleBetweenMachines } from './between-machines.ts';
import { mergeDeliveryShards } from './delivery-shards.ts';
import { mergeCourses } from './latency-course.ts';
import { mergeSketches, type SerializedSketch } from './latency-sketch.ts';
import { standardCounters } from './metric.ts';
import type {
  AnswerUse,
  ErrorRecord,
  GeneratorHealth,
  MetricId,
  NameUse,
  PluginCheck,
  ResourceSample,
  ResourceUsage,
  RoundMeasurement,
  ServerWork,
  UnheardEvent,
  UnmeasuredEmit,
  UntaggedArrival,
} from './round-measurement.ts';

const maxMessages = 5;

const maxSteps = 8;

/**
 * One measurement of several rounds of one side, one after the other: distributions merge, counters and times add up,
 * slices follow each other. No rounds give a measurement of nothing.
 */
export const mergeRounds = (rounds: readonly RoundMeasurement[]): RoundMeasurement => ({
  ...mergeCommon(rounds),
  activeMs: rounds.reduce((total, round) => total + round.activeMs, 0),
  sentPerSecond: rounds.flatMap((round) => round.sentPerSecond ?? []),
  errorsPerSecond: rounds.flatMap((round) => round.errorsPerSecond ?? []),
  usersPerSecond: rounds.flatMap((round) => round.usersPerSecond ?? []),
  slices: rounds.flatMap((round) => round.slices),
});

/** Sums counters by name; the standard counters are always there. */
export const mergeCounters = (parts: readonly Record<string, number>[]): Record<string, number> => {
  const merged = new Map<string, number>(standardCounters.map((name) => [name, 0]));
  for (const part of parts)
    for (const [name, value] of Object.entries(part)) merged.set(name, (merged.get(name) ?? 0) + value);
  return Object.fromEntries(merged);
};

/** Adds errors up by name, keeping the first different messages and steps; most frequent first. */
export const mergeErrors = (parts: readonly (readonly ErrorRecord[])[]): ErrorRecord[] => {
  const merged = new Map<string, { count: number; messages: Set<string>; steps: Set<string> }>();
  for (const error of parts.flat()) {
    const found = merged.get(error.name) ?? { count: 0, messages: new Set(), steps: new Set() };
    merged.set(error.name, found);
    found.count += error.count;
    for (const message of error.messages) if (found.messages.size < maxMessages) found.messages.add(message);
    for (const step of error.steps) if (found.steps.size < maxSteps) found.steps.add(step);
  }
  return [...merged]
    .map(([name, error]) => ({
      name,
      count: error.count,
      messages: [...error.messages],
      steps: [...error.steps],
    }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
};

/** Adds unmeasured emits up by event and step. */
export const mergeUnmeasured = (parts: readonly (readonly UnmeasuredEmit[])[]): UnmeasuredEmit[] =>
  addUp(parts, ({ event, step }) => [event, step], addCount);

/** Adds up what arrived without a tag, by event and place. */
export const mergeUntagged = (parts: readonly (readonly UntaggedArrival[])[]): UntaggedArrival[] =>
  addUp(parts, (arrival) => [arrival.event, arrival.path], addCount);

/** Adds up how often names were read, by name and step. */
export const mergeNameUses = (parts: readonly (readonly NameUse[])[]): NameUse[] =>
  addUp(
    parts,
    ({ name, step }) => [name, step],
    (sum, use) => {
      sum.rendered += use.rendered;
      sum.empty += use.empty;
    },
  );

/** Adds up how waits for answers ended, by step, with the first error of each. */
export const mergeAnswers = (parts: readonly (readonly AnswerUse[])[]): AnswerUse[] =>
  addUp(
    parts,
    ({ step }) => [step],
    (sum, use) => {
      sum.matched += use.matched;
      sum.missed += use.missed;
      if (sum.name === '') Object.assign(sum, { name: use.name, message: use.message });
    },
  );

/** Adds up what nobody looks at, most frequent first. */
export const mergeUnheard = (parts: readonly (readonly UnheardEvent[])[]): UnheardEvent[] =>
  addUp(parts, ({ event }) => [event], addCount).sort((a, b) => b.count - a.count);

/** The worst value of each delay and share, and the sum of each count and of the times that arrivals took. */
export const worstGenerator = (parts: readonly GeneratorHealth[]): GeneratorHealth => {
  const worst = (of: (part: GeneratorHealth) => number) =>
    parts.reduce((max, part) => Math.max(max, of(part)), 0);
  const sum = (of: (part: GeneratorHealth) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    cpuShare: worst((part) => part.cpuShare),
    loopDelayP50Ms: worst((part) => part.loopDelayP50Ms),
    loopDelayP99Ms: worst((part) => part.loopDelayP99Ms),
    loopDelayMaxMs: worst((part) => part.loopDelayMaxMs),
    intendedArrivals: sum((part) => part.intendedArrivals),
    startedArrivals: sum((part) => part.startedArrivals),
    lateArrivals: sum((part) => part.lateArrivals),
    intendedSends: sum((part) => part.intendedSends),
    lateSends: sum((part) => part.lateSends),
    maxLagMs: worst((part) => part.maxLagMs),
    ...(parts.some(({ arrivalsMs }) => arrivalsMs !== undefined) && {
      intendedArrivalsMs: sum((part) => part.intendedArrivalsMs ?? 0),
      arrivalsMs: sum((part) => part.arrivalsMs ?? 0),
    }),
    peakRssBytes: worst((part) => part.peakRssBytes),
  };
};

/** Peaks over rounds of one server, CPU time added up, samples one round after the other; null when never sampled. */
export const mergeResources = (
  rounds: readonly Pick<RoundMeasurement, 'activeMs' | 'resources'>[],
): ResourceUsage | null => {
  const sampled = rounds.flatMap((round) => round.resources ?? []);
  if (sampled.length === 0) return null;
  const samples: ResourceSample[] = [];
  let startMs = 0;
  for (const round of rounds) {
    for (const sample of round.resources?.samples ?? [])
      samples.push({ ...sample, atMs: sample.atMs + startMs });
    startMs += round.activeMs;
  }
  const peak = (of: (usage: ResourceUsage) => number | null) => maxKnown(sampled.map(of));
  const limits = sampled.flatMap((usage) => usage.openFilesLimit ?? []);
  return {
    samples,
    cpuSeconds: sumKnown(sampled.map((usage) => usage.cpuSeconds)),
    maxCpuShare: peak((usage) => usage.maxCpuShare),
    maxRssBytes: peak((usage) => usage.maxRssBytes),
    maxOpenFiles: peak((usage) => usage.maxOpenFiles),
    openFilesLimit: limits.length === 0 ? null : Math.min(...limits),
    maxThreads: peak((usage) => usage.maxThreads),
    maxHeapUsedBytes: peak((usage) => usage.maxHeapUsedBytes),
    maxLoopDelayMs: peak((usage) => usage.maxLoopDelayMs),
    gcPauseMs: peak((usage) => usage.gcPauseMs),
    ...mergeWork(sampled),
  };
};

/**
 * One measurement of one round that several generator processes drove at the same time: as `mergeRounds`, but the
 * round lasted as long as its longest part, and the slices with the same index are the same slice.
 */
export const mergeShards = (shards: readonly RoundMeasurement[]): RoundMeasurement => {
  const sliceCount = shards.reduce((most, shard) => Math.max(most, shard.slices.length), 0);
  const sum = (of: (shard: RoundMeasurement) => number) =>
    shards.reduce((total, shard) => total + of(shard), 0);
  const most = (of: (shard: RoundMeasurement) => number) =>
    shards.reduce((longest, shard) => Math.max(longest, of(shard)), 0);
  const common = mergeCommon(shards);
  const between = mergeDeliveryShards(shards.flatMap(({ deliveryShard }) => deliveryShard ?? []));
  // Of two clocks, both may be wrong, in opposite directions.
  const [worstMs = 0, worseMs = 0] = shards.map(({ clockErrorMs = 0 }) => clockErrorMs).sort((a, b) => b - a);
  const merged: RoundMeasurement = {
    ...common,
    counters: mergeCounters([
      common.counters,
      {
        'deliveries.expected': between.expected,
        'deliveries.received': between.received,
        'deliveries.lost': between.lost,
      },
    ]),
    activeMs: most((shard) => shard.activeMs),
    sentPerSecond: sumBySecond(shards.map((shard) => shard.sentPerSecond)),
    errorsPerSecond: sumBySecond(shards.map((shard) => shard.errorsPerSecond)),
    usersPerSecond: sumBySecond(shards.map((shard) => shard.usersPerSecond)),
    ...mergeCourses(shards.flatMap(({ course }) => course ?? [])),
    slices: Array.from({ length: sliceCount }, (_, index) =>
      mergeMetrics(shards.map((shard) => shard.slices[index] ?? {})),
    ),
    generator: {
      ...common.generator,
      intendedArrivalsMs: most((shard) => shard.generator.intendedArrivalsMs ?? 0),
      arrivalsMs: most((shard) => shard.generator.arrivalsMs ?? 0),
      peakRssBytes: sum((shard) => shard.generator.peakRssBytes),
    },
    resources: mergeResources(shards.filter((shard) => shard.resources !== null).slice(0, 1)),
  };
  return settleBetweenMachines(merged, worstMs + worseMs);
};

/** One record of all those with the same key, in the order in which they were first met. */
function addUp<T>(
  parts: readonly (readonly T[])[],
  keyOf: (one: T) => readonly string[],
  add: (sum: T, one: T) => void,
): T[] {
  const merged = new Map<string, T>();
  for (const one of parts.flat()) {
    const key = JSON.stringify(keyOf(one));
    const sum = merged.get(key);
    if (sum === undefined) merged.set(key, { ...one });
    else add(sum, one);
  }
  return [...merged.values()];
}

function addCount(sum: { count: number }, { count }: { count: number }): void {
  sum.count += count;
}

function mergeCommon(parts: readonly RoundMeasurement[]) {
  return {
    metrics: mergeMetrics(parts.map((part) => part.metrics)),
    counters: mergeCounters(parts.map((part) => part.counters)),
    errors: mergeErrors(parts.map((part) => part.errors)),
    unmeasured: mergeUnmeasured(parts.map((part) => part.unmeasured)),
    ...(parts.some(({ untagged }) => untagged !== undefined)
      ? { untagged: mergeUntagged(parts.map((part) => part.untagged ?? [])) }
      : {}),
    ...(parts.some(({ nameUses }) => nameUses !== undefined)
      ? { nameUses: mergeNameUses(parts.map((part) => part.nameUses ?? [])) }
      : {}),
    ...(parts.some(({ answers }) => answers !== undefined)
      ? { answers: mergeAnswers(parts.map((part) => part.answers ?? [])) }
      : {}),
    ...(parts.some(({ unheard }) => unheard !== undefined)
      ? { unheard: mergeUnheard(parts.map((part) => part.unheard ?? [])) }
      : {}),
    warnings: [...new Set(parts.flatMap((part) => part.warnings))],
    generator: worstGenerator(parts.map((part) => part.generator)),
    resources: mergeResources(parts),
    custom: meanCustom(parts.map((part) => part.custom)),
    ...mergeWarmUps(parts),
    ...mergeWire(parts),
    ...mergeChecks(parts),
  };
}

function mergeMetrics(
  parts: readonly Record<MetricId, SerializedSketch>[],
): Record<MetricId, SerializedSketch> {
  const ids = new Set(parts.flatMap((part) => Object.keys(part)));
  return Object.fromEntries(
    [...ids].map((id) => [id, mergeSketches(parts.flatMap((part) => part[id] ?? []))!.toJSON()]),
  );
}

/** The mean of each custom number over the parts that have it: each part was asked once. */
function meanCustom(parts: readonly Record<string, number>[]): Record<string, number> {
  const names = new Set(parts.flatMap((part) => Object.keys(part)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = parts.flatMap((part) => part[name] ?? []);
      return [name, values.reduce((total, value) => total + value, 0) / values.length];
    }),
  );
}

/** Their sums; absent where no part had a warm-up. */
function mergeWarmUps(parts: readonly RoundMeasurement[]): Pick<RoundMeasurement, 'warmUpCounters'> {
  const warmUps = parts.flatMap(({ warmUpCounters }) =>
    warmUpCounters === undefined ? [] : [warmUpCounters],
  );
  if (warmUps.length === 0) return {};
  const names = new Set(warmUps.flatMap((counters) => Object.keys(counters)));
  return {
    warmUpCounters: Object.fromEntries(
      [...names].map((name) => [name, warmUps.reduce((total, counters) => total + (counters[name] ?? 0), 0)]),
    ),
  };
}

/** Traffic added up; absent where a part did not count it. */
function mergeWire(parts: readonly RoundMeasurement[]): Pick<RoundMeasurement, 'wire'> {
  const wires = parts.flatMap(({ wire }) => wire ?? []);
  if (wires.length === 0 || wires.length < parts.length) return {};
  return {
    wire: {
      bytesSent: sumOrNull(wires.map(({ bytesSent }) => bytesSent)),
      bytesReceived: sumOrNull(wires.map(({ bytesReceived }) => bytesReceived)),
      ...(wires.every(({ framesReceived }) => framesReceived !== undefined)
        ? {
            framesSent: wires.reduce((total, { framesSent = 0 }) => total + framesSent, 0),
            framesReceived: wires.reduce((total, { framesReceived = 0 }) => total + framesReceived, 0),
          }
        : {}),
    },
  };
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.every((value) => value !== null) ? values.reduce((total, value) => total + value, 0) : null;
}

/** Every condition once, held only where all parts held it; absent where no part had any. */
function mergeChecks(parts: readonly RoundMeasurement[]): Pick<RoundMeasurement, 'checks'> {
  const merged = new Map<string, PluginCheck>();
  for (const check of parts.flatMap((part) => part.checks ?? [])) {
    const key = JSON.stringify([check.plugin, check.expression]);
    merged.set(key, { ...check, ok: check.ok && (merged.get(key)?.ok ?? true) });
  }
  return merged.size === 0 ? {} : { checks: [...merged.values()] };
}

function maxKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((max, value) => Math.max(max, value));
}

function sumKnown(values: readonly (number | null)[]): number | null {
  return values.every((value) => value !== null) ? values.reduce((total, value) => total + value, 0) : null;
}

/** Work added up; null where a round did not count it, and absent where none did. */
function mergeWork(parts: readonly ResourceUsage[]): Pick<ResourceUsage, 'work'> {
  const works = parts.flatMap(({ work }) => work ?? []);
  if (works.length === 0 || works.length < parts.length) return {};
  const sum = (of: (work: ServerWork) => number | null) => sumKnown(works.map(of));
  return {
    work: {
      systemCalls: sum((work) => work.systemCalls),
      bytesRead: sum((work) => work.bytesRead),
      bytesWritten: sum((work) => work.bytesWritten),
      contextSwitches: sum((work) => work.contextSwitches),
      pageFaults: sum((work) => work.pageFaults),
      userCpuSeconds: sum((work) => work.userCpuSeconds),
      systemCpuSeconds: sum((work) => work.systemCpuSeconds),
      runQueueSeconds: sum((work) => work.runQueueSeconds),
      allocatedBytes: sum((work) => work.allocatedBytes),
      collections: sum((work) => work.collections),
    },
  };
}

function sumBySecond(parts: readonly (number[] | undefined)[]): number[] {
  const seconds = Math.max(0, ...parts.map((part) => part?.length ?? 0));
  return Array.from({ length: seconds }, (_, second) =>
    parts.reduce((total, part) => total + (part?.[second] ?? 0), 0),
  );
}
