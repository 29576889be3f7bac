import {
  FlowEngine,
  type FlowScenario,
  type FlowScript,
  placeOf,
  type ScenarioFunction,
} from '../flow/flow-engine.ts';
import { connectsFirst, hasConnectStep, ImplicitConnection } from '../flow/implicit-connect.ts';
import type { EngineEvents, Step, VirtualUserContext } from '../flow/step.ts';
import type { MessageScope } from './message-scope.ts';
import type { MessageSteps } from './message-steps.ts';
import { addUser, type MessageUser } from './message-user.ts';

/** What an engine for messages has of its own. */
export type MessageProtocol<Config, S extends MessageScope> = {
  steps: MessageSteps<S>;
  /** What the steps of a scenario share. Throws SCENARIO_INVALID. */
  scopeOf(script: FlowScript<Config, FlowScenario>, scenario: FlowScenario): S;
  userOf(scope: S, implicit: ImplicitConnection | null, context: VirtualUserContext): MessageUser;
};

/**
 * Artillery's engine contract for protocols whose virtual users have one connection and send messages. A flow without a
 * `connect` step connects before its first step that needs it; what is open at the end of the flow gets what is on its way
 * to it and is then closed.
 */
export class MessageEngine<Config, S extends MessageScope> extends FlowEngine<Config> {
  readonly #protocol: MessageProtocol<Config, S>;

  constructor(script: unknown, protocol: MessageProtocol<Config, S>) {
    super(script);
    this.#protocol = protocol;
  }

  /** Compiles a scenario. Throws SCENARIO_INVALID. */
  createScenario(spec: FlowScenario, ee: EngineEvents): ScenarioFunction {
    const { steps, scopeOf, userOf } = this.#protocol;
    const scope = scopeOf(this.script, spec);
    const connect = hasConnectStep(spec.flow)
      ? null
      : steps.compile({ connect: true }, scope, `${placeOf(spec)}, connect`);
    const flow = this.compile(spec, ee, (step, at) => steps.compile(step, scope, at));
    const isEager = connectsFirst(spec.flow, steps.keys);
    const connecting =
      (implicit: ImplicitConnection): Step =>
      (context, end) =>
        implicit.ensure(context, (error) => (error ? end(error) : flow(context, end)));
    return this.scenario({
      spec,
      ee,
      userOf: (context) => {
        const implicit = connect === null ? null : new ImplicitConnection(connect);
        const user = userOf(scope, implicit, context);
        addUser(context, user);
        return user;
      },
      run: ({ implicit }) => (implicit === null || !isEager ? flow : connecting(implicit)),
    });
  }
}
