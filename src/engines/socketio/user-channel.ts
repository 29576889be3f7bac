import { arrivedMs } from '../core/arrival-instant.ts';
import { type Deadline, deadlines } from '../core/deadlines.ts';
import { loadActivity } from '../core/load-activity.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { ClientSocket } from './client-socket.ts';
import { connectFailure, innermost } from './connect-failure.ts';

type Waiting = (failure: StepFailure | null) => void;

/** What a channel tells the virtual user that it belongs to. */
export type ChannelEvents = {
  connected(): void;
  /** The connection was lost, and not because the virtual user closed it. */
  lost(reason: string): void;
};

/**
 * One namespace of one virtual user. Measures the handshake, tells steps when they can send, and notices when the
 * connection is lost: that is an outage, which must never be read as the latency of a message.
 */
export class UserChannel {
  readonly socket: ClientSocket;
  readonly #events: ChannelEvents;
  readonly #timeoutMs: number;
  #waiting: Waiting[] = [];
  #failure: StepFailure | null = null;
  #wasConnected = false;
  #isClosed = false;
  #lostAtMs: number | null = null;
  #handshake: Deadline | null = null;

  /** `handshake` is the metric of how long the first connecting takes. */
  constructor(socket: ClientSocket, timeoutMs: number, handshake: string, events: ChannelEvents) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#events = events;
    const startedMs = performance.now();
    const { slice, epoch } = recorder;
    loadActivity.sent();
    this.#handshake = deadlines.after(timeoutMs, () =>
      this.#refuse(new StepFailure('connect timeout', `no connection within ${timeoutMs} ms`)),
    );
    socket.on('connect', () => {
      if (this.#isClosed) return;
      if (!this.#wasConnected) {
        if (epoch === recorder.epoch) recorder.latency(handshake, arrivedMs(startedMs) - startedMs, slice);
        this.#endHandshake();
      } else if (this.#lostAtMs !== null)
        recorder.latency('reconnect.handshake', performance.now() - this.#lostAtMs);
      this.#wasConnected = true;
      this.#lostAtMs = null;
      this.#events.connected();
      this.#release(null);
    });
    socket.on('connect_error', (error: unknown) => {
      if (this.#isClosed) return;
      const failure = connectFailure(error);
      if (!this.#wasConnected) this.#refuse(failure);
      else recorder.error(failure.name.replace(/^connect/, 'reconnect'), failure.message, '');
    });
    socket.on('disconnect', (reason: unknown, details: unknown) =>
      this.#lose(`${String(reason)}${closeOf(details)}`),
    );
  }

  get isConnected(): boolean {
    return this.socket.connected;
  }

  /** Whether it can be used, now or after a while. */
  get isUsable(): boolean {
    return !this.#isClosed && this.#failure === null;
  }

  /** Calls back when the channel can be sent on, or with the reason why it cannot, within the timeout. */
  whenConnected(done: Waiting): void {
    if (this.#failure !== null) done(this.#failure);
    else if (this.socket.connected) done(null);
    else if (this.#isClosed) done(new StepFailure('not connected', 'the connection was closed'));
    else if (this.#handshake !== null) this.#waiting.push(done);
    else this.#waitForReconnect(done);
  }

  #waitForReconnect(done: Waiting): void {
    if (!this.socket.active) {
      done(new StepFailure('not connected', 'the server closed the connection'));
      return;
    }
    let ended = false;
    const end: Waiting = (failure) => {
      if (ended) return;
      ended = true;
      deadline.cancel();
      done(failure);
    };
    const deadline = deadlines.after(this.#timeoutMs, () =>
      end(new StepFailure('not connected', `no new connection within ${this.#timeoutMs} ms`)),
    );
    this.#waiting.push(end);
  }

  #release(failure: StepFailure | null): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done(failure);
  }

  #endHandshake(): void {
    if (this.#handshake === null) return;
    this.#handshake.cancel();
    this.#handshake = null;
    loadActivity.settled();
  }

  #refuse(failure: StepFailure): void {
    this.#endHandshake();
    this.#failure = failure;
    this.#isClosed = true;
    this.socket.disconnect();
    this.#release(failure);
  }

  #lose(reason: string): void {
    if (this.#isClosed) return;
    this.#lostAtMs = performance.now();
    recorder.count('disconnects');
    this.#events.lost(reason);
    if (!this.socket.active) this.#release(new StepFailure('not connected', `disconnected: ${reason}`));
  }

  /** Closes the namespace; what is lost from now on was not lost. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endHandshake();
    this.socket.disconnect();
    this.#release(new StepFailure('not connected', 'the connection was closed'));
  }
}

/** What broke the connection, or what the server's close frame said, where it said anything: 1005 and 1006 are none. */
const closeOf = (details: unknown): string => {
  if (details instanceof Error) {
    const { message } = innermost((details as { description?: unknown }).description);
    return message === '' ? '' : ` (${message})`;
  }
  const { context } = (details ?? {}) as { context?: { code?: unknown; reason?: unknown } };
  const { code, reason } = context ?? {};
  if (typeof code !== 'number' || code === 1005 || code === 1006) return '';
  return ` (WebSocket close ${code}${typeof reason === 'string' && reason !== '' ? ` ${reason}` : ''})`;
};
