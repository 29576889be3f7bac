type LoadTimer = { dueMs: number; id: number; run: (() => void) | null };

/** Longest delay one `setTimeout` can hold, milliseconds. */
const longestDelayMs = 2 ** 31 - 1;

/** Longest stretch of timers before what arrived meanwhile is read, milliseconds: its wait would be read as latency. */
const stretchMs = 0.25;

/**
 * The clock on which arrivals, thinks and fixed-rate sends run. It advances only while load is driven, so that two
 * servers can be measured in alternating slices and each of them still sees one continuous load.
 *
 * All timers of the process hang in one heap behind one `setTimeout`: ten thousand thinking users cost one armed timer,
 * pausing costs one `clearTimeout`, and nothing ever spins. A timer never runs before it is due, runs up to about one
 * millisecond after it on an idle machine, and timers due at the same instant run in the order they were set.
 */
export class LoadClock {
  #startedAtMs: number;
  #pausedAtMs: number | null;
  /** Reading at which the clock pauses by itself, and who wants to know. */
  #untilMs = Number.POSITIVE_INFINITY;
  #onUntil: (() => void) | null = null;
  #heap: LoadTimer[] = [];
  #byId = new Map<number, LoadTimer>();
  #nextId = 1;
  #handle: NodeJS.Timeout | null = null;
  #rest: NodeJS.Immediate | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;
  #waiting: (() => void)[] = [];

  constructor(paused = true) {
    this.#startedAtMs = performance.now();
    this.#pausedAtMs = paused ? this.#startedAtMs : null;
  }

  /** Milliseconds of driven load since the clock was first started. */
  nowMs(): number {
    return Math.min((this.#pausedAtMs ?? performance.now()) - this.#startedAtMs, this.#untilMs);
  }

  get paused(): boolean {
    return this.#pausedAtMs !== null;
  }

  /** Timers that are set and not due yet. */
  get pendingTimers(): number {
    return this.#byId.size;
  }

  /** Calls `run` once, `delayMs` of driven load from now. Returns an id for `clear`. */
  after(delayMs: number, run: () => void): number {
    return this.at(this.nowMs() + delayMs, run);
  }

  /** Calls `run` once when the clock reaches `dueMs`. Returns an id for `clear`. */
  at(dueMs: number, run: () => void): number {
    const timer: LoadTimer = { dueMs, id: this.#nextId++, run };
    this.#byId.set(timer.id, timer);
    this.#push(timer);
    if (dueMs < this.#armedForMs) this.#arm();
    return timer.id;
  }

  clear(id: number): void {
    const timer = this.#byId.get(id);
    if (timer === undefined) return;
    timer.run = null;
    this.#byId.delete(id);
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#byId.size) this.#compact();
  }

  /**
   * Calls `run` now when the clock runs, else as soon as it runs again: what a virtual user does between two sends
   * that have no think between them, so that it does not go on sending in the other side's slice.
   */
  whenRunning(run: () => void): void {
    if (this.paused) this.#waiting.push(run);
    else run();
  }

  pause(): void {
    if (this.paused) return;
    this.#pausedAtMs = Math.min(performance.now(), this.#startedAtMs + this.#untilMs);
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.#disarm();
    const onUntil = this.#onUntil;
    this.#onUntil = null;
    onUntil?.();
  }

  resume(): void {
    if (this.#pausedAtMs === null) return;
    this.#startedAtMs += performance.now() - this.#pausedAtMs;
    this.#pausedAtMs = null;
    this.#untilMs = Number.POSITIVE_INFINITY;
    this.#run();
  }

  /**
   * Resumes for exactly `forMs` of driven load: the clock then pauses by itself, at that reading and not when the event
   * loop comes to it, and calls `onPaused`. So each slice ends at the same reading on both sides of a pair, and what is
   * planned for an instant falls into the same slice of each, at the same place.
   */
  resumeFor(forMs: number, onPaused: () => void): void {
    if (this.#pausedAtMs === null) throw new Error('The load clock runs already.');
    const untilMs = this.nowMs() + forMs;
    this.#startedAtMs += performance.now() - this.#pausedAtMs;
    this.#pausedAtMs = null;
    this.#untilMs = untilMs;
    this.#onUntil = onPaused;
    this.#run();
  }

  #run(): void {
    this.#arm();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) this.whenRunning(run);
  }

  /** Pauses and goes back to zero. Timers that are set stay, due at the same reading of the clock. */
  restart(): void {
    this.pause();
    this.#startedAtMs = performance.now();
    this.#pausedAtMs = this.#startedAtMs;
  }

  /** Drops every timer and everyone who waits for the clock to run: nothing that was planned happens any more. */
  clearAll(): void {
    this.#disarm();
    this.#heap = [];
    this.#byId.clear();
    this.#waiting = [];
  }

  #disarm(): void {
    if (this.#handle !== null) clearTimeout(this.#handle);
    if (this.#rest !== null) clearImmediate(this.#rest);
    this.#handle = null;
    this.#rest = null;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    if (this.paused) return;
    this.#disarm();
    const dueMs = Math.min(this.#peek()?.dueMs ?? Number.POSITIVE_INFINITY, this.#untilMs);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#armedForMs = dueMs;
    // Rounded up, because Node cuts fractions off: a timer that fires early would have to be set again.
    const delayMs = Math.min(Math.max(0, Math.ceil(dueMs - this.nowMs())), longestDelayMs);
    this.#handle = setTimeout(() => this.#fire(), delayMs);
  }

  #fire(): void {
    this.#handle = null;
    this.#rest = null;
    this.#armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = this.nowMs();
    let isUnfinished = false;
    try {
      // Only what was due on entry: a callback that sets a timer for now cannot keep the loop from its I/O.
      for (let next = this.#peek(); next !== undefined && next.dueMs <= nowMs; next = this.#peek()) {
        isUnfinished = this.nowMs() - nowMs > stretchMs;
        if (isUnfinished) break;
        this.#pop();
        this.#byId.delete(next.id);
        next.run?.();
        if (this.paused) return;
      }
    } finally {
      if (isUnfinished) this.#fireAfterReading();
      else if (!this.paused && this.nowMs() >= this.#untilMs) this.pause();
      else this.#arm();
    }
  }

  /** Goes on with what is due as soon as the event loop has read what arrived. */
  #fireAfterReading(): void {
    this.#disarm();
    this.#armedForMs = Number.NEGATIVE_INFINITY;
    this.#rest = setImmediate(() => this.#fire());
  }

  /** The earliest timer that was not cleared. */
  #peek(): LoadTimer | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.run === null) this.#pop();
    return this.#heap[0];
  }

  #compact(): void {
    const live = this.#heap.filter((timer) => timer.run !== null).sort(byDue);
    this.#heap = live;
  }

  #push(timer: LoadTimer): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(timer);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (byDue(heap[parent]!, timer) <= 0) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && byDue(heap[child + 1]!, heap[child]!) < 0) child += 1;
      if (byDue(last, heap[child]!) <= 0) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
  }
}

const byDue = (a: LoadTimer, b: LoadTimer): number => a.dueMs - b.dueMs || a.id - b.id;

/** The clock of this generator process. */
export const loadClock = new LoadClock();
