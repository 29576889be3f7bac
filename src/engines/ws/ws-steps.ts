import type { Step, StepCallback, StepSpec } from '../core/flow/step.ts';
import { loadClock } from '../core/load-clock.ts';
import { compileClose, compileConnect } from './connect-step.ts';
import { compileSend } from './send-step.ts';
import { compileWait } from './wait-step.ts';
import { failStep, type WsScope } from './ws-scope.ts';
import { userOf } from './ws-user.ts';

const compilers: Record<string, (step: StepSpec, scope: WsScope, place: string) => Step> = {
  connect: compileConnect,
  send: compileSend,
  wait: compileWait,
  close: compileClose,
};

/** Keys of the steps that need a connection. */
export const wsStepKeys: readonly string[] = Object.keys(compilers);

/** Compiles a step of the WebSocket engine; null for the steps that every engine has. Throws SCENARIO_INVALID. */
export const compileWsStep = (spec: StepSpec, scope: WsScope, place: string): Step | null => {
  const [key, ...others] = Object.keys(spec).filter((name) => Object.hasOwn(compilers, name));
  if (key === undefined) return null;
  if (others.length > 0) throw scope.invalid(place, `a step is one of "${key}" and "${others[0]}", not both`);
  const step = ready(compilers[key]!(spec, scope, place), place);
  if (key === 'connect' || key === 'close') return step;
  return (context, callback) => {
    const { implicit } = userOf(context);
    if (implicit === null) step(context, callback);
    else implicit.ensure(context, (error) => (error ? callback(error, context) : step(context, callback)));
  };
};

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
