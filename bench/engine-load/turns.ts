/** Users who do something in turns with those of other programs, and keep their connections in between. */
export class Turns {
  readonly #users: number;
  #waiting: (() => void)[] = [];
  #onAllBack: () => void = () => {};

  constructor(users: number) {
    this.#users = users;
  }

  /** A user is ready for the next turn, or back from the last; `go` begins its next. */
  readonly back = (go: () => void): void => {
    this.#waiting.push(go);
    if (this.#waiting.length === this.#users) this.#onAllBack();
  };

  /** Resolves when all users are ready. */
  async allBack(): Promise<void> {
    if (this.#waiting.length === this.#users) return;
    await new Promise<void>((resolve) => {
      this.#onAllBack = resolve;
    });
  }

  /** Lets all users go, and waits until they are back. */
  async take(): Promise<void> {
    const users = this.#waiting;
    this.#waiting = [];
    for (const go of users) go();
    await this.allBack();
  }
}
