import type { EngineDescription } from '../core/engine-description.ts';
import type { StepSpec } from '../core/flow/step.ts';
import { socketIoDescription } from '../socketio/socketio-description.ts';

export const socketIoV3Description: EngineDescription = {
  ...socketIoDescription,
  name: 'socketio-v3',
  protocol: 'Socket.IO 3 and 4, by the package `artillery-engine-socketio-v3`',
  engine: { file: 'src/engines/socketio-v3/socketio-v3-engine.ts', name: 'SocketIoV3Engine' },
  replaces: null,
  stepKeys: ['emit', 'connect', 'reconnect'],
  // Modules of Artillery 1 that the package `artillery-engine-socketio-v3` requires and Artillery 2 does not have.
  aliases: {
    'artillery/core/lib/engine_util.js': './src/engines/socketio-v3/artillery-1/engine-util.cjs',
    'artillery/core/lib/engine_http.js': './src/engines/socketio-v3/artillery-1/engine-http.cjs',
  },
};

/** Throws for a step that the package would run as another load than the one that is meant. */
export const checkPackageStep = ({ rate }: StepSpec): void => {
  if (rate !== undefined) throw new Error('"rate" needs "engine: socketio"');
};
