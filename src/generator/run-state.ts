import { lateAfterMs } from '../engines/core/load-activity.ts';
import { recorder } from '../engines/core/recorder.ts';
import type { Arrival } from '../scenario/arrival-schedule.ts';

/**
 * Where the load of this generator process stands. The arrival scheduler and the metric store, which Artillery
 * constructs, write to it; the generator reads it and learns at once, without polling, when the load is over.
 */
class RunState {
  /** The arrival being started; null outside of one (in hooks). */
  arrival: Arrival | null = null;
  phaseName: string | null = null;
  usersCreated = 0;
  usersFailed = 0;
  usersActive = 0;
  intendedArrivals = 0;
  startedArrivals = 0;
  lateArrivals = 0;
  maxLagMs = 0;
  #firstArrival: { intendedMs: number; startedMs: number } | null = null;
  #lastArrival = { intendedMs: 0, startedMs: 0 };
  #arrivalsDone = false;
  #finished: () => void = () => {};

  /** Resolves when every arrival was made and every virtual user ended. */
  readonly finished = new Promise<void>((resolve) => {
    this.#finished = resolve;
  });

  /** An arrival is due and was started (or skipped for `maxVusers`). Both instants are readings of the load clock. */
  arrived(intendedMs: number, startedMs: number, skipped: boolean): void {
    const lagMs = startedMs - intendedMs;
    this.#firstArrival ??= { intendedMs, startedMs };
    this.#lastArrival = { intendedMs, startedMs };
    this.intendedArrivals += 1;
    if (skipped) recorder.count('users.skipped');
    else this.startedArrivals += 1;
    if (lagMs > lateAfterMs) this.lateArrivals += 1;
    if (lagMs > this.maxLagMs) this.maxLagMs = lagMs;
  }

  /** Time from the first to the last arrival, as it was intended and as it was, milliseconds. */
  get arrivalTimes(): { intendedMs: number; takenMs: number } {
    const first = this.#firstArrival ?? this.#lastArrival;
    return {
      intendedMs: this.#lastArrival.intendedMs - first.intendedMs,
      takenMs: this.#lastArrival.startedMs - first.startedMs,
    };
  }

  userCreated(): void {
    this.usersCreated += 1;
    this.usersActive += 1;
    recorder.usersActive(this.usersActive);
  }

  userEnded(failed: boolean): void {
    if (failed) this.usersFailed += 1;
    if (this.usersActive > 0) this.usersActive -= 1;
    recorder.usersActive(this.usersActive);
    this.#checkFinished();
  }

  arrivalsDone(): void {
    this.#arrivalsDone = true;
    this.#checkFinished();
  }

  /** Forgets what was counted for health and progress so far (end of the warm-up); users that run go on. */
  reset(): void {
    this.usersCreated = 0;
    this.usersFailed = 0;
    this.intendedArrivals = 0;
    this.startedArrivals = 0;
    this.lateArrivals = 0;
    this.maxLagMs = 0;
    this.#firstArrival = null;
    this.#lastArrival = { intendedMs: 0, startedMs: 0 };
  }

  #checkFinished(): void {
    if (this.#arrivalsDone && this.usersActive === 0) this.#finished();
  }
}

/** The state of this generator process. */
export const runState = new RunState();
