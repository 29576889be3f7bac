import path from 'node:path';
import { type SourcePosition, type TailgateError, tailgateError, throwProblems } from '../errors.ts';
import { readNamedFile } from '../host/pipe-files.ts';
import { checkSettings } from './check-settings.ts';
import { readExtendedSettings } from './extend-settings.ts';
import { inputPlace, inputText, readInputOverlay, suiteNames } from './input-overlay.ts';
import type { RawInputs } from './inputs.ts';
import { baseFolder, resolvePaths, shownPath } from './resolve-paths.ts';
import { schemaProblems } from './schema-problems.ts';
import { isTree, mergeTrees, type SettingPath, type Tree, valueAt } from './setting-path.ts';
import { settingPlaces } from './setting-places.ts';
import { type Settings, settingsSchema } from './settings-schema.ts';
import { applySuiteInputs } from './suite-inputs.ts';

/** The settings of a run, and what is needed to speak about them. */
export type LoadedSettings = {
  /**
   * Complete: defaults are filled in, every suite has its own `target`, `room` and `measure`, and scenario, report and
   * baseline paths are absolute. `target.cwd` is relative to `cwd`, because each side has a checkout of its own.
   */
  settings: Settings;
  /** Absolute path of the settings file; null when there is none. */
  file: string | null;
  /** Files that it extends, absolute, the one that gives way to all others first. */
  extended: string[];
  /** Whether inputs are flags of the command line or inputs of the action. */
  inputSource: RawInputs['source'];
  /** The working directory, absolute. */
  cwd: string;
  /** Names in the input `suite`; none for all suites. */
  selected: string[];
  /** Where `selected` was written. */
  selectedPlace: SourcePosition;
  /** Where a setting was written: file, line and column, or the input. */
  placeOf(path: SettingPath): SourcePosition;
};

export type SettingsSource = {
  cwd: string;
  inputs: RawInputs;
  /** The text of the file at an absolute path; fails with the code ENOENT where there is none. Reads the disk if not given. */
  readFile?(path: string): Promise<string>;
  /** False for commands that drive no load: they need no suite, and scenario files are not looked for. */
  needsSuites?: boolean;
};

/** Looked for in this order when the input `config` is not given. */
export const defaultSettingsFiles = [
  'tailgate.yml',
  'tailgate.yaml',
  '.github/tailgate.yml',
  '.github/tailgate.yaml',
] as const;

const missingCodes = ['ENOENT', 'ENOTDIR'];

/**
 * The one place where inputs, flags and tailgate.yml become settings. Throws the problem it found, or all of them as
 * `TailgateErrors`: SETTINGS_* and SCENARIO_MISSING, each with its file, line and column, or its input.
 */
export const loadSettings = async (source: SettingsSource): Promise<LoadedSettings> => {
  const { inputs } = source;
  const needsSuites = source.needsSuites !== false;
  const cwd = path.resolve(source.cwd, inputText(inputs, 'working-directory') ?? '.');
  const found = await findFile(source, cwd);
  const file = found === null ? undefined : shownPath(source.cwd, found.file);
  // What is missing from a file that cannot be read is no problem of its own.
  const text =
    found === null
      ? null
      : await readExtendedSettings(found.file, found.content, {
          read: (place) => readOrNull(source, place),
          shown: (place) => shownPath(source.cwd, place),
        });

  const overlay = readInputOverlay(inputs, cwd);
  const suiteInputs = applySuiteInputs(text?.value ?? {}, inputs, cwd);
  const places = settingPlaces((at) => suiteInputs.placeOf(at) ?? overlay.placeOf(at), text, file);
  const problems = [...overlay.problems, ...suiteInputs.problems];

  const raw = completeSuites(mergeTrees(suiteInputs.tree, overlay.tree) as Tree, overlay.tree);
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success) problems.push(...onceEach(schemaProblems(parsed.error.issues, raw, places)));
  throwProblems(inOrder(problems));

  const complete = settingsSchema.parse(raw);
  problems.push(...onceEach(checkSettings(complete, places.value)));
  if (needsSuites && complete.suites.length === 0)
    problems.push(tailgateError('SETTINGS_NOTHING_TO_RUN', {}, { file }));
  const settings = resolvePaths(complete, {
    base: baseFolder(found?.file ?? null, cwd),
    cwd,
    isWritten: (at) => valueAt(raw, at) !== undefined,
  });
  if (needsSuites) problems.push(...(await missingScenarios(source, settings, places.value)));
  throwProblems(inOrder(problems));

  return {
    settings,
    file: found?.file ?? null,
    extended: text?.extended ?? [],
    cwd,
    inputSource: inputs.source,
    selected: selectedSuites(inputs),
    selectedPlace: inputPlace(inputs.source, 'suite'),
    placeOf: places.value,
  };
};

