import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import {
  commandLine,
  descendantsOf,
  hasProcessTable,
  readProcess,
  readProcesses,
} from '../../src/host/processes/process-table.ts';
import { freePort } from '../../src/side/target/ports.ts';
import { chatClient, tokenFor } from './chat-client.ts';
import { root, startExample } from './example-server.ts';
import { withoutRedis } from './redis.ts';

const folder = join(root, 'examples/chat-cluster');
const cluster = 'examples/chat-cluster/cluster.js';
const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});
const afterwards = (end: () => unknown): void => {
  ends.push(end);
};

type Balancer = { port: number; stop(): void };
type Rooms = {
  create(roomId: string, owner: string): Promise<boolean>;
  join(roomId: string, member: string, creates: boolean): Promise<number | null>;
  leave(roomId: string, member: string): Promise<boolean>;
  has(roomId: string): Promise<boolean>;
  isOwner(roomId: string, member: string): Promise<boolean>;
  delete(roomId: string): Promise<string[]>;
};
const startBalancer = async (ports: number[]): Promise<Balancer> => {
  const module = (await import(join(folder, 'balancer.js'))) as {
    startBalancer(port: number, ports: number[]): Promise<Balancer>;
  };
  const balancer = await module.startBalancer(0, ports);
  afterwards(() => balancer.stop());
  return balancer;
};

const user = async (name: string, url: string) =>
  await chatClient(url, { auth: { accessToken: `Bearer ${await tokenFor(name)}` } }, afterwards);

