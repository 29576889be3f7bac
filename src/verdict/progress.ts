import type { MeasuredPair, SuiteJudgement } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import { studentTUpperQuantile } from './statistics/distributions.ts';
import { pairLogRatio, sketchResolution, summarisePairs } from './statistics/pair-effect.ts';

/**
 * The change that the progress line shows: of the gate with most weight that is still open, with an ordinary 95%
 * interval. Only to be looked at: the verdict uses boundaries made for looking again and again.
 */
export const progressOf = (
  outcomes: readonly GateOutcome[],
  pairs: readonly MeasuredPair[],
  main: string | null,
): SuiteJudgement['progress'] => {
  if (pairs.length < 2 || main === null) return null;
  const candidates = outcomes.flatMap(({ gate, state }) =>
    gate.kind === 'change' && gate.metric === main && !gate.guard
      ? [{ gate, open: state === 'undecided' }]
      : [],
  );
  const chosen = (candidates.find(({ open }) => open) ?? candidates[0])?.gate;
  if (chosen === undefined) return null;
  const ratios = pairs.map((pair) => pairLogRatio(pair.baseline, pair.head, main, chosen.statistic));
  if (!ratios.every((ratio) => ratio !== null)) return null;
  const summary = summarisePairs(ratios, sketchResolution);
  const reach = studentTUpperQuantile(0.025, summary.pairs - 1) * summary.standardError;
  return {
    metric: main,
    statistic: chosen.statistic,
    relative: Math.expm1(summary.mean),
    low: Math.expm1(summary.mean - reach),
    high: Math.expm1(summary.mean + reach),
  };
};
