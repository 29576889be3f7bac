/**
 * How busy may a generator be before what it measures is its own? The same server gets the same messages from a
 * generator that wastes more and more CPU on each of them; what the reported latencies gain over those of the idlest
 * run is the generator's own. Prints one line per level; the limits in src/generator/generator-bottleneck.ts come from it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { generatorBottleneck } from '../src/generator/generator-bottleneck.ts';
import { LatencySketch } from '../src/metrics/latency-sketch.ts';
import type { GeneratorHealth } from '../src/metrics/round-measurement.ts';
import { startServer } from './engine-load/processes.ts';
import { startSession } from './engine-load/session.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'what a busy generator adds to the latencies it reports, up to the limits of a valid round';

const users = 50;
const thinkMs = 50;
const levelsUs = [0, 200, 400, 600, 700, 800, 850, 900, 1_000, 1_200];

type Level = {
  burnUs: number;
  messages: number;
  health: GeneratorHealth;
  p50Ms: number;
  p99Ms: number;
  bottleneck: string | null;
};

const scenario = (seconds: number) => ({
  config: {
    phases: [{ duration: 1, arrivalCount: users }, { pause: seconds }],
    processor: './processor.cjs',
    socketio: { transports: ['websocket'] },
  },
  scenarios: [
    {
      engine: 'socketio',
      flow: [
        {
          loop: [
            { think: `${thinkMs}ms` },
            { function: 'burn' },
            { emit: { channel: 'echo', data: 1 }, acknowledge: {} },
          ],
          count: Math.round((seconds * 1_000) / thinkMs),
        },
      ],
    },
  ],
});

const processor = (burnUs: number): string => `exports.burn = (context, events, done) => {
  const until = performance.now() + ${burnUs / 1_000};
  while (performance.now() < until);
  return done();
};`;

const measureLevel = async (burnUs: number, url: string, seconds: number): Promise<Level> => {
  await using session = await startSession(url, {
    scenario: scenario(seconds),
    processor: processor(burnUs),
  });
  await session.resume();
  await delay(2_000);
  await session.reset();
  await delay((seconds - 2) * 1_000);
  const { metrics, generator: health } = await session.collect();
  const { count, p50Ms, p99Ms } = LatencySketch.fromJSON(metrics['echo.ack']!).summary();
  return { burnUs, messages: count, health, p50Ms, p99Ms, bottleneck: generatorBottleneck(health) };
};

const rowOf = (level: Level): string => {
  const { health } = level;
  return [
    `${level.burnUs} us`,
    String(level.messages),
    health.cpuShare.toFixed(2),
    health.loopDelayP50Ms.toFixed(1),
    health.loopDelayP99Ms.toFixed(1),
    level.p50Ms.toFixed(1),
    level.p99Ms.toFixed(1),
    level.bottleneck === null ? '' : 'bottleneck',
  ].join(' | ');
};

/** Takes the seconds of each level; 10 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const seconds = Number(args[0] ?? 10);
  await using server = await startServer();
  const levels: Level[] = [];
  process.stderr.write(
    'wasted per message | messages | cpu | loop p50 | loop p99 | ack p50 | ack p99 | verdict\n',
  );
  for (const burnUs of levelsUs) {
    const level = await measureLevel(burnUs, server.url, seconds);
    levels.push(level);
    process.stderr.write(`${rowOf(level)}\n`);
  }
  const idle = levels[0]!;
  const valid = levels.filter(({ bottleneck }) => bottleneck === null);
  const addedMs = (of: (level: Level) => number) =>
    Math.max(...valid.map((level) => of(level) - of(idle)), 0);
  const peer = 'the same generator wasting nothing';
  return [
    figure(
      'added to the p50 by a generator within its limits',
      addedMs((level) => level.p50Ms),
      'ms',
      '<=',
      10,
      peer,
    ),
    figure(
      'added to the p99 by a generator within its limits',
      addedMs((level) => level.p99Ms),
      'ms',
      '<=',
      50,
      peer,
    ),
  ];
};
