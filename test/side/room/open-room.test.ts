import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { decodeJwt, jwtVerify } from 'jose';
import type { Socket } from 'socket.io';
import { TailgateError } from '../../../src/errors.ts';
import { roomSchema } from '../../../src/settings/settings-schema.ts';
import { type OpenRoom, openRoom, type RoomOptions } from '../../../src/side/room/open-room.ts';
import { freePort } from '../../../src/side/target/ports.ts';
import { socketIoServer } from './socket-io-server.ts';

const open = (
  url: string,
  settings: Record<string, unknown>,
  options: Partial<RoomOptions> = {},
): Promise<OpenRoom> =>
  openRoom(roomSchema.parse({ timeoutMs: 5_000, ...settings }), { url, env: {}, ...options });

const refused = async (opening: Promise<OpenRoom>, code: string): Promise<TailgateError> => {
  const error = await opening.then(
    (room) => room[Symbol.asyncDispose]().then(() => assert.fail(`opened, though ${code} was expected`)),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TailgateError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
};

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let attempt = 0; attempt < 250; attempt += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${what} did not happen`);
};

type Acknowledge = (...args: unknown[]) => void;

test('an acknowledged room is open until it is closed, and then deleted and left', async (t) => {
  const seen: string[] = [];
  const { url, io } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', (data: unknown, acknowledge: Acknowledge) => {
      seen.push(`create ${JSON.stringify(data)}`);
      acknowledge({ ok: true, room: { id: 42 }, members: ['a', 'b'] });
    });
    socket.on('deleteRoom', (...args: unknown[]) => {
      seen.push(`delete ${JSON.stringify(args.slice(0, -1))}`);
      (args.at(-1) as Acknowledge)({ ok: true });
    });
    socket.on('disconnect', (reason) => seen.push(reason));
  });
  const room = await open(url, {
    create: { event: 'createRoom', data: { name: 'load' } },
    delete: { event: 'deleteRoom', args: ['{{ roomId }}', { id: '{{roomId}}', label: 'room {{ roomId }}' }] },
    capture: { roomId: 'room.id', second: '$.members.1' },
  });
  assert.deepEqual(room.variables, { roomId: 42, second: 'b' });
  assert.equal(io.sockets.sockets.size, 1);
  await Promise.all([room[Symbol.asyncDispose](), room[Symbol.asyncDispose]()]);
  await until('the disconnect', () => seen.length === 3);
  assert.deepEqual(seen, [
    'create {"name":"load"}',
    'delete [42,{"id":42,"label":"room 42"}]',
    'client namespace disconnect',
  ]);
  const outcome = await Promise.race([
    room.lost,
    new Promise((resolve) => setTimeout(resolve, 200, 'quiet')),
  ]);
  assert.equal(outcome, 'quiet');
});

test('headers, query, auth and payload take the token, and secrets come from the environment', async (t) => {
  let handshake: Socket['handshake'] | undefined;
  let created: unknown;
  const { url } = await socketIoServer(t, (socket) => {
    handshake = socket.handshake;
    socket.on('createRoom', (data: unknown, acknowledge: Acknowledge) => {
      created = data;
      acknowledge();
    });
  });
  const secrets = new Set<string>();
  const settings = {
    token: { env: 'OWNER_TOKEN' },
    headers: { accesstoken: 'Bearer {{ token }}', 'x-key': { env: 'API_KEY' } },
    query: { v: '2', t: '{{ token }}' },
    auth: { accessToken: '{{ token }}', deep: { key: { env: 'API_KEY' } } },
    create: { event: 'createRoom', data: { by: ['{{ token }}'] } },
  };
  // Where it runs is no secret: "true" stands in every report.
  const env = { OWNER_TOKEN: 'tok-123456', API_KEY: 'key-987654', GITHUB_ACTIONS: 'true' };
  await using _ = await open(url, settings, { env, secretValues: secrets });
  assert.equal(handshake?.headers.accesstoken, 'Bearer tok-123456');
  assert.equal(handshake?.headers['x-key'], 'key-987654');
  assert.equal(handshake?.query.t, 'tok-123456');
  assert.deepEqual(handshake?.auth, { accessToken: 'tok-123456', deep: { key: 'key-987654' } });
  assert.deepEqual(created, { by: ['tok-123456'] });
  assert.deepEqual(secrets, new Set(['tok-123456', 'key-987654']));

  const missing = await refused(open(url, settings, { env: { OWNER_TOKEN: 'x' } }), 'SECRET_MISSING');
  assert.match(missing.message, /API_KEY/);
  await refused(open(url, { auth: { accessToken: '{{ token }}' } }), 'SETTINGS_INVALID_VALUE');
});

test('a JWT is minted from secret and claims', async (t) => {
  let token = '';
  const { url } = await socketIoServer(t, (socket) => {
    token = String(socket.handshake.auth.token);
  });
  const now = Date.now();
  const settings = {
    jwt: {
      secret: { env: 'JWT_SECRET' },
      claims: { sub: 'owner', roles: ['host'] },
      algorithm: 'HS512',
      expiresInSeconds: 90,
    },
    auth: { token: '{{ token }}' },
  };
  await using _ = await open(url, settings, { env: { JWT_SECRET: 'a secret' }, now: () => now });
  const { payload, protectedHeader } = await jwtVerify(token, new TextEncoder().encode('a secret'));
  assert.equal(protectedHeader.alg, 'HS512');
  assert.deepEqual(payload, {
    sub: 'owner',
    roles: ['host'],
    iat: Math.floor(now / 1000),
    exp: Math.floor(now / 1000) + 90,
  });
  await refused(open(url, settings), 'SECRET_MISSING');
  const expired = { ...settings, jwt: { ...settings.jwt, claims: { exp: 1 } } };
  await using __ = await open(url, expired, { env: { JWT_SECRET: 'a secret' } });
  assert.equal(decodeJwt(token).exp, 1);
});

test('an exception event refuses the room, with its payload and without the token', async (t) => {
  const { url, io } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', () => {
      const { token, key } = socket.handshake.auth;
      socket.emit('exception', { status: 'error', message: `no room for ${token} with ${key}` });
    });
  });
  const auth = { token: '{{ token }}', key: { env: 'API_KEY' } };
  const settings = { token: 'tok-abcdef', auth, create: { event: 'createRoom' } };
  const env = { API_KEY: 'key-987654' };
  const error = await refused(open(url, settings, { env }), 'ROOM_REFUSED');
  assert.match(error.message, /answered "createRoom" with "exception" .*no room for \*\*\* with \*\*\*/);
  await until('the disconnect', () => io.sockets.sockets.size === 0);
  const other = { ...settings, failureEvents: ['roomError'], timeoutMs: 300 };
  await refused(open(url, other, { env }), 'ROOM_UNANSWERED');
});

test('an acknowledgement that says no refuses the room', async (t) => {
  let answer: unknown[] = [];
  const { url } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', (acknowledge: Acknowledge) => acknowledge(...answer));
  });
  const create = { event: 'createRoom' };
  for (const no of [
    [{ ok: false, reason: 'full' }],
    [{ success: false }],
    [{ status: 'error', message: 'full' }],
    [{ statusCode: 409 }],
    [{ error: { code: 'FULL' } }],
    ['the room is full', undefined],
  ]) {
    answer = no;
    await refused(open(url, { create }), 'ROOM_REFUSED');
  }
  for (const yes of [
    [],
    [null, { id: 1 }],
    [{ status: 'ok', error: null }],
    ['room-1'],
    [{ status: 200 }],
    [true],
  ]) {
    answer = yes;
    await using _ = await open(url, { create });
  }
  answer = [{ status: 'created', error: 'none' }];
  await using _ = await open(url, { create: { ...create, expect: { status: 'created' } } });
  const error = await refused(
    open(url, { create: { ...create, expect: { status: 'open' } } }),
    'ROOM_REFUSED',
  );
  assert.match(
    error.message,
    /\{"status":"created","error":"none"\}, where \{"status":"open"\} was expected/,
  );
});

test('a room that another event confirms, and one that nothing confirms', async (t) => {
  const { url } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', (name: string) => {
      if (name === 'taken') socket.emit('exception', 'taken');
      else setTimeout(() => socket.emit('roomCreated', { id: `${name}-1` }), 20);
    });
  });
  const confirmed = { event: 'createRoom', data: 'a', confirm: { event: 'roomCreated' } };
  await using room = await open(url, { create: confirmed, capture: { roomId: 'id' } });
  assert.deepEqual(room.variables, { roomId: 'a-1' });
  await using _ = await open(url, { create: { event: 'createRoom', data: 'b', confirm: 'none' } });
  for (const confirm of [{ event: 'roomCreated' }, 'none'])
    await refused(open(url, { create: { event: 'createRoom', data: 'taken', confirm } }), 'ROOM_REFUSED');
  const silent = await refused(
    open(url, { create: { ...confirmed, confirm: { event: 'other' } }, timeoutMs: 300 }),
    'ROOM_UNANSWERED',
  );
  assert.match(silent.message, /within 300 ms/);
});

test('a captured field that the answer lacks is a mistake in the settings', async (t) => {
  const { url } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', (acknowledge: Acknowledge) => acknowledge({ room: { id: 7 } }));
  });
  const settings = { create: { event: 'createRoom' }, capture: { roomId: 'room.uuid' } };
  const error = await refused(open(url, settings), 'SETTINGS_INVALID_VALUE');
  assert.match(error.message, /room\.capture\.roomId.*"room\.uuid" \(it was \{"room":\{"id":7\}\}\)/s);
});

test('a variable that is not captured is a mistake in the settings, found before the load', async (t) => {
  const { url, io } = await socketIoServer(t, () => {});
  const settings = { delete: { event: 'deleteRoom', data: { id: '{{ roomId }}' } } };
  const error = await refused(open(url, settings), 'SETTINGS_INVALID_VALUE');
  assert.match(error.message, /room\.delete\.data\.id.*no variable "roomId"/);
  await until('the disconnect', () => io.sockets.sockets.size === 0);
});

test('without a create event the owner just holds the connection', async (t) => {
  const { url, io } = await socketIoServer(t, () => {});
  await using room = await open(url, {});
  assert.equal(io.sockets.sockets.size, 1);
  assert.deepEqual(room.variables, {});
});

test('a server that ends the connection of an owner at once', async (t) => {
  const { url } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', () => socket.disconnect());
    if (socket.handshake.query.kick === 'now') socket.disconnect(true);
  });
  const kicked = await refused(open(url, { query: { kick: 'now' } }), 'ROOM_CONNECT_FAILED');
  assert.match(kicked.message, /io server disconnect|transport close/);
  const error = await refused(open(url, { create: { event: 'createRoom' } }), 'ROOM_REFUSED');
  assert.match(error.message, /a disconnect \(io server disconnect\)/);
});

test('a refused connection names the true reason', async (t) => {
  const { url } = await socketIoServer(t, () => {}, {
    configure: (io) => {
      io.use((socket, next) => {
        const failure = Object.assign(new Error('jwt expired'), { data: { code: 'E_TOKEN' } });
        next(socket.handshake.auth.token === 'good' ? undefined : failure);
      });
      io.of('/hang').use(() => {});
    },
    allowRequest: (request, callback) => callback(null, request.headers['x-blocked'] === undefined),
  });
  const reasonOf = async (settings: Record<string, unknown>, at = url): Promise<string> =>
    (await refused(open(at, settings), 'ROOM_CONNECT_FAILED')).what;
  assert.match(await reasonOf({}), /jwt expired \(\{"code":"E_TOKEN"\}\)/);
  assert.match(await reasonOf({ namespace: '/nowhere' }), /Invalid namespace/);
  assert.match(await reasonOf({ namespace: '/hang', timeoutMs: 300 }), /no answer within 300 ms/);
  assert.match(
    await reasonOf({ path: '/elsewhere', timeoutMs: 1_000 }),
    /websocket error \(.+\)|no answer|hang up/,
  );
  for (const transports of [['websocket'], ['polling']])
    assert.match(await reasonOf({ transports, headers: { 'x-blocked': '1' } }), /40[03]/, transports[0]);
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  for (const transports of [['websocket'], ['polling']])
    assert.match(await reasonOf({ transports }, nowhere), /ECONNREFUSED/, transports[0]);
});

test('a server that accepts and says nothing is given up', async (t) => {
  const sockets = new Set<{ destroy(): void }>();
  const mute = createServer((socket) => sockets.add(socket));
  const port = await freePort();
  await new Promise<void>((resolve) => mute.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  for (const transports of [['websocket'], ['polling']]) {
    const error = await refused(
      open(`http://127.0.0.1:${port}`, { transports, timeoutMs: 400 }),
      'ROOM_CONNECT_FAILED',
    );
    assert.match(error.message, /timeout|no answer/);
  }
});

