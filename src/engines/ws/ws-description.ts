import { type EngineDescription, outlineMessages } from '../core/engine-description.ts';
import { type WsConfig, WsScope } from './ws-scope.ts';
import { wsSteps } from './ws-steps.ts';

export const wsDescription: EngineDescription = {
  name: 'ws',
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
  },
};
