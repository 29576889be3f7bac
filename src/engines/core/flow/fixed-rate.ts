import { loadActivity } from '../load-activity.ts';
import { loadClock } from '../load-clock.ts';
import { StepFailure } from '../step-failure.ts';
import { compileTemplate } from '../template/compile-template.ts';
import { recordFailure, type Step, type StepSpec, type VirtualUserContext } from './step.ts';
import { noTime, timeoutMs } from './timeout.ts';

/** What a fixed-rate step sends on: the connection of one virtual user. */
export type FixedRateTarget = {
  isConnected(): boolean;
  /**
   * Sends one message; `fromMs` (`performance.now()`) is the instant that its latency counts from. Calls back once, when
   * the message is answered or given up. What it throws is a failure too.
   */
  send(fromMs: number, done: (failure: StepFailure | null) => void): void;
};

/** Gives the target of a virtual user, or why there is none. */
export type OpenTarget = (
  context: VirtualUserContext,
  done: (failure: StepFailure | null, target: FixedRateTarget | null) => void,
) => void;

/**
 * Lag below which a send is on time: the resolution of the timers (a millisecond) and what reading the clock costs.
 * Above it the latency counts from the intended instant, so that a stall is seen by every message that it delayed.
 */
const timerResolutionMs = 2;

/** Sends a second: a number, or a text such as `20/s` and `600/min`. Throws when it is neither. */
const perSecond = (value: unknown): number => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:\/\s*(s|sec|second|m|min|minute))?\s*$/.exec(String(value));
  if (match === null)
    throw new Error(`"rate" is a number of sends a second, or a text such as 600/min, not ${String(value)}`);
  return Number(match[1]) / (match[2]?.startsWith('m') ? 60 : 1);
};

/** What a step sends: how many messages, what is between two, and how long it goes on, milliseconds. */
export type SendRate = { count: number; intervalMs: number; totalMs: number };

/** Reads `rate` and `duration`. Throws when one of them is none, or when they come to no message at all. */
export const sendRate = (rate: unknown, duration: unknown): SendRate => {
  const intervalMs = 1_000 / perSecond(rate);
  const totalMs = sendingMs(duration);
  const count = Math.round(totalMs / intervalMs);
  if (count === 0)
    throw new Error(`"rate: ${String(rate)}" for "duration: ${String(duration)}" sends nothing`);
  return { count, intervalMs, totalMs };
};

/** Throws for a `rate` and a `duration` that no user can send at; what templates say is known to the run alone. */
export const checkSendRate = ({ rate, duration }: StepSpec): void => {
  const [isRateFixed, isDurationFixed] = [rate, duration].map((value) => compileTemplate(value).isStatic);
  if (isRateFixed && isDurationFixed) sendRate(rate, duration);
  else if (isRateFixed) perSecond(rate);
  else if (isDurationFixed) sendingMs(duration);
};

const sendingMs = (duration: unknown): number => {
  const found = timeoutMs(duration);
  if (found === null) throw new Error(noTime(`duration: ${String(duration)}`));
  return found;
};

/** Fraction of an interval by which the users of a step are apart: the golden ratio spreads any number of them evenly. */
const goldenRatio = 0.618033988749895;

/**
 * A step that sends at a fixed `rate` for a fixed `duration`, whatever the answers do. Each send has an intended instant
 * on the load clock; a send that the generator or the connection holds up is made at once and timed from its intended
 * instant (no coordinated omission; Tene, "How NOT to Measure Latency"). The step ends when every message is answered
 * or given up; failures are recorded here, one by one, and the first ends the virtual user then. Throws as `checkSendRate` does.
 */
export const fixedRateStep = (spec: StepSpec, open: OpenTarget, place: string): Step => {
  const rate = compileTemplate(spec.rate);
  const duration = compileTemplate(spec.duration);
  checkSendRate(spec);
  let users = 0;

  const scheduleOf = (context: VirtualUserContext): Schedule => {
    const sends = sendRate(rate.render(context), duration.render(context));
    users += 1;
    return { ...sends, phaseMs: ((users * goldenRatio) % 1) * sends.intervalMs };
  };

  return (context, callback) => {
    const fail = (error: unknown) => callback(recordFailure(error, place), context);
    try {
      const schedule = scheduleOf(context);
      open(context, (failure, target) => {
        if (target === null) fail(failure);
        else new FixedRateRun(target, context, place, schedule, callback).start();
      });
    } catch (error) {
      fail(error);
    }
  };
};

type Schedule = SendRate & { phaseMs: number };

class FixedRateRun {
  readonly #target: FixedRateTarget;
  readonly #context: VirtualUserContext;
  readonly #place: string;
  readonly #schedule: Schedule;
  readonly #callback: (error: unknown, context: VirtualUserContext) => void;
  #startMs = 0;
  #sent = 0;
  #open = 0;
  #isOver = false;
  #failure: StepFailure | null = null;

  constructor(
    target: FixedRateTarget,
    context: VirtualUserContext,
    place: string,
    schedule: Schedule,
    callback: (error: unknown, context: VirtualUserContext) => void,
  ) {
    this.#target = target;
    this.#context = context;
    this.#place = place;
    this.#schedule = schedule;
    this.#callback = callback;
  }

  start(): void {
    this.#startMs = loadClock.nowMs();
    this.#next();
  }

  #intendedMs(index: number): number {
    return this.#startMs + this.#schedule.phaseMs + index * this.#schedule.intervalMs;
  }

  #next(): void {
    if (this.#sent < this.#schedule.count) loadClock.at(this.#intendedMs(this.#sent), () => this.#due());
    else loadClock.at(this.#startMs + this.#schedule.totalMs, () => this.#finish());
  }

  /** Makes every send that is due, in order. */
  #due(): void {
    const nowMs = loadClock.nowMs();
    while (this.#sent < this.#schedule.count && this.#intendedMs(this.#sent) <= nowMs) {
      const lagMs = nowMs - this.#intendedMs(this.#sent);
      this.#sent += 1;
      loadActivity.scheduledSend(lagMs);
      this.#one(lagMs);
    }
    this.#next();
  }

  #one(lagMs: number): void {
    this.#context.vars.$sendCount = this.#sent;
    if (!this.#target.isConnected()) {
      this.#note(new StepFailure('not connected', 'a send was due while the connection was lost'));
      return;
    }
    const nowMs = performance.now();
    this.#open += 1;
    try {
      this.#target.send(lagMs > timerResolutionMs ? nowMs - lagMs : nowMs, (failure) => {
        this.#open -= 1;
        if (failure !== null) this.#note(failure);
        this.#endIfOver();
      });
    } catch (error) {
      this.#open -= 1;
      this.#note(error);
    }
  }

  #note(error: unknown): void {
    const failure = recordFailure(error, this.#place);
    this.#failure ??= failure;
  }

  #finish(): void {
    this.#isOver = true;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#isOver && this.#open === 0) this.#callback(this.#failure, this.#context);
  }
}
