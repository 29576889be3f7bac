import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { Server } from 'socket.io';
import { folderWith, openSession, useBundledWorker } from './load-fixture.ts';

useBundledWorker();

const scenario = (transports: string): string => `
config:
  socketio: { transports: [${transports}] }
  phases: [{ duration: 1, arrivalCount: 2 }]
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: note, data: one }
        acknowledge: { data: ok }
      - emit: { channel: note, data: two }
        acknowledge: { data: ok }
`;

const wireOf = async (transports: string) => {
  const http = createServer();
  const sockets: Socket[] = [];
  http.on('connection', (socket) => sockets.push(socket));
  const io = new Server(http);
  io.on('connection', (socket) => {
    socket.on('note', (_text, acknowledge) => acknowledge('ok'));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  try {
    await using folder = await folderWith({ 'scenario.yml': scenario(transports) });
    await using session = await openSession(
      folder.path,
      `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    );
    await session.resume();
    await session.finished;
    const { wire, counters } = await session.collect();
    assert.equal(counters['messages.sent'], 4);
    const ofServer = (count: (socket: Socket) => number) =>
      sockets.reduce((sum, socket) => sum + count(socket), 0);
    return {
      wire,
      server: {
        read: ofServer((socket) => socket.bytesRead),
        written: ofServer((socket) => socket.bytesWritten),
      },
    };
  } finally {
    await io.close();
  }
};

test('messages of a WebSocket are counted both ways, and are not known where a package connects', async () => {
  const { wire, server } = await wireOf('websocket');
  assert.deepEqual([wire?.bytesSent, wire?.bytesReceived], [server.read, server.written]);
  // Each user: the packet that opens, the namespace and its answer, two emits and their answers, the farewell.
  assert.deepEqual([wire?.framesSent, wire?.framesReceived], [8, 8]);
  const { wire: polled } = await wireOf('polling');
  assert.ok((polled?.bytesSent ?? 0) > 0);
  assert.equal(polled?.framesSent, undefined);
});
