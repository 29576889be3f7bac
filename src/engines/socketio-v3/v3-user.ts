import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { ClientSocket } from '../socketio/client-socket.ts';
import type { DeliveryPlan } from '../socketio/delivery-plan.ts';
import { watchFailures } from '../socketio/failure-events.ts';
import { PendingAnswers } from '../socketio/pending-answers.ts';
import { endSession } from '../socketio/session-end.ts';
import { everyone } from '../socketio/socketio-user.ts';
import { UserChannel } from '../socketio/user-channel.ts';

export type V3UserPlan = {
  timeoutMs: number;
  failureEvents: readonly string[];
  deliveries: DeliveryPlan;
};

/** One virtual user of a `socketio-v3` scenario: watches the sockets that the package opens for it. */
export class V3User {
  readonly context: VirtualUserContext;
  readonly pending = new PendingAnswers();
  readonly member: DeliveryMember | null;
  readonly #plan: V3UserPlan;
  readonly #channels = new Map<string, UserChannel>();
  #isEnded = false;
  #unansweredAtMs = Number.NEGATIVE_INFINITY;

  constructor(plan: V3UserPlan, context: VirtualUserContext) {
    this.#plan = plan;
    this.context = context;
    this.member = plan.deliveries.isEmpty ? null : deliveryLedger.member();
    context.sockets = {};
    context.__receivedMessageCount = 0;
  }

  get timeoutMs(): number {
    return this.#plan.timeoutMs;
  }

  channel(namespace: string): UserChannel | undefined {
    return this.#channels.get(namespace);
  }

  /** Takes a socket that was just opened under its observation. */
  adopt(namespace: string, socket: ClientSocket): UserChannel {
    const { deliveries, failureEvents, timeoutMs } = this.#plan;
    const channel = new UserChannel(socket, timeoutMs, {
      connected: () => {
        if (this.member !== null && deliveries.joinsOnConnect && !this.#isEnded)
          deliveryLedger.join(this.member, everyone);
      },
      lost: (reason) => {
        if (this.member !== null) deliveryLedger.disconnected(this.member);
        this.pending.failAll(
          (answer) => new StepFailure('disconnected', `${reason}, while "${answer.event}" was not answered`),
        );
      },
    });
    this.#channels.set(namespace, channel);
    if (this.member !== null) deliveries.watch(socket, this.member);
    watchFailures(socket, failureEvents, this.pending, () => this.#isEnded);
    return channel;
  }

  /** Closes a namespace before the scenario opens it anew. */
  release(namespace: string): void {
    this.#channels.get(namespace)?.close();
    this.#channels.delete(namespace);
    if (this.member !== null && this.#channels.size === 0) deliveryLedger.leave(this.member);
  }

  /** A message was sent that nothing answers. */
  sentUnanswered(event: string, place: string, isMeasured: boolean): void {
    this.#unansweredAtMs = performance.now();
    if (!isMeasured) return;
    recorder.count('messages.unanswered');
    recorder.unmeasuredEmit(event, place);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    endSession({
      member: this.member,
      pending: this.pending,
      unansweredAtMs: this.#unansweredAtMs,
      close: () => {
        for (const channel of this.#channels.values()) channel.close();
      },
    });
  }
}
