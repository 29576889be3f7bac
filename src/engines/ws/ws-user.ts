import type { WebSocket } from 'ws';
import { arrivedMs, noteArrival } from '../core/arrival-instant.ts';
import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import { tagInBytes } from '../core/delivery/delivery-tag.ts';
import type { ImplicitConnection } from '../core/flow/implicit-connect.ts';
import { recordFailure, type VirtualUserContext } from '../core/flow/step.ts';
import { openSessions } from '../core/open-sessions.ts';
import type { MessageFilter } from '../core/received-message.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import { WsMessage } from './ws-message.ts';

/** A step that waits for messages. */
export type WsWaiter = {
  /** Metric that it waits for, for errors. */
  readonly subject: string;
  /** Whether a failure that the server reports ends this wait. */
  readonly isAnswer: boolean;
  /** Says whether the message is one that it waits for. */
  take: (message: WsMessage) => boolean;
  fail: (failure: StepFailure) => void;
};

/** What all virtual users of a scenario have in common. */
export type WsUserPlan = {
  /** Some step looks at messages that came before it. */
  keepsMessages: boolean;
  /** Some message carries a tag. */
  hasDeliveries: boolean;
  /** Whether everyone connected is a member of one room. */
  joinsOnConnect: boolean;
  /** Types of messages by which the server reports a failure. */
  failureEvents: readonly string[];
};

/** The room of everyone who is connected. */
const everyone = '*';

/** Messages that nobody waited for yet, at most; older ones are forgotten. */
const maxUnread = 1_000;

/** The connection of one virtual user, and what it has received and not read. */
export class WsUser {
  readonly #plan: WsUserPlan;
  readonly member: DeliveryMember = deliveryLedger.member();
  #unread: WsMessage[] = [];
  #waiters: WsWaiter[] = [];
  #nextId = 1;
  #isEnded = false;
  socket: WebSocket | null = null;
  /** Why the connection was lost; recorded already. */
  lost: StepFailure | null = null;
  /** How it is connected when its flow does not say so. */
  readonly implicit: ImplicitConnection | null;
  /** Where the flow is, for the error of a lost connection. */
  place = '';

  constructor(plan: WsUserPlan, implicit: ImplicitConnection | null) {
    this.#plan = plan;
    this.implicit = implicit;
  }

  get connected(): boolean {
    return this.socket !== null && this.socket.readyState === this.socket.OPEN;
  }

  /** An id that no other message of this process carries. */
  messageId(): string {
    return `${this.member.id}-${this.#nextId++}`;
  }

  /** Takes over a socket that was opened. */
  opened(socket: WebSocket): void {
    this.socket = socket;
    this.lost = null;
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.once('close', (code, reason) => {
      if (this.socket === socket) this.#closed(code, reason.toString());
    });
    if (this.#plan.joinsOnConnect) deliveryLedger.join(this.member, everyone);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    noteArrival();
    recorder.count('messages.received');
    if (this.#plan.hasDeliveries) {
      const tag = tagInBytes(data);
      if (tag !== null) deliveryLedger.receive(this.member, tag);
    }
    const message = new WsMessage(data, isBinary, arrivedMs(0));
    for (const waiter of this.#waiters) if (waiter.take(message)) return;
    if (this.#reportsFailure(message)) return;
    if (!this.#plan.keepsMessages) return;
    this.#unread.push(message);
    if (this.#unread.length > maxUnread) this.#unread.shift();
  }

  /** A failure that the server reports is about the oldest message that is not answered. */
  #reportsFailure(message: WsMessage): boolean {
    const { failureEvents } = this.#plan;
    if (this.#isEnded || !failureEvents.some((event) => message.data.includes(event))) return false;
    const { type } = message;
    if (type === null || !failureEvents.includes(type)) return false;
    const text = recorder.masked(message.data.toString('utf8')).slice(0, 300);
    const about = this.#waiters.find((waiter) => waiter.isAnswer);
    if (about === undefined) recorder.error(type, text, this.place);
    else about.fail(new StepFailure(`rejected: ${about.subject}`, text));
    return true;
  }

  /** Takes the oldest unread message that `filter` accepts. */
  takeUnread(filter: MessageFilter): WsMessage | null {
    const index = this.#unread.findIndex((message) => filter(message));
    return index < 0 ? null : this.#unread.splice(index, 1)[0]!;
  }

  wait(waiter: WsWaiter): void {
    this.#waiters.push(waiter);
  }

  stopWaiting(waiter: WsWaiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
  }

  #closed(code: number, reason: string): void {
    this.socket = null;
    deliveryLedger.disconnected(this.member);
    if (this.#isEnded) return;
    recorder.count('disconnects');
    const why = `WebSocket close ${code}${reason === '' ? '' : ` ${reason}`}`;
    this.lost = new StepFailure('disconnected', `the server closed the connection (${why})`);
    recordFailure(this.lost, this.place);
    this.#failWaiters(this.lost);
  }

  #failWaiters(failure: StepFailure): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.fail(failure);
  }

  /** Closes the connection because the scenario says so: what is on its way may or may not arrive. */
  close(code = 1000, reason = ''): void {
    const { socket } = this;
    this.socket = null;
    this.#unread = [];
    if (this.lost === null) deliveryLedger.leave(this.member);
    socket?.close(code, reason);
    this.#failWaiters(new StepFailure('disconnected', 'the virtual user closed the connection'));
  }

  /** The flow is over. Messages on their way may still come, within the drain time; then the connection is closed. */
  end(failed: boolean): void {
    this.#isEnded = true;
    if (this.socket === null) return;
    if (failed) {
      this.close();
      return;
    }
    openSessions.begin();
    deliveryLedger.sessionEnds(this.member, () => {
      this.close();
      openSessions.end();
    });
  }
}

const users = new WeakMap<VirtualUserContext, WsUser>();

/** The virtual user of a context. Throws when its scenario is not one of this engine. */
export const userOf = (context: VirtualUserContext): WsUser => {
  const user = users.get(context);
  if (user === undefined) throw new Error('The virtual user has no WebSocket.');
  return user;
};

export const addUser = (context: VirtualUserContext, user: WsUser): void => {
  users.set(context, user);
};
