import { existsSync } from 'node:fs';
import { tailgateError } from '../errors.ts';
import { type ArrivalPhase, PhaseError, readPhases } from './arrival-schedule.ts';
import { checkScript } from './check-script.ts';
import { bundledEngines } from './engine-packages.ts';
import { bundledPlugins } from './plugin-packages.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import type { ScenarioSource } from './scenario-source.ts';
import { isMapping, type Json, type Script } from './script.ts';
import { besideScenario } from './user-module.ts';
import { resolveUserPackage } from './user-packages.ts';

const defaultPhases: readonly Json[] = [{ duration: 1, arrivalCount: 1 }];

/** SCENARIO_INVALID at a place of the scenario. */
export const invalid = async (
  source: ScenarioSource,
  problem: string,
  place: ScenarioPath,
  cause?: unknown,
) => tailgateError('SCENARIO_INVALID', { path: source.path, problem }, await source.positionOf(place), cause);

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
    // An empty target is the same as none: where the server is, the settings say.
    config: { ...script.config, target: script.config.target || 'http://127.0.0.1' },
    scenarios: Array.isArray(script.scenarios)
      ? script.scenarios.map((spec) => strip(spec, script.config.engine))
      : script.scenarios,
    ...(script.before === undefined ? {} : { before: strip(script.before, 'http') }),
    ...(script.after === undefined ? {} : { after: strip(script.after, 'http') }),
  };
};

export const validate = async (source: ScenarioSource, script: Script): Promise<void> => {
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

export const phasesOf = async (
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

export const enginesOf = async (source: ScenarioSource, script: Script): Promise<string[]> => {
  const fallback = (script.config.engine as string | undefined) ?? 'http';
  const used = new Map<string, ScenarioPath>();
  script.scenarios.forEach((spec, index) => {
    if (isMapping(spec) && !used.has(spec.engine ?? fallback))
      used.set(spec.engine ?? fallback, ['scenarios', index, 'engine']);
  });
  for (const hook of ['before', 'after'] as const)
    if (script[hook] !== undefined) used.set(script[hook].engine ?? 'http', [hook, 'engine']);
  for (const name of Object.keys(script.config.engines ?? {}))
    if (!used.has(name)) used.set(name, ['config', 'engines', name]);
  for (const [engine, place] of used) {
    if (bundledEngines.includes(engine)) continue;
    if (engine !== 'playwright' && resolveUserPackage(`artillery-engine-${engine}`, source.path) !== null)
      continue;
    throw tailgateError(
      'SCENARIO_ENGINE_UNKNOWN',
      { engine, path: source.path, known: bundledEngines },
      await source.positionOf(place),
    );
  }
  return [...used.keys()];
};

export const checkPlugins = async (source: ScenarioSource, script: Script): Promise<void> => {
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

export const checkFiles = async (source: ScenarioSource, script: Script): Promise<string[]> => {
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
