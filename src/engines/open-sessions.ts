/** Sessions whose flow is over and that are still open: the load ends after them. */
class OpenSessions {
  #count = 0;
  #closed: (() => void) | null = null;

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#closed?.();
  }

  /** Resolves when none is open. */
  async closed(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
  }
}

export const openSessions = new OpenSessions();
