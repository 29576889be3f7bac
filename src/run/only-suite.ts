import { tailgateError } from '../errors.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';

/**
 * The suite of a command that measures one at a time; `done` says what it does to it, as a participle. Throws
 * ARGUMENTS_INVALID for several, and KIND_UNFIT for one of kind `endurance`.
 */
export function onlySuite({ suites }: RunPlan, command: string, done: string): SuitePlan {
  const [suite, ...others] = suites;
  if (suite === undefined || others.length > 0) {
    const names = suites.map(({ name }) => `"${name}"`).join(', ');
    const problem = `one suite is ${done} at a time; name it with --suite (${names})`;
    throw tailgateError('ARGUMENTS_INVALID', { command, problem });
  }
  if (suite.endurance !== undefined)
    throw tailgateError('KIND_UNFIT', { suite: suite.name, command: `"tailgate ${command}"` });
  return suite;
}

/** The settings of a command that starts both sides from this checkout, whatever the gate compares with. */
export function startedHere(loaded: LoadedSettings): LoadedSettings {
  const { settings, cwd } = loaded;
  const baseline = {
    ...settings.baseline,
    mode: 'side-by-side' as const,
    dir: cwd,
    start: undefined,
    url: undefined,
  };
  return { ...loaded, settings: { ...settings, baseline } };
}
