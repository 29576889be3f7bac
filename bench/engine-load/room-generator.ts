import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { recorder } from '../../src/engines/core/recorder.ts';
import { Users } from './users.ts';

/** Members of one room, each of whom says something every `everyMs`; tells the CPU time of one delivery. */
export type RoomRequest = {
  peer: 'ours' | 'bare';
  url: string;
  room: string;
  members: number;
  messagesEach: number;
  everyMs: number;
};

export type RoomResult = { cpuUsPerDelivery: number; deliveries: number; p99Ms: number | null };

const request = JSON.parse(process.argv[2]!) as RoomRequest;
const { room, members, messagesEach, everyMs } = request;
const text = 'a message of the length that people write in a chat';
const expected = members * messagesEach * (members - 1);

/** Waits before the first message of each member, spread over the time between two messages. */
const firstMs = (index: number): number => Math.round((index / members) * everyMs);

/** Measures from now until every delivery has come, or none has for two seconds. */
const measure = async (received: () => number): Promise<{ cpuUsPerDelivery: number; deliveries: number }> => {
  const before = process.cpuUsage();
  const atStart = received();
  let last = { count: -1, atMs: performance.now() };
  while (received() - atStart < expected) {
    await delay(20);
    const nowMs = performance.now();
    if (received() !== last.count) last = { count: received(), atMs: nowMs };
    else if (nowMs - last.atMs > 2_000) break;
  }
  const { user, system } = process.cpuUsage(before);
  const deliveries = received() - atStart;
  return { cpuUsPerDelivery: (user + system) / deliveries, deliveries };
};

/** The least that a client can do: each delivery is counted, and nothing else is done with it. */
const runBare = async (): Promise<RoomResult> => {
  let received = 0;
  const sockets = await Promise.all(
    Array.from({ length: members }, async () => {
      const socket = io(request.url, { forceNew: true, transports: ['websocket'] });
      socket.on('chat', () => {
        received += 1;
      });
      await new Promise((resolve) => socket.on('connect', () => resolve(null)));
      await socket.emitWithAck('join', room);
      return socket;
    }),
  );
  const say = (socket: Socket, left: number): void => {
    socket.emit('chat', { room, text });
    if (left > 1) setTimeout(() => say(socket, left - 1), everyMs);
  };
  await delay(500);
  const measured = measure(() => received);
  for (const [index, socket] of sockets.entries())
    setTimeout(() => say(socket, messagesEach), firstMs(index));
  return { ...(await measured), p99Ms: null };
};

/** Our engine: each delivery is timed, and counted at the member it was expected at, or as lost or duplicated. */
const runOurs = async (): Promise<RoomResult> => {
  const waiting: (() => void)[] = [];
  const processor = {
    untilAllJoined: (_context: unknown, _events: unknown, done: () => void) => waiting.push(done),
  };
  const users = await Users.create('ours', request.url, { processor });
  const flow = [
    { emit: { channel: 'join', data: room }, acknowledge: {}, joins: room },
    { function: 'untilAllJoined' },
    { think: '{{ firstMs }}ms' },
    {
      loop: [
        { emit: { channel: 'chat', data: { room, text: `${text} {{ $tag }}` } }, delivery: 'chat' },
        { think: `${everyMs}ms` },
      ],
      count: messagesEach,
    },
    // Stays until it is all over: the end of a session is no part of a delivery.
    { think: 60 },
  ];
  const ended = users.run(flow, members, (index) => ({ firstMs: firstMs(index) }));
  ended.catch(() => process.exit(1));
  while (waiting.length < members) await delay(20);
  await delay(500);
  const measured = measure(() => recorder.counter('deliveries.received'));
  for (const done of waiting) done();
  const result = await measured;
  const unexpected = ['deliveries.duplicated', 'deliveries.unexpected', 'errors'].filter(
    (name) => recorder.counter(name) > 0,
  );
  if (unexpected.length > 0) throw new Error(`there are ${unexpected.join(', ')}`);
  return { ...result, p99Ms: recorder.sketch('chat.delivery')!.quantileMs(0.99) };
};

process.send!(request.peer === 'bare' ? await runBare() : await runOurs());
process.exit(0);
