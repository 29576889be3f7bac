import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import type { ImplicitConnection } from '../core/flow/implicit-connect.ts';
import { recordFailure, type VirtualUserContext } from '../core/flow/step.ts';
import { openSessions } from '../core/open-sessions.ts';
import type { MessageFilter } from '../core/received-message.ts';
import { recorder } from '../core/recorder.ts';
import type { StepFailure } from '../core/step-failure.ts';
import type { StompClient } from './stomp-client.ts';
import type { StompFrame } from './stomp-frame.ts';
import { StompMessage, tagInFrame } from './stomp-message.ts';

/** One subscription of a virtual user; a receiver of its own, because each gets its own MESSAGE. */
export type StompSubscription = {
  id: string;
  destination: string;
  member: DeliveryMember;
  /** Called by the first MESSAGE when the subscription is not confirmed yet. */
  onFirstMessage: (() => void) | null;
};

/** A step that waits for messages. `take` says whether the message is one of them. */
export type StompWaiter = {
  take: (message: StompMessage) => boolean;
  fail: (failure: StepFailure) => void;
};

/** What a virtual user does with messages, from the steps of its flow. */
export type StompUserNeeds = {
  /** Some step waits for messages: those that arrive before are kept. */
  keepsMessages: boolean;
  /** Some message carries its tag in a header. */
  tagsHeaders: boolean;
};

/** Messages that nobody waited for yet, at most; older ones are forgotten. */
const maxUnread = 10_000;

/** The session of one virtual user: its subscriptions, and what it has received and not read. */
export class StompUser {
  readonly #needs: StompUserNeeds;
  readonly #sender = deliveryLedger.member();
  readonly #subscriptions = new Map<string, StompSubscription>();
  #unread: StompMessage[] = [];
  #waiters: StompWaiter[] = [];
  #nextSubscription = 1;
  client: StompClient | null = null;
  /** Messages read by the latest step that waited for some. */
  lastRead: StompMessage[] = [];
  /** Why the session was lost; recorded already. */
  lost: StepFailure | null = null;
  /** How it is connected when its flow does not say so. */
  readonly implicit: ImplicitConnection | null;
  /** Where the flow is, for the error of a lost connection. */
  place = '';

  constructor(needs: StompUserNeeds, implicit: ImplicitConnection | null) {
    this.#needs = needs;
    this.implicit = implicit;
  }

  subscribed(destination: string, id?: string): StompSubscription {
    const subscription: StompSubscription = {
      id: id ?? `sub-${this.#nextSubscription++}`,
      destination,
      member: deliveryLedger.member(),
      onFirstMessage: null,
    };
    this.#subscriptions.set(subscription.id, subscription);
    return subscription;
  }

