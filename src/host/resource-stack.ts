/**
 * Owns resources opened one after the other and closes them in reverse order, each even if another fails to close.
 * `AsyncDisposableStack` does the same, but only from Node 24 on.
 */
export class ResourceStack implements AsyncDisposable {
  #closers: (() => PromiseLike<void> | void)[] = [];

  use<R extends AsyncDisposable>(resource: R): R {
    this.#closers.push(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(close: () => PromiseLike<void> | void): void {
    this.#closers.push(close);
  }

  /** Hands everything over to the caller, who closes the returned stack. */
  move(): ResourceStack {
    const moved = new ResourceStack();
    moved.#closers = this.#closers;
    this.#closers = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'Closing failed');
  }
}
