import { recorder } from '../recorder.ts';
import type { EngineEvents, Step, VirtualUserContext } from './step.ts';

type Processor = Record<string, unknown> | undefined;

// biome-ignore lint/suspicious/noExplicitAny: the author of the scenario wrote it
type AnyFunction = (...args: any[]) => unknown;

type Done = (error: unknown, result?: unknown) => void;

/** A function of the processor, in Artillery's two shapes: one that calls back, or one that returns a promise. */
export const callProcessor = (run: AnyFunction, args: unknown[], done: Done): void => {
  const isPlain = run.constructor.name === 'Function';
  const result = called((callBack) => (isPlain ? run(...args, callBack) : run(...args)), done);
  if (!isPromise(result)) return;
  // A plain function that was compiled from an async one, or an arrow: its promise ends it, unless it calls back.
  const callsBack = isPlain && run.length > args.length;
  result.then(
    (value) => (callsBack ? undefined : done(null, value)),
    (error: unknown) => done(error ?? new Error('rejected')),
  );
};

/**
 * Asks a function of the processor: `(context, answer)` calls back with its answer, as in Artillery; `(context)` may return
 * a truth value, or a promise of one. What it throws, rejects with, or answers as an `Error` is an error.
 */
export const askProcessor = (run: AnyFunction, context: VirtualUserContext, done: Done): void => {
  const result = called(
    (callBack) =>
      run(context, (answer: unknown) => callBack(answer instanceof Error ? answer : null, answer)),
    done,
  );
  // One that calls back may return anything: what a timer or a write to a socket gives, say.
  const callsBack = run.length > 1;
  if (isPromise(result))
    result.then(
      (answer) => (callsBack && typeof answer !== 'boolean' ? undefined : done(null, answer)),
      (error: unknown) => done(error ?? new Error('rejected')),
    );
  else if (!callsBack && typeof result === 'boolean') done(null, result);
};

/** The function of that name; undefined when the processor has none. */
export const processorFunction = (processor: Processor, name: unknown): AnyFunction | undefined => {
  const found = typeof name === 'string' ? processor?.[name] : undefined;
  return typeof found === 'function' ? (found as AnyFunction) : undefined;
};

/**
 * A `function` step: `(context, events, done)`, or an async function of the first two. A function that the processor
 * does not have is an error, and the flow goes on, as in Artillery.
 */
export const runFunction =
  (name: string, config: { processor?: Processor }, ee: EngineEvents, place: string): Step =>
  (context: VirtualUserContext, callback) => {
    const run = processorFunction(config.processor, name);
    if (run === undefined) {
      recorder.error('undefined function', `The processor has no function "${name}".`, place);
      callback(null, context);
      return;
    }
    callProcessor(run, [context, ee], (error) => callback(error, context));
  };

/** Calls a function that may call back. What it throws before is an error, and be it nothing: the flow would take that for success. */
function called(run: (callBack: Done) => unknown, done: Done): unknown {
  let isDone = false;
  try {
    return run((...results) => {
      isDone = true;
      done(...results);
    });
  } catch (error) {
    // After its callback, what is thrown comes from the steps behind it.
    if (isDone) throw error;
    done(error ?? new Error(`the function threw ${error}`));
    return undefined;
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
