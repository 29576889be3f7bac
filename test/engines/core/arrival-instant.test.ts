import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { arrivedMs, noteArrival } from '../../../src/engines/core/arrival-instant.ts';

const compute = (ms: number): void => {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
};

/** Until the event loop has been around: what it calls after reading has run then. */
const turn = async (): Promise<void> => {
  for (let count = 0; count < 2; count += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('what is read in one turn of the event loop arrived when the first of it was read', async () => {
  const before = performance.now();
  noteArrival();
  const first = arrivedMs(0);
  assert.ok(first >= before);
  compute(5);
  noteArrival();
  assert.equal(arrivedMs(0), first);
  await turn();
  const later = performance.now();
  assert.ok(arrivedMs(0) >= later, 'outside of a turn it is now');
  noteArrival();
  assert.ok(arrivedMs(0) >= later, 'and the next turn has an instant of its own');
  await turn();
});

test('no message arrives before it was sent', async () => {
  noteArrival();
  compute(2);
  const sentMs = performance.now();
  assert.ok(arrivedMs(sentMs) >= sentMs);
  await turn();
});

test('more sockets than the system is asked for at once do not all share an instant', async () => {
  noteArrival();
  const first = arrivedMs(0);
  compute(2);
  for (let read = 0; read < 1_024; read += 1) noteArrival();
  assert.ok(arrivedMs(0) > first);
  await turn();
});

test('answers that lie ready together are not timed by the work on those before them', async () => {
  const server = net.createServer((socket) => socket.on('data', () => socket.write('answer')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const sockets = await Promise.all(
    Array.from(
      { length: 5 },
      async () =>
        await new Promise<net.Socket>((resolve) => {
          const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
        }),
    ),
  );
  // The server has accepted all of them.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const latenciesMs: number[] = [];
  const answered = sockets.map(
    async (socket) =>
      await new Promise<void>((resolve) =>
        socket.once('data', () => {
          noteArrival();
          latenciesMs.push(arrivedMs(sentMs) - sentMs);
          compute(20);
          resolve();
        }),
      ),
  );
  const sentMs = performance.now();
  for (const socket of sockets) socket.write('question');
  await Promise.all(answered);
  for (const socket of sockets) socket.destroy();
  server.close();
  const spreadMs = Math.max(...latenciesMs) - Math.min(...latenciesMs);
  // One after the other they would be 80 ms apart; the first may have been read before the others were there.
  assert.ok(spreadMs < 60, `they are ${spreadMs} ms apart`);
});
