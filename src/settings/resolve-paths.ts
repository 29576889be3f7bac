import path from 'node:path';
import type { SettingPath } from './setting-path.ts';
import type { Settings } from './settings-schema.ts';

/**
 * The folder to which the paths in a settings file are relative: its own; for a file in `.github`, the folder around
 * that. Without a file it is the working directory.
 */
export const baseFolder = (file: string | null, cwd: string): string => {
  if (file === null) return cwd;
  const folder = path.dirname(file);
  return path.basename(folder) === '.github' ? path.dirname(folder) : folder;
};

/** A path as messages and annotations show it: relative, with slashes, where it lies below `cwd`. */
export const shownPath = (cwd: string, file: string): string => {
  const relative = path.relative(cwd, file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative.split(path.sep).join('/');
};

/** Where the paths of settings start: those that were written at `base`, defaults at the working directory `cwd`. */
export type PathOrigins = { base: string; cwd: string; isWritten(path: SettingPath): boolean };

/**
 * Makes the paths of the settings absolute; `target.cwd` becomes relative to the working directory, because each side
 * of a comparison has a checkout of its own.
 */
export const resolvePaths = (settings: Settings, { base, cwd, isWritten }: PathOrigins): Settings => {
  const absolute = (value: string, at: SettingPath): string =>
    path.resolve(isWritten(at) ? base : cwd, value);
  const target = (group: Settings['target'], at: SettingPath): Settings['target'] => ({
    ...group,
    cwd: path.relative(cwd, absolute(group.cwd, [...at, 'cwd'])) || '.',
  });
  const { baseline } = settings;
  return {
    ...settings,
    target: target(settings.target, ['target']),
    baseline: {
      ...baseline,
      path: absolute(baseline.path, ['baseline', 'path']),
      ...(baseline.dir !== undefined && { dir: absolute(baseline.dir, ['baseline', 'dir']) }),
      ...(baseline.confirmFrom !== undefined && {
        confirmFrom: absolute(baseline.confirmFrom, ['baseline', 'confirmFrom']),
      }),
    },
    reportDir: absolute(settings.reportDir, ['reportDir']),
    suites: settings.suites.map((suite, index) => ({
      ...suite,
      scenario: absolute(suite.scenario, ['suites', index, 'scenario']),
      ...(suite.target !== undefined && { target: target(suite.target, ['suites', index, 'target']) }),
    })),
  };
};
