import { engineSettings } from '../core/engine-settings.ts';
import { MessageEngine } from '../core/message/message-engine.ts';
import { StompScope } from './stomp-scope.ts';
import type { StompConfig } from './stomp-settings.ts';
import { stompSteps } from './stomp-steps.ts';
import { StompUser } from './stomp-user.ts';

/**
 * Artillery engine for STOMP 1.2 over WebSocket, plain or in SockJS frames. Times handshakes, receipts, responses and
 * deliveries.
 */
export class StompEngine extends MessageEngine<StompConfig, StompScope> {
  constructor(script: unknown) {
    super(script, {
      steps: stompSteps,
      scopeOf: ({ config, _scriptPath = '' }) => new StompScope(config, _scriptPath, engineSettings()),
      userOf: (scope, implicit, context) => new StompUser(scope.needs, implicit, context),
    });
  }
}
