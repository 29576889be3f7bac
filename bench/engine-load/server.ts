import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { seededRandom } from '../../src/metrics/seeded-random.ts';

/** What the server handled since it was started or reset, and its connections. */
export type ServerCounts = {
  /** Connections made so far. */
  connections: number;
  open: number;
  mostOpen: number;
  /** Messages that were acknowledged. */
  echoes: number;
  /** Messages to rooms, and to how many receivers they were sent. */
  chats: number;
  deliveries: number;
};

/** Quantiles of the delays that the server made between a message and its acknowledgement, milliseconds. */
export type ServerDelays = { count: number; p50Ms: number; p95Ms: number; p99Ms: number };

/**
 * What the server can be asked: its counts, to forget what it counted, the delays that it injected, and to stop
 * everything for a while (answered at its end).
 */
export type ServerQuestion = 'counts' | 'reset' | 'delays' | { stallMs: number };

/**
 * The server of the engine benches: `echo` acknowledges at once, `join` and `chat` make rooms, and `delayed`
 * acknowledges after a delay drawn from a log-normal distribution. Ends when its parent does.
 */
const http = createServer();
const io = new Server(http, { serveClient: false, pingInterval: 60_000 });
const counts: ServerCounts = { connections: 0, open: 0, mostOpen: 0, echoes: 0, chats: 0, deliveries: 0 };
const random = seededRandom(1);
let delaysMs: number[] = [];

/** Median 20 ms, p95 54 ms, p99 81 ms before the timer rounds it; what it came to is measured. */
const drawDelayMs = (): number => {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return 20 * Math.exp(0.6 * normal);
};

io.on('connection', (socket) => {
  counts.connections += 1;
  counts.open += 1;
  counts.mostOpen = Math.max(counts.mostOpen, counts.open);
  socket.on('disconnect', () => {
    counts.open -= 1;
  });
  socket.on('echo', (_data, acknowledge) => {
    counts.echoes += 1;
    acknowledge({ ok: true });
  });
  socket.on('join', (room, acknowledge) => {
    socket.join(room);
    acknowledge();
  });
  socket.on('chat', (message) => {
    counts.chats += 1;
    counts.deliveries += (io.of('/').adapter.rooms.get(message.room)?.size ?? 1) - 1;
    socket.to(message.room).emit('chat', message);
  });
  socket.on('delayed', (_data, acknowledge) => {
    const fromMs = performance.now();
    setTimeout(() => {
      delaysMs.push(performance.now() - fromMs);
      acknowledge();
    }, drawDelayMs());
  });
});

const delays = (): ServerDelays => {
  const sorted = delaysMs.sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
};

const reset = (): void => {
  delaysMs = [];
  Object.assign(counts, { connections: 0, mostOpen: counts.open, echoes: 0, chats: 0, deliveries: 0 });
};

const answer = (question: ServerQuestion): unknown => {
  if (question === 'counts') return counts;
  if (question === 'delays') return delays();
  if (question === 'reset') {
    reset();
    return null;
  }
  const untilMs = performance.now() + question.stallMs;
  while (performance.now() < untilMs);
  return null;
};

http.listen(0, '127.0.0.1', 4_096, () =>
  process.send?.({ value: { port: (http.address() as AddressInfo).port } }),
);
process.on('message', (question: ServerQuestion) => process.send?.({ value: answer(question) }));
process.on('disconnect', () => process.exit(0));
