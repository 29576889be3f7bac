import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

/**
 * The server of the engine benches: `echo` acknowledges at once, `join` and `chat` make rooms, `delayed` acknowledges
 * after the milliseconds it is told, and `stall` stops everything for a while. Ends when its parent does.
 */
const http = createServer();
const io = new Server(http, { serveClient: false, pingInterval: 60_000 });

io.on('connection', (socket) => {
  socket.on('echo', (_data, acknowledge) => acknowledge({ ok: true }));
  socket.on('join', (room, acknowledge) => {
    socket.join(room);
    acknowledge();
  });
  socket.on('chat', (message) => socket.to(message.room).emit('chat', message));
  socket.on('delayed', (delayMs, acknowledge) => setTimeout(acknowledge, delayMs));
  socket.on('stall', (stallMs, acknowledge) => {
    acknowledge();
    const untilMs = performance.now() + stallMs;
    setImmediate(() => {
      while (performance.now() < untilMs);
    });
  });
});

http.listen(0, '127.0.0.1', () => process.send?.({ port: (http.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
