import { tailgateError } from '../../errors.ts';
import type { EngineSettings } from '../core/engine-settings.ts';
import type { FlowConfig } from '../core/flow/compile-flow.ts';
import { recordFailure, type StepCallback, type VirtualUserContext } from '../core/flow/step.ts';
import { timeoutMs } from '../core/flow/timeout.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { SocketSettings } from './socket-options.ts';
import { userOf, type WsUser, type WsUserPlan } from './ws-user.ts';

/** The parts of the script's `config` that this engine reads. */
export type WsConfig = FlowConfig & {
  target?: string;
  timeout?: number | string;
  ws?: SocketSettings & { timeout?: number | string };
  tls?: Record<string, unknown>;
};

/** What the steps of one flow share while they are compiled. */
export class WsScope {
  readonly config: WsConfig;
  readonly plan: WsUserPlan;
  readonly #path: string;

  /** What the settings of the suite say. */
  readonly engine: EngineSettings;
  /** Latencies that the steps compiled so far can record. */
  readonly latencies = new Set<string>();
  /** What is sent by steps that nothing times. */
  readonly unmeasured = new Set<string>();

  /** `path` is that of the scenario, for errors. */
  constructor(config: WsConfig, path: string, joinsOnConnect: boolean, engine: EngineSettings) {
    this.config = config;
    this.#path = path;
    this.engine = engine;
    this.plan = {
      keepsMessages: false,
      hasDeliveries: false,
      joinsOnConnect,
      failureEvents: engine.failureEvents,
    };
  }

  /** The timeout of every wait that has none of its own. */
  get timeoutMs(): number {
    const { config } = this;
    return this.time(config.timeout ?? config.ws?.timeout, this.engine.timeoutMs, 'config.ws.timeout');
  }

  invalid(place: string, problem: string): Error {
    return tailgateError('SCENARIO_INVALID', { path: this.#path, problem: `${place}: ${problem}` });
  }

  time(value: unknown, otherwise: number, place: string): number {
    if (value === undefined) return otherwise;
    const found = timeoutMs(value);
    if (found === null)
      throw this.invalid(place, `"${String(value)}" is no time; write seconds (5) or "500ms"`);
    return found;
  }

  /** Throws SCENARIO_INVALID for a key that is not known. */
  check(given: object, known: readonly string[], what: string, place: string): void {
    for (const key of Object.keys(given))
      if (!known.includes(key))
        throw this.invalid(place, `unknown key "${key}" in "${what}"; there are ${known.join(', ')}`);
  }
}

/** The connected virtual user, or null after the step failed for want of a connection. */
export const connectedUser = (
  context: VirtualUserContext,
  place: string,
  callback: StepCallback,
): WsUser | null => {
  const user = userOf(context);
  user.place = place;
  if (user.connected) return user;
  failStep(user.lost ?? notConnected(), context, place, callback);
  return null;
};

export const notConnected = (): StepFailure =>
  new StepFailure('not connected', 'the step needs a connection that is open');

/** Ends a step as failed. The loss of the connection was recorded when it happened. */
export const failStep = (
  failure: unknown,
  context: VirtualUserContext,
  place: string,
  callback: StepCallback,
): void => {
  callback(failure === userOf(context).lost ? failure : recordFailure(failure, place), context);
};
