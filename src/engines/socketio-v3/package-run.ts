import { type Deadline, deadlines } from '../core/deadlines.ts';
import type { DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { type MembershipChange, membershipChange } from '../core/delivery/membership.ts';
import { readPath } from '../core/delivery/payload-path.ts';
import { asFailure } from '../core/flow/step.ts';
import { loadActivity } from '../core/load-activity.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import { acknowledgementObserver } from '../socketio/acknowledgement-observer.ts';
import type { ClientSocket } from '../socketio/client-socket.ts';
import type { EmitSpec } from '../socketio/emit-spec.ts';
import type { PendingAnswer } from '../socketio/pending-answers.ts';
import { insertTag, makeTag } from '../socketio/tagged-payload.ts';
import type { V3User } from './v3-user.ts';

type Listener = (...args: unknown[]) => void;

/** A step of the scenario as its runs share it. */
export type PackageStep = {
  emit: EmitSpec;
  watch: DeliveryWatch | null;
  /** Event that answers it; null when it waits for none. */
  responseEvent: string | null;
  place: string;
};

/**
 * One run of a step by the package: it is given a socket through this, so that the moments of sending and answering
 * are known, and only what really waited becomes a latency.
 */
export class PackageRun implements PendingAnswer {
  readonly event: string;
  readonly answeredBy: string | null;
  readonly #step: PackageStep;
  readonly #user: V3User;
  readonly #done: (failure: StepFailure | null) => void;
  #isOpen = true;
  #isAwaited = false;
  #sentMs = 0;
  #answeredMs: number | null = null;
  #answer: unknown[] = [];
  #slice = -1;
  #epoch = -1;
  #membership: MembershipChange | null = null;
  #deadline: Deadline | null = null;
  #stopListening: (() => void) | null = null;

  constructor(step: PackageStep, user: V3User, done: (failure: StepFailure | null) => void) {
    this.event = step.emit.event;
    this.answeredBy = step.responseEvent;
    this.#step = step;
    this.#user = user;
    this.#done = done;
  }

  /** The socket as the package sees it while it runs this step. */
  socket(real: ClientSocket): {
    emit: (...args: unknown[]) => void;
    once: (event: string, run: Listener) => void;
  } {
    const { emit, watch } = this.#step;
    // The package asks for the socket right before it renders the payload.
    if (watch !== null && emit.delivery?.sentPath === null)
      this.#user.context.vars.$tag = makeTag(
        emit.delivery,
        watch,
        this.#user.member!,
        this.#user.context,
        performance.now(),
      );
    return {
      emit: (...outgoing) => this.#emit(real, outgoing as [string, ...unknown[]]),
      once: (event, run) => {
        const listener: Listener = (...args) => {
          this.#stopListening?.();
          if (this.#isOpen) this.#answered(args, run);
        };
        this.#stopListening = () => real.off(event, listener);
        real.on(event, listener);
      },
    };
  }

  #answered(args: unknown[], run: Listener): void {
    this.#answeredMs = performance.now();
    this.#answer = args;
    run(...args);
  }

  #emit(real: ClientSocket, [event, ...given]: [string, ...unknown[]]): void {
    const { emit, watch, responseEvent } = this.#step;
    const callback =
      emit.acknowledge !== null && typeof given.at(-1) === 'function' ? (given.pop() as Listener) : null;
    this.#sentMs = performance.now();
    this.#slice = recorder.slice;
    this.#epoch = recorder.epoch;
    const args =
      watch !== null && emit.delivery !== null
        ? insertTag(emit.delivery, watch, this.#user.member!, given, this.#sentMs)
        : given;
    this.#membership = membershipChange(
      emit,
      this.#user.member,
      (path) => readPath(args, path),
      this.#user.context,
    );
    recorder.count('messages.sent');
    this.#membership.sent();
    if (callback !== null || responseEvent !== null) this.#await();
    if (callback !== null)
      real.emit(event, ...args, (...answer: unknown[]) => {
        if (this.#isOpen) this.#answered(answer, callback);
      });
    else if (emit.isObserved) real.emit(event, ...args, this.#observed());
    else {
      real.emit(event, ...args);
      if (responseEvent !== null) return;
      this.#user.sentUnanswered();
      if (!emit.isMeasured || watch !== null) return;
      recorder.count('messages.unanswered');
      recorder.unmeasuredEmit(this.event, this.#step.place);
    }
  }

  #await(): void {
    const timeoutMs = this.#step.emit.timeoutMs ?? this.#user.timeoutMs;
    this.#isAwaited = true;
    this.#user.pending.add(this);
    loadActivity.sent();
    this.#deadline = deadlines.after(timeoutMs, () =>
      this.end(new StepFailure(this.#timeoutName, `no answer within ${timeoutMs} ms`)),
    );
  }

  get #timeoutName(): string {
    return this.answeredBy === null ? `ack timeout: ${this.event}` : `response timeout: ${this.answeredBy}`;
  }

  #observed(): Listener {
    const { emit, place } = this.#step;
    const observed = acknowledgementObserver.observe({
      event: this.event,
      place,
      pending: this.#user.pending,
      timeoutMs: emit.timeoutMs ?? this.#user.timeoutMs,
      latency: emit.isMeasured ? { fromMs: this.#sentMs, metric: emit.ackMetric } : null,
      judgesRefusal: emit.judgesRefusal,
      confirmed: () => this.#membership?.confirmed(),
    });
    return (...args) => observed.acknowledge(args);
  }

  /** The package calls a step successful: it says so for every emit, waited for or not, and twice for a response. */
  succeeded(): void {
    const { emit } = this.#step;
    const answeredMs = this.#answeredMs;
    if (!this.#isOpen || answeredMs === null) return;
    this.#answeredMs = null;
    if (this.#epoch !== recorder.epoch || !emit.isMeasured || this.#refusal() !== null) return;
    const metric = this.answeredBy === null ? emit.ackMetric : emit.responseMetric;
    recorder.latency(metric, answeredMs - this.#sentMs, this.#slice);
  }

  fail(failure: StepFailure): void {
    this.end(failure);
  }

  /** The package ended the step, or something else ended it first. */
  end(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#deadline?.cancel();
    this.#stopListening?.();
    const failure = error ? this.#explain(error) : this.#refusal();
    if (this.#isAwaited) {
      this.#user.pending.delete(this);
      loadActivity.settled();
      const isAnswered = failure === null || this.#answer.length > 0;
      if (this.#epoch === recorder.epoch)
        recorder.count(isAnswered ? 'messages.acknowledged' : 'messages.unanswered');
      recorder.answer(this.#step.place, failure);
      if (failure === null) this.#membership?.confirmed();
    }
    this.#done(failure);
  }

  /** Why the answer is none, though the package takes it. */
  #refusal(): StepFailure | null {
    if (this.#answer.length === 0) return null;
    const { acknowledge, response } = this.#step.emit;
    return (
      (this.answeredBy === null ? acknowledge : (response?.check ?? null))?.refusal(this.#answer) ?? null
    );
  }

  /** The package's errors are bare texts, the same for every event. */
  #explain(error: unknown): StepFailure {
    const failure = asFailure(error);
    if (failure.name === 'response timeout') return new StepFailure(this.#timeoutName, failure.message);
    if (failure.name !== 'data is not valid' && failure.name !== 'Failed match') return failure;
    const name =
      this.answeredBy === null ? `ack mismatch: ${this.event}` : `response mismatch: ${this.answeredBy}`;
    return new StepFailure(
      name,
      `${failure.name}: got ${recorder.masked(JSON.stringify(this.#answer) ?? '').slice(0, 200)}`,
    );
  }
}
