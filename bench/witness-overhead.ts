/**
 * What watching a server costs it. Two chat servers on one core get the same messages at the same instants; in turns the one,
 * then the other has the module that samples heap and event loop, so that what differs between two processes, or two moments,
 * falls out. And a process that does nothing: there every look at the loop wakes it, which is the most that it can cost.
 *
 *   npm run bench -- witness-overhead [TURNS] [SECONDS]
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { io, type Socket } from 'socket.io-client';
import { mean, median } from '../src/metrics/averages.ts';
import { type NodeSamplePipe, openNodeSamplePipe, preloadPath } from '../src/side/target/node-samples.ts';
import { freePort } from '../src/side/target/ports.ts';
import { type Program, startServerWith } from './engine-load/processes.ts';
import { type Figure, figure, ratioFigure } from './figure.ts';

export const about =
  'What the witnesses cost the server: CPU of a message, and p50, with the preload against without';

const root = path.resolve(import.meta.dirname, '..');

/** Seven to a room, as in the example; 1,200 messages a second are a seventh of a core. */
const users = 42;
const roomsOfSeven = 6;
const ticksPerSecond = 150;
const messagesPerTick = 8;
/** Code is compiled by then. */
const warmUpMs = 8_000;
/** The preload is loaded, or has seen that nobody reads its pipe any more. */
const settleMs = 1_200;
const turnMs = 3_000;

type Server = { program: Program; sockets: Socket[]; answersMs: number[] };
type Turn = { cpuMs: number; p50Ms: number };

export const run = async ([turns = '100', seconds = '20']: readonly string[]): Promise<Figure[]> => {
  await using stack = new AsyncDisposableStack();
  const servers = [await startServer(stack), await startServer(stack)] as const;
  const sending = sendToBoth(servers);
  stack.defer(() => clearInterval(sending));
  await delay(warmUpMs);
  const watched: Turn[] = [];
  const plain: Turn[] = [];
  // Each twice: the one server is watched first, then the other.
  for (let turn = 0; turn < 2 * Number(turns); turn += 1) {
    const [on, off] = turn % 2 === 0 ? servers : [servers[1], servers[0]];
    const [first, second] = await takeTurn(on, off);
    watched.push(first);
    plain.push(second);
  }
  const perPair = (all: readonly Turn[], of: (turn: Turn) => number): number[] =>
    Array.from({ length: all.length / 2 }, (_, pair) =>
      Math.sqrt(of(all[2 * pair]!) * of(all[2 * pair + 1]!)),
    );
  const compared = (name: string, of: (turn: Turn) => number, bound: number, peer: string) =>
    ratioFigure(name, perPair(watched, of), perPair(plain, of), bound, peer);
  clearInterval(sending);
  const coreMs = mean(plain.map(({ cpuMs }) => cpuMs)) / (turnMs / 1_000);
  const costMs = await idleCost(Number(seconds));
  return [
    compared(
      'CPU of a message with the witnesses',
      ({ cpuMs }) => cpuMs,
      1.005,
      `the same server without, ${ticksPerSecond * messagesPerTick} messages a second, ${coreMs.toFixed(0)} ms of CPU a second`,
    ),
    compared(
      'p50 of an acknowledgement with the witnesses',
      ({ p50Ms }) => p50Ms,
      1.01,
      'the same server without',
    ),
    figure(
      'CPU of the witnesses in a process that does nothing',
      costMs,
      'ms a second',
      '<=',
      1,
      'the same process without',
    ),
  ];
};

async function startServer(stack: AsyncDisposableStack): Promise<Server> {
  const port = await freePort();
  const program = stack.use(
    await startServerWith(
      path.join(import.meta.dirname, 'witness-overhead/toggle.cjs'),
      path.join(root, 'dist/examples/chat-server.js'),
      { PORT: String(port), JWT_SECRET: 'example-secret' },
    ),
  );
  const token = await new SignJWT({ sub: 'user' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode('example-secret'));
  const sockets: Socket[] = [];
  stack.defer(() => {
    for (const socket of sockets) socket.disconnect();
  });
  for (let user = 0; user < users; user += 1) {
    const auth = { accessToken: `Bearer ${token}` };
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, auth });
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    if (user === 0) await socket.emitWithAck('createRoom', { roomId: 'lobby' });
    await socket.emitWithAck('joinRoom', { roomId: roomOf(user) });
  }
  return { program, sockets, answersMs: [] };
}

function roomOf(user: number): string {
  return `lobby/${user % roomsOfSeven}`;
}

function sendToBoth(servers: readonly Server[]): NodeJS.Timeout {
  let sent = 0;
  const send = ({ sockets, answersMs }: Server, user: number): void => {
    const sentAt = performance.now();
    sockets[user]!.emit('chat', { roomId: roomOf(user), text: `hello, everyone ${sent}` }, () =>
      answersMs.push(performance.now() - sentAt),
    );
  };
  return setInterval(() => {
    for (let message = 0; message < messagesPerTick; message += 1) {
      sent += 1;
      const order = sent % 2 === 0 ? servers : [...servers].reverse();
      for (const server of order) send(server, sent % users);
    }
  }, 1_000 / ticksPerSecond);
}

/** What both used in one turn: the first with its witnesses, the second without. */
async function takeTurn(on: Server, off: Server): Promise<[Turn, Turn]> {
  const pipe = witnessPipe();
  try {
    await on.program.ask({ preload: preloadPath('node-preload.cjs'), env: pipe.env });
    await delay(settleMs);
    for (const server of [on, off]) server.answersMs.length = 0;
    const before = await Promise.all([cpuMsOf(on), cpuMsOf(off)]);
    await delay(turnMs);
    const after = await Promise.all([cpuMsOf(on), cpuMsOf(off)]);
    const turn = (side: 0 | 1): Turn => ({
      cpuMs: after[side] - before[side],
      p50Ms: median([on, off][side]!.answersMs),
    });
    return [turn(0), turn(1)];
  } finally {
    pipe.close();
    await delay(settleMs);
  }
}

async function cpuMsOf({ program }: Server): Promise<number> {
  return (await program.ask<number>({})) / 1_000;
}

function witnessPipe(): NodeSamplePipe {
  const pipe = openNodeSamplePipe({});
  if (pipe === null) throw new Error('No named pipes here.');
  return pipe;
}

/** CPU time that the preload costs a process with nothing to do, milliseconds a second: mean of three turns. */
async function idleCost(seconds: number): Promise<number> {
  const source = `const before = process.cpuUsage();
    setTimeout(() => { const { user, system } = process.cpuUsage(before); console.log(user + system); }, ${1_000 * seconds});`;
  const pipe = witnessPipe();
  try {
    const costs: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const cpuUs: number[] = [];
      for (const env of [{}, pipe.env]) {
        const { stdout } = await promisify(execFile)(process.execPath, ['-e', source], {
          env: { ...process.env, ...env },
        });
        cpuUs.push(Number(stdout));
      }
      costs.push((cpuUs[1]! - cpuUs[0]!) / 1_000 / seconds);
    }
    return mean(costs);
  } finally {
    pipe.close();
  }
}
