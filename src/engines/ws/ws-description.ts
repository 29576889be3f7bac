import { type EngineDescription, outlineMessages } from '../core/engine-description.ts';
import { type WsConfig, WsScope } from './ws-scope.ts';
import { wsSteps } from './ws-steps.ts';

export const wsDescription: EngineDescription = {
  name: 'ws',
  protocol: 'Messages over WebSocket',
  page: 'websocket.md',
  language: 'ws',
  engine: { file: 'src/engines/ws/ws-engine.ts', name: 'WsEngine' },
  replaces: './engine_ws.js',
  stepKeys: wsSteps.keys,
  latencies: ['connect.handshake'],
  counters: ['messages.received', 'messages.unread', 'deliveries.unexpected'],
  steps: {
    kind: 'messages',
    outline: outlineMessages(
      wsSteps,
      (config, path, settings) => new WsScope(config as WsConfig, path, true, settings),
    ),
    advice: 'Add "response", or "{{ $tag }}" to its payload.',
    measuring: [
      'If the server answers, add "response: true" to the step (the next message is the answer; "field" or "where" choose one).',
      'If others get the message, put "{{ $tag }}" into it.',
    ],
  },
};
