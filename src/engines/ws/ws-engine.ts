import { engineSettings } from '../core/engine-settings.ts';
import type { FlowScenario, FlowScript } from '../core/flow/flow-engine.ts';
import { stepsOf } from '../core/flow/step.ts';
import { MessageEngine } from '../core/message/message-engine.ts';
import { type WsConfig, WsScope } from './ws-scope.ts';
import { wsSteps } from './ws-steps.ts';
import { WsUser } from './ws-user.ts';

/**
 * Artillery engine for raw WebSockets, with the language of Artillery's own `ws` engine and its missing latencies:
 * handshakes, responses and deliveries are timed, every wait ends, and a lost connection is told.
 */
export class WsEngine extends MessageEngine<WsConfig, WsScope> {
  constructor(script: unknown) {
    super(script, {
      steps: wsSteps,
      scopeOf: (whole, { flow }) =>
        new WsScope(
          whole.config,
          whole._scriptPath ?? '',
          !hasRooms(whole) && !hasJoins(flow),
          engineSettings(),
        ),
      userOf: (scope, implicit, context) => new WsUser(scope.needs, implicit, context),
    });
  }
}

/** Whether some scenario says who is in which room; else everyone connected is in one. */
const hasRooms = ({ scenarios = [] }: FlowScript<WsConfig, FlowScenario>): boolean =>
  scenarios.some(({ flow }) => hasJoins(flow)) ||
  engineSettings().deliveries.some(({ join }) => join !== null);

const hasJoins = (flow: unknown): boolean =>
  stepsOf(flow).some((spec) => spec?.joins !== undefined || hasJoins(spec?.loop) || hasJoins(spec?.parallel));
