/**
 * Public servers of ten kinds: whether Tailgate counts what they count, and shows the latencies that an independent client
 * sees. Installs their packages into a temporary folder. `npm run bench -- public-servers` prints the table of
 * `docs/artillery-differences.md` to stderr.
 */
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { markdownTable } from 'markdown-table';
import { stringify } from 'yaml';
import { findRabbitMq, startRabbitMqNode } from '../examples/rabbitmq-rooms/rabbitmq-node.js';
import { median } from '../src/metrics/averages.ts';
import { freePort } from '../src/side/target/ports.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'counts and latencies of ten public servers, against their own counts and an independent client';

const root = path.resolve(import.meta.dirname, '..');
const passes = 3;
const messages = 30;

type Peer = {
  name: string;
  /** Packages that the server and its client need, beside those that all have. */
  packages: readonly string[];
  what: string;
  users: number;
  engine: 'ws' | 'socketio' | 'stomp';
  path?: string;
  config?: Record<string, unknown>;
  /** Before the messages. */
  opening?: readonly unknown[];
  message: Record<string, unknown>;
  /** Its latencies: of the answer, and of deliveries. */
  answers: string;
  deliveries?: string;
};

const echo = { send: { id: 1, text: 'hello' }, response: { field: 'id' } };
const bytes = (hex: string) => ({ $binary: { hex } });

const peers: readonly Peer[] = [
  {
    name: 'graphql-ws',
    packages: ['graphql', 'graphql-ws@6'],
    what: 'queries, answers told apart by `id` and `type`',
    users: 20,
    engine: 'ws',
    config: { ws: { subprotocols: ['graphql-transport-ws'] } },
    opening: [{ send: { type: 'connection_init' }, response: true }],
    message: {
      send: { id: '1', type: 'subscribe', payload: { query: '{ hello }' } },
      response: { field: 'id', where: { type: 'next' } },
      metric: 'query',
    },
    answers: 'query.response',
  },
  {
    name: 'rpc-websockets',
    packages: ['rpc-websockets@10'],
    what: 'calls of JSON-RPC',
    users: 20,
    engine: 'ws',
    message: { send: { jsonrpc: '2.0', method: 'add', params: [1, 2], id: 1 }, response: { field: 'id' } },
    answers: 'add.response',
  },
  {
    name: 'ocpp-rpc',
    packages: ['ocpp-rpc@2'],
    what: 'heartbeats of OCPP 1.6; the id is at place `1` of a list',
    users: 20,
    engine: 'ws',
    config: { ws: { subprotocols: ['ocpp1.6'] } },
    opening: [{ connect: { target: '/{{ $uuid }}' } }],
    message: { send: [2, 'm', 'Heartbeat', {}], response: { field: '1' }, metric: 'heartbeat' },
    answers: 'heartbeat.response',
  },
  {
    name: '@fastify/websocket',
    packages: ['fastify@5', '@fastify/websocket@11'],
    what: 'messages that come back',
    users: 20,
    engine: 'ws',
    path: '/echo',
    message: echo,
    answers: 'message.response',
  },
  {
    name: 'sockjs',
    packages: ['sockjs@0.3'],
    what: 'the same, over the raw endpoint',
    users: 20,
    engine: 'ws',
    path: '/echo/websocket',
    message: echo,
    answers: 'message.response',
  },
  {
    name: 'y-websocket',
    packages: ['y-websocket@1', 'yjs'],
    what: 'synchronisations of a document of Yjs, as bytes',
    users: 20,
    engine: 'ws',
    opening: [{ connect: { target: '/{{ $uuid }}' } }, { think: '200ms' }],
    message: { send: bytes('00000100'), response: true, metric: 'sync' },
    answers: 'sync.response',
  },
  {
    name: '@hocuspocus/server',
    packages: ['@hocuspocus/server@3', 'yjs'],
    what: 'the same after authentication',
    users: 20,
    engine: 'ws',
    opening: [
      { send: bytes('0164020005746f6b656e'), response: true, metric: 'authenticate' },
      { think: '200ms' },
    ],
    message: { send: bytes('016400000100'), response: true, metric: 'sync' },
    answers: 'sync.response',
  },
  {
    name: 'RabbitMQ',
    packages: [],
    what: 'messages of a topic over STOMP, with receipts',
    users: 8,
    engine: 'stomp',
    path: '/ws',
    config: { stomp: { login: 'guest', passcode: 'guest' } },
    opening: [{ subscribe: '/topic/room' }],
    message: {
      send: { destination: '/topic/room', json: { from: '{{ $uuid }}', tag: '{{ $tag }}' } },
      receipt: true,
      metric: 'chat',
      delivery: { includesSender: true },
    },
    answers: 'chat.receipt',
    deliveries: 'chat.delivery',
  },
  {
    name: 'socket.io with redis-streams',
    packages: ['socket.io@4', '@socket.io/redis-streams-adapter', 'redis@4'],
    what: 'messages in a room, acknowledged',
    users: 8,
    engine: 'socketio',
    config: { socketio: { transports: ['websocket'] } },
    opening: [{ emit: ['join', 'room'], acknowledge: {}, joins: 'room' }],
    message: {
      emit: { channel: 'chat', data: { tag: '{{ $tag }}' } },
      acknowledge: {},
      delivery: { event: 'chat', includesSender: true },
    },
    answers: 'chat.ack',
    deliveries: 'chat.delivery',
  },
  {
    name: '@feathersjs/socketio',
    packages: ['@feathersjs/feathers', '@feathersjs/socketio'],
    what: 'calls of a service',
    users: 20,
    engine: 'socketio',
    config: { socketio: { transports: ['websocket'] } },
    message: { emit: ['create', 'messages', { text: 'hello' }], acknowledge: {} },
    answers: 'create.ack',
  },
];

