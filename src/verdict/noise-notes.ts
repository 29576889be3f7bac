import { formatDuration } from '../metrics/notation.ts';
import { valuesOf } from '../metrics/values.ts';
import type { MeasuredPair } from './judgement.ts';
import { type BudgetStatistic, hasBudget, noiseBudget, noiseSentence } from './noise-budget.ts';
import type { GateOutcome } from './outcome.ts';
import { twoModes } from './statistics/two-modes.ts';

/** Where the noise comes from that left limits undecided, and values that keep to two modes. */
export function noiseNotes(
  pairs: readonly MeasuredPair[],
  main: string | null,
  outcomes: readonly GateOutcome[],
): string[] {
  const open = outcomes.find(
    ({ gate, state }) => state === 'undecided' && gate.kind === 'change' && hasBudget(gate.statistic),
  );
  const failed = outcomes.some(({ state }) => state === 'fail');
  const budget =
    open === undefined || failed
      ? null
      : noiseBudget(pairs, open.gate.metric, open.gate.statistic as BudgetStatistic);
  const modes =
    main === null
      ? []
      : (['baseline', 'head'] as const).flatMap((side) => {
          const values = pairs.map((pair) => valuesOf([pair[side]]).value(main, 'p50') ?? 0);
          const found = twoModes(values);
          if (found === null) return [];
          const high = Math.round(found.shareHigh * values.length);
          return `The p50 of ${main} keeps to two values at ${side === 'head' ? 'this PR' : 'the baseline'}: ${formatDuration(found.low)} and ${formatDuration(found.high)} (${high} of ${values.length} pairs). A mean between them describes neither; fresh processes are often laid out or placed in one of two ways.`;
        });
  return [...(budget === null ? [] : [noiseSentence(budget)]), ...modes];
}
