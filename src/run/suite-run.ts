import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { type TailgateError, tailgateError } from '../errors.ts';
import { generatorBottleneck } from '../generator/generator-bottleneck.ts';
import type { LoadProgress } from '../generator/load-session.ts';
import type { RoundMeasurement, SideName } from '../metrics/round-measurement.ts';
import type { Explanation } from '../report/report-model.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import type { RanCode, RoundOutcome } from '../side/measure-round.ts';
import type { SideSource } from '../side/open-side.ts';
import type { PairDesign } from '../side/pair-design.ts';
import type { RoundContext } from '../side/round-context.ts';
import { judgeSuite } from '../verdict/judge-suite.ts';
import type { CountedPairs, MeasuredPair, SuiteEvidence, SuiteJudgement } from '../verdict/judgement.ts';

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
  /** How long those that are done took, and how long ago the last of them ended. */
  doneMs: number;
  sinceMs: number;
};

/** Everything a suite gave: enough to report it, whether or not it came to a verdict. */
export type SuiteRun = {
  suite: SuitePlan;
  comparison: SuiteEvidence['comparison'];
  pairs: MeasuredPair[];
  /** How the sides of the pairs took turns; null when they were not side by side. */
  design: PairDesign | null;
  head: RoundMeasurement[];
  confirmation: RoundMeasurement[];
  /** Where `confirmation` was measured. */
  confirmedOn: NonNullable<SuiteEvidence['confirmedOn']>;
  history: BaselineRecord[];
  judgement: SuiteJudgement | null;
  problems: TailgateError[];
  warnings: string[];
  bottleneck: string | null;
  loadMs: number;
  /** What was compared to find that both sides ran the same code (a clause); null when they did not, or it is not known. */
  sameCode: string | null;
  /** Pairs in which calls were counted; null where no limit is on them, or before. */
  counted: CountedPairs | null;
  /** Why it changed, where somebody looked. */
  explanation: Explanation | null;
  /** What looking for it took; null where nobody looked. */
  explainMs: number | null;
};

export type SuiteInputs = {
  suite: SuitePlan;
  plan: RunPlan;
  /** Length of the scenario's phases; null when it has no end. */
  plannedMs: number | null;
  /** Why the scenario cannot be driven in slices, as a clause; null when it can. */
  obstacle: string | null;
  head: SideSource;
  /** The base version, for side by side; null when the baseline is stored or absent. */
  baseline: SideSource | null;
  /** Comparable stored records, oldest first. */
  history: BaselineRecord[];
  context: RoundContext;
  /** Rounds that other machines measured, to be judged here; they are measured here if not given. */
  measured?: readonly RoundMeasurement[] | undefined;
  /** Time left for this suite, milliseconds. */
  budgetMs: number;
  onProgress: (progress: SuiteProgress) => void;
  /** Told what goes on once it is measured, in a few words. */
  onStage?: (stage: string) => void;
  /** Told which scripts both sides of the first pair ran; gives what shows that they are the same code, or null. */
  sameCodeOf?: (ran: RanCode) => Promise<string | null>;
  /** Told what there is after each pair or round. */
  onMeasured?: (run: SuiteRun) => void;
  /** Told every judgement side by side; true to go on measuring although the verdict stands. */
  onJudgement?: (judgement: SuiteJudgement, pairs: number) => boolean;
};

export const startRun = (inputs: SuiteInputs, comparison: SuiteEvidence['comparison']): SuiteRun => ({
  suite: inputs.suite,
  comparison,
  pairs: [],
  design: null,
  head: [],
  confirmation: [],
  confirmedOn: 'same-machine',
  history: inputs.history,
  judgement: null,
  problems: [],
  warnings: [],
  bottleneck: null,
  loadMs: 0,
  sameCode: null,
  counted: null,
  explanation: null,
  explainMs: null,
});

/** Whether a run is judged although users started late, which is nothing to what stays when they have gone. */
export const isBestEffort = ({ suite }: Pick<SuiteRun, 'suite'>): boolean =>
  suite.measure.arrivals === 'best-effort' || suite.endurance !== undefined;

/** Judges what a run has so far; `final` when nothing more can be measured. */
export const judgeRun = (run: SuiteRun, plan: RunPlan, final: boolean): SuiteJudgement =>
  judgeSuite({
    suite: run.suite.name,
    ...(run.suite.endurance === undefined ? {} : { kind: 'endurance' }),
    comparison: run.comparison,
    pairs: run.pairs,
    head: run.head,
    history: run.history,
    thresholds: run.suite.thresholds,
    settings: plan.verdict,
    mainMetric: run.suite.measure.main ?? null,
    confirmation: run.confirmation.length === 0 ? null : run.confirmation,
    confirmedOn: run.confirmedOn,
    suitesInJob: plan.suites.length,
    final,
    sameCode: run.sameCode,
    counted: run.counted,
    invalid: [
      ...run.problems
        .filter((problem) => problem.exit !== 'internal')
        .map((problem) => problem.what.split('\n')[0] ?? ''),
      ...(run.bottleneck === null || isBestEffort(run)
        ? []
        : [`The load generator was the bottleneck: ${run.bottleneck}.`]),
    ],
    generatorDelays: isBestEffort(run) ? run.bottleneck : null,
  });

/** Notes what a round gave; true when the run can go on. */
export const noteOutcome = (
  run: Pick<SuiteRun, 'suite' | 'problems' | 'bottleneck' | 'loadMs'>,
  outcome: RoundOutcome,
): boolean => {
  if (outcome.problem !== null) run.problems.push(outcome.problem);
  if (outcome.measurement === null) return false;
  run.loadMs += outcome.measurement.activeMs;
  const bottleneck = generatorBottleneck(outcome.measurement.generator);
  if (bottleneck !== null && run.bottleneck === null) {
    run.bottleneck = bottleneck;
    if (!isBestEffort(run)) run.problems.push(tailgateError('GENERATOR_BOTTLENECK', { reason: bottleneck }));
  }
  return outcome.problem === null;
};

/** Runs `measure`; a known error becomes a problem of the run, so that what was measured before is reported. */
export const keepingProblems = async (
  run: Pick<SuiteRun, 'problems'>,
  measure: () => Promise<void>,
): Promise<void> => {
  try {
    await measure();
  } catch (failure) {
    if (!isKnown(failure)) throw failure;
    run.problems.push(failure);
  }
};

/** The name of a suite as it stands in the labels of its logs. */
export const suiteLabel = ({ name }: Pick<SuitePlan, 'name'>): string => name.replaceAll('/', '-');

function isKnown(failure: unknown): failure is TailgateError {
  return failure instanceof Error && failure.name === 'TailgateError';
}
