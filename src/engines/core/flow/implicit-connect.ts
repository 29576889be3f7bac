import { isHttpStep } from '../../http/http-methods.ts';
import { type Step, type StepCallback, stepsOf, type VirtualUserContext } from './step.ts';

/** Whether a flow says itself when it connects. */
export const hasConnectStep = (flow: unknown): boolean =>
  stepsOf(flow).some(
    (spec) => spec?.connect !== undefined || hasConnectStep(spec?.loop) || hasConnectStep(spec?.parallel),
  );

/**
 * Whether a flow without a `connect` step connects before anything else, as Artillery does. It does not when steps come
 * first that may make what the connection needs: a login request, a function that sets a token. Then the first step
 * that needs the connection opens it.
 */
export const connectsFirst = (flow: unknown, ownKeys: readonly string[]): boolean => {
  const steps = stepsOf(flow);
  const first = steps.findIndex((spec) =>
    [...ownKeys, 'loop', 'parallel'].some((key) => spec?.[key] !== undefined),
  );
  const before = first < 0 ? steps : steps.slice(0, first);
  return !before.some((spec) => isHttpStep(spec) || spec.function !== undefined);
};

/** The connection of one virtual user whose flow does not say when it connects: opened once, by who needs it first. */
export class ImplicitConnection {
  readonly #connect: Step;
  #state: 'closed' | 'opening' | 'opened' = 'closed';
  #waiting: StepCallback[] = [];

  constructor(connect: Step) {
    this.#connect = connect;
  }

  /** Calls back when the connection was opened, now or before; with the error that was recorded when it was not. */
  ensure(context: VirtualUserContext, callback: StepCallback): void {
    if (this.#state === 'opened') {
      callback(null, context);
      return;
    }
    this.#waiting.push(callback);
    if (this.#state === 'opening') return;
    this.#state = 'opening';
    this.#connect(context, (error) => {
      this.#state = error ? 'closed' : 'opened';
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const done of waiting) done(error, context);
    });
  }
}
