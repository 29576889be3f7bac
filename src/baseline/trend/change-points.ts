import { median } from '../../metrics/averages.ts';

/** Where a history changed its level: the first index of the new level, and the ratio of the levels minus one. */
export type ChangePoint = { index: number; relative: number };

/** A level that lasts for fewer points than this is an outlier, not a level. */
const minSegment = 4;

/** Noise is taken to be at least this much (ln): below it a change is of no interest to anybody. */
const minSigma = 0.01;

/** Neighbours on each side by which a single bad run is told from a new level. */
const neighbours = 4;

/** A run farther than this from its neighbours counts as this far, in units of the noise. */
const clipAt = 2;

/**
 * Changes of level in a history of positive values, oldest first, for people to look at and never for a verdict: the
 * best segmentation of their logarithms (optimal partitioning: Jackson et al., IEEE Signal Processing Letters 2005).
 * The penalty, 5 ln n, is above the usual 3 ln n (Killick et al., JASA 2012), because machines that are shared are
 * noisier than a normal distribution. Nothing is said of fewer than 12 values.
 */
export const changePoints = (values: readonly number[]): ChangePoint[] => {
  if (values.length < 3 * minSegment || values.some((value) => !(value > 0))) return [];
  const logs = values.map(Math.log);
  const sigma = noiseOf(logs);
  const starts = bestSegmentation(clipped(logs, sigma), sigma, 5 * Math.log(values.length));
  const levels = starts.map((start, index) => median(logs.slice(start, starts[index + 1] ?? logs.length)));
  return starts.slice(1).map((index, at) => ({ index, relative: Math.expm1(levels[at + 1]! - levels[at]!) }));
};

/**
 * Standard deviation of the noise from the differences of neighbours, which a change of level touches only once:
 * 1.4826 MAD / sqrt 2.
 */
function noiseOf(values: readonly number[]): number {
  const steps = values.slice(1).map((value, index) => value - values[index]!);
  const centre = median(steps);
  return Math.max(minSigma, (1.4826 * median(steps.map((step) => Math.abs(step - centre)))) / Math.SQRT2);
}

/** Starts of the segments with the least cost plus penalty: exact, by dynamic programming over their last start. */
function bestSegmentation(values: readonly number[], sigma: number, penalty: number): number[] {
  const costOf = segmentCosts(values);
  const best = [-penalty];
  const previous = [0];
  for (let end = 1; end <= values.length; end += 1) {
    best.push(Number.POSITIVE_INFINITY);
    previous.push(0);
    for (let start = 0; start <= end - minSegment; start += 1) {
      const cost = best[start]! + costOf(start, end) / (sigma * sigma) + penalty;
      if (cost >= best[end]!) continue;
      best[end] = cost;
      previous[end] = start;
    }
  }
  const starts: number[] = [];
  for (let end = values.length; end > 0; end = previous[end]!) starts.unshift(previous[end]!);
  return starts;
}

/** Squared distance from the mean of every segment [start, end) in constant time, from running sums. */
function segmentCosts(values: readonly number[]) {
  const sums = [0];
  const squares = [0];
  for (const value of values) {
    sums.push(sums.at(-1)! + value);
    squares.push(squares.at(-1)! + value * value);
  }
  return (start: number, end: number): number => {
    const sum = sums[end]! - sums[start]!;
    return squares[end]! - squares[start]! - (sum * sum) / (end - start);
  };
}

/** Values brought near the median of their neighbours: one bad run makes no level, and hides none. */
function clipped(values: readonly number[], sigma: number): number[] {
  return values.map((value, index) => {
    const centre = median(values.slice(Math.max(0, index - neighbours), index + neighbours + 1));
    return centre + Math.min(Math.max(value - centre, -clipAt * sigma), clipAt * sigma);
  });
}
