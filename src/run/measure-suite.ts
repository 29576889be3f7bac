import path from 'node:path';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { renderProgress } from '../report/render-progress.ts';
import { fitWidth } from '../report/terminal-text.ts';
import { sliceObstacle } from '../scenario/slice-obstacle.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import type { LoadPart } from '../side/round-context.ts';
import { showLine } from './dashboard.ts';
import { explainGrowthRun } from './explain-growth-run.ts';
import { explainRun } from './explain-run.ts';
import type { GateRequest } from './gate-request.ts';
import { type Confirmation, measureAgainstStored } from './measure-against-stored.ts';
import { measureEndurance } from './measure-endurance.ts';
import { measureSideBySide } from './measure-side-by-side.ts';
import type { Versions } from './open-versions.ts';
import type { ConfirmationPlan } from './plan-confirmation.ts';
import { contextOf, type Stage } from './prepare-run.ts';
import type { Sides } from './prepare-sides.ts';
import type { ChangeRoots } from './read-change.ts';
import { sameCode } from './same-code.ts';
import { type SuiteInputs, type SuiteProgress, type SuiteRun, startRun } from './suite-run.ts';

/** One suite of a run, and what is known of it before it is measured. */
export type SuiteWork = {
  suite: SuitePlan;
  confirming: ConfirmationPlan;
  /** Comparable stored records, oldest first. */
  history: BaselineRecord[];
  /** Rounds that shards measured, to be judged here. */
  measured: readonly RoundMeasurement[] | undefined;
  /** The part of its load that this machine drives, and leads; all of it if not given. */
  part?: LoadPart | undefined;
  /** Time left for it, milliseconds. */
  budgetMs: number;
  /** Told what there is after each pair or round. */
  onMeasured?: ((run: SuiteRun) => void) | undefined;
};

/**
 * Measures one suite, judges it, and looks for what made it change. Known failures do not throw: they are in
 * `problems`, with everything that was measured before them.
 */
export async function measureSuite(
  request: GateRequest,
  stage: Stage,
  { sides, roots, baseless, unbuilt }: Versions,
  work: SuiteWork,
): Promise<SuiteRun> {
  const { suite } = work;
  const baseline = baseless.has(suite.name) ? null : sides.baseline;
  const inputs = inputsOf(request, stage, { ...sides, baseline }, work);
  const missing = unbuilt.get(suite.name);
  if (missing !== undefined) return { ...startRun(inputs, 'none'), problems: [missing] };
  if (work.measured === undefined) showStage(request, suite, 'starting the server', false);
  if (suite.endurance !== undefined) {
    const run = await measureEndurance(inputs);
    run.explanation = await explainGrowthRun(run, inputs, roots);
    run.warnings.push(...stage.limits.get(suite.name)!.notes);
    return run;
  }
  if (roots !== null && baseline !== null && stage.plan.sameCode === 'pass')
    Object.assign(inputs, sameCodeOf(request, sides, suite, roots));
  const planned = work.confirming.confirmation;
  // What shards drove together is not driven again here; shards that were started again confirm it.
  const confirmation: Confirmation =
    work.measured === undefined || planned.by === 'this-job' ? planned : { by: 'fresh-job' };
  const run =
    baseline === null
      ? await measureAgainstStored(inputs, confirmation)
      : await measureSideBySide(inputs, baseline);
  if (baseline !== null && roots !== null) run.explanation = await explainRun(run, inputs, baseline, roots);
  run.warnings.push(...work.confirming.warnings, ...stage.limits.get(suite.name)!.notes);
  return run;
}

function inputsOf(request: GateRequest, stage: Stage, sides: Sides, work: SuiteWork): SuiteInputs {
  const { suite, budgetMs } = work;
  const { scenario, outline } = stage.scenarios.get(suite.name)!;
  return {
    suite,
    plan: stage.plan,
    plannedMs: outline.plannedMs,
    obstacle: sliceObstacle(scenario),
    head: sides.head,
    baseline: sides.baseline,
    history: work.history,
    measured: work.measured,
    context: {
      ...contextOf(stage, suite, request.host),
      part: work.part,
      endsAtMs: performance.now() + budgetMs,
    },
    budgetMs,
    onProgress: showProgress(request, stage, sides.baseline !== null, budgetMs),
    onStage: (now) => showStage(request, suite, now),
    ...(work.onMeasured === undefined ? {} : { onMeasured: work.onMeasured }),
  };
}

function showProgress(request: GateRequest, { plan }: Stage, inPairs: boolean, budgetMs: number) {
  return (progress: SuiteProgress): void => {
    const { suite, side, load, elapsedMs, most, done, doneMs, sinceMs } = progress;
    const [min, max] = inPairs ? [plan.verdict.minPairs, plan.verdict.maxPairs] : [most, most];
    const pairs = { done, doneMs, sinceMs, min, max };
    const interval = progress.judgement;
    const view = { suite, stage: 'measuring', side, load, pairs, interval, elapsedMs, budgetMs };
    showLine(request, (columns) => renderProgress(view, columns));
  };
}

/** Shows what goes on before and after the measuring. */
function showStage(request: GateRequest, { name }: SuitePlan, stage: string, inLog = true): void {
  showLine(request, (columns) => fitWidth(`${name} · ${stage}`, columns), inLog);
}

/** Whether both sides of a pair ran the same code; not asked where they are started in different ways. */
function sameCodeOf(
  { loaded, host }: GateRequest,
  { head, baseline }: Sides,
  suite: SuitePlan,
  roots: ChangeRoots,
): Pick<SuiteInputs, 'sameCodeOf'> {
  if (baseline?.start !== head.start || JSON.stringify(baseline?.env) !== JSON.stringify(head.env)) return {};
  const serverFolder = path.resolve(head.cwd, suite.target.cwd);
  const sharedFiles = [
    suite.scenarioPath,
    ...loaded.extended,
    ...(loaded.file === null ? [] : [loaded.file]),
  ];
  return { sameCodeOf: (ran) => sameCode(ran, { roots, serverFolder, sharedFiles, host }) };
}
