import { recorder } from '../recorder.ts';
import { StepFailure } from '../step-failure.ts';

/** What Artillery keeps of one virtual user. */
export type VirtualUserContext = {
  vars: Record<string, unknown>;
  funcs: Record<string, unknown>;
  [key: string]: unknown;
};

export type StepCallback = (error: unknown, context?: VirtualUserContext) => void;

/** One step of a flow. Calls back once; an error ends the virtual user. */
export type Step = (context: VirtualUserContext, callback: StepCallback) => unknown;

/** A step as it stands in the scenario. */
export type StepSpec = Record<string, unknown>;

/** The steps of a flow, those of lists in it too (YAML anchors make them), without those nested in steps. */
export const stepsOf = (flow: unknown): StepSpec[] =>
  (Array.isArray(flow) ? flow.flat(Number.POSITIVE_INFINITY) : []) as StepSpec[];

/** Artillery's event emitter: processors and HTTP steps report to it. */
export type EngineEvents = { emit(event: string, ...args: unknown[]): unknown };

/** The failure as it is counted: by name, with the message that the user needs to see. */
export const asFailure = (error: unknown): StepFailure => {
  if (error instanceof StepFailure) return error;
  if (!(error instanceof Error)) return new StepFailure(String(error), '');
  const code = (error as NodeJS.ErrnoException).code;
  return new StepFailure(code ?? error.message, error.message);
};

/** Records why a step failed and gives what to call back with. */
export const recordFailure = (error: unknown, place: string): StepFailure => {
  const failure = asFailure(error);
  recorder.error(failure.name, failure.message, place);
  return failure;
};

/** Makes a step that is not ours record its errors, turn what it throws into one, and call back only once. */
export const guarded =
  (step: Step, place: string): Step =>
  (context, callback) => {
    let ended = false;
    const end: StepCallback = (error, next) => {
      if (ended) return;
      ended = true;
      callback(error ? recordFailure(error, place) : null, next ?? context);
    };
    try {
      step(context, end);
    } catch (error) {
      // After its callback, what is thrown comes from the steps behind it.
      if (ended) throw error;
      end(error, context);
    }
  };
