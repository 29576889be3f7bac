import { engines } from '../engines/engine-registry.ts';
import { httpMethods } from '../engines/http/http-methods.ts';
import type { ScenarioPath } from './scenario-positions.ts';

/** Why Artillery refuses a script, and where. */
export type ScriptProblem = { problem: string; place: ScenarioPath };

type Json = Record<string, unknown>;
type Check = (value: unknown, place: ScenarioPath) => ScriptProblem | null;

/** Engines whose flows Artillery checks step by step; a scenario without an engine is one of them. */
const checkedEngines: readonly unknown[] = [
  undefined,
  ...engines.flatMap(({ name, replaces }) => (replaces === null ? [] : [name])),
];

const isMapping = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const named = (place: ScenarioPath): string =>
  place.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );

const fault = (place: ScenarioPath, what: string): ScriptProblem => ({
  problem: `"${named(place)}" ${what}`,
  place,
});

/** A check of a value that may be left out. */
const optional =
  (isRight: (value: unknown) => boolean, what: string): Check =>
  (value, place) =>
    value === undefined || isRight(value) ? null : fault(place, `must be ${what}`);

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
/** Numbers and truth values may be text, as they come from the environment. */
const isNumber = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
const isTruth = (value: unknown): boolean =>
  typeof value === 'boolean' || (typeof value === 'string' && /^(true|false)$/i.test(value));

const text = optional(isText, 'text');
const truth = optional(isTruth, 'true or false');
const number = optional(isNumber, 'a number');
const numberOrText = optional((value) => isNumber(value) || isText(value), 'a number or text');
const mapping = optional(isMapping, 'a mapping');
const list = optional(Array.isArray, 'a list');
const listOrText = optional((value) => Array.isArray(value) || isText(value), 'a list or the name of one');
const texts = optional((value) => [value].flat().every(isText), 'text or a list of texts');

/** The first problem among the members of a mapping. */
const members =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, place) => {
    if (value === undefined) return null;
    if (!isMapping(value)) return fault(place, 'must be a mapping');
    for (const [key, check] of Object.entries(checks)) {
      const found = check(value[key], [...place, key]);
      if (found !== null) return found;
    }
    return null;
  };

const required =
  (check: Check): Check =>
  (value, place) =>
    value === undefined ? fault(place, 'is required') : check(value, place);

const captures: Check = (value, place) => {
  if (value === undefined) return null;
  const single = !Array.isArray(value);
  for (const [index, capture] of [value].flat().entries()) {
    const at = single ? place : [...place, index];
    const found = members({ as: required(text) })(capture, at);
    if (found !== null) return found;
  }
  return null;
};

const request = members({
  url: required(text),
  headers: mapping,
  cookie: mapping,
  followRedirect: truth,
  qs: mapping,
  gzip: truth,
  auth: members({ user: text, pass: text }),
  beforeRequest: texts,
  afterResponse: texts,
  capture: captures,
});

const step = members({
  function: text,
  log: text,
  think: numberOrText,
  loop: list,
  ...Object.fromEntries(httpMethods.map((method) => [method, request])),
});

const loopKeys = members({ count: numberOrText, over: listOrText });

const flow: Check = (value, place) => {
  if (!Array.isArray(value)) return fault(place, 'must be a list of steps');
  for (const [index, spec] of value.entries()) {
    const at = [...place, index];
    const found = step(spec, at);
    if (found !== null) return found;
    const { loop } = spec as Json;
    const problem = loop === undefined ? oneKey(spec as Json, at) : loopKeys(spec, at);
    if (problem !== null) return problem;
  }
  return null;
};

const oneKey = (spec: Json, place: ScenarioPath): ScriptProblem | null => {
  const keys = Object.keys(spec);
  if (keys.length === 1) return null;
  return fault(place, `must have one key, not ${keys.length === 0 ? 'none' : keys.join(', ')}`);
};

const config: Check = (value, place) => {
  const found = members({
    target: text,
    http: members({ extendedMetrics: truth, maxSockets: number, timeout: numberOrText }),
    environments: mapping,
    processor: text,
    phases: list,
    engines: mapping,
  })(value, place);
  if (found !== null || !isMapping(value) || value.target !== undefined || value.environments !== undefined)
    return found;
  return fault([...place, 'target'], 'is required');
};

const scenarioMembers = members({ name: text, engine: text, beforeScenario: texts, afterScenario: texts });

const scenario: Check = (value, place) => {
  const found = scenarioMembers(value, place);
  if (found !== null) return found;
  const spec = value as Json;
  const at = [...place, 'flow'];
  return checkedEngines.includes(spec.engine) ? required(flow)(spec.flow, at) : list(spec.flow, at);
};

const hook: Check = (value, place) => {
  if (value === undefined) return null;
  if (!isMapping(value)) return fault(place, 'must be a mapping');
  const at = [...place, 'flow'];
  return checkedEngines.includes(value.engine) ? required(flow)(value.flow, at) : list(value.flow, at);
};

/**
 * The first reason for which Artillery would refuse a script; null when it takes it. The rules are those of Artillery's
 * `validate-script.js` for scenarios that are not of our own engines; written out here, because the validation library
 * behind it takes a third of a generator's start, and knows no places.
 */
export const checkScript = (script: Json): ScriptProblem | null => {
  const found = config(script.config, ['config']);
  if (found !== null) return found;
  if (script.scenarios === undefined) return fault(['scenarios'], 'is required');
  if (!Array.isArray(script.scenarios)) return fault(['scenarios'], 'must be a list');
  for (const [index, spec] of script.scenarios.entries()) {
    const problem = scenario(spec, ['scenarios', index]);
    if (problem !== null) return problem;
  }
  return hook(script.before, ['before']) ?? hook(script.after, ['after']);
};
