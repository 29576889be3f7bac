import type { ScenarioPath } from './scenario-positions.ts';
import { isMapping, type Script } from './script.ts';

/** A function of the processor that a scenario calls, and where. */
export type CalledFunction = { name: string; place: ScenarioPath };

const callingKeys = new Set([
  'function',
  'whileTrue',
  'beforeRequest',
  'afterResponse',
  'beforeScenario',
  'afterScenario',
  'onError',
]);

/** Keys whose content is the author's data. */
const dataKeys = new Set([
  'data',
  'args',
  'json',
  'body',
  'form',
  'qs',
  'headers',
  'emit',
  'send',
  'variables',
]);

/** The functions that scenarios, `before` and `after` call by name, each at its first place. Pure. */
export const calledFunctions = (script: Pick<Script, 'scenarios' | 'before' | 'after'>): CalledFunction[] => {
  const found = new Map<string, CalledFunction>();
  for (const part of ['scenarios', 'before', 'after'] as const)
    for (const called of calledIn(script[part], [part]))
      if (!found.has(called.name)) found.set(called.name, called);
  return [...found.values()];
};

function* calledIn(value: unknown, place: ScenarioPath): Generator<CalledFunction> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* calledIn(item, [...place, index]);
    return;
  }
  if (!isMapping(value)) return;
  for (const [key, item] of Object.entries(value)) {
    const at = [...place, key];
    if (callingKeys.has(key))
      for (const name of [item].flat()) if (typeof name === 'string') yield { name, place: at };
    if (!dataKeys.has(key)) yield* calledIn(item, at);
  }
}
