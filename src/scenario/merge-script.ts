import type { SourcePosition } from '../errors.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import type { ScenarioSource } from './scenario-source.ts';
import type { Json, Script } from './script.ts';

/** What is merged over a script, as Artillery's options of the same names. */
export type ScenarioInputs = {
  environment: string | null;
  overrides: Json;
  variables: Json;
  /** Where a part of the overrides was written, for what is wrong with it. */
  overridePlace?: ((place: ScenarioPath) => SourcePosition) | undefined;
};

/** Variables that Artillery knows when it resolves the templates of `config`. */
const loadTimeVariables = [
  '$scenarioFile',
  '$dirname',
  '$testId',
  '$processEnvironment',
  '$env',
  '$environment',
];

/** Merges environment, overrides and variables and resolves templates, all as Artillery does. */
export const mergeScript = async (source: ScenarioSource, inputs: ScenarioInputs): Promise<Script> => {
  const artillery = await import('artillery/util');
  const { path } = source;
  const flags: Json = {
    ...(inputs.environment === null ? {} : { environment: inputs.environment }),
    ...(Object.keys(inputs.overrides).length === 0
      ? {}
      : { overrides: JSON.stringify({ config: inputs.overrides }) }),
    ...(Object.keys(inputs.variables).length === 0 ? {} : { variables: JSON.stringify(inputs.variables) }),
  };
  // Artillery's helpers read the test's id from this global.
  (globalThis as { artillery?: unknown }).artillery ??= {};
  let script = mapStrings(source.content, (text) => text) as Json;
  script = (await artillery.checkConfig(script, path, flags)) as Json;
  script = (await artillery.resolveConfigPath(script, flags, path)) as Json;
  script = (await artillery.addOverrides(script, flags)) as Json;
  script = (await artillery.addVariables(script, flags)) as Json;
  const known = new Set([...loadTimeVariables, ...Object.keys(inputs.variables)]);
  script.config = hideUserTemplates(script.config, known);
  script = (await artillery.resolveConfigTemplates(script, flags, path, path)) as Json;
  script.config = showUserTemplates(script.config);
  return script as Script;
};

/*
 * Artillery resolves the templates of `config` once, when the script is loaded. A template there that names a variable
 * of the virtual user (a token from the payload file, in `extraHeaders`) becomes undefined, and the connection hangs
 * without a word. Such templates are kept out of that pass here, so that the engines can resolve them for each user.
 */
const hidden = '\u0001\u0002';

/** Hides the templates that only a virtual user can resolve. */
function hideUserTemplates(config: unknown, known: ReadonlySet<string>): unknown {
  return mapStrings(config, (text) =>
    text.includes('{{') && !resolvesAtLoad(text, known) ? text.replaceAll('{{', hidden) : text,
  );
}

/** Brings them back. */
function showUserTemplates(config: unknown): unknown {
  return mapStrings(config, (text) => text.replaceAll(hidden, '{{'));
}

/** Whether every variable that the text names is known at load time; function calls (`$randomNumber(1,9)`) are. */
function resolvesAtLoad(text: string, known: ReadonlySet<string>): boolean {
  for (const match of text.matchAll(/\{\{\{?\s*([^{}]+?)\s*\}?\}\}/g)) {
    const name = match[1]!;
    if (/^\$[A-Za-z0-9_]+\s*\(/.test(name)) continue;
    if (!known.has(name.split(/[.[]/, 1)[0]!.trim())) return false;
  }
  return true;
}

/** A deep copy with every string, keys included, changed. */
function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change)]),
    );
  return value;
}
