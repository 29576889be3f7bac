import type { OpenConnection } from './client-socket.ts';
import { openClientConnection } from './open-client-connection.ts';
import { openWireConnection } from './wire/open-wire-connection.ts';
import { isForWire } from './wire/wire-options.ts';

/** Opens a connection: on the wire where its options allow that, else with `socket.io-client`. */
export const openConnection: OpenConnection = (url, options) =>
  isForWire(options) ? openWireConnection(url, options) : openClientConnection(url, options);
