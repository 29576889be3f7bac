import { setTimeout as delay } from 'node:timers/promises';
import { LatencySketch } from '../src/metrics/latency-sketch.ts';
import type { LatencyAnswer, LatencyRequest } from './engine-load/latency-generator.ts';
import { startGenerator, startServer } from './engine-load/processes.ts';
import type { ServerDelays } from './engine-load/server.ts';
import { startSession } from './engine-load/session.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'reported percentiles against the delays that the server injected, up to 70% load of the generator';

const users = 200;
/** Up to this load of a core the figures must be right; a little more than is asked for, which no level meets exactly. */
const mostShare = 0.73;
/** CPU time of one step of the users who load the generator, about that of a message, milliseconds. */
const computeMs = 0.025;
const quantiles = ['p50Ms', 'p95Ms', 'p99Ms'] as const;
type Quantile = (typeof quantiles)[number];

const scenario = (seconds: number, thinkMs: number) => ({
  config: {
    phases: [{ duration: 2, arrivalCount: users }, { pause: seconds + 5 }],
    processor: './processor.cjs',
    socketio: { transports: ['websocket'] },
  },
  scenarios: [
    {
      name: 'measured',
      engine: 'socketio',
      flow: [
        {
          loop: [
            { think: '75ms', jitter: '50%' },
            { emit: { channel: 'delayed', data: { text: 'a message' } }, acknowledge: {} },
          ],
        },
      ],
    },
    {
      name: 'busy',
      engine: 'socketio',
      flow: [{ loop: [{ think: `${thinkMs}ms`, jitter: '50%' }, { function: 'compute' }] }],
    },
  ],
});

/**
 * What loads the generator: other users of it, each step of whom computes for about as long as a message costs. They ask
 * nothing of the server, whose own queue would be part of the latency and not of the delays that it injects.
 */
const processor = `exports.compute = (context, events, done) => {
  const untilMs = performance.now() + ${computeMs};
  while (performance.now() < untilMs);
  return done();
};`;

type Level = {
  perSecond: number;
  cpuShare: number;
  reported: Record<Quantile, number>;
  truth: ServerDelays;
};

/** Half of the users are busy ones, who take a step every `thinkMs` (on average). */
const measureLevel = async (thinkMs: number, seconds: number): Promise<Level> => {
  await using server = await startServer();
  await using session = await startSession(server.url, {
    scenario: scenario(seconds, thinkMs),
    processor,
  });
  await session.resume();
  await delay(4_000);
  await Promise.all([session.reset(), server.ask('reset')]);
  await delay(seconds * 1_000);
  const truthAsked = server.ask<ServerDelays>('delays');
  const { metrics, generator, activeMs } = await session.collect();
  const truth = await truthAsked;
  const { count, p50Ms, p95Ms, p99Ms } = LatencySketch.fromJSON(metrics['delayed.ack']!).summary();
  return {
    perSecond: (count / activeMs) * 1_000,
    cpuShare: generator.cpuShare,
    reported: { p50Ms, p95Ms, p99Ms },
    truth,
  };
};

/**
 * A message takes longer than the delay that the server injects: the way there and back, as a bare `socket.io-client`
 * sees it that does nothing else, at the same rate of messages. Median, milliseconds.
 */
const measureWayMs = async (): Promise<number> => {
  await using server = await startServer();
  const request: LatencyRequest = {
    peer: 'bare',
    url: server.url,
    users: users / 2,
    thinkMs: 99,
    messages: 30,
  };
  await using generator = await startGenerator('latency-generator.ts', request);
  await generator.ask<LatencyAnswer>('warm-up');
  return (await generator.ask<LatencyAnswer>('turn')).p50Ms;
};

/** The error of a reported quantile over what it may be: 2%, or 0.3 ms where that is more. */
const errorShare = ({ reported, truth }: Level, quantile: Quantile, wayMs: number): number => {
  const trueMs = truth[quantile] + wayMs;
  return Math.abs(reported[quantile] - trueMs) / Math.max(0.02 * trueMs, 0.3);
};

const rowOf = ({ perSecond, cpuShare, reported, truth }: Level): string =>
  [
    `${Math.round(perSecond)}/s`,
    cpuShare.toFixed(2),
    ...quantiles.map((quantile) => `${reported[quantile].toFixed(2)} (${truth[quantile].toFixed(2)})`),
  ].join(' | ');

/** `args[0]`: seconds of each level, 10 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const seconds = Number(args[0] ?? 10);
  const wayMs = await measureWayMs();
  process.stderr.write(`the way there and back: ${wayMs.toFixed(2)} ms\n`);
  process.stderr.write(
    'messages | CPU of the generator | p50 ms (truth) | p95 ms (truth) | p99 ms (truth)\n',
  );
  const idle = await measureLevel(10_000, seconds);
  process.stderr.write(`${rowOf(idle)}\n`);
  const levels = [idle];
  // What a step costs, with all that is around it, is seen from level to level; it falls with their number.
  let stepMs = 2 * computeMs;
  let left = 6;
  for (const share of [0.35, 0.5, 0.7]) {
    for (let isReached = false; !isReached && left > 0; left -= 1) {
      const thinkMs = ((users / 2) * stepMs) / (share - idle.cpuShare);
      const level = await measureLevel(thinkMs, seconds);
      stepMs = (thinkMs * (level.cpuShare - idle.cpuShare)) / (users / 2);
      process.stderr.write(`${rowOf(level)}\n`);
      isReached = level.cpuShare > share - 0.03;
      if (level.cpuShare < mostShare) levels.push(level);
    }
  }
  const most = Math.max(...levels.map(({ cpuShare }) => cpuShare));
  const load = `at ${Math.round(most * 100)}% load of the generator or less`;
  return quantiles.map((quantile) =>
    figure(
      `error of the reported ${quantile.slice(0, 3)}, of 2% or 0.3 ms`,
      Math.max(...levels.map((level) => errorShare(level, quantile, wayMs))),
      'ratio',
      '<=',
      1,
      `the injected delay and the way there and back, ${load}`,
    ),
  );
};
