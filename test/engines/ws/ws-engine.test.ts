import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { WebSocket } from 'ws';
import { WsEngine } from '../../../src/engines/ws/ws-engine.ts';
import { runUsers } from '../run-users.ts';
import { type MessageServer, startMessageServer } from './message-server.ts';

let server: MessageServer;
before(async () => {
  server = await startMessageServer();
});
beforeEach(() => server.received.splice(0));
after(async () => await server[Symbol.asyncDispose]());

const config = (ws: Record<string, unknown> = {}) => ({ target: server.url, ws });
const errorsOf = (errors: { name: string; messages: string[] }[]) =>
  errors.map(({ name, messages }) => `${name}: ${messages.join(' / ')}`);
const users = (count: number) => Array.from({ length: count }, (_, index) => ({ number: index }));

test('answers are found by the field that carries the id, in whatever order they come', async () => {
  const echo = (id: string, delay: number) => ({
    send: { type: 'echo', id, delay, value: id },
    response: { field: 'id', capture: { json: '$.value', as: `value_${id}` } },
    metric: `echo${delay}`,
  });
  const result = await runUsers(WsEngine, config(), [
    { parallel: [echo('a', 150), echo('b', 50), echo('c', 1)] },
  ]);
  assert.deepEqual(errorsOf(result.errors), []);
  const { vars } = result.contexts[0]!;
  assert.deepEqual([vars.value_a, vars.value_b, vars.value_c], ['a', 'b', 'c']);
  assert.ok(result.metrics['echo150.response']!.maxMs >= 149);
  assert.ok(result.metrics['echo50.response']!.maxMs >= 49);
  assert.equal(result.metrics['echo1.response']?.count, 1);
  assert.ok(result.metrics['echo1.response']!.maxMs < result.metrics['echo150.response']!.maxMs);
  assert.equal(result.counters['messages.acknowledged'], 3);
});

test('a message without an id gets one, and the names of the two fields may differ', async () => {
  const result = await runUsers(
    WsEngine,
    config(),
    [{ loop: [{ send: { type: 'echo', text: 'x' }, response: { field: 'id' } }], count: 3 }],
    users(2),
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.metrics['echo.response']?.count, 6);
  const ids = server.received.flatMap((got) => (got.kind === 'text' ? [JSON.parse(got.text).id] : []));
  assert.equal(new Set(ids).size, 6);

  const renamed = await runUsers(WsEngine, config(), [
    {
      send: { type: 'echo', ref: 7, data: { reply: 7 } },
      response: { field: { sent: 'ref', received: 'data.reply' } },
    },
  ]);
  assert.deepEqual(errorsOf(renamed.errors), []);
  assert.equal(renamed.metrics['echo.response']?.count, 1);
});

test('deliveries in rooms exclude the sender, and binary messages carry tags too', async () => {
  const rooms = Array.from({ length: 6 }, (_, index) => ({ room: `r${index % 2}` }));
  const result = await runUsers(
    WsEngine,
    config(),
    [
      {
        send: { type: 'join', room: '{{ room }}' },
        response: { where: { type: 'joined', room: '{{ room }}' } },
        joins: '{{ room }}',
      },
      { think: '200ms' },
      { loop: [{ send: { type: 'chat', room: '{{ room }}', text: 'hi {{ $tag }}' } }], count: 2 },
      { wait: { where: { type: 'said' }, count: 4 } },
    ],
    rooms,
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.counters['deliveries.expected'], 24);
  assert.equal(result.counters['deliveries.received'], 24);
  assert.equal(result.metrics['chat.delivery']?.count, 24);
  assert.deepEqual(result.unmeasured, []);

  const binary = await runUsers(
    WsEngine,
    config(),
    [
      { think: '200ms' },
      {
        send: { $binary: { utf8: '\u0000bytes {{ $tag }}' } },
        delivery: { includesSender: true },
        metric: 'frame',
      },
      { think: '200ms' },
    ],
    users(3),
  );
  assert.deepEqual(errorsOf(binary.errors), []);
  assert.equal(binary.metrics['frame.delivery']?.count, 9);
  assert.equal(binary.counters['deliveries.expected'], 9);
  assert.equal(server.received.filter(({ kind }) => kind === 'binary').length, 3);
});

