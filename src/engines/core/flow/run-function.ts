import { recorder } from '../recorder.ts';
import type { EngineEvents, Step, VirtualUserContext } from './step.ts';

type Processor = Record<string, unknown> | undefined;

// biome-ignore lint/suspicious/noExplicitAny: the author of the scenario wrote it
type AnyFunction = (...args: any[]) => unknown;

/** A function of the processor, in Artillery's two shapes: one that calls back, or one that returns a promise. */
export const callProcessor = (
  run: AnyFunction,
  args: unknown[],
  done: (error: unknown, result?: unknown) => void,
): void => {
  if (run.constructor.name === 'Function') {
    const result = called(() => run(...args, done)) as { then?: unknown } | null | undefined;
    if (typeof result?.then !== 'function') return;
    // A plain function that was compiled from an async one, or an arrow: its promise ends it, unless it calls back.
    const callsBack = run.length > args.length;
    (result as Promise<unknown>).then(
      (value) => (callsBack ? undefined : done(null, value)),
      (error: unknown) => done(error ?? new Error('rejected')),
    );
    return;
  }
  (run(...args) as Promise<unknown>).then(
    (result) => done(null, result),
    (error: unknown) => done(error ?? new Error('rejected')),
  );
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

/** What is thrown is an error, and be it nothing: the flow would take `undefined` for success. */
function called(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    throw error ?? new Error(`the function threw ${error}`);
  }
}
