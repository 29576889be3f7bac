import { isTree, mergeTrees, type Tree } from './setting-path.ts';

const groups = ['target', 'room', 'measure'] as const;

/** Thresholds of an input replace all others, those of the suite and of its levels included. */
const withoutThresholds = ({ thresholds: _, levels, ...suite }: Tree): Tree => ({
  ...suite,
  ...(Array.isArray(levels) && {
    levels: levels.map((level) => (isTree(level) ? withoutThresholds(level) : level)),
  }),
});

/**
 * The settings with every group of a suite completed: what the suite says over what the top level says, and the inputs
 * (`overlay`) over both. `settings` and `overlay` are as written, before defaults.
 */
export const completeSuites = (settings: Tree, overlay: Tree): Tree => {
  const suites = Array.isArray(settings.suites) ? settings.suites : [];
  return {
    ...settings,
    suites: suites.map((suite) => {
      if (!isTree(suite)) return suite;
      const completed: Tree = { ...suite };
      for (const group of groups) {
        const merged = mergeTrees(mergeTrees(settings[group], suite[group]), overlay[group]);
        if (merged !== undefined) completed[group] = merged;
      }
      return overlay.thresholds === undefined ? completed : withoutThresholds(completed);
    }),
  };
};
