import { setTimeout as delay } from 'node:timers/promises';
import { LatencySketch } from '../src/metrics/latency-sketch.ts';
import { startGenerator, startServer } from './engine-load/processes.ts';
import type { ScheduleRequest, ScheduleResult } from './engine-load/schedule-generator.ts';
import { startSession } from './engine-load/session.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'the p99 reported of a server that stalls for 2 of 10 seconds, against the truth of an open schedule';

const users = 20;
const perSecondEach = 10;
const seconds = 10;
const stallMs = 2_000;

const scenario = {
  config: {
    phases: [{ duration: 1, arrivalCount: users }],
    socketio: { transports: ['websocket'] },
  },
  scenarios: [
    {
      engine: 'socketio',
      flow: [
        {
          emit: { channel: 'echo', data: { text: 'a message' } },
          acknowledge: {},
          rate: `${perSecondEach}/s`,
          duration: `${seconds}s`,
        },
      ],
    },
  ],
};

/** Of messages spread evenly over the time, those of the stall wait for what is left of it. */
const expectedP99Ms = stallMs - 0.01 * seconds * 1_000;

export const run = async (): Promise<Figure[]> => {
  await using server = await startServer();
  const request: ScheduleRequest = { url: server.url, perSecond: users * perSecondEach, seconds };
  await using schedule = await startGenerator('schedule-generator.ts', request);
  await using session = await startSession(server.url, { scenario });
  const truthAsked = schedule.ask<ScheduleResult>('run');
  await session.resume();
  await delay(4_000);
  await server.ask({ stallMs });
  const truth = await truthAsked;
  await session.finished;
  const { metrics, counters, generator } = await session.collect();
  const { count, p99Ms } = LatencySketch.fromJSON(metrics['echo.ack']!).summary();
  process.stderr.write(
    `reported p99 ${p99Ms.toFixed(0)} ms of ${count} messages (${counters['messages.sent']} sent, ${generator.lateSends} late); open schedule ${truth.openP99Ms.toFixed(0)} ms of ${truth.answered}; by reckoning ${expectedP99Ms} ms; a closed loop beside them ${truth.closedP99Ms.toFixed(1)} ms\n`,
  );
  const name = 'p99 with a stall of 2 s in 10 s: relative error';
  return [
    figure(
      name,
      Math.abs(p99Ms / truth.openP99Ms - 1),
      'ratio',
      '<=',
      0.05,
      'an open schedule beside it, timed from the intended instants',
    ),
    figure(name, Math.abs(p99Ms / expectedP99Ms - 1), 'ratio', '<=', 0.05, `reckoned: ${expectedP99Ms} ms`),
  ];
};
