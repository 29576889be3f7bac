import { binomialUpperMidP, normalUpperTail, studentTUpperTail } from './distributions.ts';

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
  /** How much more the rounds differ than independent events would: Pearson's chi-squared over its degrees. */
  dispersion: number;
  /** True when there are too few rounds to estimate the dispersion and one was assumed. */
  assumed: boolean;
  /** Standard error of the rise, with the dispersion. */
  standardError: number;
  degrees: number;
};

const total = (counts: readonly EventCount[]): EventCount =>
  counts.reduce(
    (sum, count) => ({ events: sum.events + count.events, attempts: sum.attempts + count.attempts }),
    { events: 0, attempts: 0 },
  );

/** With fewer degrees of freedom than this the dispersion is not estimated but assumed. */
const minDegrees = 4;
/** Errors come in clusters (a lost connection loses all its messages): a cautious guess where rounds cannot tell. */
const assumedDispersion = 2;

const pearson = (counts: readonly EventCount[], rate: number): number =>
  counts.reduce((sum, { events, attempts }) => {
    const expected = attempts * rate;
    return expected > 0 ? sum + (events - expected) ** 2 / expected : sum;
  }, 0);

/**
 * Compares the frequency of events. The conditional test: given S events in all, those at head are binomial with the
 * head's share of the attempts (Przyborowski and Wilenski, 1940). The quasi-Poisson test: the difference of the two
 * counts over its standard error, inflated by the dispersion between rounds (McCullagh and Nelder, 1989, 6.2.3),
 * against Student's t with rounds - 2 degrees of freedom; with equal attempts it is
 * (S1 - S0) / sqrt(phi (S0 + S1)).
 */
export const compareCounts = (
  baseline: readonly EventCount[],
  head: readonly EventCount[],
): CountComparison => {
  const before = total(baseline);
  const after = total(head);
  const baselineRate = before.attempts > 0 ? before.events / before.attempts : 0;
  const headRate = after.attempts > 0 ? after.events / after.attempts : 0;
  const rise = headRate - baselineRate;
  const rounds = baseline.length + head.length;
  const estimable = rounds - 2 >= minDegrees;
  const chiSquared = pearson(baseline, baselineRate) + pearson(head, headRate);
  const estimated = estimable ? Math.max(1, chiSquared / (rounds - 2)) : assumedDispersion;
  const all = before.events + after.events;
  const attempts = before.attempts + after.attempts;
  const share = attempts > 0 ? after.attempts / attempts : 0.5;
  // Under no difference both sides have the pooled rate; for equal attempts this is sqrt(phi * S) in counts.
  const pooled = attempts > 0 ? all / attempts : 0;
  const spread =
    before.attempts > 0 && after.attempts > 0
      ? Math.sqrt(estimated * pooled * (1 / before.attempts + 1 / after.attempts))
      : Number.NaN;
  const statistic = all === 0 ? 0 : rise / spread;
  return {
    baselineEvents: before.events,
    headEvents: after.events,
    baselineRate,
    headRate,
    rise,
    conditionalP: all === 0 ? 1 : binomialUpperMidP(after.events, all, share),
    quasiP: all === 0 ? 1 : estimable ? studentTUpperTail(statistic, rounds - 2) : normalUpperTail(statistic),
    dispersion: estimated,
    assumed: !estimable,
    standardError: spread,
    degrees: rounds - 2,
  };
};
