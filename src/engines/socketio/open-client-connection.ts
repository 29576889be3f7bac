import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Manager } from 'socket.io-client';
import { frameMeter } from '../core/frame-meter.ts';
import { type SourceAddress, sourceAddress } from '../core/local-address.ts';
import { recorder } from '../core/recorder.ts';
import type { ClientConnection, ConnectionOptions } from './client-socket.ts';

/** Opens a connection with `socket.io-client`. Its manager is never shared: one virtual user, one connection. */
export const openClientConnection = (url: string, options: ConnectionOptions): ClientConnection => {
  frameMeter.missesConnection();
  const source = sourceAddress(url);
  const agent = agentFor(url, options, source);
  const all: ConnectionOptions = { ...source, ...options, ...(agent === null ? {} : { agent }) };
  const manager = new Manager(url, all);
  const sockets: { disconnect(): unknown }[] = [];
  let hasOpened = false;
  manager.on('open', () => {
    hasOpened = true;
  });
  return {
    socket: (namespace) => {
      const socket = manager.socket(namespace, options);
      sockets.push(socket);
      socket.onAny((event: string) => {
        if (!socket.hasListeners(event)) recorder.unheard(event);
      });
      return socket;
    },
    close: () => {
      for (const socket of sockets) socket.disconnect();
      if (!hasOpened) agent?.destroy();
    },
  };
};

/**
 * An agent for the requests of the polling transport, so that they can be ended: `socket.io-client` leaves the request
 * of a handshake that it gave up open, with its descriptor, for as long as the server says nothing.
 */
function agentFor(url: string, options: ConnectionOptions, source: SourceAddress): HttpAgent | null {
  const transports = options.transports as unknown[] | undefined;
  if (options.agent !== undefined || (transports !== undefined && !transports.includes('polling')))
    return null;
  return url.startsWith('https:') ? new HttpsAgent(source) : new HttpAgent(source);
}
