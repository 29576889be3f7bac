import { mean } from '../../src/metrics/averages.ts';
import { studentTUpperQuantile } from '../../src/verdict/statistics/distributions.ts';
import { standardDeviation } from '../../src/verdict/statistics/robust.ts';
import type { Observed } from './measure-job.ts';

/** One job seen through one statistic of one metric. */
export type Point = { condition: string; observed: Observed };

/** What the stored value of a job would be: of the target alone, or held against the reference in some way. */
export type Reading = (point: Point) => number;
export const raw: Reading = ({ observed }) => Math.log(observed.targetMs);
export const reference: Reading = ({ observed }) => Math.log(observed.referenceMs);
export const pooledRatio: Reading = (point) => raw(point) - reference(point);
export const slicedRatio: Reading = ({ observed }) => observed.slicedLogRatio;

/** Standard deviation between jobs. */
export const deviation = (points: readonly Point[], reading: Reading): number =>
  standardDeviation(points.map(reading));

/** Standard deviation between jobs under one and the same condition, pooled over conditions. */
export const deviationWithin = (points: readonly Point[], reading: Reading): number => {
  let squares = 0;
  let freedom = 0;
  for (const name of new Set(points.map(({ condition }) => condition))) {
    const values = points.filter(({ condition }) => condition === name).map(reading);
    if (values.length < 2) continue;
    squares += standardDeviation(values) ** 2 * (values.length - 1);
    freedom += values.length - 1;
  }
  return Math.sqrt(squares / freedom);
};

/**
 * Deviation by one reading over that by another, between the same jobs, with its 90% interval (E. J. G. Pitman, "A note
 * on normal correlation", Biometrika 31, 1939: for two correlated normal values with the ratio of variances F and the
 * correlation r, F (K -+ sqrt(K^2 - 1)), K = 1 + 2 (1 - r^2) t^2 / (n - 2)).
 */
export const deviationQuotient = (
  points: readonly Point[],
  reading: Reading,
  by: Reading,
): { quotient: number; low: number; high: number } => {
  const x = points.map(reading);
  const y = points.map(by);
  const [deviationX, deviationY] = [standardDeviation(x), standardDeviation(y)];
  const [centreX, centreY] = [mean(x), mean(y)];
  const products = x.reduce((sum, value, index) => sum + (value - centreX) * (y[index]! - centreY), 0);
  const correlation = products / ((x.length - 1) * deviationX * deviationY);
  const t = studentTUpperQuantile(0.05, x.length - 2);
  const k = 1 + (2 * (1 - correlation ** 2) * t ** 2) / (x.length - 2);
  const quotient = deviationX / deviationY;
  const factor = Math.sqrt(k + Math.sqrt(k ** 2 - 1));
  return { quotient, low: quotient / factor, high: quotient * factor };
};

/** Slope of the line through ln(target) over ln(reference): 1 where both suffer alike. */
export const slope = (points: readonly Point[]): number => {
  const x = points.map(reference);
  const y = points.map(raw);
  const [centreX, centreY] = [mean(x), mean(y)];
  const products = x.map((value, index) => (value - centreX) * (y[index]! - centreY));
  return mean(products) / mean(x.map((value) => (value - centreX) ** 2));
};

/** Deviation of each job from what a line through all the others foretells from its reference. */
export const deviationFromLine = (points: readonly Point[]): number => {
  const errors = points.map((point, index) => {
    const others = points.filter((_, other) => other !== index);
    const foretold = mean(others.map(raw)) + slope(others) * (reference(point) - mean(others.map(reference)));
    return raw(point) - foretold;
  });
  return standardDeviation(errors);
};
