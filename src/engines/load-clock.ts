/**
 * The clock on which arrivals, thinks and fixed-rate sends run. It advances only while load is driven, so that two
 * servers can be measured in alternating slices and each of them still sees one continuous load.
 */
export class LoadClock {
  #offsetMs = 0;
  #pausedAtMs: number | null;
  #timers = new Map<number, LoadTimer>();
  #nextId = 1;

  constructor(paused = true) {
    this.#pausedAtMs = paused ? performance.now() : null;
    this.#offsetMs = performance.now();
  }

  /** Milliseconds of driven load since the clock was first started. */
  nowMs(): number {
    return (this.#pausedAtMs ?? performance.now()) - this.#offsetMs;
  }

  get paused(): boolean {
    return this.#pausedAtMs !== null;
  }

  /** Calls `run` once, `delayMs` of driven load from now. Returns an id for `clear`. */
  after(delayMs: number, run: () => void): number {
    return this.at(this.nowMs() + delayMs, run);
  }

  /** Calls `run` once when the clock reaches `dueMs`. Returns an id for `clear`. */
  at(dueMs: number, run: () => void): number {
    const id = this.#nextId++;
    const timer: LoadTimer = { dueMs, run, handle: null };
    this.#timers.set(id, timer);
    if (!this.paused) this.#arm(id, timer);
    return id;
  }

  clear(id: number): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    if (timer.handle !== null) clearTimeout(timer.handle);
    this.#timers.delete(id);
  }

  pause(): void {
    if (this.paused) return;
    this.#pausedAtMs = performance.now();
    for (const timer of this.#timers.values()) {
      if (timer.handle !== null) clearTimeout(timer.handle);
      timer.handle = null;
    }
  }

  resume(): void {
    if (this.#pausedAtMs === null) return;
    this.#offsetMs += performance.now() - this.#pausedAtMs;
    this.#pausedAtMs = null;
    for (const [id, timer] of this.#timers) this.#arm(id, timer);
  }

  #arm(id: number, timer: LoadTimer): void {
    timer.handle = setTimeout(
      () => {
        this.#timers.delete(id);
        timer.run();
      },
      Math.max(0, timer.dueMs - this.nowMs()),
    );
  }
}

type LoadTimer = { dueMs: number; run: () => void; handle: NodeJS.Timeout | null };

/** The clock of this generator process. */
export const loadClock = new LoadClock();
