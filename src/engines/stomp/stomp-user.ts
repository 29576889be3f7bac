import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import type { ImplicitConnection } from '../core/flow/implicit-connect.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { MessageUser, messageUser } from '../core/message/message-user.ts';
import { openSessions } from '../core/open-sessions.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import { type StompClient, stompError } from './stomp-client.ts';
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

/** What a virtual user does with messages, from the steps of its flow. */
export type StompUserNeeds = {
  /** Some step waits for messages: those that arrive before are kept. */
  keepsMessages: boolean;
  /** Some message carries its tag in a header. */
  tagsHeaders: boolean;
};

/** A session that the server does not end in order is closed after this; the scenario did not ask for the answer. */
const goodbyeTimeoutMs = 2_000;

/** The STOMP session of one virtual user, and its subscriptions. */
export class StompUser extends MessageUser<StompMessage> {
  readonly #needs: StompUserNeeds;
  readonly #sender = deliveryLedger.member();
  readonly #subscriptions = new Map<string, StompSubscription>();
  #nextSubscription = 1;
  client: StompClient | null = null;

  constructor(needs: StompUserNeeds, implicit: ImplicitConnection | null, context: VirtualUserContext) {
    super(needs, implicit, context);
    this.#needs = needs;
  }

  get connected(): boolean {
    return this.client?.connected === true;
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
    if (tag === null) recorder.untaggedArrival('', '');
    if (tag === null && !this.listens) return;
    const from = subscription?.destination ?? frame.headers.destination ?? '';
    const message = new StompMessage(frame, atMs, from);
    if (tag !== null && this.isWanted(tag, message))
      deliveryLedger.receive(subscription?.member ?? this.#sender, tag);
    if (this.listens) this.give(message, this.waiterFor(message));
  }

  protected override kindOf(message: StompMessage): string {
    return message.destination;
  }

  /** A new session begins; one that is open ends, and with it its subscriptions. */
  reconnects(): void {
    if (this.client === null) return;
    this.#abandon();
    this.#subscriptions.clear();
    this.lost = null;
  }

  /** The server ended the session. Everything that waits fails. */
  connectionLost(failure: StepFailure): void {
    for (const subscription of this.#subscriptions.values()) deliveryLedger.disconnected(subscription.member);
    const about = this.oldestQuestion;
    // An ERROR that names no frame is about the message that waits longest for its answer.
    const isRefusal = failure.name === stompError && about !== undefined;
    this.loses(isRefusal ? new StepFailure(`refused: ${about.subject}`, failure.message) : failure);
  }

  /** The flow asks to disconnect: what is on its way to it may or may not arrive. */
  disconnect(timeoutMs: number, done: (failure: StepFailure | null) => void): void {
    this.#leave();
    this.client!.disconnect(timeoutMs, (failure) => {
      this.forgetUnread();
      done(failure);
    });
  }

  end(failed: boolean): void {
    const { client } = this;
    if (failed) {
      this.#abandon();
      return;
    }
    if (client === null || !client.connected) {
      this.#leave();
      this.forgetUnread();
      return;
    }
    openSessions.begin();
    // What a send that the flow did not wait for is owed comes first.
    client.whenReceipted(() => this.#drain(client));
  }

  /** Ends the session when the messages on their way to it have come. */
  #drain(client: StompClient): void {
    const subscriptions = [...this.#subscriptions.values()];
    let open = 1;
    const drained = () => {
      open -= 1;
      if (open > 0) return;
      this.#leave();
      client.disconnect(goodbyeTimeoutMs, () => {
        this.forgetUnread();
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

  /** Ends the session at once, because the flow failed: what is on its way to it is nobody's loss. */
  #abandon(): void {
    this.#leave();
    this.forgetUnread();
    this.client?.close();
  }
}

/** The virtual user of a context of this engine. */
export const userOf = messageUser as (context: VirtualUserContext) => StompUser;
