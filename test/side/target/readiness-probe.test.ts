import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Server, type ServerOptions } from 'socket.io';
import { WebSocketServer } from 'ws';
import { readySchema } from '../../../src/settings/settings-schema.ts';
import { freePort } from '../../../src/side/target/ports.ts';
import { describeProbe, probeOnce } from '../../../src/side/target/readiness-probe.ts';

type Listening = {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
  close(): unknown;
};

const listen = async (t: TestContext, server: Listening): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const probe = async (url: string, settings: Record<string, unknown>): Promise<string> => {
  const answer = await probeOnce(readySchema.parse(settings), url, 1_500);
  return answer.ready ? 'ready' : answer.answer;
};

const socketIo = async (t: TestContext, options: Partial<ServerOptions>): Promise<string> => {
  const http = createServer();
  const io = new Server(http, options);
  // A server that lets nobody in without a token is ready all the same.
  io.use((_socket, next) => next(new Error('no token')));
  t.after(() => io.close());
  return listen(t, http);
};

test('http looks at the status', async (t) => {
  const url = await listen(
    t,
    createServer((request, response) => {
      response.statusCode = Number(request.url?.slice(1)) || 200;
      response.end('x'.repeat(5_000));
    }),
  );
  assert.equal(await probe(url, { type: 'http' }), 'ready');
  assert.equal(await probe(url, { type: 'http', path: '/404' }), 'ready');
  assert.equal(await probe(url, { type: 'http', path: '/503' }), 'HTTP 503');
  assert.equal(await probe(url, { type: 'http', path: '/204', status: 204 }), 'ready');
  assert.equal(await probe(url, { type: 'http', path: '/302', status: 200 }), 'HTTP 302');
  assert.equal(await probe(url.replace('http', 'ws'), { type: 'http' }), 'ready');
});

test('an answer that never comes is given up', async (t) => {
  const url = await listen(
    t,
    createTcpServer((socket) => {
      t.after(() => socket.destroy());
    }),
  );
  assert.equal(await probe(url, { type: 'tcp' }), 'ready');
  const types = ['http', 'socketio', 'websocket'];
  const answers = await Promise.all(types.map((type) => probe(url, { type })));
  for (const answer of answers) assert.match(answer, /no answer within|timed out/);
});

test('nothing listening', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  for (const type of ['tcp', 'http', 'socketio', 'websocket'])
    assert.match(await probe(url, { type }), /ECONNREFUSED/);
  assert.match(await probe(url.replace('127.0.0.1', 'localhost'), { type: 'tcp' }), /ECONNREFUSED/);
});

test('a Socket.IO server is ready by its handshake, whatever it asks of those who connect', async (t) => {
  assert.equal(await probe(await socketIo(t, {}), { type: 'socketio' }), 'ready');
  assert.equal(await probe(await socketIo(t, { transports: ['websocket'] }), { type: 'socketio' }), 'ready');
  assert.equal(await probe(await socketIo(t, { path: '/rt' }), { type: 'socketio', path: '/rt' }), 'ready');
  assert.match(
    await probe(await socketIo(t, { path: '/rt' }), { type: 'socketio' }),
    /no answer|HTTP 404|ECONNRESET|hang up/,
  );
  const guarded = await socketIo(t, { allowRequest: (_request, callback) => callback('no', false) });
  assert.equal(await probe(guarded, { type: 'socketio' }), 'ready');
});

test('a server that is none of Socket.IO is told apart', async (t) => {
  const url = await listen(
    t,
    createServer((_request, response) => response.end('hello')),
  );
  assert.match(await probe(url, { type: 'socketio' }), /HTTP 200 "hello", which is no Socket.IO handshake/);
  assert.match(await probe(url, { type: 'websocket' }), /HTTP 200 to the WebSocket upgrade/);
});

test('a WebSocket server is ready once the connection is upgraded', async (t) => {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, path: '/ws' });
  t.after(() => sockets.close());
  const url = await listen(t, http);
  assert.equal(await probe(url, { type: 'websocket', path: '/ws' }), 'ready');
  assert.match(await probe(url, { type: 'websocket', path: '/other' }), /HTTP 400/);
  assert.equal(
    describeProbe(readySchema.parse({ type: 'websocket', path: '/ws' }), url),
    `WebSocket upgrade at ${url}/ws`,
  );
});
