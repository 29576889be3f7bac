import path from 'node:path';
import { tailgateError, throwProblems } from '../errors.ts';
import { parseThreshold } from '../metrics/threshold-grammar.ts';
import { replacesLimit } from '../metrics/threshold-sets.ts';
import { baseFolder } from './resolve-paths.ts';
import { isTree, mergeTrees, type SettingPath, type Tree, valueAt } from './setting-path.ts';
import { readSettingsText, type SettingsText } from './settings-file.ts';

/** Reads a settings file: null where there is none, and how messages name it. */
export type SettingsFiles = {
  read(file: string): Promise<string | null>;
  shown(file: string): string;
};

/** Settings of a file and of all that it extends, as one text whose places are in several files. */
export type ExtendedSettings = SettingsText & {
  /** Files that were extended, absolute, the one that gives way to all others first. */
  extended: string[];
};

type Layer = { file: string; text: SettingsText };

/**
 * Reads a settings file with what `extends` names: what is written here goes over it, key by key; lists are replaced, but
 * limits are added, and replace those on the same metric, statistic and kind. Throws SETTINGS_NOT_YAML,
 * EXTENDS_NOT_FOUND and EXTENDS_CIRCULAR, each at its line.
 */
export const readExtendedSettings = async (
  file: string,
  content: string,
  files: SettingsFiles,
): Promise<ExtendedSettings> => {
  const layers = await layersOf(file, content, files, []);
  return {
    ...stacked(layers.map(({ text }) => text)),
    extended: layers.slice(0, -1).map((layer) => layer.file),
  };
};

/** The files below one, and it, in the order in which they give way. A file that several extend counts once. */
const layersOf = async (
  file: string,
  content: string,
  files: SettingsFiles,
  way: readonly string[],
): Promise<Layer[]> => {
  const text = readSettingsText(content, files.shown(file));
  throwProblems(text.problems);
  const wanted = text.value.extends;
  const names = Array.isArray(wanted) ? wanted : wanted === undefined ? [] : [wanted];
  const layers: Layer[] = [];
  for (const [index, name] of names.entries()) {
    // What is no text, the schema refuses.
    if (typeof name !== 'string' || name === '') continue;
    const place = text.valuePlace(Array.isArray(wanted) ? ['extends', index] : ['extends']);
    const found = await findExtended(name, file, files);
    if (found === null) throw tailgateError('EXTENDS_NOT_FOUND', { name }, place);
    if ([...way, file].includes(found.file)) {
      const circle = [...way, file, found.file].slice([...way, file].indexOf(found.file)).map(files.shown);
      throw tailgateError('EXTENDS_CIRCULAR', { circle }, place);
    }
    for (const layer of await layersOf(found.file, found.content, files, [...way, file]))
      if (!layers.some((one) => one.file === layer.file)) layers.push(layer);
  }
  const below = way.length > 0;
  return [...layers, { file, text: below ? { ...text, value: asExtended(text.value, file) } : text }];
};

/** A path begins with "." or "/"; anything else is looked for in the node_modules folders above the file. */
const findExtended = async (
  name: string,
  from: string,
  files: SettingsFiles,
): Promise<{ file: string; content: string } | null> => {
  const folder = baseFolder(from, path.dirname(from));
  const candidates =
    /^\.\.?([/\\]|$)/.test(name) || path.isAbsolute(name)
      ? [path.resolve(folder, name)]
      : foldersAbove(folder).flatMap((above) => inPackage(path.join(above, 'node_modules', name)));
  for (const file of candidates) {
    const content = await files.read(file);
    if (content !== null) return { file, content };
  }
  return null;
};

const inPackage = (place: string): string[] =>
  /\.ya?ml$/.test(place) ? [place] : [path.join(place, 'tailgate.yml'), path.join(place, 'tailgate.yaml')];

const foldersAbove = (folder: string): string[] => {
  const above = path.dirname(folder);
  return above === folder ? [folder] : [folder, ...foldersAbove(above)];
};

/** Scenarios that a file names stand beside it; commands and folders are those of the project that extends it. */
const asExtended = ({ extends: _, ...value }: Tree, file: string): Tree =>
  Array.isArray(value.suites)
    ? {
        ...value,
        suites: value.suites.map((suite) =>
          isTree(suite) && typeof suite.scenario === 'string'
            ? { ...suite, scenario: path.resolve(baseFolder(file, path.dirname(file)), suite.scenario) }
            : suite,
        ),
      }
    : value;

type Line = { layer: SettingsText; index: number; line: unknown };

const linesOf = (layer: SettingsText): Line[] =>
  Array.isArray(layer.value.thresholds)
    ? layer.value.thresholds.map((line, index) => ({ layer, index, line }))
    : [];

/** Whether the limit `over` takes the place of `under`; one that cannot be read takes none, and is refused later. */
const replaces = (over: unknown, under: unknown): boolean => {
  if (typeof over !== 'string' || typeof under !== 'string') return false;
  try {
    return replacesLimit(parseThreshold(over), parseThreshold(under));
  } catch {
    return false;
  }
};

const stackedLines = (layers: readonly SettingsText[]): Line[] =>
  layers
    .map(linesOf)
    .reduce<Line[]>(
      (under, over) => [
        ...under.filter(({ line }) => !over.some((one) => replaces(one.line, line))),
        ...over,
      ],
      [],
    );

/** Texts on top of each other as one; the last goes over the others. */
const stacked = (layers: readonly SettingsText[]): SettingsText => {
  const top = layers.at(-1)!;
  if (layers.length === 1) return top;
  const lines = stackedLines(layers);
  const readable = layers.every(
    ({ value }) => value.thresholds === undefined || Array.isArray(value.thresholds),
  );
  const merged = layers.reduce<Tree>((under, { value }) => mergeTrees(under, value) as Tree, {});
  /** The text in which a setting is written, and its path there. */
  const written = (at: SettingPath): { layer: SettingsText; at: SettingPath } | null => {
    if (readable && at[0] === 'thresholds' && typeof at[1] === 'number') {
      const line = lines[at[1]];
      return line === undefined
        ? null
        : { layer: line.layer, at: ['thresholds', line.index, ...at.slice(2)] };
    }
    for (const layer of layers.toReversed()) {
      if (layer.has(at)) return { layer, at };
      // A list or a value here hides what the layers below say at and inside of this place.
      const hides = at.some((_, length) => {
        const around = at.slice(0, length);
        return layer.has(around) && !isTree(valueAt(layer.value, around));
      });
      if (hides) return null;
    }
    return null;
  };
  const placed = (at: SettingPath) => written(at) ?? { layer: top, at };
  return {
    value: readable && lines.length > 0 ? { ...merged, thresholds: lines.map(({ line }) => line) } : merged,
    has: (at) => written(at) !== null,
    valuePlace: (path) => {
      const { layer, at } = placed(path);
      return layer.valuePlace(at);
    },
    keyPlace: (path) => {
      const { layer, at } = placed(path);
      return layer.keyPlace(at);
    },
    problems: [],
  };
};
