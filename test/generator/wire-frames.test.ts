import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { WireMeter } from '../../src/generator/wire-meter.ts';
import { mergeShards } from '../../src/metrics/merge-rounds.ts';
import type { RoundMeasurement, WireTraffic } from '../../src/metrics/round-measurement.ts';
import { valuesOf } from '../../src/metrics/values.ts';
import { plainRound } from '../verdict/simulator.ts';
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

test('bytes that go over TLS are not known, and never none', () => {
  const meter = new WireMeter();
  meter.start('https://127.0.0.1:1');
  assert.deepEqual([meter.read().bytesSent, meter.read().bytesReceived], [null, null]);
  const round = (wire: WireTraffic): RoundMeasurement => plainRound(5, 100, { wire });
  const perMessage = (rounds: RoundMeasurement[]) => valuesOf(rounds).value('wire.bytes.perMessage', 'value');
  const known = { bytesSent: 3_000, bytesReceived: 1_000 };
  assert.equal(perMessage([round(known)]), 40);
  assert.equal(perMessage([round(mergeShards([round(known), round(meter.read())]).wire!)]), null);
});

/** What a WebSocket server and the load generator count of the same load. `answers` is what a message is answered by. */
const bothCounts = async (scenario: string, answers: (text: string) => string[]) => {
  const http = createServer();
  const sockets: Socket[] = [];
  const server = { received: 0, sent: 0 };
  http.on('connection', (socket) => sockets.push(socket));
  new WebSocketServer({ server: http }).on('connection', (socket) =>
    socket.on('message', (data) => {
      server.received += 1;
      for (const answer of answers(data.toString())) {
        server.sent += 1;
        socket.send(answer);
      }
    }),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  try {
    await using folder = await folderWith({ 'scenario.yml': scenario });
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    await using session = await openSession(folder.path, url);
    await session.resume();
    await session.finished;
    const { wire, counters } = await session.collect();
    const bytes = (of: 'bytesRead' | 'bytesWritten') => sockets.reduce((sum, socket) => sum + socket[of], 0);
    return {
      sent: counters['messages.sent'],
      generator: [wire?.framesSent, wire?.framesReceived, wire?.bytesSent, wire?.bytesReceived],
      server: [server.received, server.sent, bytes('bytesRead'), bytes('bytesWritten')],
    };
  } finally {
    http.close();
  }
};

test('of plain WebSockets and of STOMP over them, the server counts the same', async () => {
  const ofWs = await bothCounts(
    `
config: { phases: [{ duration: 1, arrivalCount: 2 }] }
scenarios:
  - engine: ws
    flow:
      - send: { type: ask, text: one }
        response: { where: { type: answer } }
      - send: { type: ask, text: "${'long '.repeat(50)}" }
        response: { where: { type: answer } }
`,
    (text) => [JSON.stringify({ ...JSON.parse(text), type: 'answer' }), '{ "type": "news" }'],
  );
  assert.equal(ofWs.sent, 4);
  assert.deepEqual(ofWs.generator, ofWs.server);
  assert.deepEqual(ofWs.server.slice(0, 2), [4, 8]);
  const ofStomp = await bothCounts(
    `
config: { phases: [{ duration: 1, arrivalCount: 2 }], stomp: { heartbeat: [0, 0] } }
scenarios:
  - engine: stomp
    flow:
      - send: { destination: /app/note, body: one, receipt: true }
      - send: { destination: /app/note, body: two, receipt: true }
`,
    (frame) => {
      const receipt = /\nreceipt:(.*)/.exec(frame)?.[1];
      if (/^(CONNECT|STOMP)\n/.test(frame)) return ['CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0'];
      return receipt === undefined ? [] : [`RECEIPT\nreceipt-id:${receipt}\n\n\0`];
    },
  );
  assert.equal(ofStomp.sent, 4);
  assert.deepEqual(ofStomp.generator, ofStomp.server);
  assert.ok(ofStomp.server[0]! >= 6, `${ofStomp.server}`);
});
