import { mean } from '../../metrics/averages.ts';
import { standardDeviation } from '../statistics/robust.ts';
import { provingPairs } from './next-step.ts';

/** What the first pairs of the bad version are read by; of equal ones the earlier. */
export type PairValues = Readonly<Record<string, number>>;

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
    if (best === null || score > best.score + 1e-9) best = { statistic, score };
  }
  return best?.statistic ?? null;
};
