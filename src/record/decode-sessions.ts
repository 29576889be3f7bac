import { BinaryAssembler, parsePayload, parseTextPacket } from '../engines/socketio/wire/packet.ts';
import { parseSockJs } from '../engines/stomp/sockjs-framing.ts';
import { StompDecoder } from '../engines/stomp/stomp-decoder.ts';
import type { StompFrame } from '../engines/stomp/stomp-frame.ts';
import { messageType } from '../engines/ws/ws-message.ts';
import {
  type Connection,
  type Frame,
  type HttpExchange,
  jsonOf,
  type Recording,
  type Session,
} from './recording.ts';

/** `/prefix/{server}/{session}/{transport}`. */
const sockJsRequest =
  /^(.*)\/([^/.]+)\/([^/.]+)\/(xhr|xhr_send|xhr_streaming|eventsource|htmlfile|jsonp|jsonp_send)$/;

const sockJsInfo = /\/info(\?t=\d+)?$/;

/**
 * Reads what each connection of a recording said: Engine.IO and Socket.IO (also over polling, which becomes one session
 * with the WebSocket that it was upgraded to), STOMP, JSON and text, each plain or in SockJS frames, over its requests too.
 */
export const decodeSessions = (recording: Recording): Session[] => {
  const polls = new Map<string, Connection>();
  for (const request of recording.requests) {
    const query = queryOf(request.url);
    if (!isPoll(query)) continue;
    addPoll(polls, request, query.get('sid'));
  }
  const sessions = recording.connections.map((connection) => {
    const sid = queryOf(connection.url).get('sid') ?? '';
    const before = polls.get(sid);
    polls.delete(sid);
    return before === undefined
      ? connection
      : { ...connection, openedAtMs: before.openedAtMs, frames: [...before.frames, ...connection.frames] };
  });
  return [...sessions, ...polls.values(), ...sockJsRequests(recording.requests)]
    .map(decodeSession)
    .sort((a, b) => a.openedAtMs - b.openedAtMs);
};

/** Whether a request only carries packets of Engine.IO, or frames of SockJS. */
export const isTransport = ({ url }: HttpExchange): boolean =>
  isPoll(queryOf(url)) || sockJsInfo.test(url) || sockJsRequest.test(url.split('?')[0]!);

export const queryOf = (url: string): URLSearchParams => new URLSearchParams(url.split('?')[1] ?? '');

/** The path of SockJS before the parts that are each session's own. */
export const sockJsBase = (url: string): string => pathOf(url).replace(/\/[^/.]+\/[^/.]+\/websocket$/, '');

