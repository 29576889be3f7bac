import { availableParallelism } from 'node:os';
import { formatElapsed, plural } from '../metrics/notation.ts';
import { measureOnePair } from '../side/measure-one-pair.ts';
import type { SideSource } from '../side/open-side.ts';
import { coarserDesign, firstDesign, type PairDesign, warmedUpTogether } from '../side/pair-design.ts';
import {
  judgeRun,
  keepingProblems,
  noteOutcome,
  type SuiteInputs,
  type SuiteRun,
  startRun,
  suiteLabel,
} from './suite-run.ts';

/** Measures head and baseline in the same job, pair after pair, until the verdict stands or the budget is spent. */
export const measureSideBySide = async (inputs: SuiteInputs, baseline: SideSource): Promise<SuiteRun> => {
  const { plan, suite } = inputs;
  const run = startRun(inputs, 'side-by-side');
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const first = firstDesign(plan.verdict, inputs);
  let design = first.design;
  run.design = design;
  if (first.because !== null)
    run.warnings.push(`The sides were compared in ${inWords(design)}, because ${first.because}.`);
  let longestPairMs = 0;
  let doneMs = 0;

  /** In the first pair alone, so that what is asked cannot disturb the others. */
  const asksForScripts = (number: number): boolean => number === 0 && inputs.sameCodeOf !== undefined;

  /** Measures pair `number`, counted from 0. Gives false when the run must end. */
  const onePair = async (number: number): Promise<boolean> => {
    const pairStarted = performance.now();
    const outcome = await measureOnePair({
      suite,
      baseline,
      head: inputs.head,
      context: asksForScripts(number) ? { ...inputs.context, counting: 'scripts' } : inputs.context,
      number,
      design,
      label: suiteLabel(suite),
      deadlineMs: Math.max(inputs.budgetMs - elapsed(), 0),
      onProgress: (side, load) =>
        inputs.onProgress({
          suite: suite.name,
          side,
          done: run.pairs.length,
          most: plan.verdict.maxPairs,
          load,
          judgement: run.judgement?.progress ?? null,
          elapsedMs: elapsed(),
          doneMs,
          sinceMs: elapsed() - doneMs,
        }),
    });
    longestPairMs = Math.max(longestPairMs, performance.now() - pairStarted);
    const goOn = [noteOutcome(run, outcome.baseline), noteOutcome(run, outcome.head)].every(Boolean);
    const coarser = coarserDesign(design, outcome.unansweredShare, plan.verdict, inputs.plannedMs);
    if (goOn && coarser !== null && run.pairs.length === 0) {
      const share = `${Math.round(outcome.unansweredShare * 100)}%`;
      run.warnings.push(
        `The sides were compared in ${inWords(coarser)}, because in ${inWords(design)} ${share} of the messages were unanswered when the other side's turn began.`,
      );
      design = coarser;
      run.design = design;
      return true;
    }
    if (goOn && outcome.ran !== null) run.sameCode = (await inputs.sameCodeOf?.(outcome.ran)) ?? null;
    if (run.sameCode !== null)
      run.warnings.push(
        `Both sides ran the same code, so limits on a change pass by one pair: ${run.sameCode} ("sameCode: measure" measures all the same).`,
      );
    if (outcome.baseline.measurement !== null && outcome.head.measurement !== null) {
      const pair = { baseline: outcome.baseline.measurement, head: outcome.head.measurement };
      run.pairs.push(pair);
      design = warmedUpTogether(design, pair, inputs.context.pinning ?? availableParallelism());
      run.design = design;
    }
    return goOn;
  };

  await keepingProblems(run, async () => {
    // A pair that only showed that slices must be longer is measured again, so the count of tries runs ahead.
    for (let number = 0; run.pairs.length < plan.verdict.maxPairs; number += 1) {
      if (!(await onePair(number))) return;
      doneMs = elapsed();
      const outOfTime = elapsed() + longestPairMs > inputs.budgetMs;
      const complete = run.pairs.length;
      if (complete > 0) {
        run.judgement = judgeRun(run, plan, outOfTime || complete === plan.verdict.maxPairs);
        inputs.onMeasured?.(run);
        const goOn = inputs.onJudgement?.(run.judgement, complete) ?? false;
        if (run.judgement.next === 'decided' && !(goOn && run.problems.length === 0)) return;
      }
      if (outOfTime) {
        run.warnings.push(`The time budget ended the comparison after ${plural(complete, 'pair')}.`);
        return;
      }
    }
  });
  if (run.pairs.length > 0) run.judgement = judgeRun(run, plan, true);
  return run;
};

function inWords(design: PairDesign): string {
  return design.kind === 'slices' ? `slices of ${formatElapsed(design.sliceMs)}` : 'whole rounds';
}
