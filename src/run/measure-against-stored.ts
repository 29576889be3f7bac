import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { plural } from '../metrics/notation.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { measureRound } from '../side/measure-round.ts';
import { openSide } from '../side/open-side.ts';
import {
  judgeRun,
  keepingProblems,
  noteOutcome,
  type SuiteInputs,
  type SuiteRun,
  startRun,
  suiteLabel,
} from './suite-run.ts';

/**
 * What becomes of a suspect, a run that exceeds the screen. `same-job`: it is measured again here. `fresh-job`: it
 * stays suspect, for another job to confirm. With `first`, this is that other job: `first` is what the suspect
 * measured, and the rounds measured here decide.
 */
export type Confirmation =
  | { by: 'same-job' | 'fresh-job' }
  | { by: 'this-job'; first: BaselineRecord; on: 'same-machine' | 'fresh-machine' };

/** Fewer comparable records than this are weak evidence: a plain relative limit, no model of the noise. */
const historyFrom = 10;

/** Measures the head alone and judges it by stored records and absolute limits. */
export const measureAgainstStored = async (
  inputs: SuiteInputs,
  confirmation: Confirmation,
): Promise<SuiteRun> => {
  const { length } = inputs.history;
  const run = startRun(inputs, length === 0 ? 'none' : length < historyFrom ? 'single' : 'history');
  const measuring = { inputs, run, started: performance.now() };
  if (confirmation.by === 'this-job') await confirmFirst(measuring, confirmation);
  else await measureHead(measuring, confirmation.by === 'same-job');
  return run;
};

type Measuring = { inputs: SuiteInputs; run: SuiteRun; started: number };

/** Measures the head once more, to confirm or refute what another job measured; nothing if that was no suspect. */
async function confirmFirst(
  measuring: Measuring,
  confirmation: Confirmation & { by: 'this-job' },
): Promise<void> {
  const { inputs, run } = measuring;
  const { first, on } = confirmation;
  run.head.push(...first.rounds);
  run.judgement = judgeRun(run, inputs.plan, false);
  const from = first.runUrl === null ? 'the first job' : `the first job (${first.runUrl})`;
  if (run.judgement.next !== 'confirm') {
    run.warnings.push(`Nothing was measured again, because what ${from} measured is not suspect.`);
    run.judgement = judgeRun(run, inputs.plan, true);
    return;
  }
  run.confirmedOn = on;
  run.warnings.push(`Measured again to confirm what ${from} measured, which exceeded the screen.`);
  await keepingProblems(run, () => measureRounds(measuring, run.confirmation, 'confirm'));
  run.judgement = judgeRun(run, inputs.plan, true);
}

/**
 * Measures a set of rounds of the head, or takes what was measured. Ends early when one of them has a problem, or when
 * there is no time for another one.
 */
async function measureRounds(
  { inputs, run, started }: Measuring,
  into: RoundMeasurement[],
  set: string,
): Promise<void> {
  const { plan, suite, context } = inputs;
  if (inputs.measured !== undefined) {
    for (const measurement of inputs.measured) {
      const goOn = noteOutcome(run, { measurement, problem: null });
      into.push(measurement);
      if (!goOn) return;
    }
    return;
  }
  const setStarted = performance.now();
  let longestMs = 0;
  for (let index = 0; index < plan.rounds; index += 1) {
    const roundStarted = performance.now();
    if (index > 0 && roundStarted - started + longestMs > inputs.budgetMs) {
      run.warnings.push(`The time budget ended the run after ${index} of ${plural(plan.rounds, 'round')}.`);
      return;
    }
    await using side = await openSide(suite, inputs.head, context, `${suiteLabel(suite)}-${set}${index + 1}`);
    const outcome = await measureRound(side, {
      host: context.host,
      deadlineMs: inputs.budgetMs - (performance.now() - started),
      onProgress: (load) =>
        inputs.onProgress({
          suite: suite.name,
          side: 'head',
          done: index,
          most: plan.rounds,
          load,
          judgement: null,
          elapsedMs: performance.now() - started,
          doneMs: roundStarted - setStarted,
          sinceMs: performance.now() - roundStarted,
        }),
    });
    const goOn = noteOutcome(run, outcome);
    if (outcome.measurement !== null) into.push(outcome.measurement);
    inputs.onMeasured?.(run);
    if (!goOn) return;
    longestMs = Math.max(longestMs, performance.now() - roundStarted);
  }
}

/** Measures the head; a suspect is measured again, if the budget allows another set as long as the first. */
async function measureHead(measuring: Measuring, confirmAgain: boolean): Promise<void> {
  const { inputs, run, started } = measuring;
  await keepingProblems(run, () => measureRounds(measuring, run.head, 'round'));
  if (run.head.length === 0) return;
  run.judgement = judgeRun(run, inputs.plan, false);
  const spentMs = performance.now() - started;
  if (run.judgement.next === 'confirm' && run.problems.length === 0) {
    if (!confirmAgain) return;
    if (spentMs * 2 <= inputs.budgetMs)
      await keepingProblems(run, () => measureRounds(measuring, run.confirmation, 'confirm'));
    else run.warnings.push('The screen was exceeded, and the time budget left no room to measure again.');
  }
  run.judgement = judgeRun(run, inputs.plan, true);
}
