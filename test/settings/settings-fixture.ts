import { problemsOf, type TailgateError } from '../../src/errors.ts';
import type { RawInputs } from '../../src/settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../../src/settings/load-settings.ts';

/** Files by path relative to `/project`, which is the working directory. */
export type Project = Record<string, string>;

const cwd = '/project';

const readFrom = (project: Project) => async (path: string) => {
  const text = project[path.slice(cwd.length + 1)];
  if (text !== undefined) return text;
  throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
};

/** Loads the settings of a project that is held in memory. */
export const load = (
  project: Project,
  values: Record<string, string> = {},
  source: RawInputs['source'] = 'action',
): Promise<LoadedSettings> => loadSettings({ cwd, inputs: { source, values }, readFile: readFrom(project) });

/** The problems of a project whose settings are wrong. Fails when they are accepted. */
export const problemsIn = async (
  project: Project,
  values: Record<string, string> = {},
  source: RawInputs['source'] = 'action',
): Promise<readonly TailgateError[]> => {
  try {
    await load(project, values, source);
  } catch (error) {
    return problemsOf(error);
  }
  throw new Error('the settings were accepted');
};

/** A project with one scenario and these settings. */
export const withSettings = (settings: string): Project => ({
  'tailgate.yml': settings,
  'chat.yml': 'scenarios: []',
});
