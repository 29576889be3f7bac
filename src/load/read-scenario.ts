import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type SourcePosition, tailgateError } from '../errors.ts';
import { type ArrivalPhase, PhaseError, plannedArrivals, plannedMs, readPhases } from './arrival-schedule.ts';
import { checkScript } from './check-script.ts';
import { hideUserTemplates, mapStrings, showUserTemplates } from './config-templates.ts';
import { bundledEngines } from './engine-packages.ts';
import { bundledPlugins } from './plugin-packages.ts';
import { readScenarioSource, type ScenarioPath, type ScenarioSource } from './scenario-source.ts';
import { besideScenario } from './user-module.ts';
import { resolveUserPackage } from './user-packages.ts';

type Json = Record<string, unknown>;

/** One scenario of a script, or its `before` or `after` section. */
export type ScenarioSpec = {
  name?: string;
  engine?: string;
  weight?: unknown;
  flow: unknown[];
  [key: string]: unknown;
};

/** `config` after environment, overrides, variables and templates. */
export type ScenarioConfig = {
  target?: string;
  phases: Json[];
  payload?: PayloadSpec[];
  plugins?: Record<string, unknown>;
  engines?: Record<string, unknown>;
  processor?: unknown;
  variables?: Json;
  [key: string]: unknown;
};

export type PayloadSpec = {
  path: string;
  fields?: string[];
  order?: string;
  delimiter?: string;
  skipHeader?: boolean;
  skipEmptyLines?: boolean;
  cast?: boolean;
  loadAll?: boolean;
  name?: string;
  options?: Json;
  data?: unknown[][];
};

/** The script in the shape that Artillery's runner takes. */
export type Script = {
  config: ScenarioConfig;
  scenarios: ScenarioSpec[];
  before?: ScenarioSpec;
  after?: ScenarioSpec;
  [key: string]: unknown;
};

/** A scenario file, read and checked; nothing was started, written or (but for the files it is made of) opened. */
export type ReadScenario = {
  path: string;
  /** The text of the file; empty for a scenario written as a module, which has no positions. */
  text: string;
  /** Name of the environment, if one was chosen. */
  environment: string | null;
  /** The file as its author wrote it, parsed. */
  content: Readonly<Record<string, unknown>>;
  /** Text of the processor; null when there is none. */
  processorText: string | null;
  script: Script;
  config: ScenarioConfig;
  scenarios: ScenarioSpec[];
  /** Engines that its scenarios use. */
  engines: string[];
  phases: ArrivalPhase[];
  plannedMs: number;
  /** Virtual users that the phases start; fewer where `maxVusers` skips some. */
  plannedUsers: number;
  /** Of everything that decides what is run: script, inputs, payload files, processor. Not of the target. */
  hash: string;
  positionOf(place: ScenarioPath): Promise<SourcePosition>;
};

export type ScenarioInputs = {
  environment: string | null;
  overrides: Json;
  variables: Json;
};

const defaultPhases: readonly Json[] = [{ duration: 1, arrivalCount: 1 }];

const isMapping = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Variables that Artillery knows when it resolves the templates of `config`. */
const loadTimeVariables = [
  '$scenarioFile',
  '$dirname',
  '$testId',
  '$processEnvironment',
  '$env',
  '$environment',
];

const invalid = async (source: ScenarioSource, problem: string, place: ScenarioPath, cause?: unknown) =>
  tailgateError('SCENARIO_INVALID', { path: source.path, problem }, await source.positionOf(place), cause);

