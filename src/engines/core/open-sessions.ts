/** Sessions whose flow is over and that are still open: the load ends after them. */
class OpenSessions {
  #count = 0;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const closed of waiting) closed();
  }

  /** Resolves when none is open. */
  async closed(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** The sessions of this generator process. */
export const openSessions = new OpenSessions();
