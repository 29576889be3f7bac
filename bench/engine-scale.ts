import { setTimeout as delay } from 'node:timers/promises';
import type { RoundMeasurement } from '../src/metrics/round-measurement.ts';
import { openFileLimit } from '../src/side/target/limits.ts';
import { readTreeUsage } from '../src/side/target/process-tree-usage.ts';
import { type Program, startGenerator, startServer } from './engine-load/processes.ts';
import type { ServerCounts } from './engine-load/server.ts';
import { startSession } from './engine-load/session.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  '9,000 users at 300 a second, 2,000 members of one room, 10,000 connections, and the memory of each';

const socketio = { transports: ['websocket'] };
const text = 'a message of the length that people write in a chat';
const say = { emit: { channel: 'echo', data: { text } }, acknowledge: {} };

/** Users who say five things in five seconds and leave: 1,500 at a time. */
const passingUsers = { perSecond: 300, seconds: 30, messagesEach: 5 };
const passing = {
  config: {
    phases: [{ duration: passingUsers.seconds, arrivalRate: passingUsers.perSecond }],
    socketio,
  },
  scenarios: [
    { engine: 'socketio', flow: [{ loop: [say, { think: 1 }], count: passingUsers.messagesEach }] },
  ],
};

/** One room, in which some speak once everybody is there: each message goes to all the others. */
const roomOf = { members: 2_000, speakers: 20, perSecondEach: 1, seconds: 10 };
const room = {
  config: {
    phases: [{ duration: 10, arrivalCount: roomOf.members }],
    processor: './processor.cjs',
    socketio,
  },
  scenarios: [
    {
      engine: 'socketio',
      flow: [
        { emit: { channel: 'join', data: 'room' }, acknowledge: {}, joins: 'room' },
        { function: 'untilAllAreHere' },
        {
          loop: [
            {
              emit: { channel: 'chat', data: { room: 'room', text: `${text} {{ $tag }}` } },
              delivery: 'chat',
              rate: `${roomOf.perSecondEach}/s`,
              duration: `${roomOf.seconds}s`,
            },
          ],
          count: '{{ speaks }}',
        },
        { function: 'untilAllAreHere' },
      ],
    },
  ],
};
const roomProcessor = `let waiting = [];
let number = 0;
exports.untilAllAreHere = (context, events, done) => {
  context.vars.speaks ??= number++ < ${roomOf.speakers} ? 1 : 0;
  waiting.push(done);
  if (waiting.length < ${roomOf.members}) return;
  const all = waiting;
  waiting = [];
  for (const go of all) go();
};`;

/** Connections that do nothing for half a minute, then show that they are alive. */
const idleUsers = { count: 10_000, arriveInSeconds: 20, idleSeconds: 30 };
const idle = {
  config: {
    phases: [
      {
        duration: idleUsers.arriveInSeconds,
        arrivalRate: idleUsers.count / idleUsers.arriveInSeconds,
      },
    ],
    socketio,
  },
  scenarios: [{ name: 'idle', engine: 'socketio', flow: [{ think: idleUsers.idleSeconds }, say] }],
};

const count = ({ counters }: RoundMeasurement, name: string): number => counters[name] ?? 0;

const note = (title: string, { generator, errors, ...measurement }: RoundMeasurement): void => {
  const names = ['users.created', 'users.completed', 'users.failed', 'messages.sent', 'disconnects'] as const;
  const counters = names.map((name) => `${name} ${measurement.counters[name]}`).join(', ');
  process.stderr.write(
    `${title}: ${counters}; generator at ${generator.cpuShare.toFixed(2)} of a core, ${generator.lateArrivals} late arrivals, peak ${Math.round(generator.peakRssBytes / 1e6)} MB; errors ${JSON.stringify(errors)}\n`,
  );
};

const runToEnd = async (server: Program & { url: string }, scenario: unknown, processor?: string) => {
  await server.ask('reset');
  await using session = await startSession(server.url, {
    scenario,
    ...(processor === undefined ? {} : { processor }),
  });
  await session.resume();
  await session.finished;
  const measurement = await session.collect();
  return { measurement, server: await server.ask<ServerCounts>('counts') };
};

const completion = (title: string, measurement: RoundMeasurement, intended: number): Figure =>
  figure(
    `${title}: users who completed`,
    count(measurement, 'users.completed') / intended,
    'ratio',
    '>=',
    1,
    'users intended',
  );