/** Merges environment, overrides and variables and resolves templates, all as Artillery does. */
const mergeScript = async (source: ScenarioSource, inputs: ScenarioInputs): Promise<Script> => {
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

/**
 * Artillery's rules for steps know only its own engines and their own keys. Steps of the engines that are ours have more
 * (and are checked by them), so they are left out.
 */
const withoutOwnSteps = (script: Script): Json => {
  const ours = new Set<string>(bundledEngines.filter((engine) => engine !== 'http'));
  const strip = (spec: unknown, fallback: unknown) =>
    isMapping(spec) && ours.has(String(spec.engine ?? fallback)) && Array.isArray(spec.flow)
      ? { ...spec, flow: [] }
      : spec;
  return {
    ...script,
    config: { target: 'http://127.0.0.1', ...script.config },
    scenarios: Array.isArray(script.scenarios)
      ? script.scenarios.map((spec) => strip(spec, script.config.engine))
      : script.scenarios,
    ...(script.before === undefined ? {} : { before: strip(script.before, 'http') }),
    ...(script.after === undefined ? {} : { after: strip(script.after, 'http') }),
  };
};

const validate = async (source: ScenarioSource, script: Script): Promise<void> => {
  const found = checkScript(withoutOwnSteps(script));
  if (found !== null) throw await invalid(source, found.problem, found.place);
  if (script.scenarios.length === 0) throw await invalid(source, '"scenarios" is empty', ['scenarios']);
  for (const [index, spec] of script.scenarios.entries())
    if (!Array.isArray(spec.flow))
      throw await invalid(source, 'a scenario has no "flow"', ['scenarios', index]);
  for (const hook of ['before', 'after'] as const)
    if (script[hook] !== undefined && !Array.isArray(script[hook].flow))
      throw await invalid(source, `"${hook}" has no "flow"`, [hook]);
};

const phasesOf = async (
  source: ScenarioSource,
  script: Script,
  environment: string | null,
): Promise<ArrivalPhase[]> => {
  script.config.phases ??= [...structuredClone(defaultPhases)];
  if (!Array.isArray(script.config.phases))
    throw await invalid(source, '"config.phases" is not a list', ['config', 'phases']);
  try {
    return readPhases(script.config.phases);
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    const tail = ['phases', error.phase, ...(error.key === null ? [] : [error.key])];
    const environments = source.content.config as
      | { environments?: Record<string, { phases?: unknown }> }
      | undefined;
    const fromEnvironment =
      environment !== null && environments?.environments?.[environment]?.phases !== undefined;
    const place = fromEnvironment ? ['config', 'environments', environment, ...tail] : ['config', ...tail];
    throw await invalid(source, error.message, place, error);
  }
};

const enginesOf = async (source: ScenarioSource, script: Script): Promise<string[]> => {
  const fallback = (script.config.engine as string | undefined) ?? 'http';
  const used = new Map<string, ScenarioPath>();
  script.scenarios.forEach((spec, index) => {
    used.set(spec.engine ?? fallback, ['scenarios', index, 'engine']);
  });
  for (const hook of ['before', 'after'] as const)
    if (script[hook] !== undefined) used.set(script[hook].engine ?? 'http', [hook, 'engine']);
  for (const name of Object.keys(script.config.engines ?? {}))
    if (!used.has(name)) used.set(name, ['config', 'engines', name]);
  for (const [engine, place] of used) {
    if ((bundledEngines as readonly string[]).includes(engine)) continue;
    if (resolveUserPackage(`artillery-engine-${engine}`, source.path) !== null) continue;
    throw tailgateError(
      'SCENARIO_ENGINE_UNKNOWN',
      { engine, path: source.path, known: bundledEngines },
      await source.positionOf(place),
    );
  }
  return [...used.keys()];
};

const checkPlugins = async (source: ScenarioSource, script: Script): Promise<void> => {
  for (const [name, config] of Object.entries(script.config.plugins ?? {})) {
    if (config === null || config === false || (bundledPlugins as readonly string[]).includes(name)) continue;
    const prefix =
      (isMapping(config) ? config.scope : undefined) ?? script.config.pluginsScope ?? 'artillery-plugin-';
    const packageName = `${String(prefix)}${name}`;
    if (resolveUserPackage(packageName, source.path) === null)
      throw tailgateError(
        'SCENARIO_PLUGIN_MISSING',
        { plugin: name, package: packageName, path: source.path },
        await source.positionOf(['config', 'plugins', name]),
      );
  }
};

const checkFiles = async (source: ScenarioSource, script: Script): Promise<string[]> => {
  const files: string[] = [];
  const { processor } = script.config;
  if (typeof processor === 'string') {
    const file = besideScenario(source.path, processor);
    const found = [file, `${file}.js`, `${file}.cjs`, `${file}.mjs`, `${file}.ts`].find((name) =>
      existsSync(name),
    );
    if (found === undefined)
      throw tailgateError(
        'SCENARIO_FILE_MISSING',
        { what: 'processor', file, path: source.path },
        await source.positionOf(['config', 'processor']),
      );
    files.push(found);
  }
  for (const [index, payload] of (script.config.payload ?? []).entries()) {
    if (!existsSync(payload.path))
      throw tailgateError(
        'SCENARIO_FILE_MISSING',
        { what: 'payload file', file: payload.path, path: source.path },
        await source.positionOf(['config', 'payload', index, 'path']),
      );
    files.push(payload.path);
  }
  return files;
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
};

const hashOf = async (source: ScenarioSource, inputs: ScenarioInputs, files: string[]): Promise<string> => {
  const config = isMapping(source.content.config) ? source.content.config : {};
  const { target: _target, ...rest } = config;
  const hash = createHash('sha256');
  hash.update(JSON.stringify(sorted({ ...source.content, config: rest, inputs })));
  for (const file of files) {
    hash.update('\0');
    hash.update(existsSync(file) ? await readFile(file) : '');
  }
  return hash.digest('hex');
};

/**
 * Reads and checks a scenario, with Artillery's own merging and templating, and starts nothing. Throws SCENARIO_MISSING,
 * SCENARIO_INVALID, SCENARIO_ENVIRONMENT_UNKNOWN, SCENARIO_ENGINE_UNKNOWN, SCENARIO_PLUGIN_MISSING and
 * SCENARIO_FILE_MISSING, each with the line it concerns.
 */
export const readScenario = async (path: string, inputs: ScenarioInputs): Promise<ReadScenario> => {
  const source = await readScenarioSource(path);
  const given = isMapping(source.content.config) ? source.content.config : {};
  const environments = isMapping(given.environments) ? given.environments : {};
  if (inputs.environment !== null && !(inputs.environment in environments))
    throw tailgateError(
      'SCENARIO_ENVIRONMENT_UNKNOWN',
      { name: inputs.environment, path, known: Object.keys(environments) },
      await source.positionOf(['config', 'environments']),
    );
  for (const [index, payload] of (Array.isArray(given.payload) ? given.payload : [given.payload]).entries())
    if (payload !== undefined && (!isMapping(payload) || typeof payload.path !== 'string'))
      throw await invalid(source, '"config.payload" has no "path"', ['config', 'payload', index]);
  let script: Script;
  try {
    script = await mergeScript(source, inputs);
  } catch (error) {
    throw await invalid(source, error instanceof Error ? error.message : String(error), ['config'], error);
  }
  await validate(source, script);
  const phases = await phasesOf(source, script, inputs.environment);
  const engines = await enginesOf(source, script);
  await checkPlugins(source, script);
  const files = await checkFiles(source, script);
  const processor = files.find((file) => /\.[cm]?[jt]s$/.test(file));
  return {
    path,
    text: source.text,
    environment: inputs.environment,
    content: source.content,
    processorText: processor === undefined ? null : await readFile(processor, 'utf8'),
    script,
    config: script.config,
    scenarios: script.scenarios,
    engines,
    phases,
    plannedMs: plannedMs(phases),
    plannedUsers: phases.reduce((total, phase) => total + plannedArrivals(phase), 0),
    hash: await hashOf(source, inputs, files),
    positionOf: source.positionOf,
  };
};
