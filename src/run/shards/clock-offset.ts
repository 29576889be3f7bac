/** A question about another clock: when it was asked and answered by ours, and what theirs read in between. Microseconds. */
export type Exchange = { askedUs: number; answeredUs: number; theirsUs: number };

/** How far another monotonic clock is ahead of ours, and by how much that may be wrong, microseconds. */
export type ClockAhead = { aheadUs: number; errorUs: number };

/** Exchanges that are remembered: one a second while the run lasts. */
const remembered = 30;

/**
 * Compares two clocks by the exchange that took least time, as NTP does: theirs was read at an instant between question
 * and answer, so the middle is wrong by half of that time at most, however unequal the two ways are.
 */
export class ClockComparison {
  #exchanges: Exchange[] = [];
  #isOneMachine = false;

  /** Who answers is on this machine. */
  onOneMachine(): void {
    this.#isOneMachine = true;
  }

  add(exchange: Exchange): void {
    this.#exchanges.push(exchange);
    if (this.#exchanges.length > remembered) this.#exchanges.shift();
  }

  /** From the latest exchanges, because clocks drift. Throws when there was none. */
  read(): ClockAhead {
    const tookUs = ({ askedUs, answeredUs }: Exchange): number => answeredUs - askedUs;
    const best = this.#exchanges.reduce((least, next) => (tookUs(next) < tookUs(least) ? next : least));
    const aheadUs = best.theirsUs - (best.askedUs + best.answeredUs) / 2;
    const errorUs = tookUs(best) / 2;
    // Processes of one machine read the same clock, unless one of them has a namespace for the time.
    return this.#isOneMachine && Math.abs(aheadUs) <= errorUs
      ? { aheadUs: 0, errorUs: 0 }
      : { aheadUs, errorUs };
  }
}
