import type { ClientOptions } from 'ws';
import { noteArrival } from '../../core/arrival-instant.ts';
import { type Deadline, deadlines } from '../../core/deadlines.ts';
import { frameMeter } from '../../core/frame-meter.ts';
import {
  type Farewell,
  type MessageSocket,
  type MessageSocketEvents,
  openPackageSocket,
} from './message-socket.ts';
import { isForPlainSocket, openPlainSocket } from './plain-socket.ts';

export type SessionEvents = {
  opened(): void;
  /** A message frame, its leading 4 included. */
  text(frame: string): void;
  attachment(data: Buffer): void;
  /** It never opened. */
  failed(error: unknown): void;
  /** It was open, and is not any more. */
  closed(reason: string, farewell?: Farewell): void;
};

type Handshake = { pingInterval: number; pingTimeout: number };

const open = 48;
const close = 49;
const ping = 50;
const message = 52;
/** pong, upgrade and noop: nothing to do. */
const ignored: ReadonlySet<number | undefined> = new Set([51, 53, 54]);
/** Binary data of a message as base64, which a server may send where it takes the transport for one of text. */
const base64 = 98;

/** The form in which `socket.io-client` reports what went wrong below it. */
const transportError = (error: unknown): Error =>
  Object.assign(new Error('websocket error'), { type: 'TransportError', description: error });

/** What the packet that opens says; null when it is not what Engine.IO sends. */
const parseHandshake = (text: string): Handshake | null => {
  try {
    const said = JSON.parse(text) as Partial<Handshake> | null;
    const isHandshake = Number.isFinite(said?.pingInterval) && Number.isFinite(said?.pingTimeout);
    return isHandshake ? (said as Handshake) : null;
  } catch {
    return null;
  }
};

/** One Engine.IO session (protocol 4) over one WebSocket, without upgrades. */
export class WireSession implements MessageSocketEvents {
  readonly #socket: MessageSocket;
  readonly #events: SessionEvents;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #handshake: Handshake | null = null;
  #deadline: Deadline;

  constructor(url: string, options: ClientOptions, timeoutMs: number, events: SessionEvents) {
    this.#events = events;
    const openSocket = isForPlainSocket(url, options) ? openPlainSocket : openPackageSocket;
    this.#socket = openSocket(url, options, this);
    this.#deadline = deadlines.after(timeoutMs, () => this.#end('timeout', new Error('timeout')));
  }

  /** The socket is over. */
  closed(error: Error | null, farewell?: Farewell): void {
    if (error !== null) this.#end('transport error', transportError(error));
    else this.#end('transport close', transportError(new Error('closed in the handshake')), farewell);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  message(data: Buffer, isBinary: boolean): void {
    noteArrival();
    frameMeter.received();
    if (this.#state === 'closed') return;
    if (isBinary) {
      this.#events.attachment(Buffer.from(data));
      return;
    }
    const type = data[0];
    if (type === message) this.#events.text(data.toString());
    else if (type === ping) {
      this.writeText('3');
      this.#awaitPing();
    } else if (type === open) this.#opened(data.toString('utf8', 1));
    else if (type === close) this.#end('transport close', transportError(new Error('closed by the server')));
    else if (type === base64) this.#events.attachment(Buffer.from(data.toString('latin1', 1), 'base64'));
    else if (!ignored.has(type))
      this.#end('transport error', transportError(new Error('parse error: no packet of Engine.IO')));
  }

  #opened(text: string): void {
    const handshake = parseHandshake(text);
    if (handshake === null) {
      this.#end('parse error', transportError(new Error('parse error: the packet that opens is malformed')));
      return;
    }
    this.#handshake = handshake;
    this.#state = 'open';
    this.#awaitPing();
    this.#events.opened();
  }

  #awaitPing(): void {
    const { pingInterval, pingTimeout } = this.#handshake!;
    this.#deadline.cancel();
    this.#deadline = deadlines.after(pingInterval + pingTimeout, () => this.#end('ping timeout', null));
  }

  writeText(frame: string): void {
    frameMeter.sent();
    this.#socket.send(frame);
  }

  write(frames: readonly (string | Buffer)[]): void {
    for (const frame of frames) {
      frameMeter.sent();
      this.#socket.send(frame);
    }
  }

  #end(reason: string, error: unknown, farewell?: Farewell): void {
    const state = this.#state;
    if (state === 'closed') return;
    this.#state = 'closed';
    this.#deadline.cancel();
    if (state === 'opening') this.#socket.terminate();
    else this.#socket.close();
    if (state === 'opening') this.#events.failed(error);
    else this.#events.closed(reason, farewell);
  }

  /** Closes it without telling anyone. */
  close(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#deadline.cancel();
    if (wasOpen) this.#socket.close();
    else this.#socket.terminate();
  }
}
