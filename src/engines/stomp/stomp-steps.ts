import type { Step, StepSpec } from '../flow/step.ts';
import { compileAck } from './ack-step.ts';
import { compileConnect, compileDisconnect } from './connect-step.ts';
import { compileSend } from './send-step.ts';
import type { StompScope } from './stomp-scope.ts';
import { compileSubscribe, compileUnsubscribe } from './subscribe-steps.ts';
import { compileWaitFor } from './wait-step.ts';

const compilers: Record<string, (value: unknown, scope: StompScope, place: string) => Step> = {
  connect: compileConnect,
  subscribe: compileSubscribe,
  unsubscribe: compileUnsubscribe,
  send: compileSend,
  waitFor: compileWaitFor,
  ack: (value, scope, place) => compileAck('ACK', value, scope, place),
  nack: (value, scope, place) => compileAck('NACK', value, scope, place),
  disconnect: compileDisconnect,
};

/** Compiles a step of the STOMP engine; null for the steps that every engine has. Throws SCENARIO_INVALID. */
export const compileStompStep = (spec: StepSpec, scope: StompScope, place: string): Step | null => {
  const [key, ...others] = Object.keys(spec).filter((name) => Object.hasOwn(compilers, name));
  if (key === undefined) return null;
  if (others.length > 0) throw scope.invalid(place, `a step is one of "${key}" and "${others[0]}", not both`);
  return compilers[key]!(spec[key], scope, place);
};
