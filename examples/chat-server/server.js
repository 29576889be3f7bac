/**
 * A chat server on Socket.IO, with rooms kept in memory.
 *
 *   createRoom { roomId? }        -> { ok, roomId }            with a token; the caller owns the room and is in it
 *   joinRoom   { roomId }         -> { ok, roomId, members }   with a token
 *   chat       { roomId, text }   -> { ok }                    with a token; the others in the room get
 *                                                              "chat" { roomId, from, text }
 *   leaveRoom  { roomId }         -> { ok }
 *   deleteRoom { roomId }         -> { ok }                    with the owner's token
 *
 * The token is a JWT (HS256) in `handshake.auth.accessToken`, or "Bearer ..." in the header `accesstoken`. A failure
 * is not acknowledged: it arrives as an event "exception" { status, message, event }. A disconnect leaves every room.
 * A room is deleted when its owner leaves; its members get "roomDeleted" { roomId }. A room `lobby/7` is a part of
 * `lobby`: it comes with the first join and goes with the last leave, or with `lobby`.
 *
 * Environment:
 *   PORT              default 3000
 *   JWT_SECRET        default "example-secret"
 *   CREATE_ON_JOIN    "true": joining a room that does not exist creates it, without an owner
 *   CHAT_WORK_MICROS  CPU time that every chat costs on top, to try out a slower version
 *   CHAT_DELAY_MS     time that every chat waits before it is handled, likewise
 */
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { verifyToken } from './token.js';

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

/** Rooms by id: who owns each, and the ids of the sockets in it. */
const rooms = new Map();

const http = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.statusCode = request.url === '/' || request.url === '/health' ? 200 : 404;
  response.end(JSON.stringify({ ok: response.statusCode === 200, rooms: rooms.size }));
});
const io = new Server(http, { serveClient: false });

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

const existingRoom = (roomId) => {
  const room = rooms.get(text(roomId, 'roomId'));
  if (room === undefined) throw new Error(`Room ${roomId} does not exist`);
  return room;
};

const parentOf = (roomId) => roomId.slice(0, Math.max(0, roomId.lastIndexOf('/')));

const deleteRoom = (roomId) => {
  rooms.delete(roomId);
  io.to(roomId).emit('roomDeleted', { roomId });
  io.socketsLeave(roomId);
  for (const id of rooms.keys()) if (parentOf(id) === roomId) deleteRoom(id);
};

const enter = (socket, roomId, room) => {
  room.members.add(socket.id);
  socket.join(roomId);
};

const leave = (socket, roomId, room) => {
  room.members.delete(socket.id);
  socket.leave(roomId);
  if (room.owner === socket.id || (room.owner === null && room.members.size === 0)) deleteRoom(roomId);
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps the processor busy, as a slower handler would. */
const work = (ms) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const handlers = {
  createRoom: (socket, { roomId = `room-${socket.id}` }) => {
    userOf(socket);
    if (rooms.has(text(roomId, 'roomId'))) throw new Error(`Room ${roomId} exists already`);
    const room = { owner: socket.id, members: new Set() };
    rooms.set(roomId, room);
    enter(socket, roomId, room);
    return { ok: true, roomId };
  },
  joinRoom: (socket, { roomId }) => {
    userOf(socket);
    if (!rooms.has(roomId) && (createOnJoin || rooms.has(parentOf(text(roomId, 'roomId')))))
      rooms.set(roomId, { owner: null, members: new Set() });
    const room = existingRoom(roomId);
    enter(socket, roomId, room);
    return { ok: true, roomId, members: room.members.size };
  },
  chat: async (socket, { roomId, text: message }) => {
    const user = userOf(socket);
    if (!existingRoom(roomId).members.has(socket.id)) throw new Error(`You are not in room ${roomId}`);
    if (chatDelayMs > 0) await pause(chatDelayMs);
    if (chatWorkMs > 0) work(chatWorkMs);
    socket.to(roomId).emit('chat', { roomId, from: user.name ?? user.sub ?? socket.id, text: message });
    return { ok: true };
  },
  leaveRoom: (socket, { roomId }) => {
    leave(socket, roomId, existingRoom(roomId));
    return { ok: true };
  },
  deleteRoom: (socket, { roomId }) => {
    userOf(socket);
    if (existingRoom(roomId).owner !== socket.id) throw new Error('Only the owner may delete a room');
    deleteRoom(roomId);
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
    for (const roomId of socket.rooms) {
      const room = rooms.get(roomId);
      if (room !== undefined) leave(socket, roomId, room);
    }
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    io.close(() => process.exit(0));
    setTimeout(() => process.exit(0), 1000).unref();
  });
}

http.listen(port, '127.0.0.1', () => console.log(`chat server listening on http://127.0.0.1:${port}`));
