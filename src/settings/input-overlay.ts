import path from 'node:path';
import { parseDocument } from 'yaml';
import { type SourcePosition, TailgateError, tailgateError } from '../errors.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import { thresholdLines } from '../metrics/threshold-grammar.ts';
import { type InputDefinition, inputDefinitions, type RawInputs } from './inputs.ts';
import { isTree, mergeTrees, type SettingPath, type Tree, treeWith, valueAt } from './setting-path.ts';

/** The inputs as settings that go over those of the file, and which input each came from. */
export type InputOverlay = {
  tree: Tree;
  /** Place of the input that set `path`; null when none did. */
  placeOf(at: SettingPath): SourcePosition | null;
  problems: TailgateError[];
};

/** Why the text of an input cannot be read; thrown inside this file only. */
class Unreadable extends Error {
  readonly expected: string;
  constructor(problem: string, expected: string) {
    super(problem);
    this.expected = expected;
  }
}

const readyForms =
  'Write "tcp", "http:/health", "http://127.0.0.1:9000/health", "log:/listening/", "socketio" or "websocket:/path".';

const baselineModes = ['side-by-side', 'branch', 'none'];

const knownNames = inputDefinitions.map((input) => input.name);

/** An input as the user knows it: `input "max-minutes"` or `--max-minutes`. */
export const inputPlace = (source: RawInputs['source'], name: string): SourcePosition => ({
  key: source === 'cli' ? `--${name}` : `input "${name}"`,
});

/** The text of an input, trimmed; undefined when it is absent or empty. */
export const inputText = (inputs: RawInputs, name: string): string | undefined => {
  const text = inputs.values[name]?.trim();
  return text === undefined || text === '' ? undefined : text;
};

/** The names in the input `suite`. */
export const suiteNames = (inputs: RawInputs): string[] => commaList(inputText(inputs, 'suite') ?? '');

/** An input that is YAML and must be a group, such as `variables`; `problems` is added to when it is not. */
export const inputTree = (inputs: RawInputs, name: string, problems: TailgateError[]): Tree => {
  const text = inputText(inputs, name);
  if (text === undefined) return {};
  const place = inputPlace(inputs.source, name);
  try {
    const value = readYaml(text);
    if (isTree(value)) return value;
    throw new Unreadable('it is not a group of values', 'Write for example "{ roomId: lobby }".');
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const params = { key: name, problem: error.message, expected: error.expected };
    problems.push(tailgateError('SETTINGS_INVALID_VALUE', params, place));
    return {};
  }
};

/**
 * Reads the inputs that have a setting; their paths are relative to `cwd`. Never throws: what cannot be read is in
 * `problems`.
 */
export const readInputOverlay = (inputs: RawInputs, cwd: string): InputOverlay => {
  const problems: TailgateError[] = [];
  const origins: { path: SettingPath; place: SourcePosition }[] = [];
  let tree: Tree = {};
  for (const input of inputDefinitions) {
    const text = inputText(inputs, input.name);
    if (input.setting === null || text === undefined) continue;
    const place = inputPlace(inputs.source, input.name);
    try {
      const value = readValue(input, text, cwd);
      tree = mergeTrees(tree, treeWith(input.setting, value)) as Tree;
      origins.push({ path: input.setting, place });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const params = { key: input.name, problem: error.message, expected: error.expected };
      problems.push(tailgateError('SETTINGS_INVALID_VALUE', params, place));
    }
  }
  return {
    tree,
    problems,
    placeOf: (at) => {
      if (valueAt(tree, at) === undefined) return null;
      const within = origins
        .filter((origin) => origin.path.every((step, index) => at[index] === step))
        .sort((a, b) => b.path.length - a.path.length);
      return within[0]?.place ?? null;
    },
  };
};

/**
 * The inputs of the action from its environment (`INPUT_*`), and problems for names that are nearly those of an input.
 * Other unknown names are left to the runner, which warns about them.
 */
export const readActionInputs = (
  env: Readonly<Record<string, string | undefined>>,
): { inputs: RawInputs; problems: TailgateError[] } => {
  const values: Record<string, string> = {};
  const problems: TailgateError[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('INPUT_') || value === undefined) continue;
    const name = variable.slice('INPUT_'.length).toLowerCase();
    if (knownNames.includes(name)) values[name] = value;
    else {
      const suggestion = nearestName(name, knownNames);
      if (suggestion !== undefined && value.trim() !== '')
        problems.push(tailgateError('INPUT_UNKNOWN', { name, suggestion, known: knownNames }));
    }
  }
  return { inputs: { source: 'action', values }, problems };
};

