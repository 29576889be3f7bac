/**
 * How busy may a generator be before what it measures is its own? The same server gets the same messages from a
 * generator that wastes more and more CPU on each of them; what the reported latencies gain over those of the idlest
 * run is the generator's own. Prints one line per level; the limits in src/load/generator-bottleneck.ts come from it.
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { generatorBottleneck } from '../src/load/generator-bottleneck.ts';
import { startLoadSession } from '../src/load/start-load-session.ts';
import { LatencySketch } from '../src/measurement/latency-sketch.ts';
import type { GeneratorHealth } from '../src/measurement/round-measurement.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'what a busy generator adds to the latencies it reports, up to the limits of a valid round';

const users = 50;
const thinkMs = 50;
const levelsUs = [0, 200, 400, 500, 600, 700, 750, 800, 850, 900];

type Level = {
  burnUs: number;
  messages: number;
  health: GeneratorHealth;
  p50Ms: number;
  p99Ms: number;
  bottleneck: string | null;
};

const serve = async (): Promise<void> => {
  const { Server } = await import('socket.io');
  const io = new Server({ transports: ['websocket'] });
  io.on('connection', (socket) => socket.on('echo', (data, acknowledge) => acknowledge(data)));
  io.listen(0);
  const address = (io as unknown as { httpServer: { address(): { port: number } } }).httpServer.address();
  process.send?.(address.port);
  process.on('disconnect', () => process.exit(0));
};

const scenario = (seconds: number): string => `config:
  phases: [{ duration: 1, arrivalCount: ${users} }, { pause: ${seconds} }]
  processor: ./burn.cjs
  socketio: { transports: [websocket] }
scenarios:
  - engine: socketio
    flow:
      - loop:
          - think: ${thinkMs}ms
          - function: burn
          - emit: { channel: echo, data: 1 }
            acknowledge: {}
        count: ${Math.round((seconds * 1_000) / thinkMs)}
`;

const processor = (burnUs: number): string => `exports.burn = (context, events, done) => {
  const until = performance.now() + ${burnUs / 1_000};
  while (performance.now() < until);
  return done();
};`;

const measureLevel = async (
  burnUs: number,
  port: number,
  folder: string,
  seconds: number,
): Promise<Level> => {
  await writeFile(path.join(folder, 'scenario.yml'), scenario(seconds));
  await writeFile(path.join(folder, 'burn.cjs'), processor(burnUs));
  await using session = await startLoadSession(
    {
      scenarioPath: path.join(folder, 'scenario.yml'),
      environment: null,
      overrides: {},
      variables: {},
      targetUrl: `http://127.0.0.1:${port}`,
      rawPath: null,
      engine: {
        timeoutMs: 10_000,
        drainMs: 100,
        observeAcknowledgements: 'none',
        failureEvents: [],
        deliveries: [],
        jwt: null,
        seed: 1,
        shard: { index: 0, count: 1 },
      },
    },
    {
      logPath: path.join(folder, 'load.log'),
      cpus: os.availableParallelism() > 1 ? [1] : null,
      env: process.env,
    },
  );
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
  const pinned = os.availableParallelism() > 1 && process.platform === 'linux';
  const server = fork(fileURLToPath(import.meta.url), ['serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...(pinned ? { execPath: 'taskset', execArgv: ['-c', '0', process.execPath] } : {}),
  });
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tailgate-limits-'));
  const levels: Level[] = [];
  try {
    const port = await new Promise<number>((resolve) =>
      server.once('message', (message) => resolve(message as number)),
    );
    process.stderr.write(
      'wasted per message | messages | cpu | loop p50 | loop p99 | ack p50 | ack p99 | verdict\n',
    );
    for (const burnUs of levelsUs) {
      const level = await measureLevel(burnUs, port, folder, seconds);
      levels.push(level);
      process.stderr.write(`${rowOf(level)}\n`);
    }
  } finally {
    server.disconnect();
    await rm(folder, { recursive: true, force: true });
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

if (process.argv[2] === 'serve') await serve();
