import type { EngineDescription } from '../core/engine-description.ts';

export const socketIoDescription: EngineDescription = {
  name: 'socketio',
  engine: { file: 'src/engines/socketio/socketio-engine.ts', name: 'SocketIoEngine' },
  replaces: './engine_socketio.js',
  stepKeys: ['emit', 'response', 'connect', 'reconnect', 'disconnect'],
  latencies: ['connect.handshake'],
  counters: ['deliveries.unexpected'],
  steps: { kind: 'emits' },
};
