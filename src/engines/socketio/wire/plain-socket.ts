import { isUtf8 } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import net from 'node:net';
import type { ClientOptions } from 'ws';
import { deadlines } from '../../core/deadlines.ts';
import { encodeFrame, type Frame, FrameDecoder, FrameError, opcode } from './frame-codec.ts';
import {
  type Farewell,
  type MessageSocket,
  type MessageSocketEvents,
  openPackageSocket,
} from './message-socket.ts';

/** Constant of RFC 6455, section 1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const maxHeadBytes = 16_384;
const defaultMaxPayloadBytes = 100 * 1024 * 1024;
/** What a fragment costs besides its payload: a message of empty ones is no small one. */
const fragmentBytes = 64;
const defaultCloseTimeoutMs = 2_000;

/** Options that only the package `ws` has a use for. */
const packageOptions = ['agent', 'socketPath', 'auth'] as const;

/** Servers that compress, by their address: their connections are left to the package `ws`. */
const compressing = new Set<string>();

/** Whether compression, if any, is offered as the package `ws` offers it unless told otherwise. */
const offersAsUsual = ({ perMessageDeflate }: ClientOptions): boolean =>
  typeof perMessageDeflate !== 'object' ||
  Object.keys(perMessageDeflate).every((name) => name === 'threshold');

/**
 * Whether a connection can be a plain socket. Not over TLS or an agent, and not to a server that compresses. Windows
 * reads ahead into the memory that all of them share.
 */
export const isForPlainSocket = (url: string, options: ClientOptions): boolean => {
  if (process.platform === 'win32' || !url.startsWith('ws://') || !URL.canParse(url)) return false;
  const { host, username } = new URL(url);
  return (
    username === '' &&
    !compressing.has(host) &&
    offersAsUsual(options) &&
    packageOptions.every((name) => (options as Record<string, unknown>)[name] === undefined)
  );
};

