import { type EngineDescription, outlineMessages } from '../core/engine-description.ts';
import { StompScope } from './stomp-scope.ts';
import type { StompConfig } from './stomp-settings.ts';
import { stompSteps } from './stomp-steps.ts';

export const stompDescription: EngineDescription = {
  name: 'stomp',
  protocol: 'STOMP 1.2 over WebSocket, plain or in SockJS frames',
  page: 'stomp.md',
  language: 'stomp',
  engine: { file: 'src/engines/stomp/stomp-engine.ts', name: 'StompEngine' },
  replaces: null,
  stepKeys: stompSteps.keys,
  latencies: ['connect.handshake'],
  counters: ['messages.received', 'messages.unread', 'deliveries.unexpected'],
  steps: {
    kind: 'messages',
    outline: outlineMessages(
      stompSteps,
      (config, path, settings) => new StompScope(config as StompConfig, path, settings),
    ),
    advice: 'Add "receipt: true", "response", or "{{ $tag }}" to its body.',
    measuring: [
      'If the broker gives receipts, add "receipt: true" to the step; if a message answers, "response"; if subscribers get it, put "{{ $tag }}" into its body.',
    ],
  },
};
