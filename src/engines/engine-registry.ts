import type { EngineDescription } from './core/engine-description.ts';
import { httpDescription } from './http/http-description.ts';
import { socketIoDescription } from './socketio/socketio-description.ts';
import { socketIoV3Description } from './socketio-v3/socketio-v3-description.ts';
import { stompDescription } from './stomp/stomp-description.ts';
import { wsDescription } from './ws/ws-description.ts';

/** The engines that every generator process has. The bundle, the checks of scenarios and the metrics follow this list. */
export const engines: readonly EngineDescription[] = [
  socketIoDescription,
  socketIoV3Description,
  wsDescription,
  stompDescription,
  httpDescription,
];

/** The engine of that name; undefined for one that the author of a scenario brings. */
export const engineNamed = (name: string): EngineDescription | undefined =>
  engines.find((engine) => engine.name === name);

/** Whether the steps of that engine emit events: Socket.IO. */
export const isEmitting = (name: string): boolean => engineNamed(name)?.steps.kind === 'emits';
