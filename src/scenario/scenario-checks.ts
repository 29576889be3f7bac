import { engineNamed } from '../engines/engine-registry.ts';
import { tailgateError } from '../errors.ts';
import { type ArrivalPhase, PhaseError, readPhases } from './arrival-schedule.ts';
import { checkLanguage, isWithin } from './check-language.ts';
import { bundledEngines } from './engine-packages.ts';
import type { ScenarioInputs } from './merge-script.ts';
import { bundledPlugins } from './plugin-packages.ts';
import { stepsOfEngine } from './scenario-language.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import type { ScenarioSource } from './scenario-source.ts';
import { isMapping, type Json, type Script } from './script.ts';
import { bareStep } from './unknown-step.ts';
import { besideScenario, isFile, moduleFile } from './user-module.ts';
import { resolveUserPackage } from './user-packages.ts';

const defaultPhases: readonly Json[] = [{ duration: 1, arrivalCount: 1 }];

type Misshapen = { problem: string; place: ScenarioPath };

/** SCENARIO_INVALID at a place of the scenario. */
export const invalid = async (
  source: ScenarioSource,
  problem: string,
  place: ScenarioPath,
  cause?: unknown,
) => tailgateError('SCENARIO_INVALID', { path: source.path, problem }, await source.positionOf(place), cause);

/** The shape without which nothing else can be read: mappings and lists where they must be. Throws SCENARIO_INVALID. */
export const checkShape = async (source: ScenarioSource, script: Script): Promise<void> => {
  const found = misshapen(script);
  if (found !== null) throw await invalid(source, found.problem, found.place);
};

/** The first part of a script that is missing or no mapping or list; null when there is none. Pure. */
export const misshapen = (script: Readonly<Record<string, unknown>>): Misshapen | null => {
  const fault = (place: ScenarioPath, what: string): Misshapen => ({
    problem: `"${named(place)}" ${what}`,
    place,
  });
  const { config, scenarios } = script;
  if (config !== undefined && !isMapping(config)) return fault(['config'], 'must be a mapping');
  if (scenarios === undefined) return fault(['scenarios'], 'is required');
  if (!Array.isArray(scenarios)) return fault(['scenarios'], 'must be a list');
  if (scenarios.length === 0) return { problem: '"scenarios" is empty', place: ['scenarios'] };
  const parts: [unknown, ScenarioPath][] = scenarios.map((spec, index) => [spec, ['scenarios', index]]);
  for (const hook of ['before', 'after']) if (script[hook] !== undefined) parts.push([script[hook], [hook]]);
  for (const [spec, place] of parts) {
    if (!isMapping(spec)) return fault(place, 'must be a mapping');
    const engine = String(spec.engine ?? (place.length === 1 ? 'http' : (config?.engine ?? 'http')));
    const at = [...place, 'flow'];
    // An engine that is not there is told before what its scenarios lack.
    if (spec.flow === undefined && isForeign(engine)) continue;
    if (spec.flow === undefined) return fault(at, 'is required');
    if (!Array.isArray(spec.flow)) return fault(at, 'must be a list of steps');
    const step = isForeign(engine) ? null : firstOfNoKind(spec.flow, at);
    if (step !== null) {
      const word = step
        .slice(place.length + 1)
        .reduce<unknown>((list, index) => (list as Json)[index], spec.flow);
      const meant = typeof word === 'string' ? bareStep(word, engineNamed(engine)?.stepKeys ?? []) : null;
      return meant === null
        ? fault(step, 'must be a mapping with the key of a step')
        : { problem: `"- ${String(word)}" is no step by itself: write "- ${meant}: true"`, place: step };
    }
  }
  return null;
};

export const phasesOf = async (
  source: ScenarioSource,
  script: Script,
  { environment, overrides, overridePlace }: Required<Omit<ScenarioInputs, 'variables'>>,
): Promise<ArrivalPhase[]> => {
  script.config.phases ??= [...structuredClone(defaultPhases)];
  if (!Array.isArray(script.config.phases))
    throw await invalid(source, '"config.phases" is not a list', ['config', 'phases']);
  try {
    return readPhases(script.config.phases);
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    const tail = ['phases', error.phase, ...(error.key === null ? [] : [error.key])];
    if (phaseIn(overrides, error)) {
      const where = overridePlace!(tail);
      throw tailgateError('OVERRIDE_INVALID', { key: where.key ?? 'phases', problem: error.message }, where);
    }
    const environments = source.content.config as
      | { environments?: Record<string, { phases?: unknown }> }
      | undefined;
    const fromEnvironment =
      environment !== null && environments?.environments?.[environment]?.phases !== undefined;
    const place = fromEnvironment ? ['config', 'environments', environment, ...tail] : ['config', ...tail];
    // A phase often lacks a key because that is misspelt.
    const misspelt = checkLanguage(source.content).find(
      (finding) => finding.place.length === place.length + 1 && isWithin(finding.place, place),
    );
    throw await invalid(source, misspelt?.message ?? error.message, misspelt?.place ?? place, error);
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
  for (const [index, spec] of script.scenarios.entries())
    if (spec.flow === undefined)
      throw await invalid(source, `"scenarios[${index}].flow" is required`, ['scenarios', index]);
  return [...used.keys()];
};

export const checkPlugins = async (source: ScenarioSource, script: Script): Promise<void> => {
  for (const [name, config] of Object.entries(script.config.plugins ?? {})) {
    if (config === null || config === false || (bundledPlugins as readonly string[]).includes(name)) continue;
    if (bundledEngines.includes(name))
      throw await invalid(
        source,
        `"${name}" is an engine and no plugin: name it in the scenario ("engine: ${name}"), and take it out of "config.plugins"`,
        ['config', 'plugins', name],
      );
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
    const found = moduleFile(file);
    if (found === null)
      throw tailgateError(
        'SCENARIO_FILE_MISSING',
        { what: 'processor', file, path: source.path },
        await source.positionOf(['config', 'processor']),
      );
    files.push(found);
  }
  for (const [index, payload] of (script.config.payload ?? []).entries()) {
    if (!isFile(payload.path))
      throw tailgateError(
        'SCENARIO_FILE_MISSING',
        { what: 'payload file', file: payload.path, path: source.path },
        await source.positionOf(['config', 'payload', index, 'path']),
      );
    files.push(payload.path);
  }
  return files;
};

function named(place: ScenarioPath): string {
  return place.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** Engines of others have steps of their own kinds. */
function isForeign(engine: string): boolean {
  return stepsOfEngine(engine) === undefined;
}

/** Place of the first step that is no mapping, or has no key. Lists of steps may stand in lists. */
function firstOfNoKind(flow: readonly unknown[], place: ScenarioPath): ScenarioPath | null {
  for (const [index, spec] of flow.entries()) {
    const at = [...place, index];
    const found = Array.isArray(spec)
      ? firstOfNoKind(spec, at)
      : isMapping(spec) && Object.keys(spec).length > 0
        ? null
        : at;
    if (found !== null) return found;
  }
  return null;
}

/** Whether the overrides say what is wrong with a phase: they are merged over those of the file, one by one. */
function phaseIn({ phases }: Json, { phase, key }: PhaseError): boolean {
  const own = Array.isArray(phases) ? phases[phase] : undefined;
  return isMapping(own) && (key === null || key in own);
}
