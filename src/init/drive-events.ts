import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { looksLikeRefusal } from '../engines/core/refusal.ts';
import { compileTemplate } from '../engines/core/template/compile-template.ts';
import { tokenMint } from '../engines/core/virtual-user-token.ts';
import { encodeFrame, encodeHead } from '../engines/stomp/stomp-encoder.ts';
import type { FoundEvent } from './find-events.ts';
import type { FoundHandshake } from './find-handshake.ts';
import { madeUpSecret, stompVersions } from './start-and-probe.ts';

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
  /** Those that it takes once from each client. */
  once: Set<string>;
  /** What the server said when it let nobody in; null where it did. */
  refusal: string | null;
};

/** Where clients connect, and with what. */
export type Drive = {
  protocol: 'socketio' | 'ws' | 'stomp';
  url: string;
  /** Of STOMP: what each client subscribes to. */
  topic?: string;
  /** Of Socket.IO; empty for the usual one. */
  path: string;
  handshake: FoundHandshake;
  /** Starts the server again where an event ended it. */
  revive?: () => Promise<boolean>;
};

/**
 * Two clients send each event that the code handles and see what the server says. Those that it refuses, or that end the
 * connection or the server, are not sent again: `tried` says which, for a second time that is recorded.
 */
export const driveEvents = async (
  drive: Drive,
  events: readonly FoundEvent[],
  tried?: Driven,
): Promise<Driven> => {
  const ordered = order.flatMap((does) => events.filter((event) => event.does === does));
  const wanted = tried === undefined ? ordered : ordered.filter(({ name }) => tried.taken.includes(name));
  const connect = (index: number): Promise<User> =>
    drive.protocol === 'socketio'
      ? socketIoUser(drive, wanted, index)
      : drive.protocol === 'ws'
        ? webSocketUser(drive, index)
        : stompUser(drive, index);
  const users = await Promise.all(Array.from({ length: clients }, (_, index) => connect(index)));
  const taken: string[] = [];
  const refused: string[] = [];
  const senders = new Map<string, number[]>();
  const answered = new Set<string>();
  const once = new Set<string>();
  const result: Driven = { taken, refused, senders, answered, once, refusal: null };
  if (users.every(({ refusal }) => refusal !== null)) {
    for (const user of users) user.close();
    return { ...result, refusal: users[0]!.refusal };
  }
  for (const event of wanted) {
    const ends = event.does === 'leave';
    // What ends a session is tried once, and left to the end.
    if (ends && tried === undefined) continue;
    const takers: number[] = [];
    const known = tried === undefined || tried.answered.has(event.name);
    const sent = {
      ...event,
      args: numbered(event.args, wanted.indexOf(event) + 1),
      acknowledged: event.acknowledged && known,
    };
    for (const index of tried?.senders.get(event.name) ?? users.keys()) {
      const answer = await users[index]!.send(sent);
      if (answer === 'answered') answered.add(event.name);
      if (answer !== 'refused') takers.push(index);
      const another =
        answer !== 'refused' && tried === undefined && event.does === 'say'
          ? await users[index]!.send(sent)
          : answer;
      if (answer !== another && another === 'refused') once.add(event.name);
      if (!users[index]!.isOpen()) await again(index);
    }
    senders.set(event.name, takers);
    if (takers.length === 0) refused.push(event.name);
    else taken.push(event.name);
    const repeats = tried !== undefined && event.does === 'say' && !tried.once.has(event.name) ? says - 1 : 0;
    for (let count = 0; count < repeats; count += 1) {
      await sleep(pauseMs);
      const answers = await Promise.all(takers.map((index) => users[index]!.send(sent)));
      if (answers.includes('refused')) once.add(event.name);
    }
    if (tried !== undefined) await sleep(pauseMs);
  }
  await sleep(300);
  for (const user of users) user.close();
  await sleep(100);
  return result;

  /** A new connection stands where the old one did: known, and in its room. */
  async function again(index: number): Promise<void> {
    const died = (await drive.revive?.()) === true;
    for (const each of died ? users.keys() : [index]) {
      users[each]!.close();
      users[each] = await connect(each);
      for (const event of wanted)
        if (taken.includes(event.name) && (event.does === 'identify' || event.does === 'join'))
          await users[each]!.send(event);
    }
  }
};

type User = {
  /** Why it was not let in. */
  refusal: string | null;
  isOpen(): boolean;
  send(event: FoundEvent): Promise<'answered' | 'taken' | 'refused'>;
  close(): void;
};

/** What a client connects with: a token and an id of its own in their places. */
const handshakeOf = ({
  auth,
  query,
  headers,
  jwt,
}: FoundHandshake): Pick<FoundHandshake, 'auth' | 'query' | 'headers'> => {
  const id = randomUUID();
  const token = tokenMint({
    secret: madeUpSecret,
    claims: jwt?.claims ?? {},
    algorithm: 'HS256',
    expiresInSeconds: 3_600,
  })({ vars: { $uuid: id } });
  return compileTemplate<Pick<FoundHandshake, 'auth' | 'query' | 'headers'>>({ auth, query, headers }).render(
    {
      vars: { token, $uuid: id },
    },
  );
};

