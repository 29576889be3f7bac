/**
 * One instance of the chat server. The contract is that of examples/chat-server; rooms are shared with the other
 * instances through Redis where REDIS_URL is set, and kept in memory where it is not.
 *
 * Environment:
 *   PORT              default 3000; 0 for a free one
 *   REDIS_URL         Redis that the instances have in common
 *   REDIS_PREFIX      of the keys and channels there, so that several clusters can use one Redis
 *   INSTANCE          number of this instance, default 1
 *   JWT_SECRET        default "example-secret"
 *   CREATE_ON_JOIN    "true": joining a room that does not exist creates it, without an owner
 *   CHAT_WORK_MICROS  CPU time that every chat costs on top, to try out a slower version
 *   CHAT_DELAY_MS     time that every chat waits before it is handled, likewise
 */
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { verifyToken } from '../chat-server/token.js';
import { MemoryRooms } from './memory-rooms.js';
import { RedisRooms } from './redis-rooms.js';

const number = (name, fallback) => {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number, not "${text}"`);
  return value;
};

const port = number('PORT', 3000);
const secret = process.env.JWT_SECRET || 'example-secret';
const createOnJoin = process.env.CREATE_ON_JOIN === 'true';
const chatWorkMs = number('CHAT_WORK_MICROS', 0) / 1000;
const chatDelayMs = number('CHAT_DELAY_MS', 0);
const instance = number('INSTANCE', 1);
const { REDIS_URL: redisUrl, REDIS_PREFIX: prefix = 'chat' } = process.env;

const http = createServer((request, response) => {
  const isKnown = request.url === '/' || request.url === '/health';
  response.statusCode = isKnown ? 200 : 404;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ok: isKnown, instance, users: io.engine.clientsCount }));
});
const io = new Server(http, { serveClient: false });

const openRooms = async () => {
  if (!redisUrl) return new MemoryRooms();
  const client = new Redis(redisUrl);
  const subscriber = client.duplicate();
  for (const each of [client, subscriber])
    each.on('error', (error) => console.error(`Redis: ${error.message}`));
  io.adapter(createAdapter(client, subscriber, { key: prefix }));
  // Answered after the subscriptions of the adapter: from here on no message of another instance is missed.
  await subscriber.ping();
  return new RedisRooms(client, prefix);
};
const rooms = await openRooms();

const userOf = (socket) => {
  const { auth, headers } = socket.handshake;
  const bearer = auth.accessToken ?? headers.accesstoken;
  if (typeof bearer !== 'string') throw new Error('Unauthorized');
  return verifyToken(bearer.replace(/^Bearer /i, ''), secret);
};

const text = (value, name) => {
  if (typeof value !== 'string' || value === '') throw new Error(`${name} must be a text`);
  return value;
};

const missing = (roomId) => new Error(`Room ${roomId} does not exist`);

/** In one turn: a member of this instance that was told so is in the room no more. */
const dissolve = (id) => {
  io.local.to(id).emit('roomDeleted', { roomId: id });
  io.local.in(id).socketsLeave(id);
};
// From another instance.
io.on('dissolve', dissolve);

const deleteRoom = async (roomId) => {
  for (const id of await rooms.delete(roomId)) {
    dissolve(id);
    if (redisUrl) io.serverSideEmit('dissolve', id);
  }
};

const leave = async (socket, roomId) => {
  const isOver = await rooms.leave(roomId, socket.id);
  if (isOver) await deleteRoom(roomId);
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps the processor busy, as a slower handler would. */
const work = (ms) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const handlers = {
  createRoom: async (socket, { roomId = `room-${socket.id}` }) => {
    userOf(socket);
    if (!(await rooms.create(text(roomId, 'roomId'), socket.id)))
      throw new Error(`Room ${roomId} exists already`);
    socket.join(roomId);
    return { ok: true, roomId };
  },
  joinRoom: async (socket, { roomId }) => {
    userOf(socket);
    const members = await rooms.join(text(roomId, 'roomId'), socket.id, createOnJoin);
    if (members === null) throw missing(roomId);
    socket.join(roomId);
    return { ok: true, roomId, members };
  },
  chat: async (socket, { roomId, text: message }) => {
    const user = userOf(socket);
    // Whoever is in a room is so on this instance: a chat asks Redis for nothing.
    if (!socket.rooms.has(roomId)) {
      if (!(await rooms.has(text(roomId, 'roomId')))) throw missing(roomId);
      throw new Error(`You are not in room ${roomId}`);
    }
    if (chatDelayMs > 0) await pause(chatDelayMs);
    if (chatWorkMs > 0) work(chatWorkMs);
    socket.to(roomId).emit('chat', { roomId, from: user.name ?? user.sub ?? socket.id, text: message });
    return { ok: true };
  },
  leaveRoom: async (socket, { roomId }) => {
    if (!(await rooms.has(text(roomId, 'roomId')))) throw missing(roomId);
    socket.leave(roomId);
    await leave(socket, roomId);
    return { ok: true };
  },
  deleteRoom: async (socket, { roomId }) => {
    userOf(socket);
    if (!(await rooms.has(text(roomId, 'roomId')))) throw missing(roomId);
    if (!(await rooms.isOwner(roomId, socket.id))) throw new Error('Only the owner may delete a room');
    await deleteRoom(roomId);
    return { ok: true };
  },
};

io.on('connection', (socket) => {
  for (const [event, handle] of Object.entries(handlers)) {
    socket.on(event, async (...args) => {
      const acknowledge = typeof args.at(-1) === 'function' ? args.pop() : () => {};
      try {
        acknowledge(await handle(socket, args[0] ?? {}));
      } catch (error) {
        socket.emit('exception', { status: 'error', message: error.message, event });
      }
    });
  }
  socket.on('disconnecting', () => {
    for (const roomId of socket.rooms)
      if (roomId !== socket.id)
        leave(socket, roomId).catch((error) => console.error(`Leaving ${roomId}: ${error.message}`));
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
// The cluster is gone.
process.on('disconnect', () => process.exit(0));

http.listen(port, '127.0.0.1', () => {
  const { port: listening } = http.address();
  console.log(`instance ${instance} listening on http://127.0.0.1:${listening}`);
  process.send?.({ port: listening });
});
