import { plural } from '../metrics/notation.ts';
import type { Measured, SuiteJudgement, SuiteQuestion } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import type { Verdict } from './verdict.ts';

/** The verdict of a suite in one sentence. */
export const reasonOf = (inputs: {
  verdict: Verdict;
  outcomes: readonly GateOutcome[];
  /** Sentences about thresholds whose metric was never observed. */
  missing: readonly string[];
  /** Checks that the scenario brings itself. */
  checks: number;
  question: SuiteQuestion;
  measured: Measured;
  next: SuiteJudgement['next'];
}): string => {
  const { verdict, outcomes, missing, checks, question, measured, next } = inputs;
  const count = (state: string) => outcomes.filter((outcome) => outcome.state === state).length;
  const judged = outcomes.filter(({ state }) => state !== 'skipped').length;
  switch (verdict) {
    case 'fail':
      return `${firstOf(outcomes, ['fail'])!.explanation}${andMore(count('fail'), 'fail')}`;
    case 'invalid':
      return missing[0] ?? firstOf(outcomes, ['invalid'])!.explanation;
    case 'inconclusive': {
      const open = firstOf(outcomes, ['inconclusive', 'undecided'])!;
      if (next === 'more-pairs')
        return `Not settled after ${plural(measured.pairs.length, 'pair')}: ${open.explanation}`;
      if (next === 'confirm') return `Suspect, to be measured again: ${open.explanation}`;
      return `${open.explanation}${andMore(count('undecided') + count('inconclusive'), 'remain undecided')}`;
    }
    case 'pass':
      if (judged === 0 && checks > 0)
        return `${checks === 1 ? 'The one check of the scenario holds' : `All ${checks} checks of the scenario hold`}; nothing was compared.`;
      if (judged === 0)
        return 'There is no baseline and no absolute limit, so nothing was judged; the measurement is complete.';
      return `${judged === 1 ? 'The one limit holds' : `All ${judged} limits hold`}, judged ${compared(question, measured)}${question.generatorDelays ? ', at the rate that the load generator reached' : ''}.`;
  }
};

function firstOf(outcomes: readonly GateOutcome[], states: readonly string[]): GateOutcome | undefined {
  return outcomes.find(({ state }) => states.includes(state));
}

function andMore(count: number, what: string): string {
  return count > 1
    ? ` ${plural(count - 1, 'more limit')} ${count === 2 ? what.replace(/^\w+/, (verb) => `${verb}s`) : what}.`
    : '';
}

function compared({ comparison }: SuiteQuestion, { pairs, history }: Measured): string {
  switch (comparison) {
    case 'side-by-side':
      return `side by side in ${plural(pairs.length, 'pair')}`;
    case 'history':
      return `against ${plural(Math.min(20, history.length), 'stored run')}`;
    case 'single':
      return history.length === 1
        ? 'against one earlier run'
        : `against ${plural(history.length, 'earlier run')}`;
    case 'none':
      return 'by absolute limits alone';
  }
}