async function findFile(
  source: SettingsSource,
  cwd: string,
): Promise<{ file: string; content: string } | null> {
  const named = inputText(source.inputs, 'config');
  for (const candidate of named === undefined ? defaultSettingsFiles : [named]) {
    const file = path.resolve(cwd, candidate);
    const content = await readOrNull(source, file);
    if (content !== null) return { file, content };
  }
  if (named === undefined) return null;
  throw tailgateError('SETTINGS_FILE_MISSING', { path: named }, inputPlace(source.inputs.source, 'config'));
}

async function readOrNull(source: SettingsSource, file: string): Promise<string | null> {
  try {
    return await (source.readFile ?? readNamedFile)(file);
  } catch (error) {
    if (missingCodes.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    const [reason = ''] = (error as Error).message.split(',');
    throw tailgateError('FILE_UNREADABLE', { path: shownPath(source.cwd, file), reason }, {}, error);
  }
}

/**
 * The settings with every group of a suite completed: what the suite says over what the top level says, and the inputs
 * (`overlay`) over both. `settings` and `overlay` are as written, before defaults.
 */
function completeSuites(settings: Tree, overlay: Tree): Tree {
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
}

/** One group of a suite over that of the top level, and the input over both. */
function mergedGroup(top: unknown, own: unknown, input: unknown): unknown {
  const merged = mergeTrees(top, own);
  // A room given as an input is meant for suites too that have none.
  if (merged === false && isTree(input)) return mergeTrees(isTree(top) ? top : {}, input);
  return mergeTrees(merged, input);
}

/** Thresholds of an input replace all others, those of the suite and of its levels included. */
function withoutThresholds({ thresholds: _, levels, ...suite }: Tree): Tree {
  return {
    ...suite,
    ...(Array.isArray(levels) && {
      levels: levels.map((level) => (isTree(level) ? withoutThresholds(level) : level)),
    }),
  };
}

/** A mistake at the top level comes back in every suite that takes the setting from there: kept once, by its own name. */
function onceEach(problems: readonly TailgateError[]): TailgateError[] {
  const kept = new Map<string, TailgateError>();
  for (const problem of problems) {
    const { file, line, column, key } = problem.where;
    const seen = JSON.stringify([
      problem.code,
      file,
      line,
      column,
      key,
      problem.what.replace(/"suites\[\d+\]\./, '"'),
    ]);
    const before = kept.get(seen);
    if (before === undefined || problem.what.length < before.what.length) kept.set(seen, problem);
  }
  return [...kept.values()];
}

/** In the order of the files; problems of inputs, which have no line, come first. */
function inOrder(problems: readonly TailgateError[]): TailgateError[] {
  return [...problems].sort(
    (a, b) =>
      (a.where.file ?? '').localeCompare(b.where.file ?? '') ||
      (a.where.line ?? 0) - (b.where.line ?? 0) ||
      (a.where.column ?? 0) - (b.where.column ?? 0),
  );
}

async function missingScenarios(
  source: SettingsSource,
  settings: Settings,
  placeOf: (path: SettingPath) => SourcePosition,
): Promise<TailgateError[]> {
  const found = await Promise.all(settings.suites.map((suite) => readOrNull(source, suite.scenario)));
  return settings.suites.flatMap((suite, index) => {
    if (found[index] !== null) return [];
    const shown = shownPath(source.cwd, suite.scenario);
    return [tailgateError('SCENARIO_MISSING', { path: shown }, placeOf(['suites', index, 'scenario']))];
  });
}

/** The suites that an input names. A list that names none, such as ",", must not mean all. */
function selectedSuites(inputs: RawInputs): string[] {
  const names = suiteNames(inputs);
  const text = inputText(inputs, 'suite') ?? '';
  if (names.length === 0 && text.trim() !== '')
    throw tailgateError(
      'SETTINGS_INVALID_VALUE',
      {
        key: 'suite',
        problem: `"${text}" names no suite`,
        expected: 'Name suites, with commas between them.',
      },
      inputPlace(inputs.source, 'suite'),
    );
  return names;
}
