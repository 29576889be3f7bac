import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { ClientSocket } from './client-socket.ts';
import type { DeliveryPlan } from './delivery-plan.ts';
import { PendingAnswers } from './pending-answers.ts';
import { endSession } from './session-end.ts';
import { UserChannel } from './user-channel.ts';

/** What all virtual users of a scenario have in common. */
export type EmittingUserPlan = {
  timeoutMs: number;
  /** Events by which the server reports a failure. */
  failureEvents: readonly string[];
  deliveries: DeliveryPlan;
};

/** The room of everyone who is connected. */
const everyone = '*';

/** One virtual user of an engine for Socket.IO: what it waits for, its membership in rooms, and how its session ends. */
export abstract class EmittingUser {
  readonly context: VirtualUserContext;
  readonly pending = new PendingAnswers();
  readonly member: DeliveryMember | null;
  readonly #plan: EmittingUserPlan;
  #isEnded = false;
  #unansweredAtMs = Number.NEGATIVE_INFINITY;

  constructor(plan: EmittingUserPlan, context: VirtualUserContext) {
    this.#plan = plan;
    this.context = context;
    this.member = plan.deliveries.isEmpty ? null : deliveryLedger.member();
    context.sockets = {};
  }

  get timeoutMs(): number {
    return this.#plan.timeoutMs;
  }

  /** Its flow is over. */
  protected get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Its namespaces that are open. */
  protected abstract channels(): Iterable<UserChannel>;

  /** Closes the transports below its namespaces. */
  protected closeConnections(): void {}

  /**
   * Takes a socket that was just opened under observation. `handshake` is the metric of how long connecting takes, which it
   * may for `timeoutMs`.
   */
  protected observe(socket: ClientSocket, handshake: string, timeoutMs = this.timeoutMs): UserChannel {
    const { deliveries, failureEvents } = this.#plan;
    const { member } = this;
    let isAway = false;
    // The server kept its rooms (connectionStateRecovery), and sends what it missed before it says that it is connected.
    const recover = () => {
      if (isAway && socket.recovered === true) deliveryLedger.recovered(member!);
      isAway = false;
    };
    const channel = new UserChannel(socket, timeoutMs, handshake, {
      connected: () => {
        if (member === null || this.#isEnded) return;
        recover();
        if (deliveries.joinsOnConnect) deliveryLedger.join(member, everyone);
      },
      lost: (reason) => {
        isAway = true;
        if (member !== null) deliveryLedger.disconnected(member);
        this.failPending(reason, socket);
      },
    });
    if (member !== null)
      deliveries.watch(socket, (tag) => {
        if (isAway && socket.connected) recover();
        deliveryLedger.receive(member, tag);
      });
    watchFailures(socket, failureEvents, this.pending, () => this.#isEnded);
    return channel;
  }

  /** What waits on this connection is not answered any more; another namespace may well be. */
  protected failPending(reason: string, socket: ClientSocket): void {
    this.pending.failAll(
      (answer) => new StepFailure('disconnected', `${reason}, while "${answer.event}" was not answered`),
      socket,
    );
  }

  /** It closed a namespace itself: without any, it is in no room. */
  protected closedOne(): void {
    if (this.member !== null && [...this.channels()].length === 0) deliveryLedger.leave(this.member);
  }

  /** A message was sent whose handling by the server nothing will tell. */
  sentUnanswered(): void {
    this.#unansweredAtMs = performance.now();
  }

  /** The flow is over: closes the connection when nothing is expected on it any more. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    endSession({
      member: this.member,
      pending: this.pending,
      unansweredAtMs: this.#unansweredAtMs,
      close: () => {
        // All of them first: one that is still open would take the end of its transport for a loss.
        for (const channel of this.channels()) channel.close();
        this.closeConnections();
      },
    });
  }
}

/**
 * Takes the events by which a server reports a failure: one fails the message it is about, or the one that waits
 * longest; without any it is an error of its own. One that a step waits for as its answer is left alone.
 */
function watchFailures(
  socket: ClientSocket,
  events: readonly string[],
  pending: PendingAnswers,
  isEnded: () => boolean,
): void {
  for (const event of events)
    socket.on(event, (...args) => {
      if (isEnded() || pending.expects(event)) return;
      const report = recorder.masked(JSON.stringify(args) ?? '').slice(0, 200);
      const about = pending.find(subjectOf(args));
      if (about === undefined) recorder.error(event, report, '');
      else about.fail(new StepFailure(`rejected: ${about.event}`, `${event}: ${report}`));
    });
}

/** The event that a failure report is about, where it says so (as the exception filters of NestJS do). */
function subjectOf(args: unknown[]): string | null {
  const report = args[0] as { cause?: { pattern?: unknown }; event?: unknown } | null | undefined;
  const subject = report?.cause?.pattern ?? report?.event;
  return typeof subject === 'string' ? subject : null;
}
