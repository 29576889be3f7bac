/** What one side of a connection sent, as one WebSocket message or one packet of a poll. */
export type Frame = { atMs: number; sent: boolean; data: string | Buffer };

/** A connection of a client: its upgrade request, and what went over it. */
export type Connection = {
  /** Who was recorded: the name of the HAR; one name for everybody behind a relay. */
  role: string;
  url: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  openedAtMs: number;
  /** When it was closed; with its last frame, if that is not known. */
  closedAtMs?: number;
  frames: Frame[];
};

/** A request and its answer, bodies as text. */
export type HttpExchange = {
  role: string;
  atMs: number;
  answeredAtMs: number;
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | null;
  status: number;
  responseHeaders: Readonly<Record<string, string>>;
  response: string | null;
  /** Of an answer that streams: what came when. */
  pieces?: { atMs: number; text: string }[];
};

/** A click-through, whatever recorded it. */
export type Recording = { connections: Connection[]; requests: HttpExchange[] };

/** A message of the protocol that the application speaks. */
export type Message = {
  atMs: number;
  sent: boolean;
  kind: 'event' | 'answer' | 'subscribe' | 'unsubscribe' | 'ack' | 'nack';
  /** Namespace in Socket.IO, subscription in STOMP. */
  scope: string;
  /** The event, the type of a JSON message, or the destination; of an ACK, that of its message. */
  name: string;
  args: unknown[];
  /** What an answer has in common with its message. */
  id: string | null;
  /** Of a STOMP frame. */
  headers?: Readonly<Record<string, string>>;
};

/** A connection, decoded. */
export type Session = {
  role: string;
  engine: 'socketio' | 'ws' | 'stomp';
  url: string;
  headers: Readonly<Record<string, string>>;
  openedAtMs: number;
  /** When the protocol was ready, which is when a flow begins. */
  connectedAtMs: number;
  closedAtMs: number;
  /** What CONNECT carried: `auth` of each namespace, or the headers of a STOMP CONNECT. */
  auth: Readonly<Record<string, unknown>>;
  transports: string[];
  sockjs: boolean;
  messages: Message[];
  /** What could not be read, and why: one sentence each. */
  notes: string[];
};

/** The places of a value's texts and numbers: `['roomId']`, `[0, 'user', 'id']`. */
export type Leaf = { path: (string | number)[]; value: string | number };

export const leavesOf = (value: unknown, path: (string | number)[] = []): Leaf[] => {
  if (typeof value === 'string' || typeof value === 'number') return [{ path, value }];
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    leavesOf(each, [...path, Array.isArray(value) ? Number(key) : key]),
  );
};

/** The value of a text that is JSON; `undefined` for any other. */
export const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