test('namespaces and polling', async (t) => {
  const { url, io } = await socketIoServer(t, () => {}, { path: '/realtime' });
  io.of('/chat').on('connection', (socket) => {
    socket.on('createRoom', (acknowledge: Acknowledge) =>
      acknowledge({ id: 1, transport: socket.conn.transport.name }),
    );
  });
  for (const [namespace, transports] of [
    ['/chat', ['polling']],
    ['chat', ['websocket']],
  ]) {
    const capture = { transport: 'transport' };
    await using room = await open(url, {
      namespace,
      transports,
      path: '/realtime',
      create: { event: 'createRoom' },
      capture,
    });
    assert.equal(room.variables.transport, transports?.[0]);
  }
});

test('a room whose owner is disconnected is lost, with the reason and the time since the load started', async (t) => {
  let owner: Socket | undefined;
  const { url } = await socketIoServer(t, (socket) => {
    owner = socket;
  });
  await using kicked = await open(url, {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  const startedAt = performance.now();
  kicked.loadStarts();
  owner?.disconnect();
  const error = await kicked.lost;
  const elapsedMs = performance.now() - startedAt;
  assert.equal(error.code, 'ROOM_LOST');
  assert.match(error.message, /io server disconnect/);
  assert.ok(Number(/(\d+) ms into/.exec(error.message)?.[1]) <= Math.ceil(elapsedMs));
  await using cut = await open(url, { delete: { event: 'deleteRoom' } });
  owner?.conn.close();
  assert.match((await cut.lost).message, /transport close/);
  assert.equal(owner?.connected, false);
});

test('closing never hangs and never throws', async (t) => {
  const { url } = await socketIoServer(t, (socket) => {
    socket.on('createRoom', (acknowledge: Acknowledge) => acknowledge());
    socket.on('refuse', () => socket.emit('exception', 'not yours'));
  });
  const closing = async (
    remove: Record<string, unknown>,
    more: Partial<RoomOptions> = {},
  ): Promise<string[]> => {
    const warnings: string[] = [];
    const room = await open(
      url,
      { create: { event: 'createRoom' }, delete: remove, timeoutMs: 400 },
      { ...more, warn: (message) => warnings.push(message) },
    );
    await room[Symbol.asyncDispose]();
    return warnings;
  };
  assert.match(
    (await closing({ event: 'never' })).join(),
    /not deleted: "never" was not acknowledged within \d+ ms/,
  );
  assert.match((await closing({ event: 'refuse' })).join(), /not yours/);
  assert.deepEqual(await closing({ event: 'never', confirm: 'none' }), []);
});

test('a cancellation ends opening', async (t) => {
  const { url } = await socketIoServer(t, () => {});
  const controller = new AbortController();
  const opening = open(url, { create: { event: 'createRoom' } }, { signal: controller.signal });
  setTimeout(() => controller.abort('SIGTERM'), 200);
  assert.match((await refused(opening, 'CANCELLED')).message, /SIGTERM/);
  await refused(open(url, {}, { signal: AbortSignal.abort('SIGINT') }), 'CANCELLED');
});
