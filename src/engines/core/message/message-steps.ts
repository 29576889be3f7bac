import type { Step, StepCallback, StepSpec } from '../flow/step.ts';
import { loadClock } from '../load-clock.ts';
import type { MessageScope } from './message-scope.ts';
import { failStep, messageUser } from './message-user.ts';

type StepCompiler<S extends MessageScope> = (step: StepSpec, scope: S, place: string) => Step;

/** The steps of one engine for messages. */
export type MessageSteps<S extends MessageScope> = {
  readonly keys: readonly string[];
  /** Compiles a step; null for the steps that every engine has. Throws SCENARIO_INVALID. */
  compile(spec: StepSpec, scope: S, place: string): Step | null;
};

/**
 * Puts the steps of an engine together. Each but those of `unconnected` opens the connection of a flow that does not say
 * itself when it connects. `options` are steps whose name is a key of other steps, too.
 */
export const messageSteps = <S extends MessageScope>(
  compilers: Readonly<Record<string, StepCompiler<S>>>,
  unconnected: readonly string[],
  options: readonly string[] = [],
): MessageSteps<S> => ({
  keys: Object.keys(compilers),
  compile: (spec, scope, place) => {
    const named = Object.keys(spec).filter((name) => Object.hasOwn(compilers, name));
    const [key, ...others] = named.length > 1 ? named.filter((name) => !options.includes(name)) : named;
    if (key === undefined) return null;
    if (others.length > 0)
      throw scope.invalid(place, `a step is one of "${key}" and "${others[0]}", not both`);
    const step = ready(compilers[key]!(spec, scope, place), place);
    if (unconnected.includes(key)) return step;
    return (context, callback) => {
      const { implicit } = messageUser(context);
      if (implicit === null) step(context, callback);
      else implicit.ensure(context, (error) => (error ? callback(error, context) : step(context, callback)));
    };
  },
});

/** A step that begins while the load runs, and that ends as failed by what it throws, a template's function say. */
const ready =
  (step: Step, place: string): Step =>
  (context, callback) =>
    loadClock.whenRunning(() => {
      let ended = false;
      const end: StepCallback = (error, next) => {
        ended = true;
        callback(error, next);
      };
      try {
        step(context, end);
      } catch (error) {
        // After its callback, what is thrown comes from the steps behind it.
        if (ended) throw error;
        failStep(error, context, place, end);
      }
    });
