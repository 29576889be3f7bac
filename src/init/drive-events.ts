import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { looksLikeRefusal } from '../engines/core/refusal.ts';
import type { FoundEvent } from './find-events.ts';

const clients = 2;
const answerMs = 700;
/** So often a message is said that others get: a loop of the scenario. */
const says = 10;
const pauseMs = 150;
const order: FoundEvent['does'][] = ['identify', 'join', 'say', 'other', 'leave'];

/** What became of the events: which of them the server takes, and why it does not take the others. */
export type Driven = {
  taken: string[];
  refused: string[];
  /** Which of the clients sends an event: a second one may be refused what the first one may do. */
  senders: Map<string, number[]>;
  /** Which of them the server acknowledges: the others are not waited for again. */
  answered: Set<string>;
};

/**
 * Two clients send each event that the code handles, through `url`, and see what the server says. Those that it refuses,
 * or that end the connection, are not sent again: `tried` says which, for a second time that is recorded.
 */
export const driveEvents = async (
  protocol: 'socketio' | 'ws',
  url: string,
  events: readonly FoundEvent[],
  tried?: Driven,
  path = '',
): Promise<Driven> => {
  const ordered = order.flatMap((does) => events.filter((event) => event.does === does));
  const wanted = tried === undefined ? ordered : ordered.filter(({ name }) => tried.taken.includes(name));
  const users = await Promise.all(
    Array.from({ length: clients }, (_, index) =>
      protocol === 'socketio' ? socketIoUser(url, wanted, index, path) : webSocketUser(url, index),
    ),
  );
  const taken: string[] = [];
  const refused: string[] = [];
  const senders = new Map<string, number[]>();
  const answered = new Set<string>();
  for (const event of wanted) {
    const ends = event.does === 'leave';
    // What ends a session is tried once, and left to the end.
    if (ends && tried === undefined) continue;
    const takers: number[] = [];
    const known = tried === undefined || tried.answered.has(event.name);
    const sent = { ...event, acknowledged: event.acknowledged && known };
    for (const index of tried?.senders.get(event.name) ?? users.keys()) {
      const answer = await users[index]!.send(sent);
      if (answer === 'answered') answered.add(event.name);
      if (answer !== 'refused') takers.push(index);
    }
    senders.set(event.name, takers);
    if (takers.length === 0) refused.push(event.name);
    else taken.push(event.name);
    const repeats = tried !== undefined && event.does === 'say' ? says - 1 : 0;
    for (let count = 0; count < repeats; count += 1) {
      await sleep(pauseMs);
      await Promise.all(takers.map((index) => users[index]!.send(sent)));
    }
    if (tried !== undefined) await sleep(pauseMs);
  }
  await sleep(300);
  for (const user of users) user.close();
  await sleep(100);
  return { taken, refused, senders, answered };
};

type User = { send(event: FoundEvent): Promise<'answered' | 'taken' | 'refused'>; close(): void };

/** A guess that names the user is another one for each. */
const ownArgs = (args: readonly unknown[], index: number): unknown[] =>
  JSON.parse(JSON.stringify(args).replaceAll('"tailgate"', `"tailgate${index + 1}"`)) as unknown[];

async function socketIoUser(
  url: string,
  events: readonly FoundEvent[],
  index: number,
  path: string,
): Promise<User> {
  const sockets = new Map<string, Socket>();
  let failed = false;
  for (const namespace of new Set(['/', ...events.map((event) => event.namespace)])) {
    const socket = io(`${url}${namespace === '/' ? '' : namespace}`, {
      transports: ['websocket'],
      ...(path === '' ? {} : { path }),
      forceNew: true,
      reconnection: false,
    });
    for (const name of ['exception', 'error'])
      socket.on(name, () => {
        failed = true;
      });
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve()).once('connect_error', () => resolve());
      setTimeout(resolve, 3_000).unref();
    });
    sockets.set(namespace, socket);
  }
  return {
    send: async ({ name, namespace, args, acknowledged }) => {
      const socket = sockets.get(namespace)!;
      if (!socket.connected) return 'refused';
      failed = false;
      let isAnswered = false;
      const given = ownArgs(args, index);
      if (!acknowledged) {
        socket.emit(name, ...given);
        await sleep(pauseMs);
      } else {
        const answer = await new Promise<unknown[]>((resolve) => {
          socket.emit(name, ...given, (...answers: unknown[]) =>
            resolve(answers.length > 0 ? answers : [undefined]),
          );
          setTimeout(resolve, answerMs, []).unref();
        });
        if (looksLikeRefusal(answer)) return 'refused';
        isAnswered = answer.length > 0;
      }
      return failed || !socket.connected ? 'refused' : isAnswered ? 'answered' : 'taken';
    },
    close: () => {
      for (const socket of sockets.values()) socket.close();
    },
  };
}

async function webSocketUser(url: string, index: number): Promise<User> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  let failed = false;
  socket.on('error', () => {});
  socket.on('message', (data) => {
    try {
      failed ||= looksLikeRefusal([JSON.parse(String(data))]);
      failed ||= (JSON.parse(String(data)) as { type?: string } | null)?.type === 'error';
    } catch {
      // Text.
    }
  });
  await new Promise<void>((resolve) => {
    socket.once('open', () => resolve()).once('close', () => resolve());
    setTimeout(resolve, 3_000).unref();
  });
  return {
    send: async ({ args }) => {
      if (socket.readyState !== WebSocket.OPEN) return 'refused';
      failed = false;
      for (const value of ownArgs(args, index))
        socket.send(typeof value === 'string' ? value : JSON.stringify(value));
      await sleep(pauseMs);
      return failed || socket.readyState !== WebSocket.OPEN ? 'refused' : 'taken';
    },
    close: () => socket.close(),
  };
}