/** What a client of one pass saw: median latencies in milliseconds, and how many there were. */
type Seen = { answersMs: number; deliveriesMs: number | null; answers: number; deliveries: number };

type Running = { url: string; port: number; counts(): Promise<Counts | null>; stop(): Promise<void> };
type Counts = { connections: number; messages: number };

export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'public-servers-'));
  const figures: Figure[] = [];
  const rows: string[][] = [];
  try {
    await install(folder);
    for (const peer of peers.filter(({ name }) => args.length === 0 || args.includes(name))) {
      const found = await compare(peer, folder);
      figures.push(...found.figures);
      rows.push(found.row);
      process.stderr.write(`${JSON.stringify(found)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const head = [
    'Server',
    'What users do',
    'Both counted',
    'p50 of answers: Tailgate, client',
    'p50 of deliveries',
  ];
  process.stderr.write(`${markdownTable([head, ...rows])}\n`);
  return figures;
};

const install = async (folder: string): Promise<void> => {
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  cpSync(path.join(import.meta.dirname, 'public-servers'), folder, { recursive: true });
  const packages = new Set([
    'ws@8',
    'socket.io-client@4',
    '@stomp/stompjs@7',
    ...peers.flatMap((peer) => peer.packages),
  ]);
  await promisify(execFile)('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], {
    cwd: folder,
  });
};

/** Turns of the two clients against one server, which counts. */
const compare = async (peer: Peer, folder: string): Promise<{ figures: Figure[]; row: string[] }> => {
  const server = await startServer(peer, folder);
  const ours: Seen[] = [];
  const theirs: Seen[] = [];
  const differences: number[] = [];
  let counted: Counts = { connections: 0, messages: 0 };
  try {
    for (let pass = 0; pass < passes; pass += 1) {
      const before = await server.counts();
      const seen = await runTailgate(peer, server, folder);
      const after = await server.counts();
      if (before !== null && after !== null) {
        counted = {
          connections: after.connections - before.connections,
          messages: after.messages - before.messages,
        };
        differences.push(
          Math.abs(counted.connections - seen.connections),
          Math.abs(counted.messages - seen.sent),
        );
      } else counted = { connections: seen.connections, messages: seen.answers };
      differences.push(Math.abs(seen.deliveriesExpected - seen.deliveries), Math.abs(seen.errors));
      ours.push(seen);
      theirs.push(await runClient(peer, server, folder));
    }
  } finally {
    await server.stop();
  }
  const [own, other] = [pooled(ours), pooled(theirs)];
  differences.push(Math.abs(own.answers - other.answers));
  const figures = [
    figure(
      `${peer.name}: largest difference of counts`,
      Math.max(...differences),
      'messages',
      '<=',
      0,
      'the server',
    ),
    closeness(`${peer.name}: p50 of answers`, own.answersMs, other.answersMs),
    ...(own.deliveriesMs === null || other.deliveriesMs === null
      ? []
      : [closeness(`${peer.name}: p50 of deliveries`, own.deliveriesMs, other.deliveriesMs)]),
  ];
  const both = (a: number | null, b: number | null) =>
    a === null || b === null ? '' : `${a.toFixed(2)} ms, ${b.toFixed(2)} ms`;
  const deliveries = own.deliveries === 0 ? '' : `, ${own.deliveries / passes} deliveries`;
  return {
    figures,
    row: [
      label(peer, folder),
      peer.what,
      `${counted.connections} connections, ${counted.messages} messages${deliveries}`,
      both(own.answersMs, other.answersMs),
      both(own.deliveriesMs, other.deliveriesMs),
    ],
  };
};

/** How far our latency is from the other, in units of what is allowed: 0.3 ms or 2%, whichever is more. */
const closeness = (name: string, ours: number, theirs: number): Figure =>
  figure(
    name,
    Math.abs(ours - theirs) / Math.max(0.3, 0.02 * theirs),
    'of the tolerance',
    '<=',
    1,
    'independent client',
  );

const pooled = (seen: readonly Seen[]): Seen => ({
  answersMs: median(seen.map(({ answersMs }) => answersMs)),
  deliveriesMs: seen.some(({ deliveriesMs }) => deliveriesMs === null)
    ? null
    : median(seen.map(({ deliveriesMs }) => deliveriesMs!)),
  answers: seen.reduce((sum, { answers }) => sum + answers, 0),
  deliveries: seen.reduce((sum, { deliveries }) => sum + deliveries, 0),
});

const label = ({ name, packages }: Peer, folder: string): string => {
  if (packages.length === 0) return name;
  const main = packages
    .map((each) => each.replace(/(?<=.)@.*/, ''))
    .find((each) => each.includes(name.split(' ')[0]!))!;
  const { version } = JSON.parse(
    readFileSync(path.join(folder, 'node_modules', main, 'package.json'), 'utf8'),
  );
  return `${name} ${String(version).split('.').slice(0, 2).join('.')}`;
};

const startServer = async (peer: Peer, folder: string): Promise<Running> => {
  const scheme = peer.engine === 'socketio' ? 'http' : 'ws';
  const urlOf = (port: number) => `${scheme}://127.0.0.1:${port}${peer.path ?? ''}`;
  if (peer.name === 'RabbitMQ') {
    if (findRabbitMq() === null) throw new Error('RabbitMQ is not installed');
    const node = await startRabbitMqNode();
    const port = Number(new URL(node.url).port);
    return { url: urlOf(port), port, counts: async () => null, stop: async () => await node.stop() };
  }
  const port = await freePort();
  const redisPort = await freePort();
  const redis = peer.packages.includes('redis@4')
    ? spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''], {
        stdio: 'ignore',
        cwd: folder,
      })
    : null;
  if (redis !== null) await delay(500);
  const env = { ...process.env, PORT: String(port), REDIS_URL: `redis://127.0.0.1:${redisPort}` };
  const child = fork(path.join(folder, 'server.mjs'), [peer.name], { cwd: folder, env });
  await answerOf(child);
  await delay(200);
  return {
    url: urlOf(port),
    port,
    counts: async () => {
      // What is on its way is counted, too.
      await delay(300);
      child.send('counts');
      return (await answerOf(child)) as Counts;
    },
    stop: async () => {
      child.disconnect();
      redis?.kill();
      await Promise.all([once(child, 'exit'), redis === null ? null : once(redis, 'exit')]);
    },
  };
};

