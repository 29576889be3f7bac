import { SignJWT } from 'jose';
import { io, type Socket } from 'socket.io-client';

/** A token for `name`, signed as the example servers expect by default. */
export const tokenFor = (name: string, expiresInSeconds = 600, secret = 'example-secret'): Promise<string> =>
  new SignJWT({ sub: name, name })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
    .sign(new TextEncoder().encode(secret));

/** A user of a chat server, who remembers what it got. */
export type ChatClient = {
  socket: Socket;
  got: { event: string; data: unknown }[];
  /** Emits and resolves with the acknowledgement, or with `{ exception }` if that comes instead. */
  ask(event: string, data?: unknown): Promise<Record<string, unknown>>;
  /** Resolves with the first `event` that was or will be received. */
  next(event: string): Promise<Record<string, unknown>>;
};

const timeoutMs = 5_000;

/** Connects a client with `auth` and `headers`; `after` is told how to end it. */
export const chatClient = async (
  url: string,
  options: { auth?: Record<string, unknown>; extraHeaders?: Record<string, string> },
  after: (end: () => void) => void,
): Promise<ChatClient> => {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
  after(() => socket.disconnect());
  const got: ChatClient['got'] = [];
  const waiting: { event: string; resolve: (data: Record<string, unknown>) => void }[] = [];
  socket.onAny((event: string, data: Record<string, unknown>) => {
    got.push({ event, data });
    const index = waiting.findIndex((each) => each.event === event);
    if (index >= 0) waiting.splice(index, 1)[0]?.resolve(data);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  const limited = <T>(what: string, promise: Promise<T>): Promise<T> =>
    Promise.race([
      promise,
      new Promise<T>((_, reject) => setTimeout(reject, timeoutMs, new Error(`${what} did not come`)).unref()),
    ]);
  const future = (event: string): Promise<Record<string, unknown>> =>
    limited(event, new Promise((resolve) => waiting.push({ event, resolve })));
  return {
    socket,
    got,
    next: (event) => {
      const found = got.find((each) => each.event === event);
      return found === undefined ? future(event) : Promise.resolve(found.data as Record<string, unknown>);
    },
    ask: (event, data) =>
      limited(
        `the answer to ${event}`,
        new Promise((resolve) => {
          waiting.push({ event: 'exception', resolve: (exception) => resolve({ exception }) });
          socket.emit(event, ...(data === undefined ? [] : [data]), (answer: Record<string, unknown>) => {
            const index = waiting.findIndex((each) => each.event === 'exception');
            if (index >= 0) waiting.splice(index, 1);
            resolve(answer);
          });
        }),
      ),
  };
};
