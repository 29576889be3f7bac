import { arrivedMs } from '../core/arrival-instant.ts';
import { deadlines } from '../core/deadlines.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { loadActivity } from '../core/load-activity.ts';
import { recorder } from '../core/recorder.ts';
import { mayRefuse, refusalOf } from '../core/refusal.ts';
import type { StepFailure } from '../core/step-failure.ts';
import type { AcknowledgementReceiver, ClientSocket } from './client-socket.ts';
import type { PendingAnswer, PendingAnswers } from './pending-answers.ts';
import { parseArguments } from './wire/packet.ts';

/** What became of the observed emits of one event. */
type Observation = {
  event: string;
  acknowledged: number;
  /** Not acknowledged in time, by step, while no other was acknowledged either. */
  unanswered: Map<string, number>;
};

/** An emit whose acknowledgement the flow does not wait for. */
export type ObservedMessage = {
  event: string;
  /** The step it comes from, for errors. */
  place: string;
  /** What its user waits for. */
  pending: PendingAnswers;
  /** What it was sent over; absent where a package of others keeps it. */
  via?: ClientSocket | undefined;
  timeoutMs: number;
  /** Where the latency is recorded, and the instant it counts from (`performance.now()`); null for none. */
  latency: { fromMs: number; metric: string } | null;
  /** Whether an acknowledgement that says no is an error. */
  judgesRefusal: boolean;
  /** Called when the acknowledgement comes, unless it is a refusal. */
  confirmed: () => void;
};

/** Emits without any acknowledgement after which nothing waits for one any more. */
const enoughUnanswered = 20;

/**
 * Watches for acknowledgements that the flow does not wait for. A server may never acknowledge an event: that is no
 * error of each message, but an event that cannot be measured, and it is reported as such. Once a server has
 * acknowledged an event, a missing acknowledgement is an error.
 */
class AcknowledgementObserver {
  #observations = new Map<string, Observation>();
  #open = new Set<ObservedEmit>();
  #epoch = recorder.epoch;
  #isRegistered = false;

  /** Gives what takes the acknowledgement of the emit. */
  observe(message: ObservedMessage): AcknowledgementReceiver {
    this.#register();
    const emit = new ObservedEmit(message, this.#observation(message.event), (done) => {
      this.#open.delete(done);
    });
    this.#open.add(emit);
    return emit;
  }

  #observation(event: string): Observation {
    if (this.#epoch !== recorder.epoch) {
      this.#epoch = recorder.epoch;
      this.#observations.clear();
    }
    let found = this.#observations.get(event);
    if (found === undefined) {
      found = { event, acknowledged: 0, unanswered: new Map() };
      this.#observations.set(event, found);
    }
    return found;
  }

  #register(): void {
    if (this.#isRegistered) return;
    this.#isRegistered = true;
    loadActivity.onEnd(async () => await this.#end());
  }

  async #end(): Promise<void> {
    this.#isRegistered = false;
    const untilMs = performance.now() + engineSettings().drainMs;
    while (this.#isWaiting() && performance.now() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
    for (const emit of [...this.#open]) emit.expire();
    for (const { event, acknowledged, unanswered } of this.#observations.values()) {
      if (acknowledged > 0 || unanswered.size === 0) continue;
      for (const [place, count] of unanswered) recorder.unmeasuredEmit(event, place, count);
      recorder.warn(
        `The server never acknowledged "${event}" (${totalOf(unanswered)} sent), so it cannot be measured this way.`,
      );
    }
    this.#observations.clear();
  }

  #isWaiting(): boolean {
    for (const emit of this.#open) if (emit.isHopeful) return true;
    return false;
  }
}

class ObservedEmit implements PendingAnswer, AcknowledgementReceiver {
  readonly event: string;
  readonly answeredBy = null;
  readonly #message: ObservedMessage;
  readonly via: ClientSocket | undefined;
  readonly #observation: Observation;
  readonly #ended: (emit: ObservedEmit) => void;
  readonly #slice = recorder.slice;
  readonly #epoch = recorder.epoch;
  readonly #deadline;
  readonly #isAwaited: boolean;
  #isOpen = true;

  constructor(message: ObservedMessage, observation: Observation, ended: (emit: ObservedEmit) => void) {
    this.event = message.event;
    this.via = message.via;
    this.#message = message;
    this.#observation = observation;
    this.#ended = ended;
    this.#deadline = deadlines.after(message.timeoutMs, () => this.expire());
    // A server that seems to acknowledge nothing does not hold up slices and sessions.
    this.#isAwaited = this.isHopeful;
    if (!this.#isAwaited) return;
    message.pending.add(this);
    loadActivity.sent();
  }

  /** Whether an acknowledgement can be expected, as far as the server has shown. */
  get isHopeful(): boolean {
    return this.#observation.acknowledged > 0 || totalOf(this.#observation.unanswered) < enoughUnanswered;
  }

  acknowledgeJson(json: string): void {
    const isRead = this.#message.judgesRefusal && mayRefuse(json);
    this.acknowledge(isRead ? parseArguments(json) : []);
  }

  acknowledge(args: unknown[]): void {
    if (!this.#end()) return;
    const refusal = this.#message.judgesRefusal ? refusalOf(this.event, args) : null;
    if (this.#epoch === recorder.epoch) {
      const observation = this.#observation;
      observation.acknowledged += 1;
      recorder.count('messages.acknowledged');
      const { latency, place } = this.#message;
      if (refusal !== null) recorder.error(refusal.name, refusal.message, place);
      else if (latency !== null)
        recorder.latency(latency.metric, arrivedMs(latency.fromMs) - latency.fromMs, this.#slice);
      for (const [step, count] of observation.unanswered)
        for (let index = 0; index < count; index += 1) this.#recordTimeout(step);
      observation.unanswered.clear();
    }
    if (refusal === null) this.#message.confirmed();
  }

  /** Nothing came in time. */
  expire(): void {
    if (!this.#end() || this.#epoch !== recorder.epoch) return;
    recorder.count('messages.unanswered');
    const { acknowledged, unanswered } = this.#observation;
    if (acknowledged > 0) this.#recordTimeout(this.#message.place);
    else unanswered.set(this.#message.place, (unanswered.get(this.#message.place) ?? 0) + 1);
  }

  #recordTimeout(place: string): void {
    recorder.error(
      `ack timeout: ${this.event}`,
      'the server acknowledged other messages, but not this one',
      place,
    );
  }

  fail(failure: StepFailure): void {
    if (failure.name === 'session ended') {
      this.expire();
      return;
    }
    if (!this.#end() || this.#epoch !== recorder.epoch) return;
    recorder.count('messages.unanswered');
    recorder.error(failure.name, failure.message, this.#message.place);
  }

  #end(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#deadline.cancel();
    this.#ended(this);
    if (this.#isAwaited) {
      this.#message.pending.delete(this);
      loadActivity.settled();
    }
    return true;
  }
}

/** The observer of this generator process. */
export const acknowledgementObserver = new AcknowledgementObserver();

function totalOf(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
