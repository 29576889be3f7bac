import type { SourcePosition } from '../errors.ts';
import { hideUserTemplates, mapStrings, showUserTemplates } from './config-templates.ts';
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
