import { mean, median } from '../metrics/averages.ts';
import type { Statistic } from '../metrics/threshold.ts';
import { type JobRecord, pairsOf, type RecordedRound } from './job-record.ts';
import { type NoiseBudget, noiseBudget } from './noise-budget.ts';
import { pairLogRatio } from './statistics/pair-effect.ts';
import { standardDeviation } from './statistics/robust.ts';
import { shareBounds } from './statistics/share-bounds.ts';
import type { Verdict } from './verdict.ts';

/** Each bound on a share is wrong with at most this probability. */
const boundLevel = 0.05;

/** The statistics that a series is summarised by: those that are judged, and those that people know. */
type JobStatistic = 'p5' | 'p50' | 'tail' | 'p95' | 'p99';

/** What became of the jobs of one truth and one design. Changes are ratios minus one. */
export type TruthSummary = {
  truth: number;
  design: JobRecord['design'];
  jobs: number;
  verdicts: Record<Verdict, number>;
  /** Bounds, at 95% confidence each, on the share of jobs that fail, of those with a verdict that can be trusted. */
  failing: { low: number; high: number };
  /** Medians over the jobs that came to a pass or a fail before their last pair; null when there is none. */
  pairsToVerdict: number | null;
  minutesToVerdict: number | null;
  /** Mean factor that was injected in fact; null when nothing measured it. */
  injected: number | null;
  /** Mean change that was measured. */
  change: Record<JobStatistic, number | null>;
  cpuPerMessage: number | null;
};

/** How much pairs of unchanged jobs differ: the deviation of ln(head / baseline) within a job, over all jobs. */
export type DeviationSummary = {
  design: JobRecord['design'];
  /** Length of a slice; null in rounds, or where it was not recorded. */
  sliceMs: number | null;
  jobs: number;
  pairs: number;
  deviation: Record<JobStatistic, number | null>;
  cpuPerMessage: number | null;
};

export type JobsSummary = {
  truths: TruthSummary[];
  deviations: DeviationSummary[];
  /** Where the noise between pairs of unchanged jobs in slices comes from. */
  budgets: NoiseBudget[];
  /** Time that all jobs took together. */
  minutes: number;
};

/** A recorded job with its pairs as they were measured. */
export type RestoredJob = { record: JobRecord; pairs: ReturnType<typeof pairsOf> };

/** What a series of jobs whose truth is known shows: false alarms, power, the noise between pairs, and time. */
export const summariseJobs = (records: readonly JobRecord[]): JobsSummary => {
  const jobs = records.map(restoreJob);
  const designs: readonly JobRecord['design'][] = ['slices', 'rounds'];
  const truths = groups(jobs, ({ truth, design }) => `${truth} ${design}`).map(summariseTruth);
  const unchanged = jobs.filter(({ record }) => record.truth === 1 && record.problem === undefined);
  return {
    truths: truths.sort((a, b) => designs.indexOf(a.design) - designs.indexOf(b.design) || a.truth - b.truth),
    deviations: groups(unchanged, ({ design, sliceMs }) => `${design} ${sliceMs}`)
      .map(summariseDeviation)
      .sort((a, b) => designs.indexOf(a.design) - designs.indexOf(b.design)),
    budgets: budgetsOf(unchanged),
    minutes: records.reduce((sum, { minutes }) => sum + minutes, 0),
  };
};

export const restoreJob = (record: JobRecord): RestoredJob => ({ record, pairs: pairsOf(record) });

/** Deviation between the pairs of a job of ln(head / baseline) of the server's CPU time per message, the second witness. */
export const cpuDeviation = (jobs: readonly RestoredJob[]): number | null =>
  pooledDeviation(jobs.map(cpuLogRatios));

/** Mean over jobs of ln(head / baseline) of the server's CPU time per message; null when it was not sampled. */
export const cpuChange = (jobs: readonly RestoredJob[]): number | null => {
  const sampled = jobs.map(cpuLogRatios).filter((values) => values.length > 0);
  return sampled.length === 0 ? null : mean(sampled.map(mean));
};

