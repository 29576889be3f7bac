import assert from 'node:assert/strict';
import { test } from 'node:test';
import './resolve-artillery-1.ts';
import { SocketIoV3Engine } from '../../../src/engines/socketio-v3/socketio-v3-engine.ts';
import { countOf, type RunOptions, runUsers, startServer } from '../socketio/run-users.ts';

const run = async (url: string, options: RunOptions) =>
  await runUsers(url, {
    ...options,
    engine: SocketIoV3Engine,
    config: { engines: { 'socketio-v3': { transports: ['websocket'] } }, ...options.config },
  });

test('a step that waits has a latency, and one that does not has none', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => {
    socket.on('ask', (data, ack) => setTimeout(() => ack({ ok: true, echo: data }), 20));
    socket.on('call', (n) => setTimeout(() => socket.emit('answer', n, 'x'), 20));
    socket.on('tell', () => {});
  });
  const ran = await run(server.url, {
    users: 3,
    vars: (index) => ({ id: index }),
    flow: [
      {
        emit: { channel: 'ask', data: { id: '{{ id }}' } },
        acknowledge: { match: { json: '$.ok', value: true }, capture: { json: '$.echo.id', as: 'got' } },
      },
      { emit: ['call', '{{ id }}'], response: { on: 'answer', args: ['{{ id }}', 'x'] } },
      { loop: [{ emit: ['tell', 1] }, { think: '2ms' }], count: 2 },
    ],
  });
  assert.deepEqual(
    ran.users.map(({ error, context }) => [error, context.vars.got]),
    [
      [null, 0],
      [null, 1],
      [null, 2],
    ],
  );
  assert.deepEqual(Object.keys(ran.measured.metrics).sort(), [
    'ask.ack',
    'call.response',
    'connect.handshake',
  ]);
  assert.equal(countOf(ran, 'ask.ack'), 3);
  assert.equal(countOf(ran, 'call.response'), 3);
  assert.ok(ran.measured.metrics['ask.ack']!.minMs >= 19);
  assert.ok(ran.measured.metrics['call.response']!.minMs >= 19);
  assert.equal(ran.measured.counters['messages.sent'], 12);
  assert.equal(ran.measured.counters['messages.acknowledged'], 6);
  assert.equal(ran.measured.counters['messages.unanswered'], 6);
  assert.equal(ran.measured.unmeasured[0]!.count, 6);
  assert.deepEqual(ran.measured.errors, []);
});

test('what is not as expected, and what never comes, are named errors', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => {
    socket.on('ask', (ack) => ack('no'));
    socket.on('refuse', (ack) => ack({ ok: false }));
    socket.on('deny', () => socket.emit('exception', { message: 'not allowed' }));
    socket.on('drop', () => socket.conn.close());
  });
  const failure = async (step: Record<string, unknown>) => {
    const ran = await run(server.url, { flow: [step], settings: { timeoutMs: 300 } });
    assert.equal(ran.measured.errors.length, 1);
    assert.equal(ran.measured.errors[0]!.count, 1);
    assert.equal(ran.users[0]!.error?.name, ran.measured.errors[0]!.name);
    assert.equal(Object.keys(ran.measured.metrics).includes('ask.ack'), false);
    return ran.measured.errors[0]!.name;
  };
  assert.equal(await failure({ emit: ['ask'], acknowledge: { args: ['yes'] } }), 'ack mismatch: ask');
  assert.equal(await failure({ emit: ['refuse'], acknowledge: {} }), 'refused: refuse');
  assert.equal(await failure({ emit: ['never'], acknowledge: {} }), 'ack timeout: never');
  assert.equal(await failure({ emit: ['never'], response: { on: 'answer' } }), 'response timeout: answer');
  assert.equal(await failure({ emit: ['deny'], acknowledge: {} }), 'rejected: deny');
  assert.equal(await failure({ emit: ['drop'], acknowledge: {} }), 'disconnected');
  const refused = await run('http://127.0.0.1:1', { flow: [{ emit: ['ask'] }] });
  assert.equal(refused.users[0]!.error?.name, 'connect error: ECONNREFUSED');
});

