import { problemsOf, type TailgateError, throwProblems } from '../errors.ts';
import { type KnownMetrics, knownMetrics } from '../load/known-metrics.ts';
import { lintScenario } from '../load/lint-scenario.ts';
import { type ReadScenario, readScenario } from '../load/read-scenario.ts';
import type { ScenarioOutline } from '../plan/estimate.ts';
import type { RunPlan, SuitePlan } from '../plan/run-plan.ts';
import { checkThresholds } from '../settings/threshold-sets.ts';

/** A suite's scenario, read and checked. */
export type CheckedScenario = {
  suite: SuitePlan;
  scenario: ReadScenario;
  known: KnownMetrics;
  outline: ScenarioOutline;
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
  return {
    suite,
    scenario,
    known,
    outline: { plannedMs: scenario.plannedMs, plannedSamples: null },
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
