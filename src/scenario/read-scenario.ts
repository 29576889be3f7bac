import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type SourcePosition, tailgateError, throwProblems } from '../errors.ts';
import { type ArrivalPhase, plannedArrivals, plannedMs } from './arrival-schedule.ts';
import { checkOverrides } from './check-language.ts';
import { mergeScript, type ScenarioInputs } from './merge-script.ts';
import { checkFiles, checkPlugins, checkShape, enginesOf, invalid, phasesOf } from './scenario-checks.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import { readScenarioSource, type ScenarioSource } from './scenario-source.ts';
import { scenarioPath } from './scenario-target.ts';
import { isMapping, type Json, type ScenarioConfig, type ScenarioSpec, type Script } from './script.ts';

/** A scenario file, read and checked; nothing was started, written or (but for the files it is made of) opened. */
export type ReadScenario = {
  path: string;
  /** The text of the file; empty for a scenario written as a module, which has no positions. */
  text: string;
  /** Name of the environment, if one was chosen. */
  environment: string | null;
  /** What the settings merge over `config`, and where its parts were written. */
  overrides: Json;
  overridePlace(place: ScenarioPath): SourcePosition;
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

/**
 * Reads and checks a scenario, with Artillery's own merging and templating, and starts nothing. Throws OVERRIDE_INVALID, SCENARIO_MISSING,
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
  const overridePlace = inputs.overridePlace ?? ((place) => ({ key: ['overrides', ...place].join('.') }));
  throwProblems(
    checkOverrides(inputs.overrides, source.content).map(({ place, message }) => {
      const where = overridePlace(place);
      const params = { key: where.key ?? 'overrides', problem: message };
      return tailgateError('OVERRIDE_INVALID', params, where);
    }),
  );
  let script: Script;
  try {
    script = await mergeScript(source, inputs);
  } catch (error) {
    throw await invalid(source, error instanceof Error ? error.message : String(error), ['config'], error);
  }
  await checkShape(source, script);
  const engines = await enginesOf(source, script);
  const phases = await phasesOf(source, script, { ...inputs, overridePlace });
  await checkPlugins(source, script);
  const files = await checkFiles(source, script);
  const processor = files.find((file) => /\.[cm]?[jt]s$/.test(file));
  return {
    path,
    text: source.text,
    environment: inputs.environment,
    overrides: inputs.overrides,
    overridePlace,
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

/**
 * SHA-256 of everything that decides what is run, in hexadecimal: the script (of its target the path alone), the inputs,
 * and the files.
 */
async function hashOf(source: ScenarioSource, inputs: ScenarioInputs, files: string[]): Promise<string> {
  const config = isMapping(source.content.config) ? source.content.config : {};
  const { target, ...others } = config;
  const path = scenarioPath(target);
  const rest = path === '' ? others : { ...others, target: path };
  const hash = createHash('sha256');
  hash.update(JSON.stringify(sorted({ ...source.content, config: rest, inputs })));
  for (const file of files) {
    hash.update('\0');
    hash.update(existsSync(file) ? await readFile(file) : '');
  }
  return hash.digest('hex');
}

/** The same value with the keys of every mapping in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
