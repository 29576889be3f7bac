import { io, type Socket } from 'socket.io-client';
import { recorder } from '../../src/engines/core/recorder.ts';
import { Turns } from './turns.ts';
import { type EngineName, Users } from './users.ts';

/**
 * Users who think, send an acknowledged message, and so on. Asked for a turn, each of them sends `messages`, and the
 * answer is the latencies that the peer itself reports.
 */
export type LatencyRequest = {
  peer: EngineName | 'bare';
  url: string;
  users: number;
  thinkMs: number;
  messages: number;
};

export type LatencyAnswer = {
  count: number;
  p50Ms: number;
  p99Ms: number;
  cpuShare: number;
  perSecond: number;
};

type Latencies = Pick<LatencyAnswer, 'count' | 'p50Ms' | 'p99Ms'>;

const request = JSON.parse(process.argv[2]!) as LatencyRequest;
const { users: count, thinkMs, messages } = request;
const data = { user: 'Ann', text: 'a message of the length that people write in a chat' };
const turns = new Turns(count);

/** Users connect one after the other. */
const connectMs = (index: number): number => 1 + 2 * index;

const quantiles = (latenciesMs: number[]): Latencies => {
  const sorted = latenciesMs.sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
};

/** Gives the latencies since it was last asked. */
type Read = () => Latencies;

const startBare = (): Read => {
  let latenciesMs: number[] = [];
  const say = (socket: Socket, left: number): void => {
    const fromMs = performance.now();
    socket.emit('echo', data, () => {
      latenciesMs.push(performance.now() - fromMs);
      if (left > 1) setTimeout(() => say(socket, left - 1), thinkMs * (0.5 + Math.random()));
      else turns.back(() => begin(socket));
    });
  };
  const begin = (socket: Socket): void => {
    setTimeout(() => say(socket, messages), thinkMs * Math.random());
  };
  for (let index = 0; index < count; index += 1)
    setTimeout(() => {
      const socket = io(request.url, { forceNew: true, transports: ['websocket'] });
      socket.on('connect', () => turns.back(() => begin(socket)));
    }, connectMs(index));
  return () => {
    const latencies = quantiles(latenciesMs);
    latenciesMs = [];
    return latencies;
  };
};

const fail = (error: unknown): void => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
};

const startEngine = async (peer: EngineName): Promise<Read> => {
  const processor = {
    untilNextTurn: (_context: unknown, _events: unknown, done: () => void) => turns.back(done),
  };
  const users = await Users.create(peer, request.url, { processor });
  let latenciesMs: number[] = [];
  users.events.on('histogram', (_name: string, valueMs: number) => latenciesMs.push(valueMs));
  const say = { emit: { channel: 'echo', data }, acknowledge: {} };
  // The same thinks as those of the bare loop: any time within one before the first message, then one and a half to half.
  const turn = [
    { function: 'untilNextTurn' },
    { think: `${thinkMs / 2}ms`, jitter: '100%' },
    say,
    { loop: [{ think: `${thinkMs}ms`, jitter: '50%' }, say], count: messages - 1 },
  ];
  const scenario = users.scenario([{ emit: { channel: 'echo', data }, acknowledge: {} }, { loop: turn }]);
  for (let index = 0; index < count; index += 1)
    setTimeout(() => void scenario({}).catch(fail), connectMs(index));
  return () => {
    const sketch = recorder.sketch('echo.ack');
    const latencies =
      peer === 'artillery' || sketch === undefined
        ? quantiles(latenciesMs)
        : { count: sketch.count, p50Ms: sketch.quantileMs(0.5), p99Ms: sketch.quantileMs(0.99) };
    latenciesMs = [];
    recorder.reset();
    return latencies;
  };
};

const read = request.peer === 'bare' ? startBare() : await startEngine(request.peer);

const takeTurn = async (): Promise<LatencyAnswer> => {
  read();
  const before = { cpu: process.cpuUsage(), atMs: performance.now() };
  await turns.take();
  const { user, system } = process.cpuUsage(before.cpu);
  const wallMs = performance.now() - before.atMs;
  const latencies = read();
  return {
    ...latencies,
    cpuShare: (user + system) / 1_000 / wallMs,
    perSecond: (latencies.count / wallMs) * 1_000,
  };
};

process.on('message', () => void takeTurn().then((value) => process.send?.({ value })));
process.on('disconnect', () => process.exit(0));
await turns.allBack();
process.send?.({ value: null });
