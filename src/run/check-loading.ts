import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { problemsOf, type TailgateError, tailgateError, throwProblems } from '../errors.ts';
import { startGenerators } from '../generator/start-load-session.ts';
import type { Host } from '../host/host.ts';
import { untilAborted } from '../host/until-aborted.ts';
import { calledFunctions } from '../scenario/processor-functions.ts';
import { shownPath } from '../settings/resolve-paths.ts';
import { engineSettingsOf } from '../side/engine-settings-of.ts';
import { type CheckedScenario, shownProblem } from './check-scenarios.ts';

const loadTimeoutMs = 30_000;

/**
 * Loads what the scenarios are made of, as a run does, in a generator process that ends at once: processors (and whether
 * they export what is called), payload files and plugins. Throws the SCENARIO_* errors that a run would meet, and CANCELLED.
 */
export const checkLoading = async (
  scenarios: ReadonlyMap<string, CheckedScenario>,
  host: Host,
): Promise<void> => {
  const problems = new Map<string, TailgateError>();
  const folder = await mkdtemp(path.join(tmpdir(), 'tailgate-validate-'));
  try {
    for (const checked of scenarios.values()) {
      if (!hasParts(checked)) continue;
      for (const problem of await problemsOfLoading(checked, host, folder)) {
        const found = shownProblem(problem, checked.suite.scenarioPath, host.cwd);
        problems.set(found.message, found);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throwProblems([...problems.values()]);
};

/** Whether there is more to a scenario than its file. */
function hasParts({ scenario }: CheckedScenario): boolean {
  return (
    scenario.config.processor !== undefined ||
    (scenario.config.payload ?? []).length > 0 ||
    Object.keys(scenario.config.plugins ?? {}).length > 0 ||
    calledFunctions(scenario.script).length > 0
  );
}

async function problemsOfLoading(
  { suite }: CheckedScenario,
  host: Host,
  folder: string,
): Promise<readonly TailgateError[]> {
  await using generators = startGenerators({
    logPath: path.join(folder, 'load.log'),
    cpus: null,
    env: host.env,
  });
  const [generator] = generators.processes;
  const loading = generator!.ask(
    {
      type: 'check',
      request: {
        scenarioPath: suite.scenarioPath,
        environment: suite.environment,
        overrides: suite.overrides,
        variables: suite.variables,
        targetUrl: 'http://127.0.0.1',
        engine: engineSettingsOf(suite.measure, [], { seed: 0, shard: { index: 0, count: 1 } }, () => ''),
        rawPath: null,
      },
    },
    // Whoever is too slow is told so below.
    2 * loadTimeoutMs,
  );
  const late = new AbortController();
  const tooLate = delay(loadTimeoutMs, null, { signal: late.signal }).then(() => {
    throw tailgateError('SCENARIO_CODE_FAILED', {
      what: 'code',
      reason: `it was not loaded within ${loadTimeoutMs / 1_000} s`,
      path: shownPath(host.cwd, suite.scenarioPath),
    });
  });
  const { aborted, forget } = untilAborted(host.signal);
  const cancelled = aborted.then((problem) => {
    throw problem;
  });
  try {
    await Promise.race([loading, tooLate, cancelled]);
    return [];
  } catch (failure) {
    return problemsOf(failure);
  } finally {
    forget();
    late.abort();
    tooLate.catch(() => {});
    loading.catch(() => {});
  }
}
