import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
    return wire;
  } finally {
    await io.close();
  }
};

test('messages of a WebSocket are counted both ways, and are not known where a package connects', async () => {
  const wire = await wireOf('websocket');
  // Each user: the packet that opens, the namespace and its answer, two emits and their answers, the farewell.
  assert.deepEqual([wire?.framesSent, wire?.framesReceived], [8, 8]);
  const polled = await wireOf('polling');
  assert.ok((polled?.bytesSent ?? 0) > 0);
  assert.equal(polled?.framesSent, undefined);
});
