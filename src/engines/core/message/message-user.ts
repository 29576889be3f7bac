import { deliveryLedger } from '../delivery/delivery-ledger.ts';
import type { DeliveryTag } from '../delivery/delivery-tag.ts';
import type { ImplicitConnection } from '../flow/implicit-connect.ts';
import { recordFailure, type StepCallback, type VirtualUserContext } from '../flow/step.ts';
import type { ReceivedMessage } from '../received-message.ts';
import { recorder } from '../recorder.ts';
import { StepFailure } from '../step-failure.ts';

/** A message with the instant of its arrival (`performance.now()`). */
export type ArrivedMessage = ReceivedMessage & { readonly atMs: number };

/** A step that waits for messages. */
export type MessageWaiter<M extends ArrivedMessage = ArrivedMessage> = {
  /** Metric that it waits for, for errors. */
  readonly subject: string;
  /** Whether a failure that the server reports ends this wait. */
  readonly isAnswer: boolean;
  /** Says whether the message is one that it waits for. */
  accepts(message: M): boolean;
  take(message: M): void;
  fail(failure: StepFailure): void;
};

/** Messages that nobody waited for yet, at most; older ones are forgotten. */
const maxUnread = 10_000;

/** One virtual user of an engine for messages: its connection, and what it has received and not read. */
export abstract class MessageUser<M extends ArrivedMessage = ArrivedMessage> {
  readonly #needs: { readonly keepsMessages: boolean };
  readonly #context: VirtualUserContext;
  #unread: M[] = [];
  #waiters: MessageWaiter<M>[] = [];
  #onAnswered: (() => void) | null = null;
  /** Messages read by the latest step that waited for some. */
  lastRead: M[] = [];
  /** Why the connection was lost; recorded already. */
  lost: StepFailure | null = null;
  /** How it is connected when its flow does not say so. */
  readonly implicit: ImplicitConnection | null;
  /** Where the flow is, for the error of a lost connection. */
  place = '';

  /** `needs.keepsMessages`: some step looks at messages that came before it. */
  constructor(
    needs: { readonly keepsMessages: boolean },
    implicit: ImplicitConnection | null,
    context: VirtualUserContext,
  ) {
    this.#needs = needs;
    this.#context = context;
    this.implicit = implicit;
  }

  abstract get connected(): boolean;

  /**
   * The flow is over. Messages on their way may still come, within the drain time; then the connection is closed, at
   * once when the flow failed.
   */
  abstract end(failed: boolean): void;

  /** Whether anybody looks at messages, now or later. */
  protected get listens(): boolean {
    return this.#needs.keepsMessages || this.#waiters.length > 0;
  }

  /** Whether a message that no step waits for reports a failure, and was dealt with. */
  protected reportsFailure(_message: M): boolean {
    return false;
  }

  /** What messages of its kind are called, for people. */
  protected kindOf(_message: M): string {
    return 'message';
  }

  /** The first step that waits for the message. */
  protected waiterFor(message: M): MessageWaiter<M> | undefined {
    return this.#waiters.find((waiter) => waiter.accepts(message));
  }

  /** Whether a message with that tag is the delivery, as far as the step that sent it says which one is. */
  protected isWanted(tag: DeliveryTag, message: M): boolean {
    return deliveryLedger.watchOf(tag)?.where?.of(this.#context)(message) ?? true;
  }

  /** Gives a message to the step that waits for it, or keeps it for a later one. */
  protected give(message: M, waiter: MessageWaiter<M> | undefined): void {
    if (waiter !== undefined) {
      waiter.take(message);
      return;
    }
    if (this.#waiters.length > 0) recorder.unheard(this.kindOf(message));
    if (this.reportsFailure(message) || !this.#needs.keepsMessages) return;
    this.#unread.push(message);
    if (this.#unread.length > maxUnread) {
      this.#unread.shift();
      recorder.count('messages.unread');
    }
  }

  /** Reads at most `limit` messages that arrived already and that `filter` accepts, oldest first. */
  readUnread(filter: (message: M) => boolean, limit: number): M[] {
    const read: M[] = [];
    const rest: M[] = [];
    for (const message of this.#unread) {
      if (read.length < limit && filter(message)) read.push(message);
      else rest.push(message);
    }
    if (read.length > 0) this.#unread = rest;
    return read;
  }

  wait(waiter: MessageWaiter<M>): void {
    this.#waiters.push(waiter);
  }

  stopWaiting(waiter: MessageWaiter<M>): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    this.#tellAnswered();
  }

  /** Calls back when no answer is awaited any more, at once if none is. Each wait for one ends by itself. */
  protected whenAnswered(done: () => void): void {
    this.#onAnswered = done;
    this.#tellAnswered();
  }

  #tellAnswered(): void {
    if (this.#onAnswered === null || this.oldestQuestion !== undefined) return;
    const done = this.#onAnswered;
    this.#onAnswered = null;
    done();
  }

  /** The step that waits longest for the answer to a message. */
  protected get oldestQuestion(): MessageWaiter<M> | undefined {
    return this.#waiters.find((waiter) => waiter.isAnswer);
  }

  /** The server ended the connection: recorded here, and everything that waits fails. */
  protected loses(failure: StepFailure): void {
    this.lost = failure;
    recorder.count('disconnects');
    recordFailure(failure, this.place);
    this.failWaiters(failure);
  }

  protected failWaiters(failure: StepFailure): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.fail(failure);
  }

  /** What nobody read is counted, and is no error. */
  protected forgetUnread(): void {
    if (this.#unread.length > 0) recorder.count('messages.unread', this.#unread.length);
    this.#unread = [];
  }
}

const users = new WeakMap<VirtualUserContext, MessageUser>();

export const addUser = (context: VirtualUserContext, user: MessageUser): void => {
  users.set(context, user);
};

/** The virtual user of a context. Throws when its scenario is not one of an engine for messages. */
export const messageUser = (context: VirtualUserContext): MessageUser => {
  const user = users.get(context);
  if (user === undefined) throw new Error('The virtual user has no connection.');
  return user;
};

export const notConnected = (): StepFailure =>
  new StepFailure('not connected', 'the step needs a connection that is open');

/** The virtual user, or null after the step failed for want of a connection. */
export const connectedUser = (
  context: VirtualUserContext,
  place: string,
  callback: StepCallback,
): MessageUser | null => {
  const user = messageUser(context);
  user.place = place;
  if (user.connected) return user;
  failStep(user.lost ?? notConnected(), context, place, callback);
  return null;
};

/** Ends a step as failed. The loss of the connection was recorded when it happened. */
export const failStep = (
  failure: unknown,
  context: VirtualUserContext,
  place: string,
  callback: StepCallback,
): void => {
  callback(failure === messageUser(context).lost ? failure : recordFailure(failure, place), context);
};
