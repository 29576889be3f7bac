import { isUtf8 } from 'node:buffer';
import type { ClientOptions, RawData, WebSocket } from 'ws';
import { arrivedMs, noteArrival } from '../core/arrival-instant.ts';
import { deadlines } from '../core/deadlines.ts';
import { StepFailure } from '../core/step-failure.ts';
import { onLoss, openSocket, publicUrl } from '../ws/open-socket.ts';
import { sendMessage } from '../ws/send-message.ts';
import { encodeSockJs, parseSockJs, sockJsPath } from './sockjs-framing.ts';
import { StompDecoder } from './stomp-decoder.ts';
import { encodeFrame, encodeHead, heartbeat } from './stomp-encoder.ts';
import type { StompFrame } from './stomp-frame.ts';

export type StompClientOptions = {
  /** URL of the WebSocket; with SockJS, the URL of its endpoint, to which server and session are added. */
  url: string;
  framing: 'websocket' | 'sockjs';
  subprotocols: string[];
  socketOptions: ClientOptions;
  /** Headers of CONNECT, without `heart-beat`. */
  connectHeaders: Record<string, string>;
  /** Heart-beats that we can send and want to get, milliseconds; 0 for none. */
  heartbeatMs: { outgoing: number; incoming: number };
  connectTimeoutMs: number;
  /** A MESSAGE, with the instant of its arrival (`performance.now()`). */
  onMessage: (frame: StompFrame, atMs: number) => void;
  /** The connection ended, and the virtual user did not ask for it. Called at most once, after CONNECTED. */
  onLost: (failure: StepFailure) => void;
};

type ReceiptListener = (failure: StepFailure | null, atMs: number) => void;
type Phase = 'opening' | 'connected' | 'disconnecting' | 'closed';

/** A missing heart-beat is noticed after this many intervals: the network may delay one (STOMP 1.2, "Heart-beating"). */
const heartbeatTolerance = 2;

/** One STOMP session of one virtual user. Frames are handed over as they arrive; nothing is kept. */
export class StompClient {
  readonly #options: StompClientOptions;
  readonly #sockJs: boolean;
  readonly #decoder: StompDecoder;
  readonly #receipts = new Map<string, { subject: string; ended: ReceiptListener }>();
  #onReceipted: (() => void) | null = null;
  #socket: WebSocket | null = null;
  #phase: Phase = 'opening';
  #connectDone: ((failure: StepFailure | null, connected: StompFrame | null) => void) | null;
  #connectTimer: NodeJS.Timeout | undefined;
  #sendTimer: NodeJS.Timeout | undefined;
  #watchTimer: NodeJS.Timeout | undefined;
  #nextReceipt = 1;
  #arrivalMs = 0;
  #closeReason = '';
  #version = '1.2';

  /** Opens the session. `done` is called once, with the CONNECTED frame or with why there is none. */
  constructor(
    options: StompClientOptions,
    done: (failure: StepFailure | null, connected: StompFrame | null) => void,
  ) {
    this.#options = options;
    this.#sockJs = options.framing === 'sockjs';
    this.#connectDone = done;
    this.#decoder = new StompDecoder({ onFrame: (frame) => this.#receive(frame) });
    const { url, connectTimeoutMs } = options;
    const startedMs = performance.now();
    openSocket(
      this.#sockJs ? withPath(url, sockJsPath) : url,
      options.subprotocols,
      options.socketOptions,
      connectTimeoutMs,
      (failure, socket) => {
        if (socket === null) this.#end(failure!);
        else this.#opened(socket, Math.max(1, connectTimeoutMs - (performance.now() - startedMs)));
      },
    );
  }

  /** Version of the protocol that the server chose. */
  get version(): string {
    return this.#version;
  }

  /** Whether frames can be sent. */
  get connected(): boolean {
    return this.#phase === 'connected';
  }

  /** A receipt id that this session has not used yet. */
  receiptId(): string {
    return `r${this.#nextReceipt++}`;
  }

