import type { EngineDescription } from '../core/engine-description.ts';

export const socketIoDescription: EngineDescription = {
  name: 'socketio',
  protocol: 'Socket.IO 3 and 4 over WebSocket and polling',
  page: 'scenarios.md',
  language: 'socketio',
  engine: { file: 'src/engines/socketio/socketio-engine.ts', name: 'SocketIoEngine' },
  replaces: './engine_socketio.js',
  stepKeys: ['emit', 'response', 'connect', 'reconnect', 'disconnect'],
  latencies: ['connect.handshake'],
  counters: ['deliveries.unexpected'],
  steps: { kind: 'emits' },
};
