import type { Step, StepCallback, StepSpec } from '../core/flow/step.ts';
import { loadClock } from '../core/load-clock.ts';
import { compileAck } from './ack-step.ts';
import { compileConnect, compileDisconnect } from './connect-step.ts';
import { compileSend } from './send-step.ts';
import { failStep, type StompScope } from './stomp-scope.ts';
import { userOf } from './stomp-user.ts';
import { compileSubscribe, compileUnsubscribe } from './subscribe-steps.ts';
import { compileWaitFor } from './wait-step.ts';

const compilers: Record<string, (step: StepSpec, scope: StompScope, place: string) => Step> = {
  connect: compileConnect,
  subscribe: compileSubscribe,
  unsubscribe: compileUnsubscribe,
  send: compileSend,
  waitFor: compileWaitFor,
  ack: (step, scope, place) => compileAck('ACK', step, scope, place),
  nack: (step, scope, place) => compileAck('NACK', step, scope, place),
  disconnect: compileDisconnect,
};

/** Compiles a step of the STOMP engine; null for the steps that every engine has. Throws SCENARIO_INVALID. */
export const compileStompStep = (spec: StepSpec, scope: StompScope, place: string): Step | null => {
  const [key, ...others] = Object.keys(spec).filter((name) => Object.hasOwn(compilers, name));
  if (key === undefined) return null;
  if (others.length > 0) throw scope.invalid(place, `a step is one of "${key}" and "${others[0]}", not both`);
  const step = ready(compilers[key]!(spec, scope, place), place);
  if (key === 'connect') return step;
  return (context, callback) => {
    const { implicit } = userOf(context);
    if (implicit === null) step(context, callback);
    else implicit.ensure(context, (error) => (error ? callback(error, context) : step(context, callback)));
  };
};

/** Keys of the steps that need a connection. */
export const stompStepKeys: readonly string[] = Object.keys(compilers);

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