const passingFigures = async (server: Program & { url: string }): Promise<Figure[]> => {
  const title = '9,000 users at 300/s';
  const intended = passingUsers.perSecond * passingUsers.seconds;
  const { measurement, server: seen } = await runToEnd(server, passing);
  note(title, measurement);
  const sent = count(measurement, 'messages.sent');
  return [
    completion(title, measurement, intended),
    figure(
      `${title}: messages not sent, not seen by the server or not acknowledged`,
      Math.abs(intended * passingUsers.messagesEach - sent) +
        Math.abs(sent - seen.echoes) +
        Math.abs(sent - count(measurement, 'messages.acknowledged')) +
        Math.abs(intended - seen.connections),
      'messages',
      '<=',
      0,
      'what the server counted',
    ),
  ];
};

const roomFigures = async (server: Program & { url: string }): Promise<Figure[]> => {
  const title = '2,000 members of one room';
  const { measurement, server: seen } = await runToEnd(server, room, roomProcessor);
  note(title, measurement);
  const expected = count(measurement, 'deliveries.expected');
  const received = count(measurement, 'deliveries.received');
  process.stderr.write(`deliveries: server ${seen.deliveries}, expected ${expected}, received ${received}\n`);
  const intended = roomOf.speakers * roomOf.perSecondEach * roomOf.seconds * (roomOf.members - 1);
  return [
    completion(title, measurement, roomOf.members),
    figure(
      `${title}: deliveries not made, lost, duplicated or not counted`,
      Math.abs(intended - seen.deliveries) +
        Math.abs(seen.deliveries - expected) +
        Math.abs(expected - received) +
        count(measurement, 'deliveries.lost') +
        count(measurement, 'deliveries.duplicated'),
      'deliveries',
      '<=',
      0,
      'what the server counted',
    ),
  ];
};

const rssOf = (pid: number): number => readTreeUsage(pid)?.rssBytes ?? Number.NaN;

/** Waits until all connections are open and a while more; gives the memory of one, bytes. */
const idleBytes = async (server: Program, pid: number, start: () => Promise<unknown>): Promise<number> => {
  await server.ask('reset');
  const before = rssOf(pid);
  await start();
  await delay((idleUsers.arriveInSeconds + 4) * 1_000);
  const { open } = await server.ask<ServerCounts>('counts');
  const bytes = (rssOf(pid) - before) / idleUsers.count;
  process.stderr.write(`${open} connections open, ${(bytes / 1e3).toFixed(1)} kB each\n`);
  if (open !== idleUsers.count) throw new Error(`${open} connections are open, not ${idleUsers.count}`);
  return bytes;
};

const idleFigures = async (server: Program & { url: string }): Promise<Figure[]> => {
  const title = '10,000 connections in one process';
  await using session = await startSession(server.url, { scenario: idle });
  const ourBytes = await idleBytes(server, session.pid, () => session.resume());
  await session.finished;
  const measurement = await session.collect();
  const seen = await server.ask<ServerCounts>('counts');
  note(title, measurement);
  await session[Symbol.asyncDispose]();
  const script = { ...idle, config: { ...idle.config, target: server.url, timeout: 30 } };
  await using artillery = await startGenerator('artillery-program.ts', script);
  const theirBytes = await idleBytes(server, artillery.pid, () => artillery.ask('run'));
  return [
    completion(title, measurement, idleUsers.count),
    figure(
      `${title}: connections without their one message`,
      Math.abs(idleUsers.count - seen.echoes) +
        Math.abs(idleUsers.count - count(measurement, 'messages.acknowledged')),
      'messages',
      '<=',
      0,
      'what the server counted',
    ),
    figure(
      'memory of an idle user',
      ourBytes / theirBytes,
      'ratio',
      '<=',
      0.6,
      "Artillery's built-in engine",
    ),
  ];
};

const parts = { passing: passingFigures, room: roomFigures, idle: idleFigures } as const;

/** Takes the parts to run (passing, room, idle); all of them if none is given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const limit = openFileLimit('self');
  if (limit !== null && limit.hard < idleUsers.count + 500)
    throw new Error(
      `This needs ${idleUsers.count + 500} open files; the hard limit (ulimit -Hn) is ${limit.hard}.`,
    );
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (args.length > 0 && !args.includes(name)) continue;
    await using server = await startServer();
    figures.push(...(await measure(server)));
  }
  return figures;
};
