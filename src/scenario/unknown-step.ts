import { engines, isEmitting } from '../engines/engine-registry.ts';
import { httpMethods } from '../engines/http/http-methods.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import type { PlacedStep } from './scenario-steps.ts';

/** Steps that every engine of ours has. */
const commonKeys = [...['loop', 'parallel', 'think', 'log', 'function'], ...httpMethods];

/** What steps of other engines and tools are called here. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  emit: ['send'],
  send: ['emit'],
  wait: ['think'],
  sleep: ['think'],
  delay: ['think'],
  pause: ['think'],
  on: ['response', 'wait'],
  listen: ['response', 'wait'],
  receive: ['response', 'wait'],
  close: ['disconnect'],
  disconnect: ['close'],
  repeat: ['loop'],
  set: ['function'],
};

/** A step that its engine does not have. */
export type UnknownStep = {
  problem: string;
  /** Another engine has it, and this one is that of scenarios that name none. */
  lacksEngine: boolean;
};

/** What is wrong with a step that has none of the keys that its engine's steps begin with; null if it has one. */
export const unknownStep = (
  { spec, engine, scenario }: Pick<PlacedStep, 'spec' | 'engine' | 'scenario'>,
  ownKeys: readonly string[],
): UnknownStep | null => {
  const known = [...ownKeys, ...commonKeys];
  const keys = Object.keys(spec);
  if (keys.some((key) => known.includes(key))) return null;
  const unknown = (problem: string, lacksEngine = false): UnknownStep => ({
    problem: `${scenario}: ${problem}`,
    lacksEngine,
  });
  if (keys.includes('engine') || keys.includes('flow'))
    return unknown(
      '"engine" and "flow" are keys of a scenario, not of a step; write them in an entry of "scenarios"',
    );
  const meant = keys.flatMap(
    (key) => elsewhere[key]?.find((step) => known.includes(step)) ?? nearestName(key, known) ?? [],
  )[0];
  const named = keys.map((key) => `"${key}"`).join(', ');
  const problem = `the engine "${engine}" has no step with ${named || 'no keys'}`;
  const others = othersWith(keys, engine);
  if (engine === 'http' && others !== null)
    return unknown(`${problem}; name the engine of the scenario, ${others}`, true);
  if (meant === undefined) return unknown(others === null ? problem : `${problem}; ${others} has`);
  return unknown(`${problem}; did you mean "${meant}"${others === null ? '' : `, or ${others}`}?`);
};

/** Engines whose steps begin with one of the keys, as they are written in a scenario; null when there are none. */
const othersWith = (keys: readonly string[], engine: string): string | null => {
  const names = engines
    .filter(({ name, stepKeys }) => name !== engine && stepKeys.some((key) => keys.includes(key)))
    .map(({ name }) => name)
    .filter((name) => name !== 'socketio-v3');
  return names.length === 0 || isEmitting(engine)
    ? null
    : names.map((name) => `"engine: ${name}"`).join(' or ');
};
