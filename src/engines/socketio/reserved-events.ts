/**
 * Names that Socket.IO itself gives to events, as in `socket.io-parser`: a client that emits one throws, and a server that
 * gets one closes the connection.
 */
export const reservedEvents: ReadonlySet<unknown> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);
