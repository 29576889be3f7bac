import { Manager } from 'socket.io-client';
import type { ClientConnection, ConnectionOptions } from './client-socket.ts';

/** Opens a connection with `socket.io-client`. Its manager is never shared: one virtual user, one connection. */
export const openClientConnection = (url: string, options: ConnectionOptions): ClientConnection => {
  const manager = new Manager(url, options);
  const sockets: { disconnect(): unknown }[] = [];
  return {
    socket: (namespace) => {
      const socket = manager.socket(namespace, options);
      sockets.push(socket);
      return socket;
    },
    close: () => {
      for (const socket of sockets) socket.disconnect();
    },
  };
};