export const pathOf = (url: string): string => (/^[a-z]+:\/\/[^/]*([^?#]*)/i.exec(url)?.[1] ?? url) || '/';

function isPoll(query: URLSearchParams): boolean {
  return query.has('EIO') && query.get('transport') === 'polling';
}

function addPoll(polls: Map<string, Connection>, request: HttpExchange, sid: string | null): void {
  if (sid === null) {
    const open = jsonOf((request.response ?? '').split('\x1e')[0]!.slice(1)) as { sid?: string } | undefined;
    if (open?.sid === undefined) return;
    const { role, url, headers, atMs } = request;
    polls.set(open.sid, { role, url, headers, openedAtMs: atMs, frames: [] });
  }
  const connection = sid === null ? undefined : polls.get(sid);
  if (connection === undefined) return;
  const sent = request.method === 'POST';
  for (const data of packetsOf((sent ? request.body : request.response) ?? ''))
    if (sent || data !== 'ok')
      connection.frames.push({ atMs: sent ? request.atMs : request.answeredAtMs, sent, data });
}

/** Polls carry packets with U+001E between them (Engine.IO 4); binary ones are `b` and base64. */
function packetsOf(body: string): (string | Buffer)[] {
  return body
    .split('\x1e')
    .map((packet) => (packet.startsWith('b') ? Buffer.from(packet.slice(1), 'base64') : packet));
}

/** Sessions of SockJS that no WebSocket carried: polls and streams bring frames, and each send an array of texts. */
function sockJsRequests(requests: readonly HttpExchange[]): Connection[] {
  const connections = new Map<string, Connection>();
  for (const request of [...requests].sort((a, b) => a.atMs - b.atMs)) {
    const [, base, server, id, transport] = sockJsRequest.exec(request.url.split('?')[0]!) ?? [];
    if (base === undefined) continue;
    const { role, headers, atMs } = request;
    const key = `${base}/${server}/${id}`;
    const url = `${key.replace(/^http/, 'ws')}/websocket`;
    const connection = connections.get(key) ?? { role, url, headers, openedAtMs: atMs, frames: [] };
    connections.set(key, connection);
    const sent = transport!.endsWith('_send');
    const bodies = sent
      ? [{ atMs, text: request.body ?? '' }]
      : (request.pieces ?? [{ atMs: request.answeredAtMs, text: request.response ?? '' }]);
    for (const { atMs: at, text } of bodies)
      for (const data of sent ? [text] : sockJsLines(text)) connection.frames.push({ atMs: at, sent, data });
  }
  // A path that only looks like it has no opening frame.
  return [...connections.values()].filter(({ frames }) =>
    frames.some(({ sent, data }) => !sent && data === 'o'),
  );
}

function sockJsLines(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const frame = line.replace(/^data: /, '');
    return /^(o|h|a\[|m"|c\[)/.test(frame) && !/^hh/.test(frame) ? [frame] : [];
  });
}

function decodeSession(connection: Connection): Session {
  const { role, url, headers, openedAtMs } = connection;
  const frames = [...connection.frames].sort((a, b) => a.atMs - b.atMs);
  const query = queryOf(url);
  const session: Session = {
    role,
    url,
    headers,
    openedAtMs,
    connectedAtMs: openedAtMs,
    closedAtMs: Math.max(connection.closedAtMs ?? 0, frames.at(-1)?.atMs ?? openedAtMs),
    engine: 'ws',
    auth: {},
    transports: [],
    sockjs: false,
    messages: [],
    notes: [],
  };
  if (query.has('EIO')) {
    if (query.get('EIO') !== '4')
      session.notes.push(
        `${pathOf(url)} speaks Engine.IO ${query.get('EIO')} (Socket.IO 2), which cannot be replayed.`,
      );
    return decodeSocketIo({ ...session, engine: 'socketio' }, frames);
  }
  const isSockJs =
    /\/[^/.]+\/[^/.]+\/websocket$/.test(pathOf(url)) && frames.find(({ sent }) => !sent)?.data === 'o';
  const plain = isSockJs ? frames.flatMap(withoutSockJs) : frames;
  const first = plain.find(({ sent }) => sent)?.data.toString() ?? '';
  if (/^\s*(CONNECT|STOMP)\r?\n/.test(first)) return decodeStomp({ ...session, sockjs: isSockJs }, plain);
  if (isSockJs)
    session.notes.push(
      `${sockJsBase(url)} is SockJS without STOMP: the scenario takes its plain WebSocket, ${sockJsBase(url)}/websocket.`,
    );
  return decodePlain(isSockJs ? { ...session, sockjs: true } : session, plain);
}

function decodeSocketIo(session: Session, frames: readonly Frame[]): Session {
  const polled = queryOf(session.url).get('transport') === 'polling' || queryOf(session.url).has('sid');
  session.transports =
    queryOf(session.url).get('transport') === 'websocket'
      ? polled
        ? ['polling', 'websocket']
        : ['websocket']
      : ['polling'];
  const auth: Record<string, unknown> = {};
  const assemblers = { true: new BinaryAssembler(), false: new BinaryAssembler() };
  for (const { atMs, sent, data } of frames) {
    const assembler = assemblers[`${sent}`];
    try {
      const isStart = typeof data === 'string' && (data.startsWith('45') || data.startsWith('46'));
      if (isStart || (typeof data !== 'string' && assembler.isWaiting)) {
        const whole = assembler.add(data);
        if (whole === null) continue;
        add(session, {
          atMs,
          sent,
          isAck: whole.type === 6,
          scope: whole.nsp,
          id: whole.id ?? null,
          data: whole.data,
        });
      } else if (typeof data === 'string' && data.startsWith('4')) {
        const packet = parseTextPacket(data);
        const { type, namespace, id } = packet;
        if (type === 0 && !sent && session.connectedAtMs === session.openedAtMs) session.connectedAtMs = atMs;
        if (type === 0 && sent) auth[namespace] = parsePayload(packet) ?? {};
        if (type === 2 || type === 3)
          add(session, {
            atMs,
            sent,
            isAck: type === 3,
            scope: namespace,
            id,
            data: (parsePayload(packet) ?? []) as unknown[],
          });
      }
    } catch {
      session.notes.push(`A packet of ${session.url.split('?')[0]} is no Socket.IO, and is left out.`);
    }
  }
  return { ...session, auth };
}

type Packet = {
  atMs: number;
  sent: boolean;
  isAck: boolean;
  scope: string;
  id: number | null;
  data: unknown[];
};

function add(session: Session, { atMs, sent, isAck, scope, id, data }: Packet): void {
  session.messages.push({
    atMs,
    sent,
    kind: isAck ? 'answer' : 'event',
    scope,
    name: isAck ? '' : String(data[0]),
    args: isAck ? data : data.slice(1),
    // Each side numbers its own.
    id: id === null ? null : `${scope} ${id} ${sent === isAck ? 'server' : 'client'}`,
  });
}

function withoutSockJs({ atMs, sent, data }: Frame): Frame[] {
  const text = data.toString();
  if (sent) {
    const list = jsonOf(text);
    return (Array.isArray(list) ? list : [text]).map((each) => ({ atMs, sent, data: String(each) }));
  }
  const frame = /^[oham c]/.test(text) ? parseSockJs(text) : null;
  return frame?.kind === 'messages' ? frame.messages.map((each) => ({ atMs, sent, data: each })) : [];
}

function decodeStomp(session: Session, frames: readonly Frame[]): Session {
  let auth: Record<string, unknown> = {};
  const subscriptions = new Map<string, string>();
  /** Destinations of messages, by what an ACK names them. */
  const unacknowledged = new Map<string, string>();
  const take = (atMs: number, sent: boolean, { command, headers, body }: StompFrame): void => {
    const text = body.toString();
    const base = { atMs, sent, scope: '', args: text === '' ? [] : [jsonOf(text) ?? text], headers };
    const id = headers.receipt ?? null;
    switch (command) {
      case 'CONNECT':
      case 'STOMP':
        auth = headers;
        break;
      case 'CONNECTED':
        session.connectedAtMs = atMs;
        break;
      case 'SUBSCRIBE':
        subscriptions.set(headers.id ?? '', headers.destination ?? '');
        session.messages.push({ ...base, kind: 'subscribe', name: headers.destination ?? '', id });
        break;
      case 'UNSUBSCRIBE':
        session.messages.push({
          ...base,
          kind: 'unsubscribe',
          name: subscriptions.get(headers.id ?? '') ?? '',
          id,
        });
        break;
      case 'SEND':
        session.messages.push({ ...base, kind: 'event', name: headers.destination ?? '', id });
        break;
      case 'MESSAGE': {
        const name = subscriptions.get(headers.subscription ?? '') ?? headers.destination ?? '';
        for (const key of [headers.ack, headers['message-id']])
          if (key !== undefined) unacknowledged.set(key, name);
        session.messages.push({ ...base, kind: 'event', name, id: null });
        break;
      }
      case 'RECEIPT':
        session.messages.push({ ...base, kind: 'answer', name: '', id: headers['receipt-id'] ?? null });
        break;
      case 'ERROR':
        session.notes.push('The server answered with an ERROR frame.');
        break;
      case 'ACK':
      case 'NACK':
        session.messages.push({
          ...base,
          kind: command === 'ACK' ? 'ack' : 'nack',
          name: unacknowledged.get(headers.id ?? headers['message-id'] ?? '') ?? '',
          id,
        });
        break;
      case 'BEGIN':
      case 'COMMIT':
      case 'ABORT':
        session.notes.push(`${command} frames are left out: a scenario has no transactions.`);
        break;
    }
  };
  let now = 0;
  const decoders = [false, true].map(
    (sent) => new StompDecoder({ onFrame: (frame) => take(now, sent, frame) }),
  );
  for (const { atMs, sent, data } of frames) {
    now = atMs;
    try {
      decoders[sent ? 1 : 0]!.push(Buffer.from(data as string));
    } catch (error) {
      session.notes.push(`A frame of ${pathOf(session.url)} is no STOMP: ${(error as Error).message}.`);
      break;
    }
  }
  return { ...session, engine: 'stomp', auth };
}

/** The field by which an answer is known to belong to its message. */
export const idField = (value: unknown): string | undefined =>
  ['id', 'requestId', 'reqId', 'ref'].find(
    (key) => (value as Record<string, unknown> | null)?.[key] !== undefined,
  );

function decodePlain(session: Session, frames: readonly Frame[]): Session {
  for (const { atMs, sent, data } of frames) {
    const value = typeof data === 'string' ? (jsonOf(data) ?? data) : data;
    const id = (value as Record<string, unknown> | null)?.[idField(value) ?? ''];
    session.messages.push({
      atMs,
      sent,
      kind: 'event',
      scope: '',
      name: messageType(value) ?? 'message',
      args: [value],
      id: typeof id === 'string' || typeof id === 'number' ? String(id) : null,
    });
  }
  return session;
}
