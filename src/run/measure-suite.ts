import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { type TailgateError, tailgateError } from '../errors.ts';
import { generatorBottleneck } from '../load/generator-bottleneck.ts';
import type { LoadProgress } from '../load/load-session.ts';
import type { RoundMeasurement } from '../measurement/round-measurement.ts';
import type { RunPlan, SuitePlan } from '../plan/run-plan.ts';
import { measurePair, measureRound, type RoundOutcome } from '../rounds/measure-round.ts';
import { type OpenSide, openSide, type RoundContext, type SideSource } from '../rounds/open-side.ts';
import { pairShape } from '../rounds/rounds-plan.ts';
import { type SideName, sliceOrder } from '../rounds/slice-order.ts';
import { judgeSuite } from '../verdict/judge-suite.ts';
import type { MeasuredPair, SuiteEvidence, SuiteJudgement } from '../verdict/judgement.ts';

/** What the caller is told while a suite is measured. */
export type SuiteProgress = {
  suite: string;
  side: SideName;
  /** Pairs or rounds that are complete, and the most there can be. */
  done: number;
  most: number;
  load: LoadProgress | null;
  judgement: SuiteJudgement['progress'];
  elapsedMs: number;
};

/** Everything a suite gave: enough to report it, whether or not it came to a verdict. */
export type SuiteRun = {
  suite: SuitePlan;
  comparison: SuiteEvidence['comparison'];
  pairs: MeasuredPair[];
  head: RoundMeasurement[];
  confirmation: RoundMeasurement[];
  history: BaselineRecord[];
  judgement: SuiteJudgement | null;
  problems: TailgateError[];
  warnings: string[];
  bottleneck: string | null;
  loadMs: number;
};

export type SuiteInputs = {
  suite: SuitePlan;
  plan: RunPlan;
  /** Length of the scenario's phases; null when it has no end. */
  plannedMs: number | null;
  head: SideSource;
  /** The base version, for side by side; null when the baseline is stored or absent. */
  baseline: SideSource | null;
  /** Comparable stored records, oldest first. */
  history: BaselineRecord[];
  context: RoundContext;
  /** Time left for this suite, milliseconds. */
  budgetMs: number;
  onProgress: (progress: SuiteProgress) => void;
};

/** Fewer comparable records than this are weak evidence: a plain relative limit, no model of the noise. */
const historyFrom = 10;

const startRun = (inputs: SuiteInputs, comparison: SuiteEvidence['comparison']): SuiteRun => ({
  suite: inputs.suite,
  comparison,
  pairs: [],
  head: [],
  confirmation: [],
  history: inputs.history,
  judgement: null,
  problems: [],
  warnings: [],
  bottleneck: null,
  loadMs: 0,
});

const judge = (run: SuiteRun, inputs: SuiteInputs, final: boolean): SuiteJudgement =>
  judgeSuite({
    suite: run.suite.name,
    comparison: run.comparison,
    pairs: run.pairs,
    head: run.head,
    history: run.history,
    thresholds: run.suite.thresholds,
    settings: inputs.plan.verdict,
    mainMetric: run.suite.measure.main ?? null,
    confirmation: run.confirmation.length === 0 ? null : run.confirmation,
    final,
    invalid: [
      ...run.problems
        .filter((problem) => problem.exit !== 'internal')
        .map((problem) => problem.what.split('\n')[0] ?? ''),
      ...(run.bottleneck === null ? [] : [`The load generator was the bottleneck: ${run.bottleneck}.`]),
    ],
  });

/** Notes what a round gave; true when the run can go on. */
const note = (run: SuiteRun, outcome: RoundOutcome): boolean => {
  if (outcome.problem !== null) run.problems.push(outcome.problem);
  if (outcome.measurement === null) return false;
  run.loadMs += outcome.measurement.activeMs;
  const bottleneck = generatorBottleneck(outcome.measurement.generator);
  if (bottleneck !== null && run.bottleneck === null) {
    run.bottleneck = bottleneck;
    run.problems.push(tailgateError('GENERATOR_BOTTLENECK', { reason: bottleneck }));
  }
  return outcome.problem === null;
};

const isKnown = (failure: unknown): failure is TailgateError =>
  failure instanceof Error && failure.name === 'TailgateError';

/** Runs `measure`; a known error becomes a problem of the suite, so that what was measured before is reported. */
const keeping = async (run: SuiteRun, measure: () => Promise<void>): Promise<void> => {
  try {
    await measure();
  } catch (failure) {
    if (!isKnown(failure)) throw failure;
    run.problems.push(failure);
  }
};

const measureHeadRound = async (
  inputs: SuiteInputs,
  label: string,
  report: (load: LoadProgress) => void,
  deadlineMs: number,
): Promise<RoundOutcome> => {
  await using side = await openSide(inputs.suite, inputs.head, inputs.context, label);
  return await measureRound(side, { host: inputs.context.host, deadlineMs, onProgress: report });
};