/** An open connection that is closed at once was refused. */
const settleMs = 200;

/** A guess that names the user, or is what it says, is another one for each: an echo is no delivery. */
const ownArgs = (args: readonly unknown[], index: number): unknown[] =>
  JSON.parse(
    JSON.stringify(args)
      .replaceAll('"tailgate"', `"tailgate${index + 1}"`)
      .replaceAll(/from tailgate(?=")/g, `from tailgate ${index + 1}`),
  ) as unknown[];

/** What one event says, no other says: what arrives tells which one sent it. */
const numbered = (args: readonly unknown[], number: number): unknown[] =>
  JSON.parse(JSON.stringify(args).replaceAll('"hello from', `"hello ${number} from`)) as unknown[];

/** Names of events by which servers say no. */
const saysNo =
  /^(exception|error)$|reject|refus|denied|forbidden|unauthori[sz]ed|failed|failure|invalid|_error$|Error$/;

async function socketIoUser(
  { url, path, handshake }: Drive,
  events: readonly FoundEvent[],
  index: number,
): Promise<User> {
  const sockets = new Map<string, Socket>();
  const { auth, query, headers } = handshakeOf(handshake);
  let failed = false;
  let said = '';
  for (const namespace of new Set(['/', ...events.map((event) => event.namespace)])) {
    const socket = io(`${url}${namespace === '/' ? '' : namespace}`, {
      transports: ['websocket'],
      ...(path === '' ? {} : { path }),
      forceNew: true,
      reconnection: false,
      auth,
      query,
      extraHeaders: headers,
    });
    socket.onAny((name: string, reason: unknown) => {
      if (!saysNo.test(name)) return;
      failed = true;
      said = typeof reason === 'string' ? reason : String((reason as Error | undefined)?.message ?? name);
    });
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve());
      socket.once('connect_error', ({ message }) => {
        said = message;
        resolve();
      });
      setTimeout(resolve, 3_000).unref();
    });
    sockets.set(namespace, socket);
  }
  await sleep(settleMs);
  const isOpen = (): boolean => [...sockets.values()].some(({ connected }) => connected);
  return {
    refusal: isOpen() ? null : said === '' ? 'it closed the connection' : said,
    isOpen,
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

async function webSocketUser({ url, handshake }: Drive, index: number): Promise<User> {
  const { query, headers } = handshakeOf(handshake);
  const search = new URLSearchParams(query).toString();
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${search === '' ? '' : `?${search}`}`, {
    headers,
  });
  let failed = false;
  let said = '';
  socket.on('error', ({ message }) => {
    said = message;
  });
  socket.on('message', (data) => {
    said = String(data).slice(0, 200);
    try {
      failed ||= looksLikeRefusal([JSON.parse(String(data))]);
      failed ||= /^error$/i.test((JSON.parse(String(data)) as { type?: string } | null)?.type ?? '');
    } catch {
      // Text.
    }
  });
  await new Promise<void>((resolve) => {
    socket.once('open', () => resolve()).once('close', () => resolve());
    setTimeout(resolve, 3_000).unref();
  });
  await sleep(settleMs);
  const isOpen = (): boolean => socket.readyState === WebSocket.OPEN;
  return {
    refusal: isOpen() ? null : said === '' ? 'it closed the connection' : said,
    isOpen,
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

async function stompUser({ url, topic }: Drive, index: number): Promise<User> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), stompVersions.subprotocols);
  let refusal: string | null = 'it did not answer CONNECT';
  let failed = false;
  const send = (command: string, headers: Record<string, string>, body = ''): void =>
    socket.send(encodeFrame(encodeHead(command, headers), body, false));
  await new Promise<void>((resolve) => {
    socket.on('error', ({ message }) => {
      refusal = message;
      resolve();
    });
    socket.on('close', resolve);
    socket.on('open', () =>
      send('CONNECT', { 'accept-version': stompVersions.header, host: '/', 'heart-beat': '0,0' }),
    );
    socket.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('CONNECTED')) refusal = null;
      if (text.startsWith('ERROR')) {
        failed = true;
        refusal ??= /^message:(.*)$/m.exec(text)?.[1] ?? 'an ERROR frame';
      }
      resolve();
    });
    setTimeout(resolve, 3_000).unref();
  });
  const isOpen = (): boolean => socket.readyState === WebSocket.OPEN;
  if (isOpen() && topic !== undefined) send('SUBSCRIBE', { id: 's0', destination: topic });
  await sleep(settleMs);
  return {
    refusal: isOpen() ? refusal : (refusal ?? 'it closed the connection'),
    isOpen,
    send: async ({ name, args }) => {
      if (!isOpen()) return 'refused';
      failed = false;
      const body = JSON.stringify(ownArgs(args, index)[0]);
      send('SEND', { destination: name, 'content-type': 'application/json' }, body);
      await sleep(pauseMs);
      return failed || !isOpen() ? 'refused' : 'taken';
    },
    close: () => socket.close(),
  };
}
