/**
 * A Socket.IO server whose capacity is known by construction: one worker that takes SERVICE_MS for each message, one
 * after the other, so that 1000 / SERVICE_MS messages a second are all that it can do. The work is a wait and takes no
 * CPU; its end is computed, so that late timers do not add up.
 */
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const serviceMs = Number(process.env.SERVICE_MS ?? 10);
const http = createServer((_, response) => response.end('ok'));
const io = new Server(http);
let freeAt = 0;

io.on('connection', (socket) => {
  socket.on('work', (_, done) => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now) + serviceMs;
    setTimeout(done, freeAt - now, { ok: true });
  });
});
http.listen(Number(process.env.PORT), '127.0.0.1');
