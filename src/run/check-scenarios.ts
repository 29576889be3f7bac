import { problemsOf, TailgateError, throwProblems } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { checkThresholds } from '../metrics/threshold-sets.ts';
import { type KnownMetrics, knownMetrics } from '../scenario/known-metrics.ts';
import { type LintContext, lintScenario } from '../scenario/lint-scenario.ts';
import type { ScenarioInputs } from '../scenario/merge-script.ts';
import { type ReadScenario, readScenario } from '../scenario/read-scenario.ts';
import { mainValues, type SessionOutline, sessionOutline } from '../scenario/session-outline.ts';
import type { ScenarioOutline } from '../settings/estimate.ts';
import { shownPath } from '../settings/resolve-paths.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';

/** A suite's scenario, read and checked. */
export type CheckedScenario = {
  suite: SuitePlan;
  scenario: ReadScenario;
  known: KnownMetrics;
  outline: ScenarioOutline;
  session: SessionOutline;
  /** Things that run, but not as the author will have meant. */
  warnings: { message: string; file?: string | undefined; line?: number | undefined }[];
};

/**
 * Reads and checks the scenario of every suite, starting nothing. Throws all problems of all suites: SCENARIO_* and
 * THRESHOLD_UNKNOWN_METRIC, and shows the warnings first, which may say what is meant. Paths in what is thrown and warned of are relative to `cwd` where they lie below it.
 */
export const checkScenarios = async (
  plan: RunPlan,
  host: Pick<Host, 'cwd' | 'env' | 'warn'>,
): Promise<Map<string, CheckedScenario>> => {
  const { cwd, env } = host;
  const checked = new Map<string, CheckedScenario>();
  const problems = new Map<string, TailgateError>();
  const warnings: CheckedScenario['warnings'] = [];
  for (const suite of plan.suites) {
    const { scenarioPath } = suite;
    const file = shownPath(cwd, scenarioPath);
    try {
      let own: CheckedScenario['warnings'] = [];
      const found = await checkSuite(suite, env, (given) => {
        own = given.map((one) => (one.file === scenarioPath ? { ...one, file } : one));
        warnings.push(...own);
      });
      checked.set(suite.name, { ...found, warnings: own });
    } catch (failure) {
      for (const problem of problemsOf(failure)) {
        const found = shownProblem(problem, scenarioPath, cwd);
        // Levels share a scenario, and so its mistakes.
        problems.set(found.message, found);
      }
    }
  }
  if (problems.size > 0) showEach(warnings, host);
  throwProblems([...problems.values()]);
  return checked;
};

/** The same problem, with the scenario named as people and annotations know it. */
export const shownProblem = (problem: TailgateError, scenarioPath: string, cwd: string): TailgateError => {
  const { code, what, fix, exit, where, cause } = problem;
  const name = shownPath(cwd, scenarioPath);
  const place = where.file === scenarioPath ? { ...where, file: name } : where;
  return new TailgateError(code, what.replaceAll(scenarioPath, name), fix, exit, place, cause);
};

/** Shows the warnings about all scenarios, each once. */
export const showWarnings = (host: Host, scenarios: ReadonlyMap<string, CheckedScenario>): void => {
  showEach(
    [...scenarios.values()].flatMap((scenario) => scenario.warnings),
    host,
  );
};

type Env = Readonly<Record<string, string | undefined>>;

/** `warned` gets what is said beside the problems, and is called before they are thrown. */
async function checkSuite(
  suite: SuitePlan,
  env: Env,
  warned: (warnings: CheckedScenario['warnings']) => void,
): Promise<CheckedScenario> {
  const scenario = await readScenario(suite.scenarioPath, {
    environment: suite.environment,
    overrides: suite.overrides,
    overridePlace: overridePlaceIn(suite),
    variables: suite.variables,
  });
  const lint = lintScenario(scenario, suite.measure, lintContext(suite, env));
  warned(lint.warnings);
  throwProblems(lint.problems);
  const known = knownMetrics(scenario, suite.measure);
  throwProblems(checkThresholds(suite.thresholds, measurable(suite, known)));
  const session = sessionOutline(scenario, suite.measure);
  return {
    suite,
    scenario,
    known,
    session,
    outline: {
      plannedMs: scenario.plannedMs,
      plannedSamples: plannedSamples(scenario, session, suite.measure.main ?? null),
      hasChecks: (['ensure', 'expect'] as const).some((name) => !!scenario.config.plugins?.[name]),
    },
    warnings: lint.warnings,
  };
}

/** The place of a part of the overrides, or of the nearest part around it that is written. */
function overridePlaceIn({ overridePlaces = [] }: SuitePlan): ScenarioInputs['overridePlace'] {
  return (place) => {
    for (let length = place.length; length > 0; length -= 1) {
      const found = overridePlaces.find(
        ({ path }) => path.length === length && path.every((part, index) => part === place[index]),
      );
      if (found !== undefined) return found.where;
    }
    return { key: 'overrides' };
  };
}

/** What the settings of a suite know of the names that its scenario uses. */
function lintContext(suite: SuitePlan, env: Env): LintContext {
  return {
    variables: [...Object.keys(suite.variables), ...(suite.room ? Object.keys(suite.room.capture) : [])],
    hasToken: suite.measure.jwt !== undefined,
    env,
    wanted: [
      ...suite.thresholds.map(({ metric }) => metric),
      ...(suite.measure.main === undefined ? [] : [suite.measure.main]),
    ],
  };
}

/** What the thresholds of a suite can name; null stands for what only the run will tell. */
function measurable(
  { target, endurance }: SuitePlan,
  known: KnownMetrics,
): Parameters<typeof checkThresholds>[1] {
  return {
    latencies: known.open ? null : known.latencies,
    counters: known.open ? null : known.counters,
    custom: known.custom ? null : [],
    resources: [target.start, target.pid, target.resources].some((source) => source !== undefined),
    endurance: endurance !== undefined,
  };
}

/** Values of the main latency in the whole of a scenario; null when its flow or a limit of users hides them. */
function plannedSamples(scenario: ReadScenario, session: SessionOutline, main: string | null) {
  const perUser = mainValues(session, main);
  if (perUser === null || scenario.phases.some(({ maxUsers }) => maxUsers !== null)) return null;
  return Math.floor(perUser * scenario.plannedUsers);
}

function showEach(warnings: CheckedScenario['warnings'], host: Pick<Host, 'warn'>): void {
  for (const warning of new Map(warnings.map((one) => [JSON.stringify(one), one])).values())
    host.warn(warning.message, warning);
}
