import { problemsOf, type TailgateError, throwProblems } from '../errors.ts';
import { type KnownMetrics, knownMetrics } from '../load/known-metrics.ts';
import { lintScenario } from '../load/lint-scenario.ts';
import { type ReadScenario, readScenario } from '../load/read-scenario.ts';
import { mainValues, type SessionOutline, sessionOutline } from '../load/session-outline.ts';
import type { ScenarioOutline } from '../plan/estimate.ts';
import type { RunPlan, SuitePlan } from '../plan/run-plan.ts';
import { checkThresholds } from '../settings/threshold-sets.ts';

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

/** What the thresholds of a suite can name; null stands for what only the run will tell. */
const measurable = ({ target }: SuitePlan, known: KnownMetrics): Parameters<typeof checkThresholds>[1] => ({
  latencies: known.open ? null : known.latencies,
  counters: known.open ? null : known.counters,
  custom: known.custom ? null : [],
  resources: target.start !== undefined || target.pid !== undefined,
});

/** Values of the main latency in the whole of a scenario; null when its flow or a limit of users hides them. */
const plannedSamples = (scenario: ReadScenario, session: SessionOutline, main: string | null) => {
  const perUser = mainValues(session, main);
  if (perUser === null || scenario.phases.some(({ maxUsers }) => maxUsers !== null)) return null;
  return Math.floor(perUser * scenario.plannedUsers);
};

const checkSuite = async (suite: SuitePlan): Promise<CheckedScenario> => {
  const scenario = await readScenario(suite.scenarioPath, {
    environment: suite.environment,
    overrides: suite.overrides,
    variables: suite.variables,
  });
  const lint = lintScenario(scenario, suite.measure);
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
    },
    warnings: lint.warnings,
  };
};

/**
 * Reads and checks the scenario of every suite, starting nothing. Throws all problems of all suites: SCENARIO_* and
 * THRESHOLD_UNKNOWN_METRIC.
 */
export const checkScenarios = async (plan: RunPlan): Promise<Map<string, CheckedScenario>> => {
  const checked = new Map<string, CheckedScenario>();
  const problems: TailgateError[] = [];
  for (const suite of plan.suites) {
    try {
      checked.set(suite.name, await checkSuite(suite));
    } catch (failure) {
      problems.push(...problemsOf(failure));
    }
  }
  throwProblems(problems);
  return checked;
};