test('a user that left is no longer expected to get messages', async () => {
  const result = await runUsers(
    WsEngine,
    config(),
    [
      { send: { type: 'join', room: 'x' }, response: { where: { type: 'joined' } }, joins: 'x' },
      { think: '150ms' },
      { send: { type: 'leave', room: 'x' }, leaves: 'x', measure: false },
      { think: '150ms' },
      { send: { type: 'chat', room: 'x', text: '{{ $tag }}' }, delivery: { room: 'x' } },
    ],
    users(3),
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.counters['messages.sent'], 9);
  assert.equal(result.counters['deliveries.expected'], 0);
  assert.equal(result.counters['deliveries.lost'], 0);
});

test('the answer that echoes a tag is not its delivery, and where says which message is', async () => {
  const say = { type: 'say', id: '', room: 'x', text: '{{ $tag }}' };
  const run = async (delivery: Record<string, unknown>) =>
    await runUsers(
      WsEngine,
      config(),
      [
        { send: { type: 'join', room: 'x' }, response: { where: { type: 'joined' } }, joins: 'x' },
        { think: '150ms' },
        { send: say, response: { field: 'id' }, delivery: { room: 'x', includesSender: true, ...delivery } },
        { think: '150ms' },
      ],
      users(3),
    );
  for (const delivery of [{}, { where: { type: 'said' } }]) {
    const result = await run(delivery);
    assert.deepEqual(errorsOf(result.errors), []);
    assert.equal(result.counters['deliveries.expected'], 9);
    assert.equal(result.counters['deliveries.received'], 9);
    assert.equal(result.counters['deliveries.duplicated'], 0);
    assert.ok(result.metrics['say.delivery']!.p10Ms >= 19);
  }
  const answers = await run({ where: { type: 'accepted' } });
  assert.equal(answers.counters['deliveries.received'], 3);
  assert.equal(answers.counters['deliveries.lost'], 6);
});

test('a connect step may name a path alone', async () => {
  server.received.length = 0;
  for (const connect of [{ url: '/mcp?v=1' }, '/mcp?v=2']) {
    const result = await runUsers(WsEngine, config(), [{ connect }]);
    assert.deepEqual(errorsOf(result.errors), []);
  }
  assert.deepEqual(
    server.received.map((got) => (got.kind === 'handshake' ? got.url : got.kind)),
    ['/mcp?v=1', '/mcp?v=2'],
  );
});

test('a wait without an answer ends as a named error', async () => {
  const flow = [{ send: { type: 'hang' }, response: true, timeout: 0.2 }];
  const result = await runUsers(WsEngine, config(), flow);
  assert.deepEqual(errorsOf(result.errors), ['response timeout: hang: no message within 200 ms']);
  assert.deepEqual(
    result.answers.map(({ step, matched, missed }) => [step, matched, missed]),
    [['test, step 1', 0, 1]],
  );
  assert.equal(result.counters['messages.unanswered'], 1);
  assert.equal(result.metrics['hang.response'], undefined);

  const listening = await runUsers(WsEngine, config({ timeout: 0.1 }), [{ wait: true }]);
  assert.deepEqual(errorsOf(listening.errors), ['message timeout: message: 0 of 1 messages within 100 ms']);
});

test('an answer that says no is an error and no latency, unless the step or the settings expect it', async () => {
  const send = { jsonrpc: '2.0', type: 'echo', id: 1, error: { code: -32601, message: 'no such method' } };
  const refused = await runUsers(WsEngine, config(), [{ send, response: { field: 'id' } }]);
  assert.equal(refused.errors[0]?.name, 'refused: echo');
  assert.match(refused.errors[0]!.messages[0]!, /no such method/);
  assert.equal(refused.metrics['echo.response'], undefined);
  const response = { match: { json: '$.error.code', value: -32601 } };
  assert.deepEqual((await runUsers(WsEngine, config(), [{ send, response }])).errors, []);
  const ignored = await runUsers(WsEngine, config(), [{ send, response: true }], [{}], {
    refusals: ['echo'],
  });
  assert.deepEqual(ignored.errors, []);
  assert.equal(ignored.metrics['echo.response']?.count, 1);
});

test('a failure that the server reports ends the wait of the message in flight', async () => {
  const result = await runUsers(WsEngine, config(), [
    { send: { type: 'fail', id: 1 }, response: { field: 'id' } },
  ]);
  assert.equal(result.errors[0]?.name, 'rejected: fail');
  assert.match(result.errors[0]!.messages[0]!, /not allowed/);
  assert.equal(result.counters['messages.unanswered'], 1);
});

