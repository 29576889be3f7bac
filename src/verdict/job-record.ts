import { type CompactSketch, compactSketch, expandSketch } from '../metrics/compact-sketch.ts';
import { standardCounters } from '../metrics/metric.ts';
import type { GeneratorHealth, RoundMeasurement } from '../metrics/round-measurement.ts';
import type { MeasuredPair } from './judgement.ts';
import type { Verdict } from './verdict.ts';

/*
 * The raw values of jobs whose truth is known, as JSON lines: one job a line, appended as it ends, so that an
 * interrupted series goes on where it stopped. `bench/replay.ts` applies rules to such files.
 */

/** What one round leaves in the record: the sketches of the kept metrics, whole and by slice, and the counters. */
export type RecordedRound = {
  activeMs: number;
  metrics: Record<string, CompactSketch>;
  slices: Record<string, CompactSketch>[];
  /** Cores that others kept busy in each slice. */
  foreignCores?: (number | null)[];
  counters: Record<string, number>;
  generator: GeneratorHealth;
  /** CPU time of the server over the round, seconds; null when it was not sampled. */
  serverCpuSeconds: number | null;
};

export type JobRecord = {
  schemaVersion: 1;
  /** The service time of the head over that of the baseline, as injected: 1 when nothing changed. */
  truth: number;
  /** The latency that is gated. */
  metric: string;
  /** How the sides alternated. */
  design: 'slices' | 'rounds';
  /** Processor, cores and system, as a person would name them. */
  machine: string;
  /** ISO 8601. */
  startedAt: string;
  /** Wall time of the whole job, builds left out. */
  minutes: number;
  /** The suite, and what it measured: jobs of another scenario or other settings are no jobs of the same series. */
  suite?: string;
  scenarioHash?: string;
  settingsHash?: string;
  seed?: number;
  /** How the sides were to alternate, where the scenario did not allow it. */
  wanted?: 'slices' | 'rounds';
  /** Length of a slice, where the sides alternated in slices. */
  sliceMs?: number;
  /** What the gate would have said, after how many pairs and minutes. */
  decided?: { verdict: Verdict; pairs: number; minutes: number };
  /** The factor that was injected in fact: own and injected CPU time over own. Null when nothing measured it. */
  injected?: number | null;
  /** Why the job is invalid. */
  problem?: string;
  pairs: { baseline: RecordedRound; head: RecordedRound }[];
};

/** The record of a job. Only `metric` is kept unless `keep` names more, to keep the files small. */
export const recordJob = (
  job: Omit<JobRecord, 'schemaVersion' | 'pairs'> & { pairs: readonly MeasuredPair[] },
  keep: readonly string[] = [],
): JobRecord => {
  const wanted = new Set([job.metric, ...keep]);
  const keeps = (metric: string) => wanted.has(metric);
  return {
    schemaVersion: 1,
    ...job,
    pairs: job.pairs.map(({ baseline, head }) => ({
      baseline: recordRound(baseline, keeps),
      head: recordRound(head, keeps),
    })),
  };
};

/** One line of the file, with its end. */
export const formatJobRecord = (record: JobRecord): string => `${JSON.stringify(record)}\n`;

/** Jobs of a file; a last line that was cut off by an interruption is left out. */
export const parseJobRecords = (text: string): JobRecord[] => {
  const lines = text.split('\n');
  const whole = lines.slice(0, -1).filter((line) => line.trim() !== '');
  return whole.map((line, index) => {
    const record = JSON.parse(line) as JobRecord;
    if (record.schemaVersion !== 1 || !(record.truth > 0) || !Array.isArray(record.pairs))
      throw new Error(`line ${index + 1} is not a job record`);
    return record;
  });
};

/** The pairs of a recorded job, to be judged again. */
export const pairsOf = (record: JobRecord): MeasuredPair[] =>
  record.pairs.map(({ baseline, head }) => ({ baseline: restoreRound(baseline), head: restoreRound(head) }));

function recordRound(round: RoundMeasurement, keep: (metric: string) => boolean): RecordedRound {
  const kept = (metrics: RoundMeasurement['metrics']) =>
    mapValues(Object.fromEntries(Object.entries(metrics).filter(([metric]) => keep(metric))), compactSketch);
  return {
    activeMs: Math.round(round.activeMs),
    metrics: kept(round.metrics),
    slices: round.slices.map(kept),
    ...(round.foreignCores === undefined
      ? {}
      : {
          foreignCores: round.foreignCores.map((cores) => (cores === null ? null : Number(cores.toFixed(3)))),
        }),
    counters: Object.fromEntries(Object.entries(round.counters).filter(([, count]) => count !== 0)),
    generator: round.generator,
    serverCpuSeconds: round.resources?.cpuSeconds ?? null,
  };
}

function mapValues<A, B>(values: Record<string, A>, of: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, of(value)]));
}

function restoreRound(round: RecordedRound): RoundMeasurement {
  return {
    activeMs: round.activeMs,
    metrics: mapValues(round.metrics, expandSketch),
    slices: round.slices.map((slice) => mapValues(slice, expandSketch)),
    ...(round.foreignCores === undefined ? {} : { foreignCores: round.foreignCores }),
    counters: { ...Object.fromEntries(standardCounters.map((name) => [name, 0])), ...round.counters },
    errors: [],
    unmeasured: [],
    warnings: [],
    generator: round.generator,
    resources: null,
    custom: {},
  };
}
