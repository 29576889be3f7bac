import { withoutCredentials } from '../baseline/git-remote-branch.ts';
import { exitCodes } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { formatThreshold } from '../metrics/threshold-grammar.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { limitationsOf } from '../settings/limitations.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { makePlan } from '../settings/make-plan.ts';
import { shownPath } from '../settings/resolve-paths.ts';
import { checkLoading } from './check-loading.ts';
import { checkOpenings } from './check-openings.ts';
import { checkScenarios, showWarnings } from './check-scenarios.ts';
import { checkSecrets } from './check-secrets.ts';

/**
 * `tailgate validate`: checks settings, secrets, thresholds and scenarios with all that they are made of, and starts
 * neither a server nor a load. Throws what is wrong, so that "valid" means that it can run.
 */
export const validateCommand = async (options: {
  host: Host;
  print: (text: string) => void;
  inputs: RawInputs;
}): Promise<number> => {
  const { host, print } = options;
  const loaded = await loadSettings({ cwd: host.cwd, inputs: options.inputs });
  const plan = makePlan(loaded.settings, loaded);
  checkSecrets(plan, host.env, loaded);
  await checkOpenings(plan, loaded);
  const scenarios = await checkScenarios(plan, host);
  showWarnings(host, scenarios);
  if (loaded.extended.length > 0)
    print(
      `Settings: ${[...loaded.extended, loaded.file!].map((file) => shownPath(host.cwd, file)).join(', then ')}`,
    );
  await checkLoading(scenarios, host);
  for (const [name, { suite, scenario }] of scenarios) {
    print(`Suite "${name}": ${shownPath(host.cwd, suite.scenarioPath)}`);
    print(
      `  load: ${scenario.plannedUsers} ${scenario.plannedUsers === 1 ? 'user' : 'users'} in ${Math.round(scenario.plannedMs / 1000)} s, engines ${scenario.engines.join(', ')}`,
    );
    const limits = suite.thresholds.map(formatThreshold);
    print(`  limits: ${limits.length === 0 ? 'those by default' : limits.join('; ')}`);
  }
  const storage = storageOf(loaded);
  if (storage !== null) print(storage);
  const outlines = new Map([...scenarios].map(([name, { outline }]) => [name, outline]));
  for (const limitation of limitationsOf(plan, outlines)) print(`Note: ${limitation}`);
  print('The settings are valid.');
  return exitCodes.pass;
};

/** Where a run of these settings would be stored, and when: a sentence. */
function storageOf({ settings, cwd }: LoadedSettings): string | null {
  const { mode, record, path, branch, remote = 'origin' } = settings.baseline;
  if (mode === 'none') return null;
  const where =
    mode === 'file'
      ? `the file ${shownPath(cwd, path)}`
      : `the branch "${branch}" of ${withoutCredentials(remote)}`;
  const inCi = mode === 'file' ? '' : ' in CI';
  switch (record) {
    case 'never':
      return `Stored: never by itself; "tailgate baseline record" stores a run in ${where}.`;
    case 'always':
      return `Stored: every run${inCi} that does not fail, in ${where}; pull requests${mode === 'file' ? ' too' : ' excepted'}.`;
    case 'default-branch':
      return `Stored: runs on the default branch${inCi} that do not fail, in ${where}.`;
  }
}
