import { engines, isEmitting } from '../engines/engine-registry.ts';
import { httpMethods } from '../engines/http/http-methods.ts';
import { nearestName } from '../metrics/nearest-name.ts';

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
  upload: ['post'],
};

/** What to write, where the name of the step alone does not say it. */
const howTo: Readonly<Record<string, string>> = {
  set: 'set what all users share in "config.variables", and what differs in a function of the processor: "- function: ..."',
  upload: 'write "post" with "formData: { field: { fromFile: path } }"',
};

/** A step as it is written. */
type Step = { spec: Readonly<Record<string, unknown>> };

/** A step that its engine does not have. */
export type UnknownStep = {
  problem: string;
  /** Another engine has it, and this one is that of scenarios that name none. */
  lacksEngine: boolean;
};

/**
 * What is wrong with a step that has none of the keys that its engine's steps begin with; null if it has one. `flow` are
 * the steps of its scenario, by which its engine is told where it names none.
 */
export const unknownStep = (
  { spec, engine }: Step & { engine: string },
  ownKeys: readonly string[],
  flow: readonly Step[] = [],
): UnknownStep | null => {
  const known = [...ownKeys, ...commonKeys];
  const keys = Object.keys(spec);
  if (keys.some((key) => known.includes(key))) return null;
  const unknown = (problem: string, lacksEngine = false): UnknownStep => ({ problem, lacksEngine });
  if (keys.includes('engine') || keys.includes('flow'))
    return unknown(
      '"engine" and "flow" are keys of a scenario, not of a step; write them in an entry of "scenarios"',
    );
  const meant = keys.flatMap(
    (key) => elsewhere[key]?.find((step) => known.includes(step)) ?? nearestName(key, known) ?? [],
  )[0];
  const named = keys.map((key) => `"${key}"`).join(', ');
  const problem = `the engine "${engine}" has no step with ${named || 'no keys'}`;
  const others = othersWith(keys, engine, flow);
  if (engine === 'http' && others !== null)
    return unknown(`${problem}; name the engine of the scenario, ${others}`, true);
  if (isEmitting(engine) && others !== null) return unknown(`${problem}; ${others} has`);
  const how = keys.map((key) => howTo[key]).find((text) => text !== undefined);
  if (how !== undefined) return unknown(`${problem}; ${how}`);
  if (meant === undefined) return unknown(others === null ? problem : `${problem}; ${others} has`);
  return unknown(`${problem}; did you mean "${meant}"${others === null ? '' : `, or ${others}`}?`);
};

/**
 * Engines whose steps begin with one of the keys, as they are written in a scenario; null when there are none. Of several,
 * those that have the most steps of the flow. For events, one that emits them as well.
 */
const othersWith = (keys: readonly string[], engine: string, flow: readonly Step[]): string | null => {
  const having = engines
    .filter(({ name, stepKeys }) => name !== engine && stepKeys.some((key) => keys.includes(key)))
    .filter(({ name }) => name !== 'socketio-v3' && (!isEmitting(engine) || isEmitting(name)))
    .map(({ name, stepKeys }) => ({
      name,
      steps: flow.filter(({ spec }) => stepKeys.some((key) => key in spec)).length,
    }));
  const most = Math.max(...having.map(({ steps }) => steps));
  const names = having.filter(({ steps }) => steps === most).map(({ name }) => `"engine: ${name}"`);
  return names.length === 0 ? null : names.join(' or ');
};

/** What a step is that is only a word, as `disconnect`; null when it is none that does without a value. */
export const bareStep = (word: string, ownKeys: readonly string[]): string | null => {
  const alone = ['connect', 'disconnect', 'close', 'reconnect'].filter((key) => ownKeys.includes(key));
  return [word, ...(elsewhere[word] ?? [])].find((key) => alone.includes(key)) ?? null;
};
