import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { loadClock } from '../../../src/engines/core/load-clock.ts';
import { StompDecoder } from '../../../src/engines/stomp/stomp-decoder.ts';
import { StompEngine } from '../../../src/engines/stomp/stomp-engine.ts';
import type { StompFrame } from '../../../src/engines/stomp/stomp-frame.ts';
import { runUsers } from '../run-users.ts';

/** What a test makes the server do with a frame. */
type Script = (frame: StompFrame, client: WebSocket) => void;

let server: WebSocketServer;
let script: Script;
let heartbeats = 0;

before(async () => {
  server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: (offered) => offered.values().next().value ?? false,
  });
  await once(server, 'listening');
  server.on('connection', (client) => {
    const decoder = new StompDecoder({
      onFrame: (frame) => script(frame, client),
      onHeartbeat: () => {
        heartbeats += 1;
      },
    });
    client.on('message', (data: Buffer) => decoder.push(Buffer.from(data)));
  });
});
after(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

const config = (stomp: Record<string, unknown> = {}) => ({
  target: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/stomp`,
  stomp: { timeout: '1500ms', ...stomp },
});
const errorsOf = (errors: { name: string; messages: string[] }[]) =>
  errors.map(({ name, messages }) => `${name}: ${messages.join(' / ')}`);
const connected = 'CONNECTED\nversion:1.2\nheart-beat:200,200\n\n\0';

test('frames that arrive joined, split and between heart-beats are read, RECEIPT before or after MESSAGE', async () => {
  script = ({ command, headers, body }, client) => {
    const receipt = `RECEIPT\nreceipt-id:${headers.receipt}\n\n\0`;
    if (command === 'CONNECT') client.send(`\n\n${connected}\n`);
    else if (command === 'SEND') {
      const text = body.toString();
      const message = Buffer.from(
        `MESSAGE\r\nsubscription:sub-1\r\nmessage-id:1\r\ndestination:/t\r\ncontent-length:${body.length + 3}\r\n\r\n${text}\0é\0`,
      );
      // Two frames in one message, and one frame over many, cut in the middle of a character.
      if (text.startsWith('first'))
        client.send(Buffer.concat([Buffer.from(receipt), message, Buffer.from('\n')]));
      else {
        for (let at = 0; at < message.length; at += 7)
          client.send(message.subarray(at, at + 7), { binary: true });
        client.send(receipt);
      }
    } else if (headers.receipt !== undefined) client.send(receipt);
  };
  const send = (text: string) => ({
    send: { destination: '/t', body: `${text} {{ $tag }}` },
    receipt: true,
    metric: text,
  });
  const result = await runUsers(StompEngine, config(), [
    { subscribe: '/t' },
    send('first'),
    send('second'),
    { waitFor: { destination: '/t', count: 2, capture: { regexp: '(\\w+) ', group: 1, as: 'word' } } },
  ]);
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.metrics['first.receipt']?.count, 1);
  assert.equal(result.metrics['second.receipt']?.count, 1);
  assert.equal(result.metrics['first.delivery']?.count, 1);
  assert.equal(result.metrics['second.delivery']?.count, 1);
  assert.equal(result.contexts[0]?.vars.word, 'second');
});

test('heart-beats are sent as agreed, and any data counts as one from the server', async () => {
  heartbeats = 0;
  let talking: NodeJS.Timeout | undefined;
  script = ({ command, headers }, client) => {
    if (command === 'CONNECT') {
      client.send(connected);
      talking = setInterval(() => client.send('\r\n'), 150);
    } else if (headers.receipt !== undefined) client.send(`RECEIPT\nreceipt-id:${headers.receipt}\n\n\0`);
  };
  const result = await runUsers(StompEngine, config({ heartbeat: [200, 200] }), [
    { connect: true },
    { think: '1300ms' },
    { subscribe: '/t' },
  ]);
  clearInterval(talking);
  assert.deepEqual(errorsOf(result.errors), []);
  assert.ok(heartbeats >= 3 && heartbeats <= 8, `${heartbeats} heart-beats in 1.3 s`);
});

test('a server that does not answer CONNECT, or does not speak STOMP, is a named error', async () => {
  script = () => undefined;
  const silent = await runUsers(StompEngine, config({ connectTimeout: '300ms' }), [{ subscribe: '/t' }]);
  assert.match(errorsOf(silent.errors).join(), /^connect timeout: .* did not send CONNECTED within 300 ms$/);
  assert.equal(silent.metrics['connect.handshake'], undefined);

  script = (_frame, client) => client.send('{"hello":"world"}\n\n\0');
  const other = await runUsers(StompEngine, config(), [{ subscribe: '/t' }]);
  assert.match(errorsOf(other.errors).join(), /^protocol error: a server does not send/);
});

test('a receipt that is not waited for is still timed, and missed as an error that ends nothing', async () => {
  script = ({ command, headers, body }, client) => {
    if (command === 'CONNECT') client.send(connected);
    else if (headers.receipt !== undefined && body.toString() !== 'silent')
      setTimeout(() => client.send(`RECEIPT\nreceipt-id:${headers.receipt}\n\n\0`), 100);
  };
  const send = (body: string) => ({
    send: { destination: '/t', body },
    receipt: true,
    wait: false,
    timeout: '400ms',
    metric: body,
  });
  const result = await runUsers(StompEngine, config(), [send('asked'), send('silent')]);
  assert.deepEqual(result.ends, [null]);
  assert.equal(result.metrics['asked.receipt']?.count, 1);
  assert.deepEqual(errorsOf(result.errors), ['receipt timeout: silent: no RECEIPT within 400 ms']);
  assert.equal(result.counters['messages.acknowledged'], 1);
  assert.equal(result.counters['messages.unanswered'], 1);
});

test('what was on its way when the server closed the connection is lost', async () => {
  script = ({ command, headers, body }, client) => {
    if (command === 'CONNECT') client.send(connected);
    else if (command === 'SEND' && body.length > 0) client.close(1011, 'out of memory');
    else if (headers.receipt !== undefined) client.send(`RECEIPT\nreceipt-id:${headers.receipt}\n\n\0`);
  };
  const result = await runUsers(
    StompEngine,
    config(),
    [{ subscribe: '/t' }, { send: { destination: '/t', body: '{{ $tag }}' } }, { waitFor: '/t' }],
    [{}],
    { drainMs: 300 },
  );
  assert.deepEqual(errorsOf(result.errors), [
    'disconnected: the server closed the connection (WebSocket close 1011 out of memory)',
  ]);
  assert.equal(result.counters['deliveries.expected'], 1);
  assert.equal(result.counters['deliveries.lost'], 1);
  assert.equal(result.counters.disconnects, 1);
});

test('the wait for an answer goes on while the load is paused: what is too late is an error, and no latency', async () => {
  script = ({ command, headers }, client) => {
    if (command === 'CONNECT') client.send(connected);
    if (command === 'DISCONNECT') client.send(`RECEIPT\nreceipt-id:${headers.receipt}\n\n\0`);
    if (command !== 'SEND') return;
    setTimeout(() => loadClock.pause(), 100);
    setTimeout(() => client.send('MESSAGE\ndestination:/answers\nmessage-id:1\n\nlate\0'), 600);
    setTimeout(() => loadClock.resume(), 700);
  };
  const result = await runUsers(StompEngine, config(), [
    { send: { destination: '/ask', body: 'x' }, response: { destination: '/answers', timeout: '300ms' } },
  ]);
  assert.deepEqual(errorsOf(result.errors), ['response timeout: ask: no message within 300 ms']);
  assert.equal(result.metrics['ask.response'], undefined);
  assert.equal(result.counters['messages.unanswered'], 1);
});

test('an ERROR is a refusal of the frame that it names', async () => {
  script = ({ command, headers }, client) => {
    if (command === 'CONNECT') client.send(connected);
    if (command === 'SEND') client.send(`ERROR\nreceipt-id:${headers.receipt}\nmessage:not allowed\n\n\0`);
  };
  const send = { destination: '/app/move', body: 'x' };
  const result = await runUsers(StompEngine, config(), [{ send: { ...send, receipt: true } }]);
  assert.deepEqual(errorsOf(result.errors), ['refused: move: not allowed']);
  assert.equal(result.metrics['move.receipt'], undefined);
});