test('namespaces, connections and headers belong to each user alone', async () => {
  await using server = await startServer();
  const seen: string[] = [];
  const connections = new Set<unknown>();
  server.io.of(/^\/n\d$/).on('connection', (socket) => {
    connections.add(socket.conn);
    socket.on('hi', (who, ack) => {
      seen.push(`${socket.nsp.name} ${who} ${socket.handshake.headers['x-who'] ?? '-'}`);
      ack();
    });
  });
  const ran = await run(server.url, {
    users: 3,
    vars: (index) => ({ n: index }),
    flow: [
      { emit: ['hi', 'u{{ n }}'], namespace: '/n{{ n }}', acknowledge: {} },
      { connect: { extraHeaders: { 'x-who': 'w{{ n }}' } }, namespace: '/n{{ n }}' },
      { emit: ['hi', 'v{{ n }}'], namespace: '/n{{ n }}', acknowledge: {} },
    ],
  });
  assert.ok(ran.users.every(({ error }) => error === null));
  assert.deepEqual(
    seen.sort(),
    [0, 1, 2].flatMap((n) => [`/n${n} u${n} -`, `/n${n} v${n} w${n}`]),
  );
  assert.equal(connections.size, 6);
  assert.equal(ran.measured.counters.disconnects, 0);
});

test('hooks of one user do not change the step of another', async () => {
  await using server = await startServer();
  const got: number[] = [];
  server.io.on('connection', (socket) =>
    socket.on('n', (value, ack) => {
      got.push(value.n);
      ack();
    }),
  );
  let calls = 0;
  const before: unknown[] = [];
  const ran = await run(server.url, {
    users: 3,
    scenario: { beforeScenario: 'begin', afterScenario: 'begin' },
    config: {
      processor: {
        begin: async () => {
          before.push(got.length);
        },
        add: (
          step: { emit: [string, { n: number }] },
          _context: unknown,
          _events: unknown,
          done: () => void,
        ) => {
          calls += 1;
          step.emit[1].n += calls;
          done();
        },
      },
    },
    flow: [{ emit: ['n', { n: 10 }], beforeRequest: 'add', acknowledge: {} }],
  });
  assert.ok(ran.users.every(({ error }) => error === null));
  assert.deepEqual(got.sort(), [11, 12, 13]);
  assert.deepEqual([before.length, before.slice(0, 3)], [6, [0, 0, 0]]);
});

test('an unchanged scenario gives acknowledgements and deliveries by settings alone, and tags of its own work', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => {
    socket.on('join', (room, ack) => {
      socket.join(room.id);
      ack?.();
    });
    socket.on('chat', (message) => socket.to(message.room).emit('chat', message));
    socket.on('shout', (message) => socket.broadcast.emit('shout', message));
  });
  const ran = await run(server.url, {
    users: 3,
    settings: {
      deliveries: [
        {
          send: 'chat',
          receive: 'chat',
          sentPath: 'text',
          receivedPath: 'text',
          includesSender: false,
          join: { event: 'join', roomPath: 'id' },
          leave: null,
        },
      ],
    },
    flow: [
      { emit: ['join', { id: 'r' }] },
      { think: '200ms' },
      { emit: ['chat', { room: 'r', text: 'hello' }] },
      { emit: ['shout', { id: '{{ $tag }}' }], delivery: 'shout' },
      { think: '200ms' },
    ],
  });
  assert.ok(ran.users.every(({ error }) => error === null));
  assert.equal(countOf(ran, 'join.ack'), 3);
  assert.equal(countOf(ran, 'chat.delivery'), 6);
  assert.equal(countOf(ran, 'shout.delivery'), 6);
  assert.equal(ran.measured.counters['deliveries.expected'], 12);
  assert.equal(ran.measured.counters['deliveries.lost'], 0);
});
