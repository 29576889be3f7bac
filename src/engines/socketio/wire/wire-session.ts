import type { ClientOptions } from 'ws';
import { noteArrival } from '../../core/arrival-instant.ts';
import { type Deadline, deadlines } from '../../core/deadlines.ts';
import { type MessageSocket, type MessageSocketEvents, openPackageSocket } from './message-socket.ts';
import { isForPlainSocket, openPlainSocket } from './plain-socket.ts';

export type SessionEvents = {
  opened(): void;
  /** A message frame, its leading 4 included. */
  text(frame: string): void;
  attachment(data: Buffer): void;
  /** It never opened. */
  failed(error: unknown): void;
  /** It was open, and is not any more. */
  closed(reason: string): void;
};

type Handshake = { pingInterval: number; pingTimeout: number };

const open = 48;
const close = 49;
const ping = 50;
const message = 52;

/** The form in which `socket.io-client` reports what went wrong below it. */
const transportError = (error: unknown): Error =>
  Object.assign(new Error('websocket error'), { type: 'TransportError', description: error });

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
  closed(error: Error | null): void {
    if (error !== null) this.#end('transport error', transportError(error));
    else this.#end('transport close', transportError(new Error('closed in the handshake')));
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  message(data: Buffer, isBinary: boolean): void {
    noteArrival();
    if (this.#state === 'closed') return;
    if (isBinary) {
      this.#events.attachment(Buffer.from(data));
      return;
    }
    const type = data[0];
    if (type === message) this.#events.text(data.toString());
    else if (type === ping) {
      this.#socket.send('3');
      this.#awaitPing();
    } else if (type === open) this.#opened(JSON.parse(data.toString('utf8', 1)) as Handshake);
    else if (type === close) this.#end('transport close', transportError(new Error('closed by the server')));
  }

  #opened(handshake: Handshake): void {
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
    this.#socket.send(frame);
  }

  write(frames: readonly (string | Buffer)[]): void {
    for (const frame of frames) this.#socket.send(frame);
  }

  #end(reason: string, error: unknown): void {
    const state = this.#state;
    if (state === 'closed') return;
    this.#state = 'closed';
    this.#deadline.cancel();
    if (state === 'opening') this.#socket.terminate();
    else this.#socket.close();
    if (state === 'opening') this.#events.failed(error);
    else this.#events.closed(reason);
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