const answerOf = async (child: ChildProcess): Promise<unknown> => {
  const ended = new AbortController();
  const exited = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('the server ended');
  });
  const [answer] = (await Promise.race([
    once(child, 'message', { signal: ended.signal }),
    exited,
  ])) as unknown[];
  exited.catch(() => undefined);
  ended.abort();
  return answer;
};

type TailgateSeen = Seen & { connections: number; sent: number; deliveriesExpected: number; errors: number };

const runTailgate = async (peer: Peer, server: Running, folder: string): Promise<TailgateSeen> => {
  const scenario = {
    config: { phases: [{ duration: peer.users / 10, arrivalCount: peer.users }], ...peer.config },
    scenarios: [
      {
        engine: peer.engine,
        flow: [
          ...(peer.opening ?? []),
          { loop: [peer.message, { think: '50ms' }], count: messages },
          { think: '300ms' },
        ],
      },
    ],
  };
  const settings = {
    target: { url: server.url },
    baseline: { mode: 'none' },
    suites: [{ name: 'public', scenario: 'scenario.yml' }],
  };
  writeFileSync(path.join(folder, 'scenario.yml'), stringify(scenario));
  writeFileSync(path.join(folder, 'tailgate.yml'), stringify(settings));
  const cli = path.join(root, 'dist/cli.js');
  await promisify(execFile)(process.execPath, [cli, 'run'], { cwd: folder }).catch((error) => {
    process.stderr.write(String(error.stdout ?? error));
  });
  const [suite] = JSON.parse(readFileSync(path.join(folder, '.tailgate/report.json'), 'utf8')).suites;
  const head = (id: string) => suite.metrics.find((metric: { id: string }) => metric.id === id)?.head;
  const counter = (id: string): number => suite.counters[id]?.head ?? 0;
  const opened = peer.opening?.filter((step) => Object.hasOwn(step as object, 'send')).length ?? 0;
  const joined = peer.opening?.filter((step) => Object.hasOwn(step as object, 'emit')).length ?? 0;
  return {
    answersMs: head(peer.answers).p50Ms,
    answers: head(peer.answers).count,
    deliveriesMs: peer.deliveries === undefined ? null : head(peer.deliveries).p50Ms,
    deliveries: counter('deliveries.received'),
    deliveriesExpected: counter('deliveries.expected'),
    connections: head('connect.handshake').count,
    sent: counter('messages.sent') - (opened + joined) * peer.users,
    errors: counter('errors'),
  };
};

const runClient = async (peer: Peer, server: Running, folder: string): Promise<Seen> => {
  const env = { ...process.env, PORT: String(server.port) };
  const args = [path.join(folder, 'client.mjs'), peer.name, String(peer.users), String(messages)];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env,
    maxBuffer: 1e8,
    timeout: 60_000,
  });
  const { answers, deliveries } = JSON.parse(stdout) as { answers: number[]; deliveries: number[] };
  return {
    answersMs: median(answers),
    deliveriesMs: deliveries.length === 0 ? null : median(deliveries),
    answers: answers.length,
    deliveries: deliveries.length,
  };
};