/** Measures the head alone and judges it by stored records and absolute limits. */
const measureAgainstStored = async (inputs: SuiteInputs): Promise<SuiteRun> => {
  const { plan, suite } = inputs;
  const comparison =
    inputs.history.length === 0 ? 'none' : inputs.history.length < historyFrom ? 'single' : 'history';
  const run = startRun(inputs, comparison);
  const started = performance.now();
  const rounds = async (into: RoundMeasurement[], set: string): Promise<void> => {
    for (let index = 0; index < plan.rounds; index += 1) {
      const deadlineMs = inputs.budgetMs - (performance.now() - started);
      const outcome = await measureHeadRound(
        inputs,
        `${suite.name.replaceAll('/', '-')}-${set}${index + 1}`,
        (load) =>
          inputs.onProgress({
            suite: suite.name,
            side: 'head',
            done: index,
            most: plan.rounds,
            load,
            judgement: null,
            elapsedMs: performance.now() - started,
          }),
        deadlineMs,
      );
      const goOn = note(run, outcome);
      if (outcome.measurement !== null) into.push(outcome.measurement);
      if (!goOn) return;
    }
  };
  await keeping(run, () => rounds(run.head, 'round'));
  if (run.head.length === 0) return run;
  run.judgement = judge(run, inputs, false);
  const spentMs = performance.now() - started;
  if (run.judgement.next === 'confirm' && run.problems.length === 0) {
    // A fresh set of rounds decides, if the budget allows one as long as the first.
    if (spentMs * 2 <= inputs.budgetMs) await keeping(run, () => rounds(run.confirmation, 'confirm'));
    else run.warnings.push('The screen was exceeded, and the time budget left no room to measure again.');
  }
  run.judgement = judge(run, inputs, true);
  return run;
};

/** Measures head and baseline in the same job, pair after pair, until the verdict stands or the budget is spent. */
const measureSideBySide = async (inputs: SuiteInputs, baseline: SideSource): Promise<SuiteRun> => {
  const { plan, suite, context } = inputs;
  const run = startRun(inputs, 'side-by-side');
  const shape = pairShape(plan.verdict, inputs.plannedMs);
  const started = performance.now();
  let longestPairMs = 0;
  const onePair = async (number: number): Promise<boolean> => {
    const order = sliceOrder(plan.seed, number, shape.slicesPerSide);
    const name = suite.name.replaceAll('/', '-');
    const pairContext = { ...context, seed: plan.seed + number };
    const open = (source: SideSource): Promise<OpenSide> =>
      openSide(suite, source, pairContext, `${name}-pair${number + 1}-${source.name}`);
    // Whose turn is first is started first too: a coin per pair, like the order of the slices.
    const [firstSource, secondSource] =
      order[0] === 'head' ? [inputs.head, baseline] : [baseline, inputs.head];
    await using first = await open(firstSource);
    await using second = await open(secondSource);
    const [baseSide, headSide] = first.name === 'baseline' ? [first, second] : [second, first];
    const outcome = await measurePair(baseSide, headSide, {
      host: context.host,
      order,
      sliceMs: shape.sliceMs,
      warmUpMs: shape.warmUpMs,
      guardMs: plan.verdict.guardMs,
      onProgress: (side, load) =>
        inputs.onProgress({
          suite: suite.name,
          side,
          done: number,
          most: plan.verdict.maxPairs,
          load,
          judgement: run.judgement?.progress ?? null,
          elapsedMs: performance.now() - started,
        }),
    });
    const goOn = [note(run, outcome.baseline), note(run, outcome.head)].every(Boolean);
    if (outcome.baseline.measurement !== null && outcome.head.measurement !== null) {
      run.pairs.push({ baseline: outcome.baseline.measurement, head: outcome.head.measurement });
    }
    return goOn;
  };
  await keeping(run, async () => {
    for (let number = 0; number < plan.verdict.maxPairs; number += 1) {
      const pairStarted = performance.now();
      if (!(await onePair(number))) return;
      longestPairMs = Math.max(longestPairMs, performance.now() - pairStarted);
      const outOfTime = performance.now() - started + longestPairMs > inputs.budgetMs;
      run.judgement = judge(run, inputs, outOfTime || number + 1 === plan.verdict.maxPairs);
      if (run.judgement.next === 'decided') return;
      if (outOfTime) {
        run.warnings.push(`The time budget ended the comparison after ${number + 1} pairs.`);
        return;
      }
    }
  });
  if (run.pairs.length > 0) run.judgement = judge(run, inputs, true);
  return run;
};

/**
 * Measures one suite and judges it. Known failures do not throw: they are in `problems`, with everything that was
 * measured before them.
 */
export const measureSuite = (inputs: SuiteInputs): Promise<SuiteRun> =>
  inputs.baseline === null ? measureAgainstStored(inputs) : measureSideBySide(inputs, inputs.baseline);
