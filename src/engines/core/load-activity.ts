/**
 * What the engines of a generator process tell the load session besides measurements: which messages are still
 * unanswered (so that a slice can end quietly), how late fixed-rate sends were, and what is left to do at the end.
 */
export class LoadActivity {
  #inFlight = 0;
  #sent = 0;
  #idleListeners: (() => void)[] = [];
  #drains: ((limitMs: number) => Promise<void>)[] = [];
  #intendedSends = 0;
  #lateSends = 0;
  #maxLagMs = 0;

  /** A message was sent whose answer, delivery or timeout will call `settled`. */
  sent(): void {
    this.#inFlight += 1;
    this.#sent += 1;
  }

  /** The answer to a message came, or was given up. Exactly once for each `sent`. */
  settled(): void {
    if (this.#inFlight === 0) return;
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    const listeners = this.#idleListeners;
    this.#idleListeners = [];
    for (const listener of listeners) listener();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Messages sent so far that an answer was, or is, expected to. */
  get messagesSent(): number {
    return this.#sent;
  }

  /** Resolves when nothing is in flight, or after `limitMs`; tells which. */
  async idle(limitMs: number): Promise<boolean> {
    if (this.#inFlight === 0) return true;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), limitMs);
      this.#idleListeners.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** A fixed-rate step made one send, `lagMs` after the instant it was intended for. */
  scheduledSend(lagMs: number): void {
    this.#intendedSends += 1;
    if (lagMs > lateAfterMs) this.#lateSends += 1;
    if (lagMs > this.#maxLagMs) this.#maxLagMs = lagMs;
  }

  /** `drain` is awaited once, when the load has ended and before the measurement is read. */
  onEnd(drain: (limitMs: number) => Promise<void>): void {
    this.#drains.push(drain);
  }

  /** Runs every drain, at most `limitMs` in all. */
  async end(limitMs: number): Promise<void> {
    const drains = this.#drains;
    this.#drains = [];
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.allSettled(drains.map(async (drain) => await drain(limitMs))), limit]);
    clearTimeout(timer);
  }

  get sends(): { intended: number; late: number; maxLagMs: number } {
    return { intended: this.#intendedSends, late: this.#lateSends, maxLagMs: this.#maxLagMs };
  }

  /** Forgets the sends counted so far (end of the warm-up); what is in flight stays. */
  resetSends(): void {
    this.#intendedSends = 0;
    this.#lateSends = 0;
    this.#maxLagMs = 0;
  }
}

/** An arrival or a fixed-rate send that starts later than this after its intended instant is late, milliseconds. */
export const lateAfterMs = 50;

/** The activity of this generator process. */
export const loadActivity = new LoadActivity();