function groups(jobs: readonly RestoredJob[], keyOf: (record: JobRecord) => string): RestoredJob[][] {
  const found = new Map<string, RestoredJob[]>();
  for (const job of jobs) {
    const key = keyOf(job.record);
    found.set(key, [...(found.get(key) ?? []), job]);
  }
  return [...found.values()];
}

function summariseTruth(jobs: readonly RestoredJob[]): TruthSummary {
  const [{ record: first }] = jobs as [RestoredJob];
  const decided = jobs.flatMap(({ record }) => record.decided ?? []);
  const count = (verdict: Verdict): number => decided.filter((one) => one.verdict === verdict).length;
  const verdicts = {
    pass: count('pass'),
    fail: count('fail'),
    inconclusive: count('inconclusive'),
    invalid: count('invalid'),
  };
  const settled = decided.filter(({ verdict }) => verdict === 'pass' || verdict === 'fail');
  return {
    truth: first.truth,
    design: first.design,
    jobs: jobs.length,
    verdicts,
    failing: shareBounds(verdicts.fail, decided.length - verdicts.invalid, boundLevel),
    pairsToVerdict: medianOrNull(settled.map(({ pairs }) => pairs)),
    minutesToVerdict: medianOrNull(settled.map(({ minutes }) => minutes)),
    injected: meanOrNull(jobs.flatMap(({ record }) => record.injected ?? [])),
    change: forEachStatistic((statistic) => meanChange(jobs.map((job) => logRatios(job, statistic)))),
    cpuPerMessage: meanChange(jobs.map(cpuLogRatios)),
  };
}

function medianOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : median(values);
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}

function forEachStatistic<T>(of: (statistic: JobStatistic) => T) {
  return {
    p5: of('p5'),
    p50: of('p50'),
    tail: of('tail'),
    p95: of('p95'),
    p99: of('p99'),
  };
}

function meanChange(jobs: readonly (readonly number[])[]): number | null {
  const means = jobs.filter((values) => values.length > 0).map(mean);
  return means.length === 0 ? null : Math.expm1(mean(means));
}

function logRatios({ record, pairs }: RestoredJob, statistic: Statistic): number[] {
  return pairs.flatMap((pair) => pairLogRatio(pair.baseline, pair.head, record.metric, statistic) ?? []);
}

/** ln(head / baseline) of the server's CPU time per message, pair by pair; empty when it was not sampled. */
function cpuLogRatios({ record }: RestoredJob): number[] {
  const perMessage = (round: RecordedRound): number =>
    (round.serverCpuSeconds ?? 0) / Math.max(1, round.counters['messages.sent'] ?? 0);
  return record.pairs.flatMap(({ baseline, head }) => {
    const [before, after] = [perMessage(baseline), perMessage(head)];
    return before > 0 && after > 0 ? [Math.log(after / before)] : [];
  });
}

function summariseDeviation(jobs: readonly RestoredJob[]): DeviationSummary {
  const [{ record: first }] = jobs as [RestoredJob];
  return {
    design: first.design,
    sliceMs: first.sliceMs ?? null,
    jobs: jobs.length,
    pairs: jobs.reduce((sum, job) => sum + job.pairs.length, 0),
    deviation: forEachStatistic((statistic) => pooledDeviation(jobs.map((job) => logRatios(job, statistic)))),
    cpuPerMessage: cpuDeviation(jobs),
  };
}

/**
 * Root mean square, over jobs, of the deviation within a job; null when no job has two values. Within each job, so that
 * a job that sits on an odd placement of its processes does not count as noise of pairs.
 */
function pooledDeviation(jobs: readonly (readonly number[])[]): number | null {
  const variances = jobs
    .filter((values) => values.length > 1)
    .map((values) => standardDeviation(values) ** 2);
  return variances.length === 0 ? null : Math.sqrt(mean(variances));
}

function budgetsOf(unchanged: readonly RestoredJob[]): NoiseBudget[] {
  const metric = unchanged[0]?.record.metric;
  if (metric === undefined) return [];
  const pairs = unchanged.filter(({ record }) => record.metric === metric).flatMap((job) => job.pairs);
  return (['p5', 'p50', 'tail', 'p95'] as const).flatMap(
    (statistic) => noiseBudget(pairs, metric, statistic) ?? [],
  );
}
