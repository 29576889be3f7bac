import type { WebSocket } from 'ws';
import { arrivedMs, noteArrival } from '../core/arrival-instant.ts';
import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import { type DeliveryTag, tagInBytes } from '../core/delivery/delivery-tag.ts';
import type { ImplicitConnection } from '../core/flow/implicit-connect.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { MessageUser, messageUser } from '../core/message/message-user.ts';
import { openSessions } from '../core/open-sessions.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import { onLoss } from './open-socket.ts';
import { WsMessage } from './ws-message.ts';

/** What all virtual users of a scenario have in common, from the steps of its flow. */
export type WsUserNeeds = {
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

/** The WebSocket of one virtual user. */
export class WsUser extends MessageUser<WsMessage> {
  readonly #needs: WsUserNeeds;
  readonly member: DeliveryMember = deliveryLedger.member();
  #nextId = 1;
  #isEnded = false;
  socket: WebSocket | null = null;

  constructor(needs: WsUserNeeds, implicit: ImplicitConnection | null, context: VirtualUserContext) {
    super(needs, implicit, context);
    this.#needs = needs;
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
    onLoss(socket, (why) => {
      if (this.socket === socket) this.#lost(why);
    });
    if (this.#needs.joinsOnConnect) deliveryLedger.join(this.member, everyone);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    noteArrival();
    recorder.count('messages.received');
    const tag = this.#needs.hasDeliveries ? tagInBytes(data) : null;
    if (tag === null && this.#needs.hasDeliveries) recorder.untaggedArrival('', '');
    if (tag === null && !this.listens && this.#needs.failureEvents.length === 0) return;
    const message = new WsMessage(data, isBinary, arrivedMs(0));
    const waiter = this.waiterFor(message);
    if (tag !== null && this.#isDelivery(tag, message, waiter?.isAnswer === true))
      deliveryLedger.receive(this.member, tag);
    this.give(message, waiter);
  }

  /** The answer to a message that echoes its tag is not its delivery, unless the step says that it is. */
  #isDelivery(tag: DeliveryTag, message: WsMessage, isAnswer: boolean): boolean {
    const watch = deliveryLedger.watchOf(tag);
    if (watch?.where !== undefined) return this.isWanted(tag, message);
    if (!isAnswer || !deliveryLedger.isOwn(this.member, tag)) return true;
    if (watch?.includesSender === true)
      recorder.warn(
        `The answer to "${watch.sentEvent}" carries its tag and is not counted as its delivery to the sender. Say which message is the delivery: "delivery: { where: ... }".`,
      );
    return false;
  }

  protected override kindOf(message: WsMessage): string {
    return message.type ?? 'message';
  }

  /** A failure that the server reports is about the oldest message that is not answered. */
  protected override reportsFailure(message: WsMessage): boolean {
    const { failureEvents } = this.#needs;
    const about = this.oldestQuestion;
    if (this.#isEnded && about === undefined) return false;
    if (!failureEvents.some((event) => message.data.includes(event))) return false;
    const { type } = message;
    if (type === null || !failureEvents.includes(type)) return false;
    const text = recorder.masked(message.data.toString('utf8')).slice(0, 300);
    if (about === undefined) recorder.error(type, text, this.place);
    else about.fail(new StepFailure(`rejected: ${about.subject}`, text));
    return true;
  }

  #lost(why: string): void {
    this.socket = null;
    deliveryLedger.disconnected(this.member);
    const failure = new StepFailure('disconnected', why);
    if (this.#isEnded) this.failWaiters(failure);
    else this.loses(failure);
  }

  /** Closes the connection because the scenario says so: what is on its way may or may not arrive. */
  close(code = 1000, reason = ''): void {
    const { socket } = this;
    this.socket = null;
    this.forgetUnread();
    if (this.lost === null) deliveryLedger.leave(this.member);
    socket?.close(code, reason);
    this.failWaiters(new StepFailure('disconnected', 'the virtual user closed the connection'));
  }

  end(failed: boolean): void {
    this.#isEnded = true;
    if (this.socket === null) {
      this.forgetUnread();
      return;
    }
    if (failed) {
      this.close();
      return;
    }
    openSessions.begin();
    // What a send that the flow did not wait for is owed comes first.
    this.whenAnswered(() =>
      deliveryLedger.sessionEnds(this.member, () => {
        this.close();
        openSessions.end();
      }),
    );
  }
}

/** The virtual user of a context of this engine. */
export const userOf = messageUser as (context: VirtualUserContext) => WsUser;
