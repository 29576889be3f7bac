import { engineSettings } from '../core/engine-settings.ts';
import { compileFlow, type FlowConfig } from '../core/flow/compile-flow.ts';
import { connectsFirst, hasConnectStep, ImplicitConnection } from '../core/flow/implicit-connect.ts';
import { type EngineEvents, recordFailure, type Step, type VirtualUserContext } from '../core/flow/step.ts';
import { loadActivity } from '../core/load-activity.ts';
import { openSessions } from '../core/open-sessions.ts';
import { tokenMint } from '../core/virtual-user-token.ts';
import { HttpEngine } from '../http/http-engine.ts';
import { StompScope } from './stomp-scope.ts';
import type { StompConfig } from './stomp-settings.ts';
import { compileStompStep, stompStepKeys } from './stomp-steps.ts';
import { addUser, StompUser } from './stomp-user.ts';

type Script = { config: StompConfig & FlowConfig; _scriptPath?: string };
type ScenarioSpec = { name?: string; flow?: unknown };
type Callback = (error: unknown, context?: VirtualUserContext) => void;

/** A session that the server does not end in order is closed after this; the scenario did not ask for the answer. */
const goodbyeTimeoutMs = 2_000;

/**
 * Artillery engine for STOMP 1.2 over WebSocket, plain or in SockJS frames. Times handshakes, receipts, responses and
 * deliveries. A flow without a `connect` step connects before its first step that needs it; a session that is still open
 * at the end of the flow gets what is on its way to it and is then ended with DISCONNECT.
 */
export class StompEngine {
  readonly #script: Script;
  readonly #http: HttpEngine;

  constructor(script: unknown) {
    this.#script = script as Script;
    this.#http = new HttpEngine(script);
    loadActivity.onEnd(async () => await openSessions.closed());
  }

  async init(): Promise<void> {
    await this.#http.init();
  }

  /** Compiles a scenario. Throws SCENARIO_INVALID. */
  createScenario(
    spec: ScenarioSpec,
    ee: EngineEvents,
  ): (context: VirtualUserContext, callback: Callback) => void {
    const { config, _scriptPath: path = '' } = this.#script;
    const scope = new StompScope(config, path, engineSettings());
    const place = spec.name ?? 'scenario';
    const connect = hasConnectStep(spec.flow)
      ? null
      : compileStompStep({ connect: true }, scope, `${place}, connect`);
    const flow = compileFlow(spec.flow, {
      config,
      ee,
      path,
      place,
      own: (step, at) => compileStompStep(step, scope, at),
      http: (step) => this.#http.step(step, ee) as Step,
    });
    const isEager = connectsFirst(spec.flow, stompStepKeys);
    const { jwt } = engineSettings();
    const mint = jwt === null ? null : tokenMint(jwt);
    return (initial, callback) => {
      const context = this.#http.setInitialContext(initial) as VirtualUserContext;
      const implicit = connect === null ? null : new ImplicitConnection(connect);
      const user = new StompUser(scope.needs, implicit);
      addUser(context, user);
      ee.emit('started');
      const end: Callback = (error) => {
        if (error) user.abandon();
        else user.end(goodbyeTimeoutMs);
        callback(error || user.lost, context);
      };
      try {
        if (mint !== null) context.vars.$token = mint(context);
        if (implicit === null || !isEager) flow(context, end);
        else implicit.ensure(context, (error) => (error ? end(error) : flow(context, end)));
      } catch (error) {
        end(recordFailure(error, place));
      }
    };
  }
}
