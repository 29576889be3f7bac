import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Server } from 'socket.io';
import { clients, countOf, startServer } from './run-users.ts';

const hi = { emit: { channel: 'hi' }, acknowledge: {} };
const websocket = { transports: ['websocket'] };

for (const { client, runUsers } of clients)
  describe(client, () => {
    test('each user has its own token, headers and query, from payload variables and processors', async () => {
      await using server = await startServer();
      const seen: string[] = [];
      server.io.on('connection', ({ handshake }) => {
        seen.push(
          [
            handshake.auth.token,
            handshake.headers['x-user'],
            handshake.headers['x-made'],
            handshake.query.q,
          ].join(' '),
        );
      });
      const ran = await runUsers(server.url, {
        users: 3,
        vars: (index) => ({ token: `t${index}`, user: { name: `n${index}` } }),
        config: {
          socketio: {
            auth: { token: '{{ token }}' },
            extraHeaders: { 'x-user': '{{ user.name }}', 'x-gone': '{{ gone }}' },
            query: { q: 'q-{{ token }}' },
          },
          processor: {
            addHeader: (
              context: { extraHeaders: unknown; vars: Record<string, unknown> },
              _ee: unknown,
              done: () => void,
            ) => {
              context.extraHeaders = { 'x-made': `made-${context.vars.token}` };
              done();
            },
          },
        },
        flow: [{ function: 'addHeader' }, { think: '1ms' }],
      });
      assert.ok(ran.users.every(({ error }) => error === null));
      assert.deepEqual(seen.sort(), ['t0 n0 made-t0 q-t0', 't1 n1 made-t1 q-t1', 't2 n2 made-t2 q-t2']);
    });

    test('a token is minted for each user from a template of claims', async () => {
      await using server = await startServer();
      const claims: Record<string, unknown>[] = [];
      server.io.use((socket, next) => {
        const [header, payload, signature] = String(socket.handshake.headers.authorization)
          .replace('Bearer ', '')
          .split('.');
        const expected = createHmac('sha256', 's3cret').update(`${header}.${payload}`).digest('base64url');
        if (signature !== expected) next(new Error('bad signature'));
        else {
          claims.push(JSON.parse(Buffer.from(payload!, 'base64url').toString()));
          next();
        }
      });
      const ran = await runUsers(server.url, {
        users: 2,
        vars: (index) => ({ id: index, name: `user ${index}` }),
        settings: {
          jwt: {
            secret: 's3cret',
            algorithm: 'HS256',
            claims: { sub: '{{ id }}', name: '{{ name }}' },
            expiresInSeconds: 60,
          },
        },
        config: { socketio: { extraHeaders: { authorization: 'Bearer {{ $token }}' } } },
        flow: [{ think: '1ms' }],
      });
      assert.ok(ran.users.every(({ error }) => error === null));
      assert.deepEqual(claims.map(({ sub, name }) => [sub, name]).sort(), [
        [0, 'user 0'],
        [1, 'user 1'],
      ]);
      assert.ok(claims.every(({ exp, iat }) => Number(exp) - Number(iat) === 60));
    });

    test('each user has a connection of its own, and options of a scenario stay in it', async () => {
      await using server = await startServer();
      const connections = new Set<unknown>();
      const headers: unknown[] = [];
      server.io.of('/a').on('connection', (socket) => {
        connections.add(socket.conn);
        socket.on('hi', (_data, ack) => ack());
      });
      server.io.of('/b').on('connection', (socket) => {
        connections.add(socket.conn);
        socket.on('hi', (_data, ack) => ack());
      });
      server.io.engine.on(
        'initial_headers',
        (_headers: unknown, request: { headers: Record<string, unknown> }) =>
          headers.push(request.headers['x-scenario']),
      );
      await runUsers(server.url, {
        users: 4,
        config: { socketio: websocket },
        scenario: { socketio: { extraHeaders: { 'x-scenario': 'one' } } },
        flow: [
          { ...hi, namespace: '/a' },
          { ...hi, namespace: '/b' },
        ],
      });
      assert.equal(connections.size, 4);
      await runUsers(server.url, { config: { socketio: websocket }, flow: [{ ...hi, namespace: '/a' }] });
      assert.deepEqual(headers, ['one', 'one', 'one', 'one', undefined]);
    });

    test('a further namespace has a handshake of its own, and closing both is no lost connection', async () => {
      await using server = await startServer();
      for (const name of ['/', '/a', '/b'])
        server.io.of(name).on('connection', (socket) => socket.on('hi', (_data, ack) => ack()));
      const ran = await runUsers(server.url, {
        users: 3,
        config: { socketio: websocket },
        flow: [hi, { ...hi, namespace: '/a' }, { ...hi, namespace: '/b' }],
      });
      assert.equal(countOf(ran, 'hi.ack'), 9);
      assert.equal(countOf(ran, 'connect.handshake'), 3);
      assert.equal(countOf(ran, 'namespace.handshake'), 6);
      assert.equal(ran.measured.counters.disconnects ?? 0, 0);
    });

    test('a refused connection tells the cause, with each transport', async () => {
      const http = createServer((_request, response) => {
        response.statusCode = 401;
        response.end('{"message":"nope"}');
      });
      http.on('upgrade', (_request, socket) =>
        socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'),
      );
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      const unauthorized = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
      const failure = async (url: string, transport: string) => {
        const ran = await runUsers(url, { flow: [hi], config: { socketio: { transports: [transport] } } });
        const [error] = ran.measured.errors;
        assert.equal(ran.measured.errors.length, 1);
        assert.equal(error!.count, 1);
        assert.equal(ran.users[0]!.error?.name, error!.name);
        return [error!.name, error!.messages[0]];
      };
      try {
        assert.deepEqual(await failure('http://127.0.0.1:1', 'websocket'), [
          'connect error: ECONNREFUSED',
          'websocket error: connect ECONNREFUSED 127.0.0.1:1',
        ]);
        assert.deepEqual(await failure('http://127.0.0.1:1', 'polling'), [
          'connect error: ECONNREFUSED',
          'xhr poll error: connect ECONNREFUSED 127.0.0.1:1',
        ]);
        assert.deepEqual(await failure(unauthorized, 'websocket'), [
          'connect error: HTTP 401',
          'websocket error: Unexpected server response: 401',
        ]);
        assert.deepEqual(await failure(unauthorized, 'polling'), [
          'connect error: HTTP 401',
          'xhr poll error: HTTP 401: {"message":"nope"}',
        ]);
        // `localhost` is two addresses, and Node reports both attempts in one error without a message.
        assert.equal((await failure('http://localhost:1', 'websocket'))[0], 'connect error: ECONNREFUSED');
      } finally {
        http.closeAllConnections();
        http.close();
      }
    });

    test('a connection that the middleware refuses keeps its words', async () => {
      await using server = await startServer();
      server.io.use((_socket, next) =>
        next(Object.assign(new Error('token expired'), { data: { code: 17 } })),
      );
      const ran = await runUsers(server.url, { flow: [hi] });
      assert.deepEqual(ran.measured.errors[0]!.name, 'connect refused: token expired');
      assert.deepEqual(ran.measured.errors[0]!.messages, ['token expired: {"code":17}']);
      assert.equal(countOf(ran, 'connect.handshake'), 0);
    });

    test('a server that accepts and says nothing ends as a connect timeout', async () => {
      const silent = createTcpServer(() => {});
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      try {
        for (const transport of ['websocket', 'polling']) {
          const ran = await runUsers(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, {
            flow: [hi],
            settings: { timeoutMs: 200 },
            config: { socketio: { transports: [transport] } },
          });
          assert.deepEqual(
            ran.measured.errors.map(({ name, count }) => [name, count]),
            [['connect timeout', 1]],
          );
        }
      } finally {
        silent.close();
      }
    });

    test('a step that connects may have a timeout of its own', async () => {
      await using server = await startServer();
      server.io.use((_socket, next) => setTimeout(next, 200));
      const connecting = async (step: Record<string, unknown>) =>
        (await runUsers(server.url, { flow: [step], settings: { timeoutMs: 100 } })).users[0]!.error?.name;
      assert.equal(await connecting({ connect: {} }), 'connect timeout');
      assert.equal(await connecting({ connect: {}, timeout: 2 }), undefined);
    });

    test('an answer that never comes ends as a named error, and the run ends', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => socket.on('late', (_data, ack) => setTimeout(ack, 600)));
      const ran = await runUsers(server.url, {
        flow: [{ emit: { channel: 'never' }, acknowledge: {} }],
        settings: { timeoutMs: 200 },
      });
      assert.equal(ran.users[0]!.error?.name, 'ack timeout: never');
      assert.equal(ran.measured.counters['messages.unanswered'], 1);
      const responses = await runUsers(server.url, {
        flow: [{ emit: { channel: 'never' }, response: { channel: 'answer' } }],
        settings: { timeoutMs: 200 },
      });
      assert.equal(responses.users[0]!.error?.name, 'response timeout: answer');
      const listens = await runUsers(server.url, {
        flow: [{ response: { channel: 'answer' } }],
        settings: { timeoutMs: 200 },
      });
      assert.equal(listens.users[0]!.error?.name, 'response timeout: answer');
      const own = await runUsers(server.url, {
        flow: [{ emit: { channel: 'late' }, acknowledge: {}, timeout: '100ms' }],
      });
      assert.equal(own.users[0]!.error?.name, 'ack timeout: late');
      assert.equal(countOf(own, 'late.ack'), 0);
    });

    test('a connection lost in a step is counted, and the outage never becomes a latency', async () => {
      await using server = await startServer();
      let connections = 0;
      server.io.on('connection', (socket) => {
        connections += 1;
        socket.on('drop', () => socket.conn.close());
        socket.on('hi', (_data, ack) => ack());
      });
      const dropped = await runUsers(server.url, { flow: [{ emit: { channel: 'drop' }, acknowledge: {} }] });
      assert.equal(dropped.users[0]!.error?.name, 'disconnected');
      assert.match(
        dropped.measured.errors[0]!.messages[0]!,
        /transport close, while "drop" was not answered/,
      );
      assert.equal(dropped.measured.counters.disconnects, 1);
      assert.equal(countOf(dropped, 'drop.ack'), 0);

      connections = 0;
      const resumed = await runUsers(server.url, {
        flow: [hi, { emit: { channel: 'drop' } }, { think: '100ms' }, hi],
        config: { socketio: { reconnectionDelay: 300, randomizationFactor: 0 } },
        settings: { timeoutMs: 3_000 },
      });
      assert.equal(resumed.users[0]!.error, null);
      assert.equal(connections, 2);
      assert.equal(resumed.measured.counters.disconnects, 1);
      assert.equal(countOf(resumed, 'hi.ack'), 2);
      // The second message waited for the new connection; its latency is that of the message alone.
      assert.ok(resumed.measured.metrics['hi.ack']!.maxMs < 150);
      assert.equal(countOf(resumed, 'connect.handshake'), 1);
      assert.ok(resumed.measured.metrics['reconnect.handshake']!.minMs >= 290);
    });

    test('a lost connection tells the code with which the server closed it', async () => {
      await using server = await startServer({ maxHttpBufferSize: 1_000 });
      server.io.on('connection', (socket) => socket.on('big', (_data, ack) => ack()));
      const ran = await runUsers(server.url, {
        flow: [{ emit: { channel: 'big', data: 'x'.repeat(2_000) }, acknowledge: {} }],
      });
      assert.equal(ran.users[0]!.error?.name, 'disconnected');
      assert.match(ran.measured.errors[0]!.messages[0]!, /WebSocket close 1009/);
    });

    test('a user that the server puts out does not wait for a connection that never comes', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => socket.on('kick', () => socket.disconnect()));
      const ran = await runUsers(server.url, {
        flow: [{ emit: { channel: 'kick' } }, { think: '100ms' }, hi],
      });
      assert.equal(ran.users[0]!.error?.name, 'not connected');
      assert.equal(ran.measured.counters.disconnects, 1);
    });

    test('an event that reports a failure ends the wait of the step it is about', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.on('join', () =>
          socket.emit('exception', {
            status: 'error',
            message: 'no such room',
            cause: { pattern: 'join', data: {} },
          }),
        );
        socket.on('tell', () => socket.emit('exception', 'bad tell'));
        socket.on('probe', () => socket.emit('exception', 'expected'));
      });
      const ran = await runUsers(server.url, { flow: [{ emit: { channel: 'join' }, acknowledge: {} }] });
      assert.equal(ran.users[0]!.error?.name, 'rejected: join');
      assert.match(ran.measured.errors[0]!.messages[0]!, /no such room/);

      const nobody = await runUsers(server.url, { flow: [{ emit: { channel: 'tell' } }, { think: '50ms' }] });
      assert.equal(nobody.users[0]!.error, null);
      assert.deepEqual(nobody.measured.errors, [
        { name: 'exception', count: 1, messages: ['["bad tell"]'], steps: [] },
      ]);

      const awaited = await runUsers(server.url, {
        flow: [{ emit: { channel: 'probe' }, response: { channel: 'exception', data: 'expected' } }],
      });
      assert.equal(awaited.users[0]!.error, null);
      assert.deepEqual(awaited.measured.errors, []);
    });

    test('an event named error is an event like any other', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.emit('error', { code: 1 });
        socket.on('hi', (_data, ack) => {
          socket.emit('error', 'again');
          ack();
        });
      });
      const ran = await runUsers(server.url, { flow: [hi, hi] });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(countOf(ran, 'hi.ack'), 2);
      assert.deepEqual(ran.measured.errors, []);
    });

    test('TLS options reach the connection', async (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'tls-'));
      t.after(() => rmSync(dir, { recursive: true }));
      try {
        execFileSync(
          'openssl',
          [
            'req',
            '-x509',
            '-newkey',
            'rsa:2048',
            '-nodes',
            '-days',
            '2',
            '-subj',
            '/CN=127.0.0.1',
            '-keyout',
            'k.pem',
            '-out',
            'c.pem',
          ],
          { cwd: dir, stdio: 'ignore' },
        );
      } catch {
        t.skip('openssl is not installed');
        return;
      }
      const https = createHttpsServer({
        key: readFileSync(join(dir, 'k.pem')),
        cert: readFileSync(join(dir, 'c.pem')),
      });
      const io = new Server(https);
      io.on('connection', (socket) => socket.on('hi', (_data, ack) => ack()));
      await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
      const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
      try {
        for (const transport of ['websocket', 'polling']) {
          const socketio = { transports: [transport] };
          const trusting = await runUsers(url, {
            flow: [hi],
            config: { socketio, tls: { rejectUnauthorized: false } },
          });
          assert.equal(trusting.users[0]!.error, null);
          const careful = await runUsers(url, { flow: [hi], config: { socketio } });
          assert.match(
            careful.users[0]!.error!.name,
            /^connect error: (DEPTH_ZERO_SELF_SIGNED_CERT|.*self.signed)/,
          );
        }
      } finally {
        https.closeAllConnections();
        await io.close();
      }
    });
  });
