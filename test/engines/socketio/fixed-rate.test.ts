import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadActivity } from '../../../src/engines/core/load-activity.ts';
import { loadClock } from '../../../src/engines/core/load-clock.ts';
import { countOf, runUsers, startServer } from './run-users.ts';

const websocket = { socketio: { transports: ['websocket'] } };

test('a fixed-rate step makes every send of its schedule, without waiting for answers', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => socket.on('ask', (_n, ack) => setTimeout(ack, 200)));
  const ran = await runUsers(server.url, {
    users: 2,
    config: websocket,
    flow: [{ emit: { channel: 'ask', data: '{{ $sendCount }}' }, acknowledge: {}, rate: 50, duration: '1s' }],
  });
  assert.ok(ran.users.every(({ error }) => error === null));
  assert.equal(ran.measured.counters['messages.sent'], 100);
  assert.equal(countOf(ran, 'ask.ack'), 100);
  assert.equal(loadActivity.sends.intended, 100);
});

test('a stall is seen by every message that was due in it', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => {
    let stalledUntilMs = 0;
    // A stall of this user's messages; the generator in the same process goes on.
    socket.on('ask', (n, ack) => {
      const nowMs = performance.now();
      if (n === 20) stalledUntilMs = nowMs + 1_000;
      setTimeout(ack, Math.max(0, stalledUntilMs - nowMs));
    });
  });
  const flowOf = (step: Record<string, unknown>) => [
    { emit: { channel: 'ask', data: '{{ $sendCount }}' }, acknowledge: {}, ...step },
  ];
  const open = await runUsers(server.url, {
    config: websocket,
    settings: { timeoutMs: 3_000 },
    flow: flowOf({ rate: 50, duration: '3s' }),
  });
  assert.equal(countOf(open, 'ask.ack'), 150);
  // A third of the messages was due in the stall: the slowest waited all of it, and the mean is 50 x 0.5 s / 150.
  const { maxMs, sumMs } = open.measured.metrics['ask.ack']!;
  assert.ok(maxMs > 950, `max ${maxMs}`);
  assert.ok(sumMs / 150 > 120, `mean ${sumMs / 150}`);
});

test('what the generator itself holds up is timed from the intended instant, and reported as lag', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => socket.on('ask', (_n, ack) => ack()));
  const ran = await runUsers(server.url, {
    config: {
      ...websocket,
      processor: {
        block: (_context: unknown, _events: unknown, done: () => void) => {
          const untilMs = performance.now() + 500;
          while (performance.now() < untilMs);
          done();
        },
      },
    },
    flow: [
      {
        parallel: [
          { emit: { channel: 'ask' }, acknowledge: {}, rate: 20, duration: '2s' },
          { loop: [{ think: '700ms' }, { function: 'block' }], count: 1 },
        ],
      },
    ],
  });
  assert.equal(ran.users[0]!.error, null);
  assert.equal(countOf(ran, 'ask.ack'), 40);
  const { intended, late, maxLagMs } = loadActivity.sends;
  assert.equal(intended, 40);
  assert.ok(late >= 6, `${late} late`);
  assert.ok(maxLagMs > 400, `lag ${maxLagMs}`);
  assert.ok(ran.measured.metrics['ask.ack']!.maxMs >= maxLagMs);
});

test('the schedule stands still while the load is paused', async () => {
  await using server = await startServer();
  const atMs: number[] = [];
  server.io.on('connection', (socket) =>
    socket.on('ask', (_n, ack) => {
      atMs.push(performance.now());
      ack();
    }),
  );
  const running = runUsers(server.url, {
    config: websocket,
    flow: [{ emit: { channel: 'ask' }, acknowledge: {}, rate: 100, duration: '1s' }],
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  loadClock.pause();
  await loadActivity.idle(1_000);
  const before = atMs.length;
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(atMs.length, before);
  loadClock.resume();
  const ran = await running;
  assert.equal(countOf(ran, 'ask.ack'), 100);
  // Nothing of the pause is in a lag or a latency.
  assert.ok(loadActivity.sends.maxLagMs < 580, `lag ${loadActivity.sends.maxLagMs}`);
  assert.ok(ran.measured.metrics['ask.ack']!.maxMs < 580);
});

test('deliveries of a fixed-rate step are counted like all others', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => socket.on('chat', (data) => socket.broadcast.emit('chat', data)));
  const ran = await runUsers(server.url, {
    users: 4,
    config: websocket,
    flow: [
      { think: '300ms' },
      {
        emit: { channel: 'chat', data: { id: '{{ $tag }}' } },
        delivery: 'chat',
        rate: '600/min',
        duration: 1,
      },
      { think: '200ms' },
    ],
  });
  assert.equal(ran.measured.counters['messages.sent'], 40);
  assert.equal(ran.measured.counters['deliveries.expected'], 120);
  assert.equal(ran.measured.counters['deliveries.received'], 120);
});

test('a rate or a duration that is none is an error', async () => {
  const flow = (rate: unknown) => [{ emit: { channel: 'x' }, rate, duration: '1s' }];
  await assert.rejects(
    runUsers('http://127.0.0.1:1', { flow: flow('often') }),
    /"rate" is a number of sends/,
  );
});
