import { mean } from '../src/metrics/averages.ts';
import type { RoundMeasurement } from '../src/metrics/round-measurement.ts';
import { distributionOver } from '../src/metrics/values.ts';
import type { VerdictSettings } from '../src/settings/settings-schema.ts';
import { judgeSuite } from '../src/verdict/judge-suite.ts';
import type { MeasuredPair } from '../src/verdict/judgement.ts';
import {
  normalUpperTail,
  studentTUpperQuantile,
  studentTUpperTail,
} from '../src/verdict/statistics/distributions.ts';
import { pairLogRatio } from '../src/verdict/statistics/pair-effect.ts';
import { standardDeviation } from '../src/verdict/statistics/robust.ts';
import { defaultVerdictSettings } from './verdict-settings.ts';

/*
 * The rules by which tools decide, each applied to the same measured pairs. All look at the p95 of the main latency
 * and fail only on a rise; each uses as much of the job as it can.
 */

export type RuleInput = {
  metric: string;
  pairs: readonly MeasuredPair[];
  /** Pairs of another job on the same machine, of which a stored run is taken; null when there is none. */
  previous: readonly MeasuredPair[] | null;
};

export type RuleAnswer = { verdict: 'fail' | 'pass' | 'inconclusive' | 'invalid'; pairs: number };

export type Rule = { name: string; decide: (input: RuleInput) => RuleAnswer | null };

const p95 = (rounds: readonly RoundMeasurement[], metric: string): number =>
  distributionOver(rounds, metric)?.quantileMs(0.95) ?? Number.NaN;

const answer = (fail: boolean, pairs: number): RuleAnswer => ({ verdict: fail ? 'fail' : 'pass', pairs });

/** A stored run of the baseline against the head of this job, both over all their rounds. */
const storedRatio =
  (limit: number) =>
  ({ metric, pairs, previous }: RuleInput): RuleAnswer | null => {
    if (previous === null) return null;
    const stored = p95(
      previous.map((pair) => pair.baseline),
      metric,
    );
    const now = p95(
      pairs.map((pair) => pair.head),
      metric,
    );
    return answer(now / stored > limit, pairs.length);
  };

/** Rounds of the base from the first half of the job and of the head from the second: one side after the other. */
const blocks = ({ metric, pairs }: RuleInput, size: number) => {
  const base = pairs.slice(0, size).map((pair) => p95([pair.baseline], metric));
  const head = pairs.slice(-size).map((pair) => p95([pair.head], metric));
  return { base, head };
};

const half = (input: RuleInput): number => Math.floor(input.pairs.length / 2);

const fiveThenFive = (input: RuleInput): RuleAnswer | null => {
  const size = Math.min(5, half(input));
  if (size < 3) return null;
  const { base, head } = blocks({ ...input, pairs: input.pairs.slice(0, 2 * size) }, size);
  return answer(mean(head) / mean(base) > 1.1, 2 * size);
};

/** Welch's t test at the two-sided 5% level on the rounds of two blocks. */
export const welch = (base: readonly number[], head: readonly number[]): { t: number; degrees: number } => {
  const a = standardDeviation(base) ** 2 / base.length;
  const b = standardDeviation(head) ** 2 / head.length;
  const degrees = (a + b) ** 2 / (a ** 2 / (base.length - 1) + b ** 2 / (head.length - 1));
  return { t: (mean(head) - mean(base)) / Math.sqrt(a + b), degrees };
};

const blockedWelch = (input: RuleInput): RuleAnswer | null => {
  const size = half(input);
  if (size < 3) return null;
  const { base, head } = blocks(input, size);
  const { t, degrees } = welch(base, head);
  return answer(studentTUpperTail(t, degrees) < 0.025, input.pairs.length);
};

/** One-sided p of Mann and Whitney's test that `head` tends to be larger: normal with continuity, ties counted half. */
export const mannWhitneyP = (base: readonly number[], head: readonly number[]): number => {
  let wins = 0;
  for (const a of base) for (const b of head) wins += b > a ? 1 : b === a ? 0.5 : 0;
  const [m, n] = [base.length, head.length];
  const deviation = Math.sqrt((m * n * (m + n + 1)) / 12);
  return normalUpperTail((wins - (m * n) / 2 - 0.5) / deviation);
};

const mannWhitney = (input: RuleInput): RuleAnswer | null => {
  const size = half(input);
  if (size < 3) return null;
  const { base, head } = blocks(input, size);
  return answer(mannWhitneyP(base, head) < 0.025, input.pairs.length);
};

/** Looks at an ordinary 95% interval after every pair from the third, and stops when it leaves zero out. */
const peeking = ({ metric, pairs }: RuleInput): RuleAnswer => {
  const ratios = pairs.map((pair) => pairLogRatio(pair.baseline, pair.head, metric, 'p95', 'pooled') ?? 0);
  for (let n = 3; n <= ratios.length; n += 1) {
    const seen = ratios.slice(0, n);
    const reach = (studentTUpperQuantile(0.025, n - 1) * standardDeviation(seen)) / Math.sqrt(n);
    if (Math.abs(mean(seen)) > reach) return answer(mean(seen) > 0, n);
  }
  return answer(false, pairs.length);
};

/** The shipped decision with all its default gates, pair after pair. */
const tailgate =
  (settings: VerdictSettings) =>
  ({ metric, pairs }: RuleInput): RuleAnswer => {
    for (let n = 1; n <= pairs.length; n += 1) {
      const judgement = judgeSuite({
        suite: 'replay',
        comparison: 'side-by-side',
        pairs: pairs.slice(0, n),
        head: [],
        history: [],
        thresholds: [],
        settings,
        mainMetric: metric,
        confirmation: null,
        final: n === pairs.length,
        invalid: [],
      });
      if (judgement.next === 'decided') return { verdict: judgement.verdict, pairs: n };
    }
    return { verdict: 'invalid', pairs: 0 };
  };

export const rules: readonly Rule[] = [
  { name: 'one stored previous run, ratio above 110%', decide: storedRatio(1.1) },
  { name: 'one stored previous run, ratio above 200%', decide: storedRatio(2) },
  { name: 'up to 5 rounds of base, then as many of head, mean above +10%', decide: fiveThenFive },
  { name: 'base block, then head block, Welch t, 0.05', decide: blockedWelch },
  { name: 'base block, then head block, Mann-Whitney, 0.05', decide: mannWhitney },
  { name: 'peeking at an uncorrected 95% interval', decide: peeking },
  { name: 'Tailgate', decide: tailgate(defaultVerdictSettings) },
];