/** The head of the request that asks for a WebSocket. Throws where Node would for a header that cannot be sent. */
const requestHead = (url: URL, key: string, options: ClientOptions): string => {
  const given = Object.entries((options.headers ?? {}) as Record<string, string | string[]>);
  for (const [name, value] of given) {
    validateHeaderName(name);
    for (const each of [value].flat()) validateHeaderValue(name, each);
  }
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  const own: Record<string, string> = {
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    ...(options.perMessageDeflate === false
      ? {}
      : { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }),
    ...(options.origin === undefined ? {} : { Origin: options.origin }),
    Host: url.host,
  };
  const lines = [
    ...Object.entries(own).filter(([name]) => !names.has(name.toLowerCase())),
    ...given.flatMap(([name, value]) => [value].flat().map((each) => [name, each])),
  ].map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

const withCode = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** A connection that is being asked for. */
type Request = { url: string; options: ClientOptions; key: string };

type Answer = { status: number; headers: Map<string, string> };

/** The head of the answer, without the empty line at its end. Throws with Node's code when it is no HTTP. */
const parseHead = (head: string): Answer => {
  const [first = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(first)?.[1];
  if (status === undefined) throw withCode('Parse Error: Expected HTTP/', 'HPE_INVALID_CONSTANT');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(status), headers };
};

/** All sockets are read into this: what is in it is taken before the next one is read. */
const sharedBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * A WebSocket without encryption and compression (RFC 6455) straight on a TCP socket. It does what the package `ws`
 * does with such a connection; but what it reads goes into one buffer for all and is no stream, and a message is
 * written in one piece. The bench `ws-client` shows what that saves.
 */
class PlainSocket implements MessageSocket {
  readonly #socket: net.Socket;
  readonly #events: MessageSocketEvents;
  readonly #closeTimeoutMs: number;
  /** What is needed until the connection is made; ten thousand of them would hold megabytes. */
  #request: Request | null;
  #head: Buffer | null = null;
  #decoder: FrameDecoder | null = null;
  #fragments: { opcode: number; parts: Buffer[]; bytes: number } | null = null;
  #maxPayloadBytes = defaultMaxPayloadBytes;
  #hasSaidFarewell = false;
  #isToldToClose = false;
  #farewell: Farewell | undefined = undefined;
  #isOver = false;
  /** The connection that took its place, because the server compresses. */
  #other: MessageSocket | null = null;

  constructor(url: string, options: ClientOptions, events: MessageSocketEvents) {
    const key = randomBytes(16).toString('base64');
    const { hostname, port } = new URL(url);
    const { localAddress, family, closeTimeout } = options as {
      localAddress?: string;
      family?: number;
      closeTimeout?: number;
    };
    this.#request = { url, options, key };
    this.#events = events;
    this.#closeTimeoutMs = closeTimeout ?? defaultCloseTimeoutMs;
    const head = requestHead(new URL(url), key, options);
    this.#socket = net.connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 80),
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(family === undefined ? {} : { family }),
      onread: { buffer: sharedBuffer, callback: (length) => this.#read(length) },
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () =>
      this.#end(this.#request === null ? null : withCode('socket hang up', 'ECONNRESET')),
    );
    this.#socket.write(head, 'latin1');
  }

  send(data: string | Buffer): void {
    if (this.#other !== null) this.#other.send(data);
    else if (!this.#isOver && !this.#hasSaidFarewell)
      this.#socket.write(encodeFrame(typeof data === 'string' ? opcode.text : opcode.binary, data));
  }

  close(): void {
    if (this.#other !== null) this.#other.close();
    else if (this.#request !== null) this.terminate();
    else this.#sayFarewell(Buffer.alloc(0));
  }

  terminate(): void {
    this.#other?.terminate();
    this.#socket.destroy();
  }

  #end(error: Error | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    this.#events.closed(error, this.#farewell);
  }

  #read(length: number): boolean {
    if (this.#isOver) return true;
    try {
      const data = sharedBuffer.subarray(0, length);
      if (this.#decoder === null) this.#readHead(data, this.#request!);
      else this.#decoder.push(data);
    } catch (error) {
      if (!(error instanceof FrameError) && this.#decoder !== null) throw error;
      this.#end(error as Error);
    }
    return true;
  }

  /** The answer to the request: it may come in pieces, and the first messages with it. */
  #readHead(data: Buffer, { url, options, key }: Request): void {
    this.#head = this.#head === null ? Buffer.from(data) : Buffer.concat([this.#head, data]);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#head.length > maxHeadBytes)
        throw withCode('Parse Error: Header overflow', 'HPE_HEADER_OVERFLOW');
      if (!'HTTP/1.'.startsWith(this.#head.toString('latin1', 0, 7)))
        throw withCode('Parse Error: Expected HTTP/', 'HPE_INVALID_CONSTANT');
      return;
    }
    const { status, headers } = parseHead(this.#head.toString('latin1', 0, end));
    const rest = this.#head.subarray(end + 4);
    if (status !== 101) throw new Error(`Unexpected server response: ${status}`);
    if (headers.get('upgrade')?.toLowerCase() !== 'websocket') throw new Error('Invalid Upgrade header');
    const expected = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64');
    if (headers.get('sec-websocket-accept') !== expected)
      throw new Error('Invalid Sec-WebSocket-Accept header');
    this.#head = null;
    if (headers.has('sec-websocket-extensions')) {
      this.#giveWay(url, options);
      return;
    }
    this.#request = null;
    this.#maxPayloadBytes = options.maxPayload ?? defaultMaxPayloadBytes;
    this.#decoder = new FrameDecoder(this.#maxPayloadBytes, (frame) => this.#take(frame));
    if (rest.length > 0) this.#decoder.push(rest);
  }

  /** The server wants to compress: the package `ws` makes this connection anew, and those that follow. */
  #giveWay(url: string, options: ClientOptions): void {
    compressing.add(new URL(url).host);
    this.#isOver = true;
    this.#socket.destroy();
    this.#other = openPackageSocket(url, options, this.#events);
  }

  #take({ isFinal, opcode: code, payload }: Frame): void {
    // What comes after the close frame of the server is no message any more.
    if (this.#isOver || this.#isToldToClose) return;
    if (code >= opcode.close) {
      if (!isFinal || payload.length > 125) throw new FrameError('Invalid WebSocket frame: control frame');
      this.#control(code, payload);
    } else if (isFinal && code !== opcode.continuation && this.#fragments === null)
      this.#message(code, payload);
    else this.#gather(isFinal, code, payload);
  }

  #message(code: number, payload: Buffer): void {
    if (code === opcode.text) {
      if (!isUtf8(payload)) throw new FrameError('Invalid WebSocket frame: invalid UTF-8 sequence');
      this.#events.message(payload, false);
    } else if (code === opcode.binary) this.#events.message(payload, true);
    else throw new FrameError(`Invalid WebSocket frame: invalid opcode ${code}`);
  }

  #gather(isFinal: boolean, code: number, payload: Buffer): void {
    if ((code === opcode.continuation) === (this.#fragments === null) || code > opcode.binary)
      throw new FrameError(`Invalid WebSocket frame: invalid opcode ${code}`);
    this.#fragments ??= { opcode: code, parts: [], bytes: 0 };
    this.#fragments.parts.push(Buffer.from(payload));
    this.#fragments.bytes += payload.length + fragmentBytes;
    if (this.#fragments.bytes > this.#maxPayloadBytes) throw new FrameError('Max payload size exceeded');
    if (!isFinal) return;
    const { opcode: first, parts } = this.#fragments;
    this.#fragments = null;
    this.#message(first, Buffer.concat(parts));
  }

  #control(code: number, payload: Buffer): void {
    if (code === opcode.ping) this.#socket.write(encodeFrame(opcode.pong, payload));
    else if (code === opcode.close) {
      this.#farewell = farewellIn(payload);
      this.#isToldToClose = true;
      this.#sayFarewell(payload.subarray(0, 2));
      this.#socket.end();
    } else if (code !== opcode.pong) throw new FrameError(`Invalid WebSocket frame: invalid opcode ${code}`);
  }

  /** Sends the close frame, once; a server that does not answer it is left after a while. */
  #sayFarewell(payload: Buffer): void {
    if (this.#hasSaidFarewell || this.#isOver) return;
    this.#hasSaidFarewell = true;
    this.#socket.write(encodeFrame(opcode.close, payload));
    deadlines.after(this.#closeTimeoutMs, () => this.#socket.destroy());
  }
}

/** What a close frame says; undefined where it is empty. Throws FrameError for what none may say (RFC 6455, 7.4). */
const farewellIn = (payload: Buffer): Farewell | undefined => {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) throw new FrameError('Invalid WebSocket frame: invalid payload length 1');
  const code = payload.readUInt16BE(0);
  const isKnown = code >= 1_000 && code <= 1_014 && !unsendableCodes.has(code);
  if (!isKnown && !(code >= 3_000 && code <= 4_999))
    throw new FrameError(`Invalid WebSocket frame: invalid status code ${code}`);
  const reason = payload.subarray(2);
  if (!isUtf8(reason)) throw new FrameError('Invalid WebSocket frame: invalid UTF-8 sequence');
  return { code, reason: reason.toString() };
};

/** Reserved, and what only an end without a close frame is called. */
const unsendableCodes: ReadonlySet<number> = new Set([1_004, 1_005, 1_006]);

/** Opens a plain socket; `isForPlainSocket` tells where that can be. Throws for headers that cannot be sent. */
export const openPlainSocket = (
  url: string,
  options: ClientOptions,
  events: MessageSocketEvents,
): MessageSocket => new PlainSocket(url, options, events);
