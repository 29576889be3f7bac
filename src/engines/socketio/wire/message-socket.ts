import { type ClientOptions, WebSocket } from 'ws';

/** What a message socket tells. After `closed`, nothing. */
export type MessageSocketEvents = {
  /** A message came. Its bytes are good only until this returns. */
  message(data: Buffer, isBinary: boolean): void;
  /** It is over: with an error, or because it was closed, with what the server's close frame said. */
  closed(error: Error | null, farewell?: Farewell): void;
};

/** What the server's close frame says; 1005 is none (RFC 6455, 7.4.1). */
export type Farewell = { code: number; reason: string };

/** A WebSocket that carries whole messages. */
export type MessageSocket = {
  send(data: string | Buffer): void;
  /** Says farewell. */
  close(): void;
  /** Breaks the connection off. */
  terminate(): void;
};

/** A message socket by the package `ws`, which knows everything: TLS, agents, compression. */
export const openPackageSocket = (
  url: string,
  options: ClientOptions,
  events: MessageSocketEvents,
): MessageSocket => {
  const socket = new WebSocket(url, [], options);
  socket.on('message', (data, isBinary) => events.message(data as Buffer, isBinary));
  socket.on('error', (error) => events.closed(error));
  socket.on('close', (code, reason) => events.closed(null, { code, reason: reason.toString() }));
  return socket;
};
