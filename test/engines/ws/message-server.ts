import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** What the server got: one handshake or message. */
export type Received =
  | { kind: 'handshake'; url: string; headers: Record<string, string | undefined>; protocol: string }
  | { kind: 'text'; text: string }
  | { kind: 'binary'; bytes: Buffer };

/**
 * A server that does what JSON messages ask: `echo` (in `delay` milliseconds), `join`, `leave` and `chat` in rooms,
 * `say` (answered, then sent to the whole
 * room), `fail` (an `exception` event), `hang` (nothing), `drop` (closes the connection), `garble` (text that is no UTF-8), `greet` (three messages). Text that
 * is not JSON and binary data are sent back.
 */
export type MessageServer = AsyncDisposable & {
  url: string;
  received: Received[];
};

type Message = { type?: string; id?: unknown; delay?: number; room?: string; text?: string };

export const startMessageServer = async (
  options: { tls?: { key: string; cert: string }; prefix?: string } = {},
): Promise<MessageServer> => {
  const received: Received[] = [];
  const rooms = new Map<string, Set<WebSocket>>();
  const roomOf = (name: string) => {
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room);
    return room;
  };
  const server: Server = options.tls === undefined ? createServer() : createSecureServer(options.tls);
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.values().next().value ?? false,
  });
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    if (request.url?.startsWith('/refused')) {
      socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 13\r\n\r\nno such token');
      return;
    }
    if (request.url === '/silent') return;
    sockets.handleUpgrade(request, socket, head, (client) => {
      const { authorization, 'x-user': user, cookie } = request.headers as Record<string, string>;
      received.push({
        kind: 'handshake',
        url: request.url ?? '',
        headers: { authorization, user, cookie },
        protocol: client.protocol,
      });
      client.on('message', (data: Buffer, isBinary) => handle(client, data, isBinary));
      client.on('close', () => {
        for (const room of rooms.values()) room.delete(client);
      });
    });
  });
  const handle = (client: WebSocket, data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      received.push({ kind: 'binary', bytes: data });
      for (const other of sockets.clients) if (other !== client) other.send(data, { binary: true });
      client.send(data, { binary: true });
      return;
    }
    const text = data.toString();
    received.push({ kind: 'text', text });
    let message: Message;
    try {
      message = JSON.parse(text) as Message;
    } catch {
      client.send(text);
      return;
    }
    const send = (value: unknown) => client.send(JSON.stringify(value));
    const { type, id, delay = 0, room = '' } = message;
    if (type === 'echo') setTimeout(() => send({ ...message, type: 'echoed' }), delay);
    else if (type === 'join') {
      roomOf(room).add(client);
      send({ type: 'joined', id, room });
    } else if (type === 'leave') roomOf(room).delete(client);
    else if (type === 'chat') {
      for (const member of roomOf(room))
        if (member !== client) member.send(JSON.stringify({ type: 'said', text: message.text }));
    } else if (type === 'say') {
      // The answer echoes what was said, and all get it a little later, the sender too.
      send({ ...message, type: 'accepted' });
      setTimeout(() => {
        for (const member of roomOf(room)) member.send(JSON.stringify({ type: 'said', text: message.text }));
      }, 20);
    } else if (type === 'fail')
      send({ event: 'exception', data: { status: 'error', message: 'not allowed' } });
    else if (type === 'drop') client.close(4001, 'go away');
    else if (type === 'garble')
      (client as unknown as { _socket: Socket })._socket.write(Buffer.from([0x81, 1, 0xff]));
    else if (type === 'greet') for (const name of ['one', 'two', 'three']) send({ type: 'greeting', name });
    else if (type !== 'hang') send(message);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}`,
    received,
    [Symbol.asyncDispose]: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
