/**
 * Messages for whoever is near, over Socket.IO on WebSocket alone.
 *
 *   save_msg { token, longitude, latitude, contents, radius } -> { ok, id, receivers }
 *
 * The message is stored, and every other user whose last known position is within `radius` metres of it gets
 * "new_msg" { id, from, longitude, latitude, contents, distance }. The position of a user is that of its last message;
 * it is forgotten with the connection. A failure is acknowledged as { ok: false, error }. `GET /` answers 200.
 *
 * Environment:
 *   PORT               default 3000
 *   DATABASE_URL       "file:" and a path; required, and of a test database, in tests and in CI (see test-database.js)
 *   JWT_SECRET         default "example-secret": the tokens of messages are signed with it (HS256)
 *   MAX_CONNECTIONS    WebSocket connections beyond which new ones are answered with HTTP 503
 *   WRITE_BATCH_MS     write messages behind, this often, and not before they are acknowledged
 *   WRITE_QUEUE_LIMIT  messages that may wait to be written; what comes beyond is dropped, as a full queue does
 *   SAVE_WORK_MICROS   CPU time that every message costs on top, to try out a slower version
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { verifyToken } from '../chat-server/token.js';
import { distanceMetres } from './distance.js';
import { openStore } from './message-store.js';
import { databaseFile, isTestRun } from './test-database.js';

const number = (name, fallback) => {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number, not "${text}"`);
  return value;
};

const port = number('PORT', 3000);
const secret = process.env.JWT_SECRET || 'example-secret';
const maxConnections = number('MAX_CONNECTIONS', Number.POSITIVE_INFINITY);
const writeBatchMs = number('WRITE_BATCH_MS', 0);
const writeQueueLimit = number('WRITE_QUEUE_LIMIT', Number.POSITIVE_INFINITY);
const saveWorkMs = number('SAVE_WORK_MICROS', 0) / 1000;

let file;
try {
  file = databaseFile(process.env, process.cwd());
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const store = openStore(file, { empty: isTestRun(process.env) });

/** Messages that wait to be written. */
let queue = [];
const flush = () => {
  const messages = queue;
  queue = [];
  if (messages.length > 0) store.save(messages);
};
if (writeBatchMs > 0) setInterval(flush, writeBatchMs).unref();

const save = (message) => {
  if (writeBatchMs === 0) store.save([message]);
  else if (queue.length < writeQueueLimit) queue.push(message);
};

const http = createServer((request, response) => {
  const isKnown = request.url === '/' || request.url === '/health';
  response.statusCode = isKnown ? 200 : 404;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ok: isKnown, store: store.kind, connections }));
});
const io = new Server(http, { serveClient: false, transports: ['websocket'] });

/** WebSocket connections, also those on which Socket.IO has not connected yet. */
let connections = 0;
const [upgrade] = http.listeners('upgrade');
http.removeAllListeners('upgrade');
http.on('upgrade', (request, socket, head) => {
  if (connections >= maxConnections) {
    const headers = ['Retry-After: 5', 'Content-Length: 0', 'Connection: close'];
    socket.end(`HTTP/1.1 503 Service Unavailable\r\n${headers.join('\r\n')}\r\n\r\n`);
    return;
  }
  connections += 1;
  socket.once('close', () => {
    connections -= 1;
  });
  upgrade(request, socket, head);
});

/** Last known position of each connected user that has sent a message. */
const positions = new Map();

const coordinate = (value, name, limit) => {
  const degrees = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof degrees !== 'number' || !(Math.abs(degrees) <= limit))
    throw new Error(`${name} must be a number of degrees, at most ${limit}`);
  return degrees;
};

const work = (ms) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const saveMessage = (socket, { token, longitude, latitude, contents, radius }) => {
  if (typeof token !== 'string') throw new Error('Unauthorized');
  const sender = String(verifyToken(token.replace(/^Bearer /i, ''), secret).sub ?? socket.id);
  const place = {
    longitude: coordinate(longitude, 'longitude', 180),
    latitude: coordinate(latitude, 'latitude', 90),
  };
  if (typeof contents !== 'string' || contents === '') throw new Error('contents must be a text');
  const metres = Number(radius);
  if (!(metres > 0)) throw new Error('radius must be a number of metres');
  if (saveWorkMs > 0) work(saveWorkMs);
  const id = randomUUID();
  save({ id, sender, ...place, contents, radius: metres, savedAt: new Date().toISOString() });
  positions.set(socket, place);
  let receivers = 0;
  for (const [other, position] of positions) {
    if (other === socket) continue;
    const distance = distanceMetres(place, position);
    if (distance > metres) continue;
    other.emit('new_msg', { id, from: sender, ...place, contents, distance: Math.round(distance) });
    receivers += 1;
  }
  return { ok: true, id, receivers };
};

io.on('connection', (socket) => {
  socket.on('save_msg', (message, acknowledge = () => {}) => {
    try {
      acknowledge(saveMessage(socket, message ?? {}));
    } catch (error) {
      acknowledge({ ok: false, error: error.message });
    }
  });
  socket.on('disconnect', () => positions.delete(socket));
});

const end = () => {
  flush();
  store.close();
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    io.close(end);
    setTimeout(end, 1000).unref();
  });
}

http.listen(port, '127.0.0.1', () =>
  console.log(`location server listening on http://127.0.0.1:${port}, messages in ${file} (${store.kind})`),
);