  /** Messages sent from now on are expected at the subscription. */
  confirmed(subscription: StompSubscription): void {
    subscription.onFirstMessage = null;
    if (this.#subscriptions.get(subscription.id) === subscription)
      deliveryLedger.join(subscription.member, subscription.destination);
  }

  /** Finds a subscription by its id or its destination; the only one when neither is given. */
  find(by: { id?: string | undefined; destination?: string | undefined }): StompSubscription | undefined {
    if (by.id !== undefined) return this.#subscriptions.get(by.id);
    for (const subscription of this.#subscriptions.values())
      if (by.destination === undefined || subscription.destination === by.destination) return subscription;
    return undefined;
  }

  unsubscribed(subscription: StompSubscription): void {
    this.#subscriptions.delete(subscription.id);
    deliveryLedger.leave(subscription.member);
  }

  /** The member in whose name a message to `destination` is sent: its own subscription there, if it has one. */
  senderTo(destination: string): DeliveryMember {
    return this.find({ destination })?.member ?? this.#sender;
  }

  receive(frame: StompFrame, atMs: number): void {
    recorder.count('messages.received');
    const subscription = this.#subscriptions.get(frame.headers.subscription ?? '');
    subscription?.onFirstMessage?.();
    const tag = tagInFrame(frame, this.#needs.tagsHeaders);
    if (tag !== null) deliveryLedger.receive(subscription?.member ?? this.#sender, tag);
    if (!this.#needs.keepsMessages && this.#waiters.length === 0) return;
    const message = new StompMessage(
      frame,
      atMs,
      subscription?.destination ?? frame.headers.destination ?? '',
    );
    for (const waiter of this.#waiters) if (waiter.take(message)) return;
    if (!this.#needs.keepsMessages) return;
    this.#unread.push(message);
    if (this.#unread.length > maxUnread) {
      this.#unread.shift();
      recorder.count('messages.unread');
    }
  }

  /** Reads at most `limit` messages that arrived already and that `filter` accepts, oldest first. */
  readUnread(filter: MessageFilter, limit: number): StompMessage[] {
    const read: StompMessage[] = [];
    const rest: StompMessage[] = [];
    for (const message of this.#unread) {
      if (read.length < limit && filter(message)) read.push(message);
      else rest.push(message);
    }
    if (read.length > 0) this.#unread = rest;
    return read;
  }

  wait(waiter: StompWaiter): void {
    this.#waiters.push(waiter);
  }

  stopWaiting(waiter: StompWaiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
  }

  /** A new session begins; one that is open ends, and with it its subscriptions. */
  reconnects(): void {
    if (this.client === null) return;
    this.abandon();
    this.#subscriptions.clear();
    this.lost = null;
  }

  /** The server ended the session. Everything that waits fails. */
  connectionLost(failure: StepFailure): void {
    this.lost = failure;
    recorder.count('disconnects');
    recordFailure(failure, this.place);
    for (const subscription of this.#subscriptions.values()) deliveryLedger.disconnected(subscription.member);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.fail(failure);
  }

  /** The flow asks to disconnect: what is on its way to it may or may not arrive. */
  disconnect(timeoutMs: number, done: (failure: StepFailure | null) => void): void {
    this.#leave();
    this.client!.disconnect(timeoutMs, (failure) => {
      this.#forgetUnread();
      done(failure);
    });
  }

  /**
   * The flow is over. Messages on their way to this user may still come, within the drain time; then the session ends
   * with DISCONNECT. What nobody read is counted and is no error.
   */
  end(timeoutMs: number): void {
    const { client } = this;
    if (client === null || !client.connected) {
      this.#leave();
      this.#forgetUnread();
      return;
    }
    openSessions.begin();
    const subscriptions = [...this.#subscriptions.values()];
    let open = 1;
    const drained = () => {
      open -= 1;
      if (open > 0) return;
      this.#leave();
      client.disconnect(timeoutMs, () => {
        this.#forgetUnread();
        openSessions.end();
      });
    };
    for (const subscription of subscriptions) {
      open += 1;
      deliveryLedger.sessionEnds(subscription.member, drained);
    }
    drained();
  }

  #leave(): void {
    // What was on its way when the server ended the session stays lost.
    if (this.lost !== null) return;
    for (const subscription of [...this.#subscriptions.values()]) this.unsubscribed(subscription);
  }

  #forgetUnread(): void {
    if (this.#unread.length > 0) recorder.count('messages.unread', this.#unread.length);
    this.#unread = [];
  }

  /** Ends the session at once, because the flow failed: what is on its way to it is nobody's loss. */
  abandon(): void {
    this.#leave();
    this.#forgetUnread();
    this.client?.close();
  }
}

const users = new WeakMap<VirtualUserContext, StompUser>();

/** The virtual user of a context. Throws when its scenario is not one of this engine. */
export const userOf = (context: VirtualUserContext): StompUser => {
  const user = users.get(context);
  if (user === undefined) throw new Error('The virtual user has no STOMP session.');
  return user;
};

export const addUser = (context: VirtualUserContext, user: StompUser): void => {
  users.set(context, user);
};
