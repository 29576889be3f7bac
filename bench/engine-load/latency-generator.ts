import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { recorder } from '../../src/measurement/recorder.ts';
import { type EngineName, Users } from './users.ts';

/** Users who think, send an acknowledged message, and so on; tells the latencies that the peer itself reports. */
export type LatencyRequest = {
  peer: EngineName | 'bare';
  url: string;
  users: number;
  thinkMs: number;
  warmUpMs: number;
  measureMs: number;
};

export type LatencyResult = {
  count: number;
  p50Ms: number;
  p99Ms: number;
  cpuShare: number;
  perSecond: number;
};

const request = JSON.parse(process.argv[2]!) as LatencyRequest;
const { users: count, thinkMs, warmUpMs, measureMs } = request;

/** Users connect and begin spread over the first second, so that they do not go on in step. */
const firstMs = (index: number): number => 1 + Math.round((index / count) * 1_000);

const rounds = Math.ceil((2 * (warmUpMs + measureMs + 2_000)) / thinkMs);

/** Thinks differ by up to half, or users whom one pause of the machine brought together would stay together. */
const jitteredMs = (): number => thinkMs * (0.5 + Math.random());

const quantiles = (latenciesMs: number[]): Pick<LatencyResult, 'count' | 'p50Ms' | 'p99Ms'> => {
  const sorted = latenciesMs.sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
};

/** Starts the load and gives what reads its latencies; `reset` ends the warm-up. */
type Load = { reset: () => void; read: () => Pick<LatencyResult, 'count' | 'p50Ms' | 'p99Ms'> };

const loadBare = (): Load => {
  let latenciesMs: number[] = [];
  const say = (socket: Socket, left: number): void => {
    const fromMs = performance.now();
    socket.emit('echo', { user: 'Ann', text: 'a message of the length that people write in a chat' }, () => {
      latenciesMs.push(performance.now() - fromMs);
      if (left > 1) setTimeout(() => say(socket, left - 1), jitteredMs());
    });
  };
  for (let index = 0; index < count; index += 1)
    setTimeout(() => {
      const socket = io(request.url, { forceNew: true, transports: ['websocket'] });
      socket.on('connect', () => setTimeout(() => say(socket, rounds), jitteredMs()));
    }, firstMs(index));
  return {
    reset: () => {
      latenciesMs = [];
    },
    read: () => quantiles(latenciesMs),
  };
};

const loadEngine = async (peer: EngineName): Promise<Load> => {
  const users = await Users.create(peer, request.url);
  let latenciesMs: number[] = [];
  users.events.on('histogram', (_name: string, valueMs: number) => latenciesMs.push(valueMs));
  const flow = [
    {
      loop: [
        { think: `${thinkMs}ms`, jitter: '50%' },
        {
          emit: {
            channel: 'echo',
            data: { user: 'Ann', text: 'a message of the length that people write in a chat' },
          },
          acknowledge: {},
        },
      ],
      count: rounds,
    },
  ];
  const scenario = users.scenario(flow);
  for (let index = 0; index < count; index += 1)
    setTimeout(() => void scenario({}).catch(fail), firstMs(index));
  return {
    reset: () => {
      latenciesMs = [];
      recorder.reset();
    },
    read: () => {
      if (peer === 'artillery') return quantiles(latenciesMs);
      const sketch = recorder.sketch('echo.ack')!;
      return { count: sketch.count, p50Ms: sketch.quantileMs(0.5), p99Ms: sketch.quantileMs(0.99) };
    },
  };
};

const fail = (error: unknown): void => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
};

const load = request.peer === 'bare' ? loadBare() : await loadEngine(request.peer);
await delay(warmUpMs);
load.reset();
const before = { cpu: process.cpuUsage(), atMs: performance.now() };
await delay(measureMs);
const measured = load.read();
const { user, system } = process.cpuUsage(before.cpu);
const wallMs = performance.now() - before.atMs;
process.send!({
  ...measured,
  cpuShare: (user + system) / 1_000 / wallMs,
  perSecond: (measured.count / wallMs) * 1_000,
} satisfies LatencyResult);
process.exit(0);
