import { EventEmitter } from 'node:events';
import { engineSettings } from '../../engines/core/engine-settings.ts';
import { loadClock } from '../../engines/core/load-clock.ts';
import {
  type Arrival,
  type ArrivalPhase,
  arrivals,
  drivenBy,
  maxUsersOf,
  readPhases,
} from '../../scenario/arrival-schedule.ts';
import { runState } from '../run-state.ts';
import { endArrivalStream, startArrivalStream } from '../virtual-user-random.ts';

/** Longest stretch of starting overdue users before sockets get their turn, milliseconds. */
const burstMs = 5;

/**
 * Takes the place of Artillery's phase scheduler, which spins on a timer for a whole core and loses arrivals when work
 * is divided. Same contract: emits `phaseStarted`, `arrival`, `phaseCompleted` and `done`. Arrivals are due at fixed
 * instants of the load clock however late the process is, so a stall is caught up with and shows as lag.
 */
class ArrivalPhaser extends EventEmitter {
  readonly #specs: readonly Record<string, unknown>[];
  readonly #phases: ArrivalPhase[];
  readonly #shard = engineSettings().shard;
  readonly #arrivals: Iterator<Arrival>;
  #next: Arrival | null = null;
  #stopped = false;

  constructor(specs: readonly Record<string, unknown>[]) {
    super();
    this.#specs = specs;
    this.#phases = readPhases(specs);
    this.#arrivals = arrivals(this.#phases, engineSettings().seed);
  }

  run(): void {
    let startMs = 0;
    for (const phase of this.#phases) {
      const spec = { ...this.#specs[phase.index], index: phase.index };
      loadClock.at(startMs, () => this.#startPhase(phase, spec));
      startMs += phase.durationMs;
      loadClock.at(startMs, () => this.emit('phaseCompleted', { ...spec, endTime: Date.now() }));
    }
    loadClock.at(startMs, () => this.#end());
    this.#next = this.#takeNext();
    if (this.#next !== null) loadClock.at(this.#next.atMs, () => this.#arrive());
  }

  /** No more arrivals; users that run go on. */
  stop(): void {
    this.#stopped = true;
  }

  #startPhase(phase: ArrivalPhase, spec: Record<string, unknown>): void {
    runState.phaseName = phase.name ?? `phase ${phase.index + 1}`;
    this.emit('phaseStarted', { ...spec, startTime: Date.now() });
  }

  #end(): void {
    // The last arrivals may be due at this very instant, or late.
    if (this.#next !== null && !this.#stopped) {
      loadClock.after(1, () => this.#end());
      return;
    }
    this.emit('done');
    runState.arrivalsDone();
  }

  #takeNext(): Arrival | null {
    for (;;) {
      const { value, done } = this.#arrivals.next();
      if (done) return null;
      if (drivenBy(value, this.#shard)) return value;
    }
  }

  #arrive(): void {
    if (this.#stopped) {
      this.#next = null;
      return;
    }
    const enteredMs = loadClock.nowMs();
    let nowMs = enteredMs;
    try {
      while (this.#next !== null && this.#next.atMs <= nowMs && nowMs - enteredMs < burstMs) {
        const arrival = this.#next;
        this.#next = this.#takeNext();
        this.#start(arrival, nowMs);
        nowMs = loadClock.nowMs();
      }
    } finally {
      // Also when a user throws: that is one user's failure and not the end of the load.
      if (this.#next !== null) loadClock.at(Math.max(this.#next.atMs, nowMs), () => this.#arrive());
    }
  }

  #start(arrival: Arrival, nowMs: number): void {
    const limit = maxUsersOf(arrival.phase, this.#shard);
    const skipped = limit !== null && runState.usersActive >= limit;
    runState.arrived(arrival.atMs, nowMs, skipped);
    if (skipped) return;
    runState.arrival = arrival;
    startArrivalStream(arrival.number);
    try {
      // Artillery skips arrivals above `maxVusers` itself, by a count that some engines do not keep.
      this.emit('arrival', { ...this.#specs[arrival.phase.index], maxVusers: undefined });
    } finally {
      endArrivalStream();
      runState.arrival = null;
    }
  }
}

let current: ArrivalPhaser | null = null;

/** What Artillery calls to make its scheduler. */
export const createPhaser = (specs: readonly Record<string, unknown>[]): ArrivalPhaser => {
  current = new ArrivalPhaser(specs);
  return current;
};

/** Makes no more arrivals. */
export const stopArrivals = (): void => current?.stop();