describe('balancer', () => {
  const instance = async (name: string): Promise<number> => {
    const server = createHttpServer((_request, response) => response.end(name));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  };
  const ask = async (port: number): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();

  test('connections go to the instances in turn, and past one that is down', async () => {
    const { port } = await startBalancer([await instance('a'), await freePort(), await instance('b')]);
    const answers: string[] = [];
    for (let index = 0; index < 6; index += 1) answers.push(await ask(port));
    assert.deepEqual(answers, ['a', 'b', 'a', 'b', 'a', 'b']);
  });

  test('where no instance is up, the client is reset', async () => {
    const { port } = await startBalancer([await freePort(), await freePort()]);
    await assert.rejects(ask(port), (error: Error) =>
      /ECONNRESET/.test(String((error.cause as Error).cause ?? error.cause)),
    );
  });

  test('what either end sends arrives, and an end that goes takes the other along', async () => {
    const seen: string[] = [];
    let gone = 0;
    const server = createServer((socket) => {
      socket.on('data', (data) => {
        seen.push(String(data));
        socket.write(`${data}!`);
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        gone += 1;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => server.close());
    const balancer = await startBalancer([(server.address() as AddressInfo).port]);
    const client = connect(balancer.port, '127.0.0.1');
    client.on('error', () => {});
    client.write('hello');
    const answer = await new Promise<string>((resolve) =>
      client.once('data', (data) => resolve(String(data))),
    );
    assert.equal(answer, 'hello!');
    assert.deepEqual(seen, ['hello']);
    client.resetAndDestroy();
    while (gone === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const second = connect(balancer.port, '127.0.0.1');
    second.on('error', () => {});
    await new Promise((resolve) => second.once('connect', resolve));
    balancer.stop();
    await new Promise((resolve) => second.once('close', resolve));
  });
});

describe('cluster', { skip: withoutRedis }, () => {
  test('users on different instances are in the same room', async () => {
    await using server = await startExample(`${cluster} --instances 2`, {}, afterwards);
    const instances = new Set<number>();
    for (let index = 0; index < 4; index += 1) {
      const health = await fetch(`${server.url}/health`, { headers: { connection: 'close' } });
      instances.add(((await health.json()) as { instance: number }).instance);
    }
    assert.deepEqual([...instances].sort(), [1, 2]);
    // Connections go in turn: these two are on different instances.
    const ann = await user('ann', server.url);
    const bob = await user('bob', server.url);
    assert.deepEqual(await ann.ask('createRoom', { roomId: 'r' }), { ok: true, roomId: 'r' });
    assert.deepEqual(await bob.ask('joinRoom', { roomId: 'r' }), { ok: true, roomId: 'r', members: 2 });
    assert.deepEqual(await ann.ask('chat', { roomId: 'r', text: 'across' }), { ok: true });
    assert.deepEqual(await bob.next('chat'), { roomId: 'r', from: 'ann', text: 'across' });
    assert.deepEqual((await bob.ask('createRoom', { roomId: 'r' })).exception, {
      status: 'error',
      message: 'Room r exists already',
      event: 'createRoom',
    });
    ann.socket.disconnect();
    assert.deepEqual(await bob.next('roomDeleted'), { roomId: 'r' });
  });

  test('it ends as a whole, Redis too, and one instance that dies takes the rest along', {
    skip: !hasProcessTable,
  }, async () => {
    const server = await startExample(`${cluster} --instances 2`, {}, afterwards);
    const processes = descendantsOf(server.pid!, readProcesses()).map(({ pid }) => ({
      pid,
      line: commandLine(pid),
    }));
    const [redis, ...others] = processes.filter(({ line }) => /redis-server 127\.0\.0\.1:\d+/.test(line));
    assert.ok(redis !== undefined && others.length === 0, JSON.stringify(processes));
    const instances = processes.filter(({ line }) => line.endsWith('instance.js'));
    assert.equal(instances.length, 2);
    process.kill(instances[1]!.pid, 'SIGKILL');
    const failure = await server.died;
    assert.match(failure.message, /Instance \d died/);
    for (const { pid } of processes)
      while (readProcess(pid) !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    await server[Symbol.asyncDispose]();
  });

  test('several clusters can share a Redis that runs already', async () => {
    const { startRedis } = (await import(join(folder, 'redis-server.js'))) as {
      startRedis(onDied: () => void): Promise<{ url: string; stop(): void }>;
    };
    const redis = await startRedis(() => {});
    afterwards(() => redis.stop());
    const env = { REDIS_URL: redis.url };
    await using one = await startExample(`${cluster} --instances 2`, env, afterwards);
    await using other = await startExample(`${cluster} --instances 2`, env, afterwards);
    const [ann, bob] = await Promise.all([user('ann', one.url), user('bob', other.url)]);
    assert.equal((await ann.ask('createRoom', { roomId: 'r' })).ok, true);
    assert.equal((await bob.ask('createRoom', { roomId: 'r' })).ok, true);
    assert.equal((await ann.ask('joinRoom', { roomId: 'r' })).members, 1);
  });
});

describe('rooms in Redis', { skip: withoutRedis }, () => {
  type Action = {
    kind: 'create' | 'join' | 'leave' | 'delete';
    room: string;
    member: string;
    creates: boolean;
  };
  const action = fc.record<Action>({
    kind: fc.constantFrom('create', 'join', 'join', 'leave', 'leave', 'delete'),
    room: fc.constantFrom('a', 'a/1', 'a/2', 'a/2/x', 'b'),
    member: fc.constantFrom('ann', 'bob', 'cid'),
    creates: fc.boolean(),
  });
  const apply = async (rooms: Rooms, { kind, room, member, creates }: Action): Promise<unknown> => {
    switch (kind) {
      case 'create':
        return await rooms.create(room, member);
      case 'join':
        return await rooms.join(room, member, creates);
      case 'leave': {
        const isOver = await rooms.leave(room, member);
        return isOver ? (await rooms.delete(room)).sort() : false;
      }
      case 'delete':
        return (await rooms.delete(room)).sort();
    }
  };

  test('behave as rooms in memory do, and leave nothing behind', async () => {
    const { startRedis } = (await import(join(folder, 'redis-server.js'))) as {
      startRedis(onDied: () => void): Promise<{ url: string; stop(): void }>;
    };
    const { RedisRooms } = (await import(join(folder, 'redis-rooms.js'))) as {
      RedisRooms: new (redis: Redis, prefix: string) => Rooms;
    };
    const { MemoryRooms } = (await import(join(folder, 'memory-rooms.js'))) as {
      MemoryRooms: new () => Rooms;
    };
    const redis = await startRedis(() => {});
    const client = new Redis(redis.url);
    afterwards(() => {
      client.disconnect();
      redis.stop();
    });
    const names = ['a', 'a/1', 'a/2', 'a/2/x', 'b'];
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const prefix = `test-${randomUUID()}`;
        const shared = new RedisRooms(client, prefix);
        const own = new MemoryRooms();
        for (const each of actions) {
          assert.deepEqual(await apply(shared, each), await apply(own, each), JSON.stringify(each));
          for (const name of names) {
            assert.equal(await shared.has(name), await own.has(name));
            assert.equal(await shared.isOwner(name, each.member), await own.isOwner(name, each.member));
          }
        }
        for (const name of names) await shared.delete(name);
        assert.deepEqual(await client.keys(`${prefix}:*`), []);
      }),
      { numRuns: 60, interruptAfterTimeLimit: 20_000 },
    );
  });
});

test('without redis-server the cluster says what to install', () => {
  const empty = mkdtempSync(join(tmpdir(), 'no-redis-'));
  afterwards(() => rmSync(empty, { recursive: true, force: true }));
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'cluster.js')], {
    encoding: 'utf8',
    env: { PATH: empty, PORT: '0' },
    timeout: 30_000,
  });
  assert.equal(status, 1);
  assert.match(stderr, /redis-server is not installed\. Install it, or give the URL of a Redis in REDIS_URL/);
});
