import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { roomSchema, targetSchema } from '../../src/settings/settings-schema.ts';
import { openRoom } from '../../src/side/room/open-room.ts';
import type { RunningTarget } from '../../src/side/target/running-target.ts';
import { startTarget } from '../../src/side/target/start-target.ts';
import { cleanEnvironment } from '../side/target/fixtures/target-fixture.ts';
import { type ChatClient, chatClient, tokenFor } from './chat-client.ts';
import { withoutRedis } from './redis.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const servers = [
  { name: 'chat-server', build: null, start: 'examples/chat-server/server.js' },
  {
    name: 'nest-chat-server',
    build: ['node_modules/typescript/bin/tsc', '-p', 'examples/nest-chat-server'],
    start: 'examples/nest-chat-server/dist/main.js',
  },
  {
    name: 'chat-cluster, one instance',
    build: null,
    start: 'examples/chat-cluster/cluster.js --instances 1',
  },
  {
    name: 'chat-cluster, two instances',
    build: null,
    start: 'examples/chat-cluster/cluster.js --instances 2',
    skip: withoutRedis,
  },
] as const;

for (const { name, build, start, ...options } of servers) {
  describe(name, options, () => {
    const folder = mkdtempSync(join(tmpdir(), 'chat-test-'));
    let server: RunningTarget;
    let url: string;
    const startServer = (env: Record<string, string> = {}): Promise<RunningTarget> =>
      startTarget(
        targetSchema.parse({
          start: `"${process.execPath}" ${start}`,
          ready: { type: 'socketio', timeoutMs: 60_000, intervalMs: 50 },
          env,
        }),
        { cwd: root, logPath: join(folder, 'server.log'), label: name, env: cleanEnvironment() },
      );
    before(async () => {
      if (build !== null)
        execFileSync(process.execPath, build, { cwd: root, timeout: 120_000, stdio: 'inherit' });
      server = await startServer();
      url = server.url;
    });
    after(async () => {
      await server?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    const ends: (() => void)[] = [];
    after(() => {
      for (const end of ends) end();
    });
    const client = (auth: Record<string, unknown>, extraHeaders: Record<string, string> = {}, at = url) =>
      chatClient(at, { auth, extraHeaders }, (end) => ends.push(end));
    const user = async (userName: string, at = url): Promise<ChatClient> =>
      client({ accessToken: `Bearer ${await tokenFor(userName)}` }, {}, at);

    test('answers over HTTP', async () => {
      const response = await fetch(url);
      assert.equal(response.status, 200);
      assert.equal(((await response.json()) as { ok: boolean }).ok, true);
    });

    test('a room is created, joined, talked in, left and deleted', async () => {
      const [ann, bob, cid] = await Promise.all(['ann', 'bob', 'cid'].map((each) => user(each)));
      assert.ok(ann && bob && cid);
      assert.deepEqual(await ann.ask('createRoom', { roomId: 'r1' }), { ok: true, roomId: 'r1' });
      assert.deepEqual(await bob.ask('joinRoom', { roomId: 'r1' }), { ok: true, roomId: 'r1', members: 2 });
      assert.deepEqual(await cid.ask('joinRoom', { roomId: 'r1' }), { ok: true, roomId: 'r1', members: 3 });
      assert.deepEqual(await bob.ask('chat', { roomId: 'r1', text: 'hello' }), { ok: true });
      const message = { roomId: 'r1', from: 'bob', text: 'hello' };
      assert.deepEqual(await ann.next('chat'), message);
      assert.deepEqual(await cid.next('chat'), message);
      assert.equal(bob.got.length, 0);
      assert.deepEqual(await bob.ask('leaveRoom', { roomId: 'r1' }), { ok: true });
      assert.deepEqual(await ann.ask('chat', { roomId: 'r1', text: 'still here?' }), { ok: true });
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(bob.got.length, 0);
      assert.deepEqual(await ann.ask('deleteRoom', { roomId: 'r1' }), { ok: true });
      assert.deepEqual(await cid.next('roomDeleted'), { roomId: 'r1' });
      const { exception } = await cid.ask('chat', { roomId: 'r1', text: 'x' });
      assert.deepEqual(exception, { status: 'error', message: 'Room r1 does not exist', event: 'chat' });
    });

    test('a room without a name gets one', async () => {
      const ann = await user('ann');
      const { roomId } = await ann.ask('createRoom');
      assert.equal(roomId, `room-${ann.socket.id}`);
    });

    test('failures are exceptions and no acknowledgements', async () => {
      const [ann, bob] = await Promise.all([user('ann'), user('bob')]);
      await ann.ask('createRoom', { roomId: 'r2' });
      for (const [who, event, data, message] of [
        [bob, 'createRoom', { roomId: 'r2' }, 'Room r2 exists already'],
        [bob, 'joinRoom', { roomId: 'nowhere' }, 'Room nowhere does not exist'],
        [bob, 'joinRoom', {}, 'roomId must be a text'],
        [bob, 'chat', { roomId: 'r2', text: 'x' }, 'You are not in room r2'],
        [bob, 'deleteRoom', { roomId: 'r2' }, 'Only the owner may delete a room'],
        [bob, 'leaveRoom', { roomId: 'nowhere' }, 'Room nowhere does not exist'],
      ] as const) {
        assert.deepEqual(await who.ask(event, data), { exception: { status: 'error', message, event } });
      }
    });

    test('events that need a token are refused without one', async () => {
      const nobody = await client({});
      const expired = await client({ accessToken: await tokenFor('late', -10) });
      const forged = await client({ accessToken: await tokenFor('mallory', 600, 'another secret') });
      const garbage = await client({ accessToken: 'no.token' });
      for (const who of [nobody, expired, forged, garbage]) {
        for (const event of ['createRoom', 'joinRoom', 'chat', 'deleteRoom']) {
          const { exception } = await who.ask(event, { roomId: 'r3', text: 'x' });
          assert.equal((exception as { event: string }).event, event);
          assert.doesNotMatch(JSON.stringify(exception), /does not exist/);
        }
      }
    });

    test('the token may stand in a header, with or without "Bearer"', async () => {
      const token = await tokenFor('ann');
      for (const [auth, headers] of [
        [{ accessToken: token }, {}],
        [{}, { accesstoken: `Bearer ${token}` }],
        [{}, { accesstoken: token }],
      ] as const) {
        const ann = await client(auth, headers);
        assert.equal((await ann.ask('createRoom')).ok, true);
      }
    });

    test('a disconnect leaves the room, and that of the owner deletes it', async () => {
      const [ann, bob, cid] = await Promise.all(['ann', 'bob', 'cid'].map((each) => user(each)));
      assert.ok(ann && bob && cid);
      await ann.ask('createRoom', { roomId: 'r4' });
      await bob.ask('joinRoom', { roomId: 'r4' });
      bob.socket.disconnect();
      for (let members = 3; members > 2; ) {
        members = Number((await cid.ask('joinRoom', { roomId: 'r4' })).members);
        await cid.ask('leaveRoom', { roomId: 'r4' });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await cid.ask('joinRoom', { roomId: 'r4' });
      ann.socket.disconnect();
      assert.deepEqual(await cid.next('roomDeleted'), { roomId: 'r4' });
      assert.ok('exception' in (await cid.ask('joinRoom', { roomId: 'r4' })));
    });

    test('parts of a room come with the first join and go with the room', async () => {
      const [ann, bob, cid, dan] = await Promise.all(['ann', 'bob', 'cid', 'dan'].map((each) => user(each)));
      assert.ok(ann && bob && cid && dan);
      await ann.ask('createRoom', { roomId: 'lobby' });
      assert.deepEqual(await bob.ask('joinRoom', { roomId: 'lobby/1' }), {
        ok: true,
        roomId: 'lobby/1',
        members: 1,
      });
      assert.equal((await cid.ask('joinRoom', { roomId: 'lobby/1' })).members, 2);
      assert.equal((await dan.ask('joinRoom', { roomId: 'lobby/2' })).members, 1);
      await bob.ask('chat', { roomId: 'lobby/1', text: 'psst' });
      assert.equal((await cid.next('chat')).text, 'psst');
      await dan.ask('leaveRoom', { roomId: 'lobby/2' });
      assert.equal((await dan.ask('joinRoom', { roomId: 'lobby/2' })).members, 1);
      await ann.ask('deleteRoom', { roomId: 'lobby' });
      assert.deepEqual(await cid.next('roomDeleted'), { roomId: 'lobby/1' });
      assert.equal(dan.got.filter((each) => each.event === 'chat').length, 0);
      assert.ok('exception' in (await dan.ask('joinRoom', { roomId: 'lobby/2' })));
    });

    test('it can be made slower, and rooms can be created by joining', async () => {
      await using slow = await startServer({
        CHAT_WORK_MICROS: '30000',
        CHAT_DELAY_MS: '50',
        CREATE_ON_JOIN: 'true',
        JWT_SECRET: 'example-secret',
      });
      const ann = await user('ann', slow.url);
      assert.equal((await ann.ask('joinRoom', { roomId: 'new' })).ok, true);
      const startedAt = performance.now();
      await ann.ask('chat', { roomId: 'new', text: 'x' });
      assert.ok(performance.now() - startedAt >= 79);
      ann.socket.disconnect();
    });

    test('ends at once on SIGTERM, with clients connected', async () => {
      const own = await startServer();
      const ann = await user('ann', own.url);
      const startedAt = performance.now();
      await own[Symbol.asyncDispose]();
      assert.ok(performance.now() - startedAt < 5_000);
      assert.equal(ann.socket.connected, false);
    });

    test('a room owner holds its room there, and a wrong token is refused', async () => {
      const settings = {
        jwt: { secret: 'example-secret', claims: { sub: 'owner' } },
        auth: { accessToken: 'Bearer {{ token }}' },
        create: { event: 'createRoom', data: { roomId: 'held' } },
        delete: { event: 'deleteRoom', data: { roomId: '{{ roomId }}' } },
        capture: { roomId: 'roomId' },
      };
      const ann = await user('ann');
      {
        await using room = await openRoom(roomSchema.parse(settings), { url, env: {} });
        assert.deepEqual(room.variables, { roomId: 'held' });
        assert.equal((await ann.ask('joinRoom', { roomId: 'held' })).members, 2);
      }
      assert.deepEqual(await ann.next('roomDeleted'), { roomId: 'held' });
      const wrong = roomSchema.parse({ ...settings, jwt: { secret: 'another secret' } });
      await assert.rejects(openRoom(wrong, { url, env: {} }), {
        code: 'ROOM_REFUSED',
        message: /answered "createRoom" with "exception" .*"event":"createRoom"/,
      });
    });
  });
}
