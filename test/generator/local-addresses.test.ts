import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { runLoad, useBundledWorker } from './load-fixture.ts';

useBundledWorker();

const localAddresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

/** A server that notes where connections come from; `attach` adds its protocol. */
const serve = async (attach: (server: ReturnType<typeof createServer>) => () => void) => {
  const seen = new Map<string, number>();
  const server = createServer((_, response) => response.end('ok'));
  server.on('connection', (socket) => {
    const from = socket.remoteAddress?.replace('::ffff:', '') ?? '';
    seen.set(from, (seen.get(from) ?? 0) + 1);
  });
  const close = attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    seen,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const scenario = (engine: string, flow: string): Record<string, string> => ({
  'scenario.yml': `config:\n  phases: [{ duration: 1, arrivalCount: 12 }]\nscenarios:\n  - engine: ${engine}\n    flow:\n${flow}`,
});

/** Every address is used, and about as often as the others. */
const assertSpread = (seen: ReadonlyMap<string, number>, least: number): void => {
  assert.deepEqual([...seen.keys()].sort(), localAddresses);
  for (const [address, count] of seen) assert.ok(count >= least, `${address}: ${count}`);
};

const emit = `      - emit: { channel: hello, data: 1 }\n        acknowledge: {}\n`;

for (const transport of ['websocket', 'polling']) {
  test(`Socket.IO connections over ${transport} come from every address in turn`, async () => {
    await using server = await serve((http) => {
      const io = new Server(http);
      io.on('connection', (socket) => socket.on('hello', (_, done) => done('hi')));
      return () => void io.close();
    });
    const files = scenario('socketio', emit);
    files['scenario.yml'] = files['scenario.yml']!.replace(
      'config:\n',
      `config:\n  socketio: { transports: [${transport}] }\n`,
    );
    const { measurement } = await runLoad(files, `http://127.0.0.1:${server.port}`, {
      engine: { localAddresses },
    });
    assert.equal(measurement.counters.errors, 0);
    assert.equal(measurement.metrics['hello.ack']?.count, 12);
    assertSpread(server.seen, 4);
  });
}

test('WebSocket and HTTP connections do too, and other servers are reached from where the system chooses', async () => {
  await using server = await serve((http) => {
    const sockets = new WebSocketServer({ server: http });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    return () => sockets.close();
  });
  const webSocket = await runLoad(
    scenario('ws', '      - send: hello\n      - think: 100ms\n'),
    `ws://localhost:${server.port}`,
    { engine: { localAddresses } },
  );
  assert.equal(webSocket.measurement.counters.errors, 0);
  assertSpread(server.seen, 4);
  server.seen.clear();
  const http = await runLoad(
    scenario('http', '      - get: { url: / }\n'),
    `http://127.0.0.1:${server.port}`,
    { engine: { localAddresses } },
  );
  assert.equal(http.measurement.counters.errors, 0);
  assertSpread(server.seen, 4);
  server.seen.clear();
  await runLoad(scenario('http', '      - get: { url: / }\n'), `http://127.0.0.1:${server.port}`);
  assert.deepEqual([...server.seen.keys()], ['127.0.0.1']);
});
