import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Server, type ServerOptions, type Socket } from 'socket.io';

/** A Socket.IO server in this process, closed after the test. */
export const socketIoServer = async (
  t: TestContext,
  onConnection: (socket: Socket, io: Server) => void,
  options: Partial<ServerOptions> & { configure?: (io: Server) => void } = {},
): Promise<{ io: Server; url: string }> => {
  const { configure, ...serverOptions } = options;
  const http = createServer();
  const io = new Server(http, serverOptions);
  configure?.(io);
  io.on('connection', (socket) => onConnection(socket, io));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
};