test('an answer that is not the one expected is an error and no latency', async () => {
  const result = await runUsers(WsEngine, config(), [
    { send: { type: 'echo', a: 1 }, response: { match: { json: '$.a', value: 2 } } },
  ]);
  assert.deepEqual(errorsOf(result.errors), ['response mismatch: echo: expected 2 at $.a, got 1']);
  assert.equal(result.metrics['echo.response'], undefined);
});

test('a connection that the server ends is a disconnect, once, also while nothing is sent', async () => {
  const result = await runUsers(WsEngine, config(), [
    { send: { type: 'drop' } },
    { think: '200ms' },
    { send: 'more' },
    { send: 'more' },
  ]);
  assert.deepEqual(errorsOf(result.errors), [
    'disconnected: the server closed the connection (WebSocket close 4001 go away)',
  ]);
  assert.equal(result.counters.disconnects, 1);
  assert.notEqual(result.ends[0], null);

  const idle = await runUsers(WsEngine, config(), [{ send: { type: 'drop' } }, { think: '200ms' }]);
  assert.equal(idle.counters.disconnects, 1);
  assert.notEqual(idle.ends[0], null);

  const broken = await runUsers(WsEngine, config(), [{ send: { type: 'garble' } }, { think: '200ms' }]);
  assert.deepEqual(errorsOf(broken.errors), [
    'disconnected: the connection broke: Invalid WebSocket frame: invalid UTF-8 sequence',
  ]);
});

test('a handshake that fails says why', async () => {
  const to = async (path: string, ws = {}) =>
    errorsOf((await runUsers(WsEngine, { target: `${server.url}${path}`, ws }, [{ send: 'x' }])).errors);
  const [refused] = await to('/refused?token=secret');
  assert.match((await to('/refused'))[0]!, /^connect error: HTTP 401: .*HTTP 401: no such token$/);
  assert.match(refused!, /HTTP 401/);
  assert.doesNotMatch(refused!, /secret/);
  assert.match(
    (await to('/silent', { timeout: 0.2 }))[0]!,
    /^connect timeout: .* did not answer within 200 ms$/,
  );
  const closed = await runUsers(WsEngine, { target: 'ws://127.0.0.1:9' }, [{ send: 'x' }]);
  assert.match(errorsOf(closed.errors)[0]!, /^connect error: ECONNREFUSED: ws:\/\/127\.0\.0\.1:9\/: /);
});

test('a send that nothing times is counted and gives no latency', async () => {
  const result = await runUsers(WsEngine, config(), [
    { send: { type: 'chat', room: 'x', text: 'y' } },
    { send: 'plain', measure: false },
  ]);
  assert.deepEqual(result.unmeasured, [{ event: 'chat', step: 'test, step 1', count: 1 }]);
  assert.deepEqual(Object.keys(result.metrics), ['connect.handshake']);
});

test('each user has its own headers, from variables, functions and minted tokens', async () => {
  const processor = {
    login: (context: { vars: Record<string, unknown> }, _events: unknown, done: () => void) => {
      context.vars.session = `s${context.vars.number}`;
      done();
    },
  };
  const result = await runUsers(
    WsEngine,
    {
      target: server.url,
      processor,
      ws: {
        headers: { Authorization: 'Bearer {{ $token }}', 'X-User': 'u{{ number }}', Cookie: '{{ session }}' },
      },
    },
    [{ function: 'login' }, { send: 'x', response: true }],
    users(3),
    {
      jwt: { secret: 'test', algorithm: 'HS256', claims: { sub: '{{ number }}' }, expiresInSeconds: 60 },
    },
  );
  assert.deepEqual(errorsOf(result.errors), []);
  const headers = server.received.flatMap((got) => (got.kind === 'handshake' ? [got.headers] : []));
  assert.deepEqual(headers.map(({ user }) => user).sort(), ['u0', 'u1', 'u2']);
  assert.deepEqual(headers.map(({ cookie }) => cookie).sort(), ['s0', 's1', 's2']);
  const subjects = headers.map(
    ({ authorization }) =>
      JSON.parse(Buffer.from(authorization!.split('.')[1]!, 'base64url').toString()).sub as unknown,
  );
  assert.deepEqual(subjects.map(String).sort(), ['0', '1', '2']);
});

