import { HttpEngine } from '../../http/http-engine.ts';
import { engineSettings } from '../engine-settings.ts';
import { compileFlow, type FlowConfig } from '../flow/compile-flow.ts';
import { connectsFirst, hasConnectStep, ImplicitConnection } from '../flow/implicit-connect.ts';
import { type EngineEvents, recordFailure, type Step, type VirtualUserContext } from '../flow/step.ts';
import { loadActivity } from '../load-activity.ts';
import { openSessions } from '../open-sessions.ts';
import { tokenMint } from '../virtual-user-token.ts';
import type { MessageScope } from './message-scope.ts';
import type { MessageSteps } from './message-steps.ts';
import { addUser, type MessageUser } from './message-user.ts';

export type MessageScenario = { name?: string; flow?: unknown };
export type MessageScript<Config> = {
  config: Config & FlowConfig;
  scenarios?: MessageScenario[];
  _scriptPath?: string;
};
type Callback = (error: unknown, context?: VirtualUserContext) => void;

/** What an engine for messages has of its own. */
export type MessageProtocol<Config, S extends MessageScope> = {
  steps: MessageSteps<S>;
  /** What the steps of a scenario share. Throws SCENARIO_INVALID. */
  scopeOf(script: MessageScript<Config>, scenario: MessageScenario): S;
  userOf(scope: S, implicit: ImplicitConnection | null, context: VirtualUserContext): MessageUser;
};

/**
 * Artillery's engine contract for protocols whose virtual users have one connection and send messages. A flow without a
 * `connect` step connects before its first step that needs it; what is open at the end of the flow gets what is on its way
 * to it and is then closed.
 */
export class MessageEngine<Config, S extends MessageScope> {
  readonly #script: MessageScript<Config>;
  readonly #protocol: MessageProtocol<Config, S>;
  readonly #http: HttpEngine;

  constructor(script: unknown, protocol: MessageProtocol<Config, S>) {
    this.#script = script as MessageScript<Config>;
    this.#protocol = protocol;
    this.#http = new HttpEngine(script);
    loadActivity.onEnd(async () => await openSessions.closed());
  }

  async init(): Promise<void> {
    await this.#http.init();
  }

  /** Compiles a scenario. Throws SCENARIO_INVALID. */
  createScenario(
    spec: MessageScenario,
    ee: EngineEvents,
  ): (context: VirtualUserContext, callback: Callback) => void {
    const { config, _scriptPath: path = '' } = this.#script;
    const { steps, scopeOf, userOf } = this.#protocol;
    const scope = scopeOf(this.#script, spec);
    const place = spec.name ?? 'scenario';
    const connect = hasConnectStep(spec.flow)
      ? null
      : steps.compile({ connect: true }, scope, `${place}, connect`);
    const flow = compileFlow(spec.flow, {
      config,
      ee,
      path,
      place,
      own: (step, at) => steps.compile(step, scope, at),
      http: (step) => this.#http.step(step, ee) as Step,
    });
    const isEager = connectsFirst(spec.flow, steps.keys);
    const { jwt } = engineSettings();
    const mint = jwt === null ? null : tokenMint(jwt);
    return (initial, callback) => {
      const context = this.#http.setInitialContext(initial) as VirtualUserContext;
      const implicit = connect === null ? null : new ImplicitConnection(connect);
      const user = userOf(scope, implicit, context);
      addUser(context, user);
      ee.emit('started');
      context._successCount = 0;
      const end: Callback = (error) => {
        user.end(Boolean(error));
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
