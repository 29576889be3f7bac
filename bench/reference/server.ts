/**
 * The reference server of the bench: small, without a dependency, and never changed, so that what it shows of a machine
 * can be compared over years. It speaks as much of Engine.IO 4 and Socket.IO 5 as a room needs, over WebSocket alone.
 *
 *   join { room, token }        -> { ok, members }
 *   say  { room, token, text }  -> { ok }          the others in the room get "said" { room, from, n, text, at }
 *
 * Each message costs what messages cost in servers of this kind: a frame is unmasked and parsed, a token is checked
 * (HMAC, SHA-256), a room is looked up, and JSON is written for each receiver.
 */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const handshakeKey = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const tokenKey = 'reference';
/** Nobody sends frames as long as this; who does is cut off. */
const maxFrameBytes = 1 << 20;
const opcode = { text: 1, close: 8, ping: 9, pong: 10 } as const;

type Client = { id: string; socket: Duplex; room: string | null; sent: number };
type Message = { room: string; token: string; text?: string };

const rooms = new Map<string, Set<Client>>();

const frame = (code: number, payload: Buffer): Buffer => {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = Buffer.allocUnsafe(2 + extended + length);
  bytes[0] = 0x80 | code;
  bytes[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) bytes.writeUInt16BE(length, 2);
  if (extended === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(bytes, 2 + extended);
  return bytes;
};

const sendText = (client: Client, text: string): void => {
  if (client.socket.writable) client.socket.write(frame(opcode.text, Buffer.from(text)));
};

const checkToken = (token: unknown): void => {
  const expected = createHmac('sha256', tokenKey).update('user').digest();
  const given = Buffer.from(String(token), 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('Unauthorized');
};

const leave = (client: Client): void => {
  if (client.room === null) return;
  const members = rooms.get(client.room);
  members?.delete(client);
  if (members?.size === 0) rooms.delete(client.room);
  client.room = null;
};

const handlers: Record<string, (client: Client, message: Message) => Record<string, unknown>> = {
  join: (client, { room, token }) => {
    checkToken(token);
    leave(client);
    const members = rooms.get(room) ?? new Set();
    rooms.set(room, members.add(client));
    client.room = room;
    return { ok: true, members: members.size };
  },
  say: (client, { room, token, text }) => {
    checkToken(token);
    if (client.room !== room) throw new Error(`You are not in room ${room}`);
    client.sent += 1;
    for (const member of rooms.get(room) ?? []) {
      if (member === client) continue;
      const said = { room, from: client.id, to: member.id, n: client.sent, text, at: Date.now() };
      sendText(member, `42${JSON.stringify(['said', said])}`);
    }
    return { ok: true };
  },
};

/** An event of Socket.IO: `2`, the id of its acknowledgement if one is wanted, and its arguments. */
const onEvent = (client: Client, packet: string): void => {
  const at = packet.indexOf('[');
  const id = packet.slice(1, at);
  const [event, message] = JSON.parse(packet.slice(at)) as [string, Message];
  let answer: Record<string, unknown>;
  try {
    answer = handlers[event]?.(client, message) ?? { ok: false, error: `There is no event ${event}` };
  } catch (error) {
    answer = { ok: false, error: (error as Error).message };
  }
  if (id !== '') sendText(client, `43${id}${JSON.stringify([answer])}`);
};

/** A packet of Engine.IO: `4` is a message (of Socket.IO), `2` a ping. */
const onText = (client: Client, text: string): void => {
  if (text.startsWith('42')) onEvent(client, text.slice(1));
  else if (text.startsWith('40')) sendText(client, `40${JSON.stringify({ sid: client.id })}`);
  else if (text.startsWith('41')) client.socket.end();
};

/** Reads the frames that `bytes` begins with; gives what is left of it. Throws when it is no frame of a client. */
const readFrames = (bytes: Buffer, onFrame: (code: number, payload: Buffer) => void): Buffer => {
  let rest = bytes;
  for (;;) {
    if (rest.length < 6) return rest;
    const short = rest[1]! & 0x7f;
    const extended = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (rest.length < 6 + extended) return rest;
    const length =
      extended === 0 ? short : extended === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (length > maxFrameBytes || (rest[1]! & 0x80) === 0) throw new Error('not a frame of a client');
    const start = 6 + extended;
    if (rest.length < start + length) return rest;
    const mask = rest.subarray(start - 4, start);
    const payload = Buffer.from(rest.subarray(start, start + length));
    for (let index = 0; index < length; index += 1) payload[index]! ^= mask[index & 3]!;
    onFrame(rest[0]! & 0x0f, payload);
    rest = rest.subarray(start + length);
  }
};

const connect = (request: IncomingMessage, socket: Duplex): void => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}${handshakeKey}`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const client: Client = { id: randomUUID(), socket, room: null, sent: 0 };
  const open = {
    sid: client.id,
    upgrades: [],
    pingInterval: 600_000,
    pingTimeout: 600_000,
    maxPayload: maxFrameBytes,
  };
  sendText(client, `0${JSON.stringify(open)}`);
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    try {
      rest = readFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), (code, payload) => {
        if (code === opcode.text) onText(client, payload.toString('utf8'));
        else if (code === opcode.ping) socket.write(frame(opcode.pong, payload));
        else if (code === opcode.close) socket.end(frame(opcode.close, payload));
      });
    } catch {
      socket.destroy();
    }
  });
  socket.on('close', () => leave(client));
  socket.on('error', () => socket.destroy());
};

const server = createServer((_request, response) => response.end('ok'));
server.on('upgrade', (request, socket) => connect(request, socket));
process.on('SIGTERM', () => process.exit(0));
server.listen(Number(process.env.PORT), '127.0.0.1');