test('functions of a scenario run before it connects, and when its flow is over', async () => {
  const ran: string[] = [];
  const processor = {
    login: async ({ vars }: { vars: Record<string, unknown> }) => {
      ran.push('login');
      vars.session = 's';
    },
    note: (context: { ws: WebSocket }, _events: unknown, done: () => void) => {
      ran.push(`note ${context.ws.readyState}`);
      done();
    },
  };
  const result = await runUsers(
    WsEngine,
    { target: server.url, processor, ws: { headers: { Cookie: '{{ session }}' } } },
    [{ send: 'x', response: true }],
    [{}],
    {},
    { beforeScenario: 'login', afterScenario: ['note', 'note'] },
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.deepEqual(ran, ['login', 'note 1', 'note 1']);
  assert.deepEqual(
    server.received.flatMap((got) => (got.kind === 'handshake' ? [got.headers.cookie] : [])),
    ['s'],
  );
});

test('an answer that the flow does not wait for still comes when it is the last', async () => {
  const ending = async (type: string) =>
    await runUsers(
      WsEngine,
      config(),
      [{ send: { type, id: 1, delay: 100 }, response: { field: 'id', wait: false }, timeout: '300ms' }],
      [{}],
      { failureEvents: ['exception'] },
    );
  const answered = await ending('echo');
  assert.deepEqual(errorsOf(answered.errors), []);
  assert.equal(answered.metrics['echo.response']?.count, 1);
  const silent = await ending('hang');
  assert.deepEqual(silent.ends, [null]);
  assert.deepEqual(errorsOf(silent.errors), ['response timeout: hang: no message within 300 ms']);
  assert.match(errorsOf((await ending('fail')).errors).join(), /^rejected: fail: /);
  assert.deepEqual(errorsOf((await ending('drop')).errors), [
    'disconnected: the server closed the connection (WebSocket close 4001 go away)',
  ]);
});

test('a processor can use the socket itself', async () => {
  const processor = {
    shout: (context: { ws: WebSocket }, _events: unknown, done: () => void) => {
      context.ws.send('from the processor');
      done();
    },
  };
  const result = await runUsers(WsEngine, { target: server.url, processor }, [
    { send: 'first', response: true },
    { function: 'shout' },
    { wait: { capture: { regexp: '.*', as: 'answer' } } },
  ]);
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.contexts[0]?.vars.answer, 'from the processor');
});

test('waits with values find what came before them; plain waits take the next message', async () => {
  const result = await runUsers(WsEngine, config(), [
    { send: { type: 'greet' }, measure: false },
    { think: '100ms' },
    { wait: { where: { name: 'three' }, capture: { json: '$.name', as: 'last' } } },
    { wait: { where: { name: 'one' }, capture: { json: '$.name', as: 'first' } } },
    { wait: true, timeout: '100ms' },
  ]);
  assert.equal(result.contexts[0]?.vars.last, 'three');
  assert.equal(result.contexts[0]?.vars.first, 'one');
  assert.deepEqual(errorsOf(result.errors), ['message timeout: message: 0 of 1 messages within 100 ms']);
});

test('sends at a fixed rate, and closes and connects again as the flow says', async () => {
  const result = await runUsers(WsEngine, config(), [
    { connect: true },
    { send: { type: 'echo', text: 'x' }, response: { field: 'id' }, rate: '100/s', duration: '500ms' },
    { close: { code: 4000, reason: 'done' } },
    { connect: '{{ target }}/again' },
    { send: { type: 'echo' }, response: true, metric: 'again' },
  ]);
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.metrics['echo.response']?.count, 50);
  assert.equal(result.metrics['connect.handshake']?.count, 2);
  assert.equal(result.metrics['again.response']?.count, 1);
  assert.equal(result.counters.disconnects, 0);
});

test('deliveries declared by the settings need no tag in the scenario', async () => {
  const rule = {
    send: 'chat',
    receive: 'said',
    sentPath: 'text',
    receivedPath: 'text',
    includesSender: false,
    join: { event: 'join', roomPath: 'room' },
    leave: { event: 'leave' },
  };
  const result = await runUsers(
    WsEngine,
    config(),
    [
      { send: { type: 'join', room: 'm{{ number }}' }, response: true },
      { think: '150ms' },
      { send: { type: 'chat', room: 'm{{ number }}', text: 'hello' } },
      { think: '100ms' },
      { send: { type: 'leave', room: 'm{{ number }}' }, measure: false },
    ],
    [{ number: 0 }, { number: 0 }, { number: 1 }, { number: 1 }],
    { deliveries: [rule] },
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.counters['deliveries.expected'], 4);
  assert.equal(result.metrics['chat.delivery']?.count, 4);
});
