import { arrivedMs } from '../core/arrival-instant.ts';
import { type Deadline, deadlines } from '../core/deadlines.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { loadActivity } from '../core/load-activity.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { AcknowledgementReceiver, ClientSocket } from './client-socket.ts';
import type { EmitSpec } from './emit-spec.ts';
import type { PendingAnswer } from './pending-answers.ts';
import type { Namespace, SocketIoUser } from './socketio-user.ts';
import { parseArguments } from './wire/packet.ts';

export type SentMessageEnd = (failure: StepFailure | null, answer: unknown[]) => void;

/**
 * A message whose answer the flow waits for: an acknowledgement, an event, or both. Ends once: with the answer
 * checked, or with a named failure. Only an answer that came over the same connection, in time, becomes a latency.
 */
export class SentMessage implements PendingAnswer, AcknowledgementReceiver {
  readonly event: string;
  readonly answeredBy: string | null;
  readonly via: ClientSocket;
  readonly #spec: EmitSpec;
  readonly #user: SocketIoUser;
  readonly #namespace: Namespace;
  readonly #context: VirtualUserContext;
  readonly #done: SentMessageEnd;
  readonly #fromMs: number;
  readonly #slice = recorder.slice;
  readonly #epoch = recorder.epoch;
  readonly #deadline: Deadline;
  #responses: unknown[] = [];
  #stopListening: (() => void) | null = null;
  #answer: unknown[] = [];
  #awaitsAck: boolean;
  #awaitsResponse: boolean;
  #isOpen = true;

  /** `fromMs` is the instant that the latency counts from, on `performance.now()`. */
  constructor(
    user: SocketIoUser,
    namespace: Namespace,
    spec: EmitSpec,
    context: VirtualUserContext,
    fromMs: number,
    done: SentMessageEnd,
  ) {
    this.event = spec.event;
    this.#spec = spec;
    this.#user = user;
    this.#namespace = namespace;
    this.via = namespace.channel.socket;
    this.#context = context;
    this.#fromMs = fromMs;
    this.#done = done;
    this.#awaitsAck = spec.acknowledge !== null;
    this.#awaitsResponse = spec.response !== null;
    this.answeredBy =
      spec.response === null ? null : this.#listen(String(spec.response.event.render(context)));
    this.#deadline = deadlines.after(spec.timeoutMs ?? user.timeoutMs, () => this.#expire());
    user.pending.add(this);
    loadActivity.sent();
  }

  #listen(event: string): string {
    this.#user.listen(this.#namespace, event);
    this.#stopListening = this.#namespace.inbox.listen(event, (args) => this.#respond(args));
    return event;
  }

  acknowledge(args: unknown[]): void {
    if (!this.#isOpen || !this.#awaitsAck) return;
    const atMs = arrivedMs(this.#fromMs);
    this.#awaitsAck = false;
    this.#answer = args;
    this.#spec.acknowledge!.accept(args, this.#context, (failure) =>
      this.#accepted(failure, this.#spec.ackMetric, atMs),
    );
  }

  acknowledgeJson(json: string): void {
    const isRead = this.#spec.readsAnswer || this.#spec.acknowledge!.mustRead(json);
    this.acknowledge(isRead ? parseArguments(json) : []);
  }

  /** Several events may together be the response; tells whether this one belonged to it. */
  #respond(args: unknown[]): boolean {
    if (!this.#isOpen || !this.#awaitsResponse) return false;
    const atMs = arrivedMs(this.#fromMs);
    this.#responses.push(...args);
    const { check } = this.#spec.response!;
    if (!check.isComplete(this.#responses, this.#context)) return false;
    this.#awaitsResponse = false;
    this.#answer = this.#responses;
    check.accept(this.#responses, this.#context, (failure) =>
      this.#accepted(failure, this.#spec.responseMetric, atMs),
    );
    return true;
  }

  #accepted(failure: StepFailure | null, metric: string, atMs: number): void {
    if (failure === null && this.#epoch === recorder.epoch && this.#spec.isMeasured)
      recorder.latency(metric, atMs - this.#fromMs, this.#slice);
    if (failure !== null || !(this.#awaitsAck || this.#awaitsResponse)) this.#end(failure, true);
  }

  #expire(): void {
    const message = `no answer within ${this.#spec.timeoutMs ?? this.#user.timeoutMs} ms`;
    if (this.#awaitsAck) {
      this.#end(new StepFailure(`ack timeout: ${this.event}`, message), false);
      return;
    }
    const timeout = new StepFailure(`response timeout: ${this.answeredBy}`, message);
    if (this.#responses.length === 0) this.#end(timeout, false);
    // Something came, but not what was expected: the failure says what.
    else
      this.#spec.response!.check.accept(this.#responses, this.#context, (failure) =>
        this.#end(failure ?? timeout, false),
      );
  }

  fail(failure: StepFailure): void {
    this.#end(failure, false);
  }

  #end(failure: StepFailure | null, isAnswered: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#deadline.cancel();
    this.#stopListening?.();
    this.#user.pending.delete(this);
    loadActivity.settled();
    if (this.#epoch === recorder.epoch)
      recorder.count(isAnswered ? 'messages.acknowledged' : 'messages.unanswered');
    this.#done(failure, this.#answer);
  }
}
