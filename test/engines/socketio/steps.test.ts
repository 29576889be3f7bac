import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { VirtualUserContext } from '../../../src/engines/core/flow/step.ts';
import type { ClientSocket } from '../../../src/engines/socketio/client-socket.ts';
import { clients, countOf, type Ran, startServer } from './run-users.ts';

for (const { client, runUsers } of clients)
  describe(client, () => {
    test('an acknowledged emit is measured once, and one that nothing answers never is', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.on('ask', (data, ack) => setTimeout(() => ack({ ok: true, got: data }), 20));
        socket.on('tell', () => {});
      });
      const ran = await runUsers(server.url, {
        flow: [
          {
            emit: { channel: 'ask', data: { id: '{{ id }}' } },
            acknowledge: {
              match: { json: '$.0.ok', value: true },
              capture: { json: '$.0.got.id', as: 'got' },
            },
          },
          { emit: { channel: 'tell', data: 'x' } },
          { emit: { channel: 'tell', data: 'y' } },
        ],
        vars: () => ({ id: 7 }),
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(ran.users[0]!.context.vars.got, 7);
      assert.deepEqual(Object.keys(ran.measured.metrics).sort(), ['ask.ack', 'connect.handshake']);
      assert.equal(countOf(ran, 'ask.ack'), 1);
      assert.ok(ran.measured.metrics['ask.ack']!.minMs >= 19);
      assert.equal(ran.measured.counters['messages.sent'], 3);
      assert.equal(ran.measured.counters['messages.acknowledged'], 1);
      assert.equal(ran.measured.counters['messages.unanswered'], 2);
      assert.deepEqual(
        ran.measured.unmeasured.map(({ event, count }) => [event, count]),
        [
          ['tell', 1],
          ['tell', 1],
        ],
      );
    });

    test('emit takes an argument list, and `channel` is always followed by its data', async () => {
      await using server = await startServer();
      const got: unknown[][] = [];
      server.io.on('connection', (socket) => {
        socket.onAny((event, ...args) => {
          const ack = args.at(-1);
          got.push([event, ...args.slice(0, -1)]);
          ack('done', 2);
        });
      });
      const ran = await runUsers(server.url, {
        flow: [
          { emit: ['list', 1, '{{ name }}', { deep: ['{{ name }}'] }], acknowledge: { args: ['done', 2] } },
          { emit: { channel: 'bare' }, acknowledge: {} },
          { emit: { channel: 'several', args: [1, 2] }, acknowledge: { data: ['done', 2] } },
          { emit: { channel: 'to-{{ name }}', data: 0 }, acknowledge: true },
        ],
        vars: () => ({ name: 'Ann' }),
      });
      assert.equal(ran.users[0]!.error, null);
      assert.deepEqual(got, [
        ['list', 1, 'Ann', { deep: ['Ann'] }],
        ['bare', null],
        ['several', 1, 2],
        ['to-Ann', 0],
      ]);
      assert.equal(countOf(ran, 'to-{{ name }}.ack'), 1);
    });

    test('emit and response count as one message, with one latency', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) =>
        socket.on('ping', (n) => setTimeout(() => socket.emit('pong', n, 'x'), 15)),
      );
      const ran = await runUsers(server.url, {
        flow: [
          {
            emit: { channel: 'ping', data: 5 },
            response: { channel: 'pong', data: [5, 'x'], capture: { json: '$.1', as: 'second' } },
          },
          { emit: { channel: 'ping', data: 6 }, response: { on: 'pong', args: [6, 'x'] } },
          { emit: { channel: 'ping', data: 7 }, response: { channel: 'pong' } },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(ran.users[0]!.context.vars.second, 'x');
      assert.equal(countOf(ran, 'ping.response'), 3);
      assert.equal(ran.measured.counters['messages.sent'], 3);
      assert.equal(ran.measured.counters['messages.acknowledged'], 3);
      // Without `data` the first event is the answer; Artillery's engine waits for its ten-second timeout instead.
      assert.ok(ran.measured.metrics['ping.response']!.maxMs < 900);
    });

    test('a step may wait for an acknowledgement and a response; each has its own latency', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) =>
        socket.on('both', (_data, ack) => {
          setTimeout(() => ack('ack'), 10);
          setTimeout(() => socket.emit('event', 'e'), 60);
        }),
      );
      const ran = await runUsers(server.url, {
        flow: [
          {
            emit: { channel: 'both', data: 1 },
            acknowledge: { data: 'ack' },
            response: { channel: 'event', data: 'e' },
          },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(countOf(ran, 'both.ack'), 1);
      assert.equal(countOf(ran, 'both.response'), 1);
      assert.ok(ran.measured.metrics['both.response']!.minMs >= 59);
      assert.ok(ran.measured.metrics['both.ack']!.maxMs < ran.measured.metrics['both.response']!.minMs);
    });

    test('several events may make up a response', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) =>
        socket.on('spell', () => {
          for (const part of ['Hel', 'lo ', 'you']) socket.emit('part', part);
        }),
      );
      const ran = await runUsers(server.url, {
        flow: [
          { emit: { channel: 'spell' }, response: { channel: 'part', data: 'Hello you', concat: true } },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(countOf(ran, 'spell.response'), 1);
    });

    test('a step that only listens gets events that came before it began, each once', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.emit('welcome', { n: 1 });
        socket.emit('welcome', { n: 2 });
        setTimeout(() => socket.emit('welcome', { n: 3 }), 150);
      });
      const listen = (name: string) => ({
        response: { channel: 'welcome', capture: { json: '$.0.n', as: name } },
      });
      const ran = await runUsers(server.url, {
        flow: [{ think: '50ms' }, listen('a'), listen('b'), listen('c')],
      });
      const { a, b, c } = ran.users[0]!.context.vars;
      assert.deepEqual([a, b, c], [1, 2, 3]);
      // Only the third was waited for.
      assert.equal(countOf(ran, 'welcome.response'), 1);
      assert.ok(ran.measured.metrics['welcome.response']!.minMs > 20);
      const other = await runUsers(server.url, {
        flow: [
          { think: '50ms' },
          listen('a'),
          listen('b'),
          { response: { channel: 'welcome', match: { json: '$.0.n', value: 4 } } },
        ],
      });
      assert.match(other.users[0]!.error!.name, /^response mismatch: welcome/);
      assert.equal(countOf(other, 'welcome.response'), 0, 'what is not as expected has no latency');
    });

    test('what is not as expected ends the user with a named error that says what came', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.on('ask', (_data, ack) => ack({ ok: false }));
        socket.on('call', () => socket.emit('answer', 'no'));
      });
      const ran = await runUsers(server.url, {
        flow: [{ emit: { channel: 'ask' }, acknowledge: { match: { json: '$.0.ok', value: true } } }],
      });
      assert.equal(ran.users[0]!.error?.name, 'ack mismatch: ask');
      assert.deepEqual(ran.measured.errors, [
        {
          name: 'ack mismatch: ask',
          count: 1,
          messages: ['expected true at $.0.ok, got false; the answer was [{"ok":false}]'],
          steps: ['test, step 1 (ask)'],
        },
      ]);
      assert.equal(countOf(ran, 'ask.ack'), 0);
      const response = await runUsers(server.url, {
        flow: [{ emit: { channel: 'call' }, response: { channel: 'answer', data: 'yes' } }],
        config: { timeout: 0.2 },
      });
      assert.equal(response.users[0]!.error?.name, 'response mismatch: answer');
      const missed = await runUsers(server.url, {
        flow: [
          { emit: { channel: 'ask' }, acknowledge: {} },
          { emit: { channel: 'call' }, response: { channel: 'answr' }, timeout: '200ms' },
        ],
        settings: { refusals: 'ignore' },
      });
      assert.deepEqual(missed.measured.answers, [
        { step: 'test, step 1 (ask)', matched: 1, missed: 0, name: '', message: '' },
        {
          step: 'test, step 2 (call)',
          matched: 0,
          missed: 1,
          name: 'response timeout: answr',
          message: 'no answer within 200 ms',
        },
      ]);
      assert.deepEqual(missed.measured.unheard, [{ event: 'answer', count: 1 }]);
      assert.match(response.measured.errors[0]!.messages[0]!, /expected "yes", got \["no"\]/);
    });

    test('loops, parallel steps, functions, thinks and logs run as in Artillery', async () => {
      await using server = await startServer();
      const got: unknown[] = [];
      server.io.on('connection', (socket) =>
        socket.on('n', (value, ack) => {
          got.push(value);
          ack(value);
        }),
      );
      const emit = (data: unknown) => ({ emit: { channel: 'n', data }, acknowledge: {} });
      const ran = await runUsers(server.url, {
        config: {
          processor: {
            setUp: (context: { vars: Record<string, unknown> }, _events: unknown, done: () => void) => {
              context.vars.list = ['a', 'b'];
              done();
            },
            asyncStep: async (context: { vars: Record<string, unknown> }) => {
              context.vars.tries = 0;
            },
            goOn: (context: { vars: Record<string, number> }, done: (again: boolean) => void) => {
              context.vars.tries! += 1;
              done(context.vars.tries! < 3);
            },
          },
        },
        flow: [
          { function: 'setUp' },
          { function: 'asyncStep' },
          { loop: [emit('{{ $loopElement }}')], over: 'list' },
          { loop: [emit('count {{ $loopCount }}')], count: 2 },
          { loop: [emit('{{ i }}')], count: '3-5', loopValue: 'i' },
          { loop: [emit('{{ el }}')], over: [7, 8], loopElement: 'el' },
          { loop: [emit('while')], whileTrue: 'goOn' },
          { loop: [{ loop: [emit('never')], over: [] }], count: 2 },
          { parallel: [emit('p1'), emit('p2')] },
          { think: '5ms' },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.deepEqual(got.slice(0, -2), [
        'a',
        'b',
        'count 0',
        'count 1',
        3,
        4,
        7,
        8,
        'while',
        'while',
        'while',
      ]);
      assert.deepEqual(got.slice(-2).sort(), ['p1', 'p2']);
    });

    test('a burst in a loop neither overflows the stack nor loses messages at the end', async () => {
      await using server = await startServer();
      const received = new Set<number>();
      server.io.on('connection', (socket) => {
        socket.on('n', (n) => received.add(n));
        socket.on('end', (_data, ack) => ack());
      });
      const ran = await runUsers(server.url, {
        flow: [
          { loop: [{ emit: { channel: 'n', data: '{{ $loopCount }}' } }], count: 20_000 },
          { emit: { channel: 'end' }, acknowledge: {}, timeout: 20 },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(received.size, 20_000);
    });

    test('the last message of a user reaches the server though the connection is closed behind it', async () => {
      await using server = await startServer();
      let received = 0;
      server.io.on('connection', (socket) => socket.on('bye', () => received++));
      await runUsers(server.url, {
        users: 50,
        config: { socketio: { transports: ['websocket'] } },
        flow: [{ emit: { channel: 'bye' } }],
      });
      for (let wait = 0; wait < 100 && received < 50; wait += 1)
        await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(received, 50);
    });

    test('an HTTP request in the flow works, and the connection is made after a request that logs in', async () => {
      await using server = await startServer();
      const tokens: unknown[] = [];
      server.http.on('request', (request, response) => {
        if (request.url !== '/login') return;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ token: 'secret-1' }));
      });
      server.io.on('connection', (socket) => {
        tokens.push(socket.handshake.auth.token);
        socket.on('hi', (_data, ack) => ack());
      });
      const ran = await runUsers(server.url, {
        config: { socketio: { auth: { token: '{{ token }}' } } },
        flow: [
          { post: { url: '/login', json: {}, capture: { json: '$.token', as: 'token' } } },
          { emit: { channel: 'hi' }, acknowledge: {} },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.deepEqual(tokens, ['secret-1']);
    });

    test('an HTTP request that fails is a named error of its step', async () => {
      await using server = await startServer();
      const ran = await runUsers(server.url, { flow: [{ get: { url: 'http://127.0.0.1:1/x' } }] });
      assert.ok(ran.users[0]!.error);
      assert.equal(ran.measured.errors.length, 1);
      assert.equal(ran.measured.errors[0]!.name, 'ECONNREFUSED');
      assert.equal(ran.measured.errors[0]!.steps[0], 'test, step 1');
    });

    test('an answer that says no is an error and no latency, unless the step or the settings expect it', async () => {
      await using server = await startServer();
      const answers: unknown[][] = [
        [{ ok: false, reason: 'full' }],
        [{ success: false }],
        [{ status: 'error', message: 'no' }],
        [{ status: 403 }],
        [{ error: { code: 7 } }],
        ['room is full', null],
      ];
      server.io.on('connection', (socket) => {
        socket.on('ask', (index, ack) => ack(...answers[index]!));
        socket.on('call', (index) => socket.emit('answer', ...answers[index]!));
        socket.on('fine', (_data, ack) => ack({ ok: true, error: null, status: 'closed' }));
      });
      const ask = { emit: { channel: 'ask', data: '{{ index }}' } };
      const run = async (flow: unknown[], settings = {}) =>
        await runUsers(server.url, {
          users: answers.length,
          vars: (index) => ({ index }),
          flow,
          settings,
        });
      const namesOf = ({ measured }: Ran) => measured.errors.map(({ name, count }) => `${name} x${count}`);

      const awaited = await run([{ ...ask, acknowledge: {} }]);
      assert.deepEqual(namesOf(awaited), ['refused: ask x6']);
      assert.match(awaited.measured.errors[0]!.messages[0]!, /"reason":"full"/);
      assert.equal(countOf(awaited, 'ask.ack'), 0);
      assert.equal(awaited.measured.counters['messages.acknowledged'], 6);
      assert.equal(awaited.users[0]!.error?.name, 'refused: ask');

      const observed = await run([ask], { observeAcknowledgements: 'all' });
      assert.deepEqual(namesOf(observed), ['refused: ask x6']);
      assert.equal(countOf(observed, 'ask.ack'), 0);

      const answered = await run([
        { emit: { channel: 'call', data: '{{ index }}' }, response: { channel: 'answer' } },
      ]);
      assert.deepEqual(namesOf(answered), ['refused: call x6']);

      const expected = await run([{ ...ask, acknowledge: { match: { json: '$.0.ok', value: false } } }]);
      assert.deepEqual(namesOf(expected), ['ack mismatch: ask x5']);
      for (const refusals of ['ignore', ['ask']])
        assert.deepEqual(namesOf(await run([{ ...ask, acknowledge: {} }], { refusals })), []);
      assert.deepEqual(namesOf(await run([{ emit: { channel: 'fine' }, acknowledge: {} }])), []);
    });

    test('a function at the beginning finds the connection, and a plain function may return a promise', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.emit('news', 1);
        socket.on('hi', (data, ack) => ack(data));
      });
      let news = 0;
      const processor = {
        listen: (context: VirtualUserContext, _events: unknown, done: () => void) => {
          (context.sockets as Record<string, ClientSocket>)['']!.on('news', () => {
            news += 1;
          });
          done();
        },
        // What a compiler makes of an async function.
        prepare: (context: VirtualUserContext) =>
          new Promise<void>((resolve) =>
            setTimeout(() => {
              context.vars.who = 'kim';
              resolve();
            }, 5),
          ),
      };
      const ran = await runUsers(server.url, {
        config: { processor },
        flow: [
          { function: 'listen' },
          { function: 'prepare' },
          {
            emit: { channel: 'hi', data: '{{ who }}' },
            acknowledge: { match: { json: '$.0', value: 'kim' } },
          },
        ],
      });
      assert.deepEqual(ran.measured.errors, []);
      assert.equal(news, 1);
      assert.equal(countOf(ran, 'connect.handshake'), 1);
    });

    test('namespaces, also with templates, belong to each user alone', async () => {
      await using server = await startServer();
      const got: string[] = [];
      server.io.of(/^\/room-\d$/).on('connection', (socket) =>
        socket.on('hi', (who, ack) => {
          got.push(`${socket.nsp.name} ${who}`);
          ack();
        }),
      );
      const ran = await runUsers(server.url, {
        users: 3,
        vars: (index) => ({ room: index, who: `u${index}` }),
        flow: [
          { emit: { channel: 'hi', data: '{{ who }}' }, namespace: '/room-{{ room }}', acknowledge: {} },
        ],
      });
      assert.ok(ran.users.every(({ error }) => error === null));
      assert.deepEqual(got.sort(), ['/room-0 u0', '/room-1 u1', '/room-2 u2']);
      assert.equal(server.io.engine.clientsCount <= 3, true);
    });

    test('a namespace that the server closes leaves the others their answers', async () => {
      await using server = await startServer();
      server.io.of('/lobby').on('connection', (socket) => setTimeout(() => socket.disconnect(), 60));
      server.io.on('connection', (socket) =>
        socket.on('ask', (_data, ack) => setTimeout(() => ack('late'), 200)),
      );
      const ran = await runUsers(server.url, {
        flow: [
          { emit: { channel: 'hi' }, namespace: '/lobby' },
          { emit: { channel: 'ask' }, acknowledge: {} },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(countOf(ran, 'ask.ack'), 1);
    });

    test('connect and reconnect open a new connection with options of their own', async () => {
      await using server = await startServer();
      const seen: unknown[] = [];
      server.io.on('connection', (socket) => {
        seen.push([socket.handshake.headers['x-who'], socket.handshake.query.step, socket.id]);
        socket.on('hi', (_data, ack) => ack());
      });
      const hi = { emit: { channel: 'hi' }, acknowledge: {} };
      const ran = await runUsers(server.url, {
        config: { socketio: { extraHeaders: { 'x-who': 'config' } } },
        vars: () => ({ who: 'Ann' }),
        flow: [
          { connect: { extraHeaders: { 'x-who': '{{ who }}' }, query: { step: 'one' } } },
          hi,
          { ...hi, reconnect: true },
          { disconnect: true },
          hi,
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.deepEqual(
        seen.map((entry) => (entry as unknown[]).slice(0, 2)),
        [
          ['Ann', 'one'],
          ['config', undefined],
          ['config', undefined],
        ],
      );
      assert.equal(new Set(seen.map((entry) => (entry as unknown[])[2])).size, 3);
      assert.equal(ran.measured.counters.disconnects, 0);
    });

    test('binary data may stand anywhere in a payload', async () => {
      await using server = await startServer();
      const got: unknown[] = [];
      server.io.on('connection', (socket) =>
        socket.on('blob', (...args) => {
          const ack = args.pop();
          got.push(...args);
          ack({ size: 3, echo: args[0].deep[0].bytes });
        }),
      );
      const ran = await runUsers(server.url, {
        vars: () => ({ name: 'Zoë' }),
        config: {
          processor: {
            addBlob: (
              step: { emit: { data: Record<string, unknown> } },
              _context: unknown,
              _events: unknown,
              done: () => void,
            ) => {
              step.emit.data = { deep: [{ bytes: Buffer.from('made') }], by: '{{ maker }}' };
              done();
            },
          },
        },
        flow: [
          {
            emit: [
              'blob',
              { deep: [{ bytes: { $binary: 'AQID' } }], hex: { $binary: { hex: 'ff00' } } },
              { $binary: { utf8: 'hi {{ name }}' } },
              { $binary: { bytes: 4 } },
            ],
            acknowledge: { data: { size: 3, echo: { $binary: 'AQID' } } },
          },
          { emit: { channel: 'blob', data: '{{ gone }}' }, beforeRequest: 'addBlob', acknowledge: {} },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.deepEqual(got, [
        { deep: [{ bytes: Buffer.from([1, 2, 3]) }], hex: Buffer.from([255, 0]) },
        Buffer.from('hi Zoë'),
        Buffer.alloc(4),
        { deep: [{ bytes: Buffer.from('made') }] },
      ]);
      // What the function wrote is watched, and not what it wrote over.
      assert.deepEqual(
        ran.measured.nameUses?.map(({ name, empty }) => [name, empty]),
        [
          ['name', 0],
          ['maker', 1],
        ],
      );
    });

    test('hooks change a copy of their step, and see the answer', async () => {
      await using server = await startServer();
      const got: unknown[] = [];
      server.io.on('connection', (socket) =>
        socket.on('n', (value, ack) => {
          got.push(value);
          ack({ twice: value * 2 });
        }),
      );
      const answers: number[] = [];
      let calls = 0;
      const ran = await runUsers(server.url, {
        users: 2,
        config: {
          processor: {
            next: async (step: { emit: { data: number } }) => {
              calls += 1;
              step.emit.data += calls;
            },
            see: (
              _step: unknown,
              answer: { data: { twice: number }[] },
              _context: unknown,
              _events: unknown,
              done: () => void,
            ) => {
              answers.push(answer.data[0]!.twice);
              done();
            },
          },
        },
        flow: [
          {
            emit: { channel: 'n', data: 10 },
            acknowledge: {},
            beforeRequest: 'next',
            afterResponse: ['see'],
          },
        ],
      });
      assert.ok(ran.users.every(({ error }) => error === null));
      assert.deepEqual(got.sort(), [11, 12]);
      assert.deepEqual(
        answers.sort(),
        [11, 12].map((n) => n * 2),
      );
    });

    test('a hook that spoils its step is an error of that step', async () => {
      await using server = await startServer();
      const spoil = async (step: { emit: unknown }) => {
        step.emit = {};
      };
      const ran = await runUsers(server.url, {
        config: { processor: { spoil } },
        flow: [{ emit: { channel: 'x' }, beforeRequest: 'spoil' }],
      });
      assert.match(ran.users[0]!.error?.message ?? '', /"emit" names no event/);
      assert.deepEqual(ran.measured.errors[0]?.steps, ['test, step 1 (x)']);
    });

    test('websocket only, polling and the msgpack parser', async () => {
      const flow = [
        { emit: { channel: 'hi', data: { n: [1, 'x'] } }, acknowledge: { data: { n: [1, 'x'] } } },
      ];
      const transports: string[] = [];
      for (const transport of ['websocket', 'polling']) {
        await using server = await startServer();
        server.io.on('connection', (socket) => {
          transports.push(socket.conn.transport.name);
          socket.on('hi', (data, ack) => ack(data));
        });
        const ran = await runUsers(server.url, { flow, config: { socketio: { transports: [transport] } } });
        assert.equal(ran.users[0]!.error, null);
        assert.equal(countOf(ran, 'hi.ack'), 1);
      }
      assert.deepEqual(transports, ['websocket', 'polling']);
      const { default: parser } = await import('socket.io-msgpack-parser');
      await using server = await startServer({ parser });
      server.io.on('connection', (socket) => socket.on('hi', (data, ack) => ack(data)));
      const ran = await runUsers(server.url, {
        flow,
        config: { socketio: { parser: 'msgpack', transports: ['websocket'] } },
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(countOf(ran, 'hi.ack'), 1);
    });

    test('the connection of a user is closed when its flow ends', async () => {
      await using server = await startServer();
      const closed = once(server.io.of('/'), 'connection').then(([socket]) => once(socket, 'disconnect'));
      await runUsers(server.url, { flow: [{ think: '1ms' }] });
      const [reason] = await closed;
      assert.equal(reason, 'client namespace disconnect');
    });

    test('a step that nothing knows is an error when the scenario is compiled', async () => {
      await assert.rejects(
        runUsers('http://127.0.0.1:1', { flow: [{ emitt: { channel: 'x' } }] }),
        /step 1: no engine knows this step/,
      );
      await assert.rejects(
        runUsers('http://127.0.0.1:1', { flow: [{ emit: { data: 'x' } }] }),
        /"emit" names no event/,
      );
    });

    test('what would wait for ever, or send something else, is an error when the scenario is compiled', async () => {
      const emit = { channel: 'x' };
      const mistakes: [Record<string, unknown>, RegExp][] = [
        [{ emit, timeout: '{{ t }}' }, /step 1: "timeout: \{\{ t \}\}" is no time; write seconds/],
        [{ response: emit, timeout: '{{ t }}' }, /"timeout: \{\{ t \}\}" is no time/],
        [{ connect: {}, timeout: 'soon' }, /"timeout: soon" is no time/],
        [
          { emit, rate: 5, duration: '1s', beforeRequest: 'f' },
          /"beforeRequest" means nothing beside "rate"/,
        ],
        [
          { emit, rate: 5, duration: '1s', afterResponse: 'f' },
          /"afterResponse" means nothing beside "rate"/,
        ],
        [{ emit, rate: '1/min', duration: '10s' }, /"rate: 1\/min" for "duration: 10s" sends nothing/],
      ];
      for (const [step, problem] of mistakes)
        await assert.rejects(runUsers('http://127.0.0.1:1', { flow: [step] }), {
          code: 'SCENARIO_INVALID',
          message: problem,
        });
      await assert.rejects(
        runUsers('http://127.0.0.1:1', { flow: [{ emit }], config: { timeout: 'soon' } }),
        /config\.timeout: "soon" is no time/,
      );
    });

    test('a timeout is in seconds, also as a fraction, or has its unit', async () => {
      await using server = await startServer();
      const never = { channel: 'never' };
      const failing = async (step: Record<string, unknown>, timeout?: string) => {
        const config = timeout === undefined ? {} : { timeout };
        const { measured } = await runUsers(server.url, { flow: [step], config });
        return measured.errors.flatMap(({ messages }) => messages);
      };
      assert.deepEqual(await failing({ emit: never, acknowledge: {}, timeout: 0.1 }), [
        'no answer within 100 ms',
      ]);
      assert.deepEqual(await failing({ response: never, timeout: 0.1 }), ['no event within 100 ms']);
      assert.deepEqual(await failing({ emit: never, acknowledge: {} }, '100ms'), ['no answer within 100 ms']);
    });
  });
