import { readPayload } from '../generator/read-payload.ts';
import type { Host } from '../host/host.ts';
import { decidePinning, type PinningDecision } from '../host/processes/core-pinning.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import { makePlan } from '../settings/make-plan.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import { scenarioSecrets, secretValues } from '../settings/secrets.ts';
import type { RoundContext } from '../side/round-context.ts';
import { machineLimits } from '../side/target/limits.ts';
import { checkOpenings } from './check-openings.ts';
import { type CheckedScenario, checkScenarios, showWarnings } from './check-scenarios.ts';
import { checkSecrets } from './check-secrets.ts';
import { openReportFolder } from './report-folder.ts';
import { type SuiteLimits, suiteLimits } from './suite-limits.ts';

/** What stands before anything is started. */
export type Stage = {
  plan: RunPlan;
  /** The working directory, absolute. */
  cwd: string;
  /** By name of the suite. */
  scenarios: Map<string, CheckedScenario>;
  pinning: PinningDecision;
  logDir: string;
  /** How the load of each suite is driven within the limits of the machine, by name of the suite. */
  limits: Map<string, SuiteLimits>;
};

/**
 * Checks everything that can be checked before anything is started; `share` is the part of the load that this machine
 * drives. Throws usage errors and LIMIT_TOO_LOW.
 */
export const prepareRun = async (loaded: LoadedSettings, host: Host, share = 1): Promise<Stage> => {
  for (const secret of secretValues(loaded.settings, host.env)) host.secret(secret);
  const plan = makePlan(loaded.settings, loaded);
  checkSecrets(plan, host.env, loaded);
  await checkOpenings(plan, loaded);
  const scenarios = await checkScenarios(plan, host);
  for (const { script, content, overrides } of [...scenarios.values()].map(({ scenario }) => scenario))
    for (const part of [script, content, { config: overrides }])
      for (const secret of scenarioSecrets(part, host.env)) host.secret(secret);
  await hideSecretColumns(loaded.settings.secretColumns, scenarios, host);
  showWarnings(host, scenarios);
  const { logDir } = await openReportFolder(plan.reportDir);
  const pinning = await decidePinning(pinningObstacle(plan));
  const limits = new Map(
    [...scenarios].map(([name, scenario]) => [name, suiteLimits(scenario, machineLimits(), share)]),
  );
  for (const { notes } of limits.values()) for (const note of notes) host.info(`Note: ${note}`);
  return { plan, cwd: loaded.cwd, scenarios, pinning, logDir, limits };
};

/** What every round of a suite is measured in. Commands of the settings run in the working directory. */
export const contextOf = (stage: Stage, suite: SuitePlan, host: Host): RoundContext => ({
  host: { ...host, cwd: stage.cwd },
  logDir: stage.logDir,
  seed: stage.plan.seed,
  pinning: stage.pinning.pinning,
  limits: stage.limits.get(suite.name)!.plan,
});

/** Makes secrets of what stands in these columns of the payload files. Warns of a column that no file has. */
async function hideSecretColumns(
  columns: readonly string[],
  scenarios: ReadonlyMap<string, CheckedScenario>,
  host: Host,
): Promise<void> {
  const missing = new Set(columns);
  if (missing.size === 0) return;
  for (const { scenario } of scenarios.values())
    for (const payload of scenario.script.config.payload ?? []) {
      const places = columns.flatMap((column) => {
        const index = payload.fields?.indexOf(column) ?? -1;
        if (index >= 0) missing.delete(column);
        return index < 0 ? [] : [index];
      });
      if (places.length === 0) continue;
      for (const row of await readPayload(payload))
        for (const at of places) host.secret(String(row[at] ?? ''));
    }
  for (const column of missing)
    host.warn(
      `"secretColumns" names "${column}", which no payload file of the scenarios has in its "fields".`,
    );
}

/** Why server and generator are not to be pinned, as the report says it; null when they are. */
function pinningObstacle({ suites }: RunPlan): string | null {
  if (suites.some(({ target }) => !target.pin)) return 'switched off';
  // A server that somebody else started has its cores already.
  return suites.every(({ target }) => target.start !== undefined) ? null : 'the server runs elsewhere';
}
