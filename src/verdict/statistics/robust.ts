import { mean } from '../../metrics/averages.ts';

export type WeightedValue = { value: number; weight: number };

/**
 * Robust location and scale (Wilcox, "Introduction to Robust Estimation and Hypothesis Testing", chapter 3). `share`
 * is what is cut from each end: 0.2 for a 20%-trimmed mean.
 */

/** Sample standard deviation, with n - 1; NaN for fewer than two values. */
export const standardDeviation = (values: readonly number[]): number => {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
};

/** Mean of what is left when the floor(share * n) smallest and largest values are cut off. */
export const trimmedMean = (values: readonly number[], share: number): number => {
  const cut = Math.floor(share * values.length);
  return mean(ascending(values).slice(cut, values.length - cut));
};

/**
 * Weighted mean of what is left when the smallest and largest values that carry `share` of the weight are cut off at
 * each end; a value on the edge keeps the part of its weight that lies inside. With equal weights and a whole number
 * of values to cut it is the trimmed mean.
 */
export const weightedTrimmedMean = (values: readonly WeightedValue[], share: number): number => {
  const sorted = [...values].sort((a, b) => a.value - b.value);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const [low, high] = [share * total, (1 - share) * total];
  let [before, sum] = [0, 0];
  for (const { value, weight } of sorted) {
    const after = before + weight;
    sum += value * Math.max(0, Math.min(after, high) - Math.max(before, low));
    before = after;
  }
  return sum / (high - low);
};

/** Standard deviation after the floor(share * n) values at each end are replaced by the nearest that is kept. */
export const winsorisedDeviation = (values: readonly number[], share: number): number => {
  const cut = Math.floor(share * values.length);
  const sorted = ascending(values);
  const low = sorted[cut] ?? Number.NaN;
  const high = sorted[sorted.length - 1 - cut] ?? Number.NaN;
  return standardDeviation(sorted.map((value) => Math.min(Math.max(value, low), high)));
};

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
