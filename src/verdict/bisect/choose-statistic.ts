import { mean } from '../../metrics/averages.ts';
import { standardDeviation } from '../statistics/robust.ts';
import { immaterial, provingPairs } from './next-step.ts';

/**
 * How far a version is from the good one, by statistic, of equal ones the earlier: ln of the ratio, or of a rate of
 * failures the difference of the angles (`rateAngle`).
 */
export type PairValues = Readonly<Record<string, number>>;

/**
 * A share of failures as an angle: asin(sqrt(share)), whose deviation is that of the number of attempts alone,
 * 1 / (2 sqrt(n)), also where there are none at one side (Anscombe, "The transformation of Poisson, binomial and
 * negative-binomial data", Biometrika 1948). Its size is like that of a logarithm: 0.14 for 2% of failures.
 */
export const rateAngle = (share: number): number => Math.asin(Math.sqrt(Math.min(1, Math.max(0, share))));

/** The share of failures that lies so many angles from another. */
export const rateAtAngle = (from: number, difference: number): number =>
  Math.sin(Math.min(Math.PI / 2, Math.max(0, rateAngle(from) + difference))) ** 2;

/**
 * Statistics that are followed only where they are surely worse at the bad version, by so much at least: they are the
 * same on both sides as a rule, and a search for what is slower must not end because nothing fails.
 */
const leastRise: Readonly<Record<string, number>> = {
  'errors.rate': immaterial,
  'deliveries.lost.rate': immaterial,
  'server.rss max': Math.log(1.1),
};
const leastScore = 1;

/** What is known of a deviation before it is measured counts like so many pairs. */
const usualDeviation = 0.05;
const usualWeight = 2;

/**
 * The statistic that needs the fewest pairs to show the change: the highest ratio of change to deviation, in the first
 * pairs of the bad version alone, so that it stays the same while more is measured. Null before there are enough.
 */
export const chooseStatistic = (ofBad: readonly PairValues[]): string | null => {
  const first = ofBad.slice(0, provingPairs);
  if (first.length < provingPairs) return null;
  let best: { statistic: string; score: number } | null = null;
  for (const statistic of Object.keys(first[0]!)) {
    const values = first.flatMap((pair) => pair[statistic] ?? []);
    if (values.length < first.length) continue;
    const own = values.length - 1;
    const deviation = Math.sqrt(
      (own * standardDeviation(values) ** 2 + usualWeight * usualDeviation ** 2) / (own + usualWeight),
    );
    const score = mean(values) / deviation;
    const least = leastRise[statistic];
    if (least !== undefined && (mean(values) <= least || score < leastScore)) continue;
    if (best === null || score > best.score + 1e-9) best = { statistic, score };
  }
  return best?.statistic ?? null;
};
