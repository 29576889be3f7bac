import { mean } from '../../metrics/averages.ts';
import { binomialUpperMidP, normalUpperTail, studentTUpperTail } from './distributions.ts';
import { standardDeviation } from './robust.ts';

/** Events (errors, lost messages) of one round, and the attempts that could have ended so. */
export type EventCount = { events: number; attempts: number };

/** Whether events became more frequent from `baseline` to `head`, each a list of rounds. */
export type CountComparison = {
  baselineEvents: number;
  headEvents: number;
  /** Events per attempt. */
  baselineRate: number;
  headRate: number;
  /** headRate - baselineRate. */
  rise: number;
  /** One-sided p of the conditional binomial test (mid-p), which takes events as independent. */
  conditionalP: number;
  /** One-sided p of the quasi-Poisson test, which lets them come in clusters. */
  quasiP: number;
  /** One-sided p of a t test on the differences inside pairs; null when the rounds are not paired. */
  pairedP: number | null;
  /** The largest of them: what a proof must be below. */
  p: number;
  /** How much more the rounds differ than independent events would: Pearson's chi-squared over its degrees. */
  dispersion: number;
  /** True when there are too few rounds to estimate the dispersion and one was assumed. */
  assumed: boolean;
};

/** With fewer degrees of freedom than this the dispersion is not estimated but assumed. */
const minDegrees = 4;

/** Errors come in clusters (a lost connection loses all its messages): a cautious guess where rounds cannot tell. */
const assumedDispersion = 2;

/**
 * Compares the frequency of events. The conditional test: given S events in all, those at head are binomial with the
 * head's share of the attempts (Przyborowski and Wilenski, 1940). The quasi-Poisson test: the difference of the two
 * rates over its standard error, inflated by the dispersion between rounds (McCullagh and Nelder, 1989, 6.2.3),
 * against Student's t with rounds - 2 degrees of freedom; with equal attempts it is
 * (S1 - S0) / sqrt(phi (S0 + S1)). With `paired`, rounds of the same index belong together.
 */
export const compareCounts = (
  baseline: readonly EventCount[],
  head: readonly EventCount[],
  paired: boolean,
): CountComparison => {
  const before = total(baseline);
  const after = total(head);
  const baselineRate = before.attempts > 0 ? before.events / before.attempts : 0;
  const headRate = after.attempts > 0 ? after.events / after.attempts : 0;
  const rise = headRate - baselineRate;
  const degrees = baseline.length + head.length - 2;
  const assumed = degrees < minDegrees;
  const chiSquared = pearson(baseline, baselineRate) + pearson(head, headRate);
  const dispersion = assumed ? assumedDispersion : Math.max(1, chiSquared / degrees);
  const all = before.events + after.events;
  const numbers = { baselineEvents: before.events, headEvents: after.events, baselineRate, headRate, rise };
  if (all === 0 || before.attempts === 0 || after.attempts === 0)
    return {
      ...numbers,
      conditionalP: 1,
      quasiP: 1,
      pairedP: paired ? 1 : null,
      p: 1,
      dispersion: 1,
      assumed,
    };
  const attempts = before.attempts + after.attempts;
  // Under no difference both sides have the pooled rate; for equal attempts this is sqrt(S) in counts.
  const independent = Math.sqrt((all / attempts) * (1 / before.attempts + 1 / after.attempts));
  const statistic = rise / (Math.sqrt(dispersion) * independent);
  const conditionalP = binomialUpperMidP(after.events, all, after.attempts / attempts);
  const quasiP = assumed ? normalUpperTail(statistic) : studentTUpperTail(statistic, degrees);
  const pairedP = paired && !assumed ? pairedTail(baseline, head, independent) : null;
  const p = Math.max(conditionalP, quasiP, pairedP ?? 0);
  return { ...numbers, conditionalP, quasiP, pairedP, p, dispersion, assumed };
};

function total(counts: readonly EventCount[]): EventCount {
  return counts.reduce(
    (sum, count) => ({ events: sum.events + count.events, attempts: sum.attempts + count.attempts }),
    { events: 0, attempts: 0 },
  );
}

function pearson(counts: readonly EventCount[], rate: number): number {
  return counts.reduce((sum, { events, attempts }) => {
    const expected = attempts * rate;
    return expected > 0 ? sum + (events - expected) ** 2 / expected : sum;
  }, 0);
}

/**
 * Student's t on the differences of the rates inside pairs, with a deviation no smaller than independent events have.
 * Where a few large clusters make up most events, none may fall on one side, which then looks steadier than it is: the
 * quasi-Poisson test alone raises up to three times the false alarms it should, and this one none.
 */
function pairedTail(
  baseline: readonly EventCount[],
  head: readonly EventCount[],
  independent: number,
): number | null {
  const rate = ({ events, attempts }: EventCount) => (attempts > 0 ? events / attempts : 0);
  const differences = head.map((count, index) => rate(count) - rate(baseline[index]!));
  if (differences.length < 2) return null;
  const error = Math.max(standardDeviation(differences) / Math.sqrt(differences.length), independent);
  return studentTUpperTail(mean(differences) / error, differences.length - 1);
}