  /** Sends a frame made by `encodeFrame`. False when the session has ended. */
  send(frame: string | Buffer): boolean {
    if (this.#phase !== 'connected') return false;
    this.#write(frame);
    return true;
  }

  /** `subject` is what waits for it, for errors. Calls `done` once: when the receipt comes, when it does not come in time, or when the session ends. */
  onReceipt(id: string, subject: string, timeoutMs: number, done: ReceiptListener): void {
    const ended: ReceiptListener = (failure, atMs) => {
      deadline.cancel();
      this.#receipts.delete(id);
      done(failure, atMs);
      this.#tellReceipted();
    };
    const deadline = deadlines.after(timeoutMs, () =>
      ended(new StepFailure('receipt timeout', `no RECEIPT within ${timeoutMs} ms`), performance.now()),
    );
    this.#receipts.set(id, { subject, ended });
  }

  /** Calls back when no RECEIPT is waited for any more, at once if none is. */
  whenReceipted(done: () => void): void {
    this.#onReceipted = done;
    this.#tellReceipted();
  }

  #tellReceipted(): void {
    if (this.#onReceipted === null || this.#receipts.size > 0) return;
    const done = this.#onReceipted;
    this.#onReceipted = null;
    done();
  }

  /**
   * Ends the session in order: DISCONNECT, its RECEIPT (at most `timeoutMs`), close. MESSAGE frames that arrive before
   * are still handed over. `done` is called once, without a failure when the server closes instead of answering.
   */
  disconnect(timeoutMs: number, done: (failure: StepFailure | null) => void): void {
    if (this.#phase !== 'connected') {
      this.close();
      done(null);
      return;
    }
    const id = this.receiptId();
    let ended = false;
    const end = (failure: StepFailure | null) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      this.close();
      done(failure);
    };
    // On wall time: the session ends even while the load is paused.
    const timer = setTimeout(
      () => end(new StepFailure('disconnect timeout', `no RECEIPT for DISCONNECT within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#receipts.set(id, {
      subject: 'disconnect',
      ended: (failure) => end(failure instanceof ClosedByServer ? null : failure),
    });
    this.#write(encodeFrame(encodeHead('DISCONNECT', { receipt: id })));
    this.#phase = 'disconnecting';
  }

  /** Closes the socket at once. Everything that waits fails. */
  close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#stopTimers();
    this.#socket?.close(1000);
    // Nothing waits as a rule, and an error costs more than the rest of a close.
    if (this.#connectDone === null && this.#receipts.size === 0) return;
    const failure = new StepFailure('disconnected', 'the virtual user closed the connection');
    this.#connectDone?.(failure, null);
    this.#connectDone = null;
    this.#failReceipts(failure);
  }

  #opened(socket: WebSocket, remainingMs: number): void {
    if (this.#phase === 'closed') {
      socket.close(1000);
      return;
    }
    this.#socket = socket;
    this.#connectTimer = setTimeout(
      () =>
        this.#end(
          new StepFailure(
            'connect timeout',
            `${publicUrl(this.#options.url)} did not send CONNECTED within ${this.#options.connectTimeoutMs} ms`,
          ),
        ),
      remainingMs,
    );
    socket.on('message', (data, isBinary) => this.#arrived(data, isBinary));
    onLoss(socket, (why) => this.#closed(why));
    if (!this.#sockJs) this.#sendConnect();
  }

  #sendConnect(): void {
    const { connectHeaders, heartbeatMs } = this.#options;
    const beats = `${heartbeatMs.outgoing},${heartbeatMs.incoming}`;
    try {
      this.#write(encodeFrame(encodeHead('CONNECT', { ...connectHeaders, 'heart-beat': beats })));
    } catch (error) {
      this.#end(new StepFailure('invalid CONNECT', (error as Error).message));
    }
  }

  #write(frame: string | Buffer): void {
    if (this.#sockJs && typeof frame !== 'string' && !isUtf8(frame))
      throw new StepFailure('bytes over SockJS', 'SockJS carries text alone, and the body is no text');
    sendMessage(this.#socket!, this.#sockJs ? encodeSockJs(frame.toString()) : frame);
  }

  #arrived(data: RawData, isBinary: boolean): void {
    if (this.#phase === 'closed') return;
    noteArrival();
    this.#arrivalMs = arrivedMs(0);
    try {
      if (this.#sockJs && !isBinary) this.#unwrap(data.toString());
      else this.#decoder.push(data as Buffer);
    } catch (error) {
      this.#end(new StepFailure('protocol error', (error as Error).message));
    }
  }

  #unwrap(text: string): void {
    const frame = parseSockJs(text);
    if (frame.kind === 'messages')
      for (const message of frame.messages) this.#decoder.push(Buffer.from(message));
    else if (frame.kind === 'open') this.#sendConnect();
    else if (frame.kind === 'close') this.#closeReason = `SockJS close ${frame.code} ${frame.reason}`;
  }

  #receive(frame: StompFrame): void {
    switch (frame.command) {
      case 'MESSAGE':
        if (this.#phase !== 'closed') this.#options.onMessage(frame, this.#arrivalMs);
        return;
      case 'RECEIPT': {
        const id = frame.headers['receipt-id'] ?? '';
        const receipt = this.#receipts.get(id);
        this.#receipts.delete(id);
        receipt?.ended(null, this.#arrivalMs);
        return;
      }
      case 'CONNECTED':
        this.#established(frame);
        return;
      case 'ERROR':
        this.#end(serverError(frame, this.#receipts.get(frame.headers['receipt-id'] ?? '')?.subject));
        return;
      default:
        this.#end(
          new StepFailure('protocol error', `a server does not send ${JSON.stringify(frame.command)}`),
        );
    }
  }

  #established(frame: StompFrame): void {
    if (this.#phase !== 'opening') return;
    this.#phase = 'connected';
    this.#version = frame.headers.version ?? '1.0';
    clearTimeout(this.#connectTimer);
    const [sends = 0, wants = 0] = (frame.headers['heart-beat'] ?? '0,0').split(',').map(Number);
    const { outgoing, incoming } = this.#options.heartbeatMs;
    // Intervals as in STOMP 1.2, "Heart-beating": 0 on either side is none, else the larger of the two.
    if (outgoing > 0 && wants > 0)
      this.#sendTimer = setInterval(() => this.#write(heartbeat), Math.max(outgoing, wants));
    if (incoming > 0 && sends > 0) this.#watch(Math.max(incoming, sends) * heartbeatTolerance);
    const done = this.#connectDone;
    this.#connectDone = null;
    done?.(null, frame);
  }

  /** Ends the session when nothing at all arrived for `limitMs`. */
  #watch(limitMs: number): void {
    const check = () => {
      const silentMs = performance.now() - this.#arrivalMs;
      if (silentMs >= limitMs)
        this.#end(
          new StepFailure(
            'heart-beat lost',
            `nothing arrived from the server for ${Math.round(silentMs)} ms`,
          ),
        );
      else this.#watchTimer = setTimeout(check, limitMs - silentMs);
    };
    this.#watchTimer = setTimeout(check, limitMs);
  }

  #closed(why: string): void {
    if (this.#phase === 'closed') return;
    const said = this.#closeReason;
    this.#end(
      new ClosedByServer('disconnected', said === '' ? why : `the server closed the connection (${said})`),
    );
  }

  /** The session is over without our asking. */
  #end(failure: StepFailure): void {
    const phase = this.#phase;
    if (phase === 'closed') return;
    this.#phase = 'closed';
    this.#stopTimers();
    this.#socket?.close(1000);
    const done = this.#connectDone;
    this.#connectDone = null;
    done?.(failure, null);
    // First, so that the steps that wait for a receipt know that this is the end of the session.
    if (phase === 'connected') this.#options.onLost(failure);
    this.#failReceipts(failure);
  }

  #failReceipts(failure: StepFailure): void {
    const listeners = [...this.#receipts.values()];
    this.#receipts.clear();
    for (const { ended } of listeners) ended(failure, performance.now());
  }

  #stopTimers(): void {
    clearTimeout(this.#connectTimer);
    clearInterval(this.#sendTimer);
    clearTimeout(this.#watchTimer);
  }
}

class ClosedByServer extends StepFailure {}

/** Name of the failure that an ERROR is which names no frame of ours. */
export const stompError = 'STOMP error';

/** `refused` is what the frame that the server did not take is called, if it says which. */
const serverError = (frame: StompFrame, refused: string | undefined): StepFailure => {
  const summary = frame.headers.message ?? 'no message header';
  const details = frame.body.toString('utf8').trim();
  const name = refused === undefined ? stompError : `refused: ${refused}`;
  return new StepFailure(name, details === '' ? summary : `${summary}: ${details}`);
};

const withPath = (url: string, change: (path: string) => string): string => {
  const changed = new URL(url);
  changed.pathname = change(changed.pathname);
  return changed.href;
};