/**
 * A problem for somebody who has no settings file: keys of the file that inputs stand for are named as those
 * ("target.start" is "--start" on the command line).
 */
export const asInputs = (problem: TailgateError, source: RawInputs['source']): TailgateError => {
  const shown = (name: string): string => (source === 'cli' ? `"--${name}"` : `the input "${name}"`);
  const named = (text: string): string =>
    text.replace(/"([a-z]\w*(?:\.\w+)+)"/g, (quoted, key: string) => {
      const input = inputOf(key);
      return input === null ? quoted : shown(input);
    });
  const { code, what, fix, exit, where, cause } = problem;
  const input = where.key === undefined ? null : inputOf(where.key.replace(/^suites\[\d+\]\./, ''));
  const place = input === null ? where : inputPlace(source, input);
  return new TailgateError(code, named(what), named(fix), exit, place, cause);
};

function commaList(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function readYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, merge: true });
  const error = document.errors[0];
  if (error !== undefined)
    throw new Unreadable(
      `it is not valid YAML (${error.message.split('\n')[0]})`,
      'Write YAML or JSON, for example "{ create: { event: createRoom } }".',
    );
  return document.toJS({ maxAliasCount: 100 });
}

function readValue(input: InputDefinition, text: string, cwd: string): unknown {
  switch (input.kind) {
    case 'whole number':
    case 'number':
      return readNumber(text, input.kind === 'whole number');
    case 'yes or no':
      return readYesNo(text);
    case 'list':
      return commaList(text);
    case 'fail-on':
      return /^(none|never)$/.test(text) ? [] : commaList(text);
    case 'lines':
      return thresholdLines(text);
    case 'yaml':
      return readYaml(text);
    case 'ready':
      return readReady(text);
    case 'baseline':
      return readBaseline(text, cwd);
    case 'path':
      return path.resolve(cwd, text);
    default:
      return text;
  }
}

function readNumber(text: string, whole: boolean): number {
  const value = Number(text);
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value)))
    throw new Unreadable(`got "${text}"`, `Write ${whole ? 'a whole number' : 'a number'}.`);
  return value;
}

function readYesNo(text: string): boolean {
  if (/^(true|yes)$/i.test(text)) return true;
  if (/^(false|no)$/i.test(text)) return false;
  throw new Unreadable(`got "${text}"`, 'Write "true" or "false".');
}

/** The short form of a readiness probe. */
function readReady(text: string): Tree {
  const colon = text.indexOf(':');
  const type = colon === -1 ? text : text.slice(0, colon);
  const rest = colon === -1 ? '' : text.slice(colon + 1);
  if (/^(https?|wss?):\/\//.test(text)) {
    if (!URL.canParse(text)) throw new Unreadable(`"${text}" is not a URL`, readyForms);
    return { type: text.startsWith('ws') ? 'websocket' : 'http', path: text.replace(/^ws/, 'http') };
  }
  if (type === 'log') {
    const pattern = /^\/(.+)\/$/.exec(rest)?.[1] ?? rest;
    if (pattern === '') throw new Unreadable('"log" needs a pattern', 'Write for example "log:/listening/".');
    return { type, pattern };
  }
  if (type === 'tcp' && rest === '') return { type };
  if (type === 'http' || type === 'socketio' || type === 'websocket') {
    if (rest !== '' && !rest.startsWith('/'))
      throw new Unreadable(`"${rest}" is not a path`, `Write "${type}:/${rest}".`);
    return rest === '' ? { type } : { type, path: rest };
  }
  const near = nearestName(type, ['tcp', 'http', 'log', 'socketio', 'websocket']);
  throw new Unreadable(
    `got "${text}"`,
    near === undefined ? readyForms : `Did you mean "${near}"? ${readyForms}`,
  );
}

function readBaseline(text: string, cwd: string): Tree {
  if (baselineModes.includes(text)) return { mode: text };
  const [, kind, rest] = /^(branch|file):(.+)$/.exec(text) ?? [];
  if (kind === 'branch') return { mode: 'branch', branch: rest };
  if (kind === 'file') return { mode: 'file', path: path.resolve(cwd, rest!) };
  if (/[./\\]/.test(text)) return { mode: 'file', path: path.resolve(cwd, text) };
  const near = nearestName(text, baselineModes);
  throw new Unreadable(
    `got "${text}"`,
    `${near === undefined ? '' : `Did you mean "${near}"? `}Write "side-by-side", "branch", "branch:NAME", "file:PATH" or "none".`,
  );
}

/** The input that overrides a setting. */
function inputOf(setting: string): string | null {
  return inputDefinitions.find((input) => input.setting?.join('.') === setting)?.name ?? null;
}
