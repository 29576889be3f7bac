import { isHttpStep } from '../../http/http-methods.ts';
import { recorder } from '../recorder.ts';
import { readerOf, variablesIn } from '../template/template-text.ts';
import type { Step, StepSpec } from './step.ts';

/** Counts, for the names that a part of the scenario reads, how often they had no value. */
export type NameWatch = (vars: Record<string, unknown>) => void;

/**
 * Watches a step: names that the processor sets cannot be checked before the run. They are looked at when the step has
 * ended, so that what its own functions set in time is there, and what is missing then was missing in what was sent.
 * Steps that a function may change before they are sent, or that may not be sent, watch themselves when they are.
 */
export const watchingNames = (step: Step, spec: StepSpec, place: string): Step => {
  if (spec.beforeRequest !== undefined || isHttpStep(spec)) return step;
  const { loop: _loop, parallel: _parallel, ...said } = spec;
  const own = typeof spec.over === 'string' ? { ...said, over: listName(spec.over) } : said;
  const watch = nameWatch(own, place);
  if (watch === null) return step;
  return (context, callback) =>
    step(context, (error, next) => {
      watch(context.vars);
      callback(error, next);
    });
};

/** The watch of what a value reads; null when it reads nothing that could be missing. */
export const nameWatch = (value: unknown, place: string): NameWatch | null => {
  const names = new Set<string>();
  collect(value, names);
  if (names.size === 0) return null;
  const watched = [...names].map((name) => ({ read: readerOf(name), use: recorder.nameUse(name, place) }));
  return (vars) => {
    for (const { read, use } of watched) {
      use.rendered += 1;
      if (read(vars) === undefined) use.empty += 1;
    }
  };
};

/** A loop names its list with or without braces. */
function listName(over: string): string {
  return over.includes('{{') ? over : `{{ ${over} }}`;
}

/** Names that begin with `$` are ours or Artillery's, and checked before the run. */
function collect(value: unknown, names: Set<string>): void {
  if (typeof value === 'string')
    for (const name of variablesIn(value)) {
      if (name !== '' && !name.startsWith('$')) names.add(name);
    }
  else if (Array.isArray(value)) for (const item of value) collect(item, names);
  else if (typeof value === 'object' && value !== null && value.constructor === Object)
    for (const [key, item] of Object.entries(value)) {
      collect(key, names);
      collect(item, names);
    }
}
