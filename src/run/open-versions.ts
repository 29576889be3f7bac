import type { BaseCommit } from '../baseline/base-commit.ts';
import { problemsOf, type TailgateError } from '../errors.ts';
import type { ResourceStack } from '../host/resource-stack.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { type SideSource, startSideTarget } from '../side/open-side.ts';
import { type DeployedVersions, deployedVersions } from './deployed-versions.ts';
import type { GateRequest } from './gate-request.ts';
import { contextOf, type Stage } from './prepare-run.ts';
import { prepareSides, type Sides } from './prepare-sides.ts';
import { type ChangeRoots, changeRoots } from './read-change.ts';
import { suiteLabel } from './suite-run.ts';

/** The versions that a run measures, and the suites that have to do without one of them. */
export type Versions = {
  sides: Sides;
  /** What runs where nothing is started. */
  deployed: DeployedVersions;
  /** Where the sources of both stand; null without a base version. */
  roots: ChangeRoots | null;
  /** By suite: why there is no base version of it, where the absolute limits may decide alone. */
  baseless: ReadonlyMap<string, TailgateError>;
  /** By suite: why its server could not be built. */
  unbuilt: ReadonlyMap<string, TailgateError>;
};

/** The base version, or why there is none; neither when the run is not side by side. */
export type OpenedBase = { base: BaseCommit | null; absent: TailgateError | null };

/** Makes the base version available until `resources` close. Throws what is wrong, unless the run may do without it. */
export async function openBase(
  { compares, openBase: open, readShards }: GateRequest,
  { plan }: Stage,
  resources: ResourceStack,
): Promise<OpenedBase> {
  const isSideBySide = plan.baseline.mode === 'side-by-side' && compares && readShards === undefined;
  if (!isSideBySide) return { base: null, absent: null };
  try {
    return { base: resources.use(await open()), absent: null };
  } catch (failure) {
    const [problem] = problemsOf(failure);
    if (plan.baseline.require !== false || problem?.code !== 'BASE_ABSENT') throw failure;
    return { base: null, absent: problem };
  }
}

/**
 * Builds both versions and, where the absolute limits may decide alone, sees whether the base version starts. Throws
 * when no suite can be measured.
 */
export async function openVersions(
  { loaded, host, provenance, readShards }: GateRequest,
  stage: Stage,
  { base, absent }: OpenedBase,
): Promise<Versions> {
  const { plan, logDir } = stage;
  const isOptional = plan.baseline.require === false;
  const baseless = new Map(absent === null ? [] : plan.suites.map(({ name }) => [name, absent]));
  const unbuilt = new Map<string, TailgateError>();
  // Of what is deployed there are no files here.
  const roots =
    base === null || base.deployed !== undefined ? null : await changeRoots(loaded.cwd, base, host);
  const sides = await prepareSides(readShards === undefined ? plan : { ...plan, suites: [] }, {
    cwd: loaded.cwd,
    base,
    logDir,
    host,
    onFailure: (suite, problem, side) =>
      (side === 'baseline' && isOptional ? baseless : unbuilt).set(suite, problem),
  });
  const [failure] = unbuilt.values();
  const deployed = await deployedVersions(plan, sides, base, { provenance, host, cwd: loaded.cwd });
  if (failure !== undefined && unbuilt.size === plan.suites.length) throw failure;
  if (sides.baseline !== null && isOptional)
    for (const suite of plan.suites) {
      if (baseless.has(suite.name) || unbuilt.has(suite.name)) continue;
      const problem = await startProblem(stage, suite, sides.baseline, host);
      if (problem !== null) baseless.set(suite.name, problem);
    }
  return { sides, deployed, roots, baseless, unbuilt };
}

const startFailures: ReadonlySet<string> = new Set([
  'TARGET_EXITED',
  'TARGET_NOT_READY',
  'TARGET_UNREACHABLE',
]);

/** Starts the server of a version and stops it again. Gives why it does not start; throws what else goes wrong. */
async function startProblem(
  stage: Stage,
  suite: SuitePlan,
  side: SideSource,
  host: GateRequest['host'],
): Promise<TailgateError | null> {
  try {
    const label = `${suiteLabel(suite)}-${side.name}-start`;
    await using _target = await startSideTarget(suite, side, contextOf(stage, suite, host), label);
    return null;
  } catch (failure) {
    const [problem] = problemsOf(failure);
    if (problem !== undefined && startFailures.has(problem.code)) return problem;
    throw failure;
  }
}
