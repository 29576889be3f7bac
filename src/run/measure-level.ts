import type { TailgateError } from '../errors.ts';
import { generatorBottleneck } from '../generator/generator-bottleneck.ts';
import type { LoadProgress } from '../generator/load-session.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { MeasuredLevel } from '../report/build-capacity.ts';
import { readPhases } from '../scenario/arrival-schedule.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import { measureRound, type RoundOutcome } from '../side/measure-round.ts';
import { openSide, type SideSource } from '../side/open-side.ts';
import type { RoundContext } from '../side/round-context.ts';
import { machineLimits, planLimits } from '../side/target/limits.ts';
import { type LevelEvidence, levelOutcome } from '../verdict/capacity/level-outcome.ts';
import { type StepShape, stepPhases } from '../verdict/capacity/step-load.ts';
import type { UsersSample } from '../verdict/capacity/users-growth.ts';
import { judgeSuite } from '../verdict/judge-suite.ts';
import type { SuiteJudgement } from '../verdict/judgement.ts';
import type { CheckedScenario } from './check-scenarios.ts';
import { loadDemand } from './suite-limits.ts';

/** What every measurement of a search shares. */
export type LevelContext = {
  /** The suite, whose thresholds are the limits that must hold. */
  suite: SuitePlan;
  scenario: CheckedScenario;
  plan: RunPlan;
  context: RoundContext;
  means: LevelEvidence['means'];
};

export type LevelRequest = {
  /** Virtual users a second. */
  load: number;
  phase: MeasuredLevel['phase'];
  shape: StepShape;
  /** Whether sessions end as fast as they start when the step begins. */
  settled: boolean;
  source: SideSource;
  /** Names its logs; unique in the run. */
  label: string;
  onProgress: (load: LoadProgress) => void;
};

/**
 * Measures one load on one side, with a server of its own, and says whether the limits held. Throws what keeps a server
 * from being measured at any load: the errors of target and room, and CANCELLED.
 */
export const measureLevel = async (level: LevelContext, request: LevelRequest): Promise<MeasuredLevel> => {
  const samples: UsersSample[] = [];
  const onProgress = (progress: LoadProgress): void => {
    // The clock stands still while the last answers are waited for.
    if (progress.activeMs > (samples.at(-1)?.atMs ?? 0))
      samples.push({ atMs: progress.activeMs, active: progress.usersActive });
    request.onProgress(progress);
  };
  let outcome: RoundOutcome;
  try {
    outcome = await measure(level, request, onProgress);
  } catch (failure) {
    if (!isLimit(failure)) throw failure;
    outcome = { measurement: null, problem: failure };
  }
  const { measurement: round, problem } = outcome;
  if (problem?.code === 'CANCELLED') throw problem;
  const judgement = round === null ? null : judge(level, round);
  const result = levelOutcome({
    load: request.load,
    round,
    judgement,
    problem,
    bottleneck: round === null ? null : generatorBottleneck(round.generator),
    users: request.settled ? samples : [],
    means: level.means,
  });
  return {
    ...result,
    load: request.load,
    phase: request.phase,
    users: samples.length === 0 ? null : Math.max(...samples.map(({ active }) => active)),
    round,
    judgement,
  };
};

async function measure(
  level: LevelContext,
  request: LevelRequest,
  onProgress: (load: LoadProgress) => void,
): Promise<RoundOutcome> {
  const { load, shape, source } = request;
  const phases = stepPhases(load, shape);
  const suite = { ...level.suite, overrides: { ...level.suite.overrides, phases } };
  const limits = planLimits(loadDemand(level.scenario, readPhases(phases)), machineLimits());
  await using side = await openSide(suite, source, { ...level.context, limits }, request.label);
  return await measureRound(side, {
    host: level.context.host,
    deadlineMs: Number.POSITIVE_INFINITY,
    onProgress,
    step: { warmUpMs: shape.warmUpMs, measuredMs: shape.stepMs },
  });
}

function isLimit(failure: unknown): failure is TailgateError {
  return failure instanceof Error && 'code' in failure && failure.code === 'LIMIT_TOO_LOW';
}

/**
 * The judgement of a step by its absolute limits. A percentile of a step at little load comes from few values; that is
 * no reason to go without an answer there, because the edge is measured again and its values are counted.
 */
function judge({ suite, plan }: LevelContext, round: RoundMeasurement): SuiteJudgement {
  return judgeSuite({
    suite: suite.name,
    comparison: 'none',
    pairs: [],
    head: [round],
    history: [],
    thresholds: suite.thresholds,
    settings: { ...plan.verdict, minSamplesP50: 1, minSamplesP95: 1, minSamplesP99: 1 },
    mainMetric: suite.measure.main ?? null,
    confirmation: null,
    final: true,
    invalid: [],
  });
}
