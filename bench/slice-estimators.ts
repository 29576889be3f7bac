import { mean, median } from '../src/metrics/averages.ts';
import type { MeasuredPair } from '../src/verdict/judgement.ts';
import {
  minSlices,
  pairLogRatio,
  type SliceChange,
  sliceChanges,
} from '../src/verdict/statistics/pair-effect.ts';
import { standardDeviation, trimmedMean, weightedTrimmedMean } from '../src/verdict/statistics/robust.ts';
import type { RestoredJob } from '../src/verdict/summarise-jobs.ts';

/*
 * Candidates for the difference inside one pair, to be compared on measured jobs. Each takes the log ratios of adjacent
 * slices, but for `pooled`, which compares whole rounds.
 */

/** The statistics that estimators are tried on: those that are judged by default, and their peers. */
export type TriedStatistic = 'p5' | 'p10' | 'p50' | 'tail' | 'p95' | 'p99';

/** What ships for all of them but the p99. */
export const shipped = 'trimmed by 20%, weighted by their root';

/** Mean after the floor(share * n) values at each end are replaced by the nearest that is kept. */
const winsorisedMean = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(share * sorted.length);
  return mean(sorted.map((_, index) => sorted[Math.min(Math.max(index, cut), sorted.length - 1 - cut)]!));
};

/** Median of the means of all pairs of values, each with itself too (Hodges and Lehmann, 1963). */
const hodgesLehmann = (values: readonly number[]): number =>
  median(values.flatMap((a, index) => values.slice(index).map((b) => (a + b) / 2)));

/** Each slice weighs by its agreement with the median: Tukey's biweight, c = 6 median absolute deviations, one step. */
const biweight = (values: readonly number[]): number => {
  const centre = median(values);
  const spread = median(values.map((value) => Math.abs(value - centre)));
  if (spread === 0) return centre;
  const weights = values.map((value) => Math.max(0, 1 - ((value - centre) / (6 * spread)) ** 2) ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return values.reduce((sum, value, index) => sum + value * weights[index]!, 0) / total;
};

const weighted = (
  changes: readonly SliceChange[],
  weigh: (samples: number) => number,
  share: number,
): number =>
  weightedTrimmedMean(
    changes.map(({ logRatio, samples }) => ({ value: logRatio, weight: weigh(samples) })),
    share,
  );

const weightedSlices: Record<string, (changes: readonly SliceChange[]) => number> = {
  'mean weighted by samples': (changes) => weighted(changes, (n) => n, 0),
  'trimmed by 20%, weighted by samples': (changes) => weighted(changes, (n) => n, 0.2),
  [shipped]: (changes) => weighted(changes, Math.sqrt, 0.2),
};

const overSlices: Record<string, (ratios: readonly number[]) => number> = {
  'mean of slices': mean,
  'trimmed by 10%': (ratios) => trimmedMean(ratios, 0.1),
  'trimmed by 20%': (ratios) => trimmedMean(ratios, 0.2),
  'trimmed by 30%': (ratios) => trimmedMean(ratios, 0.3),
  median,
  'winsorised by 20%': (ratios) => winsorisedMean(ratios, 0.2),
  'Hodges-Lehmann': hodgesLehmann,
  biweight,
};

export const candidates: readonly string[] = [
  'pooled',
  ...Object.keys(overSlices),
  ...Object.keys(weightedSlices),
];

/** ln(head / baseline) of one pair by one of the candidates; null without enough slices. */
export const estimate = (
  pair: MeasuredPair,
  metric: string,
  statistic: TriedStatistic,
  candidate: string,
): number | null => {
  const { baseline, head } = pair;
  if (candidate === 'pooled') return pairLogRatio(baseline, head, metric, statistic, 'pooled');
  const changes = sliceChanges(baseline, head, metric, statistic);
  if (changes.length < minSlices) return null;
  const ofWeighted = weightedSlices[candidate];
  return ofWeighted === undefined
    ? overSlices[candidate]!(changes.map(({ logRatio }) => logRatio))
    : ofWeighted(changes);
};

/** Estimates of one candidate: mean change over jobs and deviation within a job, both of ln(head / baseline). */
export type EstimatorResult = { pairs: number; mean: number; deviation: number };

/** What a candidate makes of jobs of one truth; null when no job has two pairs. */
export const tryEstimator = (
  jobs: readonly RestoredJob[],
  statistic: TriedStatistic,
  candidate: string,
): EstimatorResult | null => {
  const values = jobs
    .map(({ record, pairs }) =>
      pairs.flatMap((pair) => estimate(pair, record.metric, statistic, candidate) ?? []),
    )
    .filter((job) => job.length > 1);
  if (values.length === 0) return null;
  return {
    pairs: values.reduce((sum, job) => sum + job.length, 0),
    mean: mean(values.map(mean)),
    deviation: Math.sqrt(mean(values.map((job) => standardDeviation(job) ** 2))),
  };
};
