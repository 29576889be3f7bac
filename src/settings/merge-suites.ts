import { isTree, mergeTrees, type Tree } from './setting-path.ts';

/** Thresholds of an input replace all others, those of the suite and of its levels included. */
const withoutThresholds = ({ thresholds: _, levels, ...suite }: Tree): Tree => ({
  ...suite,
  ...(Array.isArray(levels) && {
    levels: levels.map((level) => (isTree(level) ? withoutThresholds(level) : level)),
  }),
});

/** One group of a suite over that of the top level, and the input over both. */
const mergedGroup = (top: unknown, own: unknown, input: unknown): unknown => {
  const merged = mergeTrees(top, own);
  // A room given as an input is meant for suites too that have none.
  if (merged === false && isTree(input)) return mergeTrees(isTree(top) ? top : {}, input);
  return mergeTrees(merged, input);
};

/**
 * The settings with every group of a suite completed: what the suite says over what the top level says, and the inputs
 * (`overlay`) over both. `settings` and `overlay` are as written, before defaults.
 */
export const completeSuites = (settings: Tree, overlay: Tree): Tree => {
  if (!Array.isArray(settings.suites)) return settings;
  return {
    ...settings,
    suites: settings.suites.map((suite) => {
      if (!isTree(suite)) return suite;
      const room = mergedGroup(settings.room, suite.room, overlay.room);
      const completed: Tree = {
        ...suite,
        target: mergedGroup(settings.target, suite.target, overlay.target) ?? {},
        measure: mergedGroup(settings.measure, suite.measure, overlay.measure) ?? {},
        ...(room !== undefined && { room }),
      };
      return overlay.thresholds === undefined ? completed : withoutThresholds(completed);
    }),
  };
};
