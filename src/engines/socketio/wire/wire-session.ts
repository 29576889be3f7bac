import { type ClientOptions, WebSocket } from 'ws';
import { noteArrival } from '../../core/arrival-instant.ts';
import { type Deadline, deadlines } from '../../core/deadlines.ts';
import { frameMeter } from '../../core/frame-meter.ts';

export type SessionEvents = {
  opened(): void;
  /** A message frame, its leading 4 included. */
  text(frame: string): void;
  attachment(data: Buffer): void;
  /** It never opened. */
  failed(error: unknown): void;
  /** It was open, and is not any more. */
  closed(reason: string, details?: CloseDetails): void;
};

/**
 * How a connection ended, as `socket.io-client` tells it: the error that broke it, or the close frame of the server
 * (1005 is none, 1006 that no close frame came; RFC 6455, 7.4.1).
 */
export type CloseDetails = Error | { context: { code: number; reason: string } };

type Handshake = { pingInterval: number; pingTimeout: number };

const open = 48;
const ping = 50;
const message = 52;
/** close (which the WebSocket does for itself), pong, upgrade and noop: nothing to do. */
const ignored: ReadonlySet<number | undefined> = new Set([49, 51, 53, 54]);
/** Binary data of a message as base64, which a server may send where it takes the transport for one of text. */
const base64 = 98;

/** One Engine.IO session (protocol 4) over one WebSocket, without upgrades. */
export class WireSession {
  readonly #socket: WebSocket;
  readonly #events: SessionEvents;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #handshake: Handshake | null = null;
  #deadline: Deadline;

  constructor(url: string, options: ClientOptions, timeoutMs: number, events: SessionEvents) {
    this.#events = events;
    this.#socket = new WebSocket(url, options);
    this.#socket.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary));
    this.#socket.on('error', (error) => this.#broke(transportError(error)));
    this.#socket.on('close', (code, reason) =>
      this.#end('transport close', transportError(new Error('closed in the handshake')), {
        context: { code, reason: reason.toString() },
      }),
    );
    this.#deadline = deadlines.after(timeoutMs, () => this.#end('timeout', new Error('timeout')));
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  #message(data: Buffer, isBinary: boolean): void {
    noteArrival();
    frameMeter.received();
    if (this.#state === 'closed') return;
    const type = isBinary ? message : data[0];
    if (type === message || type === base64) {
      // What comes before the packet that opens is nobody's.
      if (this.#state === 'open') this.#carry(data, isBinary, type);
    } else if (type === ping) {
      this.writeText('3');
      if (this.#handshake !== null) this.#awaitPing();
    } else if (type === open) this.#opened(data.toString('utf8', 1));
    else if (!ignored.has(type))
      this.#broke(transportError(new Error('parse error: no packet of Engine.IO')));
  }

  #carry(data: Buffer, isBinary: boolean, type: number): void {
    if (isBinary) this.#events.attachment(data);
    else if (type === message) this.#events.text(data.toString());
    else this.#events.attachment(Buffer.from(data.toString('latin1', 1), 'base64'));
  }

  #opened(text: string): void {
    const handshake = parseHandshake(text);
    if (handshake === null) {
      this.#end('parse error', transportError(new Error('parse error: the packet that opens is malformed')));
      return;
    }
    this.#handshake = handshake;
    this.#awaitPing();
    if (this.#state === 'open') return;
    this.#state = 'open';
    this.#events.opened();
  }

  #awaitPing(): void {
    const { pingInterval, pingTimeout } = this.#handshake!;
    this.#deadline.cancel();
    this.#deadline = deadlines.after(pingInterval + pingTimeout, () =>
      this.#end('ping timeout', new Error('ping timeout')),
    );
  }

  #broke(error: Error): void {
    this.#end('transport error', error, error);
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

  /** `error` is what a session ends with that never opened. */
  #end(reason: string, error: Error, details?: CloseDetails): void {
    const state = this.#state;
    if (state === 'closed') return;
    this.#state = 'closed';
    this.#deadline.cancel();
    if (state === 'opening') this.#socket.terminate();
    else this.#socket.close();
    if (state === 'opening') this.#events.failed(error);
    else this.#events.closed(reason, details);
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

/** What the packet that opens says; null when it is not what Engine.IO sends. */
function parseHandshake(text: string): Handshake | null {
  try {
    const said = JSON.parse(text) as Partial<Handshake> | null;
    const isHandshake = Number.isFinite(said?.pingInterval) && Number.isFinite(said?.pingTimeout);
    return isHandshake ? (said as Handshake) : null;
  } catch {
    return null;
  }
}

/** The form in which `socket.io-client` reports what went wrong below it. */
function transportError(error: unknown): Error {
  return Object.assign(new Error('websocket error'), { type: 'TransportError', description: error });
}
