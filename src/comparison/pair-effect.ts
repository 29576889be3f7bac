import { relativeAccuracy } from '../measurement/latency-sketch.ts';
import type { RoundMeasurement } from '../measurement/round-measurement.ts';
import type { Statistic } from '../settings/threshold.ts';
import { observedValue, quantileOf, restoreSketch } from './observed-value.ts';
import { mean, standardDeviation, trimmedMean } from './robust.ts';

/**
 * How the difference inside one pair is read. `pooled` compares the quantiles of all messages of each side; `slices`
 * takes the log ratio of each two adjacent slices and their 20%-trimmed mean, so that a stall of the machine that
 * hits one or two slices does not move it.
 */
export type PairEstimator = 'slices' | 'pooled';

const trim = 0.2;
/** Below this many samples in a slice its quantile says little; the pair is then read from pooled quantiles. */
const minSliceSamples: Partial<Record<Statistic, number>> = { p50: 10, mean: 10, p90: 20, p95: 20 };
/** Fewer slices than this leave nothing to trim. */
const minSlices = 5;

/**
 * The statistics that are read from slices. The tail beyond p95 is always pooled: a stall in one slice of ten is what
 * it is there to show, and trimming would hide it.
 */
export const estimatorFor = (statistic: Statistic): PairEstimator =>
  minSliceSamples[statistic] === undefined ? 'pooled' : 'slices';

const logRatio = (head: number | null, baseline: number | null): number | null =>
  head === null || baseline === null || !(head > 0) || !(baseline > 0) ? null : Math.log(head / baseline);

/** Log ratio (head over baseline) of one statistic in each slice that both sides have enough samples in. */
export const sliceLogRatios = (
  baseline: RoundMeasurement,
  head: RoundMeasurement,
  metric: string,
  statistic: Statistic,
): number[] => {
  const enough = minSliceSamples[statistic] ?? 1;
  const slices = Math.min(baseline.slices.length, head.slices.length);
  const ratios: number[] = [];
  for (let index = 0; index < slices; index += 1) {
    const atBaseline = baseline.slices[index]?.[metric];
    const atHead = head.slices[index]?.[metric];
    if (atBaseline === undefined || atHead === undefined) continue;
    if (atBaseline.count < enough || atHead.count < enough) continue;
    const read = (slice: typeof atHead) =>
      statistic === 'mean'
        ? slice.sumMs / slice.count
        : restoreSketch(slice).quantileMs(quantileOf[statistic as keyof typeof quantileOf]);
    const ratio = logRatio(read(atHead), read(atBaseline));
    if (ratio !== null) ratios.push(ratio);
  }
  return ratios;
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
  if (estimator === 'slices') {
    const ratios = sliceLogRatios(baseline, head, metric, statistic);
    if (ratios.length >= minSlices) return trimmedMean(ratios, trim);
  }
  return logRatio(observedValue([head], metric, statistic), observedValue([baseline], metric, statistic));
};

/** Mean, deviation and standard error over pairs. */
export type PairSummary = { pairs: number; mean: number; deviation: number; standardError: number };

/**
 * Deviation of the log ratio of two exact quantiles when they are read from sketches: each is off by up to the
 * sketch's relative error, uniformly. A smaller deviation between pairs is not believed.
 */
export const sketchResolution = relativeAccuracy * Math.sqrt(2 / 3);

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
