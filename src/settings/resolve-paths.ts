import path from 'node:path';
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

/**
 * Makes the paths of the settings absolute, from `base`; `target.cwd` becomes relative to `cwd`, because each side of a
 * comparison has a checkout of its own.
 */
export const resolvePaths = (settings: Settings, base: string, cwd: string): Settings => {
  const absolute = (value: string): string => path.resolve(base, value);
  const target = (group: Settings['target']): Settings['target'] => ({
    ...group,
    cwd: path.relative(cwd, absolute(group.cwd)) || '.',
  });
  const { baseline } = settings;
  return {
    ...settings,
    target: target(settings.target),
    baseline: {
      ...baseline,
      path: absolute(baseline.path),
      ...(baseline.dir !== undefined && { dir: absolute(baseline.dir) }),
    },
    reportDir: absolute(settings.reportDir),
    suites: settings.suites.map((suite) => ({
      ...suite,
      scenario: absolute(suite.scenario),
      ...(suite.target !== undefined && { target: target(suite.target) }),
    })),
  };
};
