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

/** What is wrong with a step that has none of the keys that its engine's steps begin with; null if it has one. */
export const unknownStep = (
  { spec, engine, scenario }: Pick<PlacedStep, 'spec' | 'engine' | 'scenario'>,
  ownKeys: readonly string[],
): string | null => {
  const known = [...ownKeys, ...commonKeys];
  const keys = Object.keys(spec);
  if (keys.some((key) => known.includes(key))) return null;
  if (keys.includes('engine') || keys.includes('flow'))
    return `${scenario}: "engine" and "flow" are keys of a scenario, not of a step; write them in an entry of "scenarios"`;
  const meant = keys.flatMap(
    (key) => elsewhere[key]?.find((step) => known.includes(step)) ?? nearestName(key, known) ?? [],
  )[0];
  const named = keys.map((key) => `"${key}"`).join(', ');
  return `${scenario}: the engine "${engine}" has no step with ${named || 'no keys'}${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
};
