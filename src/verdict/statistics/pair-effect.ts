import { mean } from '../../metrics/averages.ts';
import { relativeAccuracy } from '../../metrics/latency-sketch.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import type { Statistic } from '../../metrics/threshold.ts';
import { observedValue, restoreSketch, statisticOfSketch } from '../../metrics/values.ts';
import { standardDeviation, weightedTrimmedMean } from './robust.ts';

/**
 * How the difference inside one pair is read. `pooled` compares a statistic of all messages of each side. `mean` takes
 * the log ratio of each two adjacent slices and averages them. `trimmed` averages them without the highest and the
 * lowest fifth, so that a stall of the machine that hits one or two slices does not move it, and each slice counts by
 * the root of its samples: while a load is still filling up, the early slices have few and are far noisier.
 *
 * In nine A/A pairs on a real chat server the deviation between pairs was, for pooled, mean and trimmed: p50 0.013,
 * 0.012, 0.012; p95 0.033, 0.024, 0.012; p99 0.129, 0.109, 0.114. `bench/verdict-estimators.ts` repeats this on
 * simulated machines with bursts, drift and few messages, and shows what each still sees of a stall.
 */
export type PairEstimator = 'trimmed' | 'mean' | 'pooled';

const trim = 0.2;

/** Fewer slices than this leave nothing to average. */
export const minSlices = 5;

/**
 * Where the statistic is read from slices: how, and the fewest samples that both slices must have. The body is
 * trimmed. The p99 is not: trimming would hide a stall that hits one slice in ten, which is what a p99 is there to
 * show; averaged over slices it sees it, and is far steadier than pooled, where one burst is the p99 of the pair.
 * Beyond that (p99.9, maximum) slices say nothing and the pair is pooled.
 */
const sliced: Partial<Record<Statistic, { estimator: 'trimmed' | 'mean'; minSamples: number }>> = {
  mean: { estimator: 'trimmed', minSamples: 10 },
  p5: { estimator: 'trimmed', minSamples: 20 },
  p10: { estimator: 'trimmed', minSamples: 20 },
  p50: { estimator: 'trimmed', minSamples: 10 },
  p90: { estimator: 'trimmed', minSamples: 20 },
  p95: { estimator: 'trimmed', minSamples: 20 },
  tail: { estimator: 'trimmed', minSamples: 20 },
  p99: { estimator: 'mean', minSamples: 30 },
};

/** What one slice shows: ln(head / baseline), and the samples of the side that has fewer. */
export type SliceChange = { logRatio: number; samples: number };

/** Mean, deviation and standard error over pairs. */
export type PairSummary = { pairs: number; mean: number; deviation: number; standardError: number };

/**
 * Deviation of the log ratio of two exact quantiles when they are read from sketches: each is off by up to the
 * sketch's relative error, uniformly. A smaller deviation between pairs is not believed.
 */
export const sketchResolution = relativeAccuracy * Math.sqrt(2 / 3);

export const estimatorFor = (statistic: Statistic): PairEstimator => sliced[statistic]?.estimator ?? 'pooled';

/** The change of one statistic in each slice that both sides have enough samples in. */
export const sliceChanges = (
  baseline: RoundMeasurement,
  head: RoundMeasurement,
  metric: string,
  statistic: Statistic,
): SliceChange[] => {
  const enough = sliced[statistic]?.minSamples ?? 1;
  const slices = Math.min(baseline.slices.length, head.slices.length);
  const changes: SliceChange[] = [];
  for (let index = 0; index < slices; index += 1) {
    const atBaseline = baseline.slices[index]?.[metric];
    const atHead = head.slices[index]?.[metric];
    if (atBaseline === undefined || atHead === undefined) continue;
    if (atBaseline.count < enough || atHead.count < enough) continue;
    const read = (slice: typeof atHead) => statisticOfSketch(restoreSketch(slice), statistic);
    const ratio = logRatio(read(atHead), read(atBaseline));
    if (ratio !== null) changes.push({ logRatio: ratio, samples: Math.min(atBaseline.count, atHead.count) });
  }
  return changes;
};

/**
 * ln(head / baseline) of one statistic in one pair; null when a side did not observe it or it is zero. Without enough
 * slices (or samples in them) the pooled values are compared.
 */
export const pairLogRatio = (
  baseline: RoundMeasurement,
  head: RoundMeasurement,
  metric: string,
  statistic: Statistic,
  estimator: PairEstimator = estimatorFor(statistic),
): number | null => {
  if (estimator !== 'pooled') {
    const changes = sliceChanges(baseline, head, metric, statistic);
    if (changes.length >= minSlices)
      return estimator === 'mean'
        ? mean(changes.map(({ logRatio }) => logRatio))
        : weightedTrimmedMean(
            changes.map(({ logRatio, samples }) => ({ value: logRatio, weight: Math.sqrt(samples) })),
            trim,
          );
  }
  return logRatio(observedValue([head], metric, statistic), observedValue([baseline], metric, statistic));
};

/**
 * What a change of `logChange` over these pairs is a change between: the geometric mean of all their values, half the
 * change below it and half above. Without slices these are the geometric means of the two sides; a change that was read
 * slice by slice lies nearer to the truth than they do, and values that contradict it would only confuse.
 */
export const typicalValues = (
  pairs: readonly { baseline: RoundMeasurement; head: RoundMeasurement }[],
  metric: string,
  statistic: Statistic,
  logChange: number,
): { baseline: number; head: number } => {
  const values = pairs.flatMap(({ baseline, head }) =>
    [baseline, head].map((round) => observedValue([round], metric, statistic) ?? 0),
  );
  const centre = mean(values.filter((value) => value > 0).map(Math.log));
  return { baseline: Math.exp(centre - logChange / 2), head: Math.exp(centre + logChange / 2) };
};

/** Summary of one value per pair. `resolution` is the smallest deviation that is believed. */
export const summarisePairs = (values: readonly number[], resolution: number): PairSummary => {
  const deviation = Math.max(standardDeviation(values), resolution);
  return {
    pairs: values.length,
    mean: mean(values),
    deviation,
    standardError: deviation / Math.sqrt(values.length),
  };
};

function logRatio(head: number | null, baseline: number | null): number | null {
  return head === null || baseline === null || !(head > 0) || !(baseline > 0)
    ? null
    : Math.log(head / baseline);
}
