type Listener = (args: unknown[]) => boolean;

/** Events kept for steps that listen later. */
const maxKept = 1_000;

/**
 * Events that a virtual user got, for steps that only listen: what comes between two steps is kept until a step asks,
 * so that no event is missed because it was faster than the flow.
 */
export class Inbox {
  // Made when they are needed: many users wait for nothing.
  #kept: Map<string, unknown[][]> | null = null;
  #listeners: Map<string, Listener[]> | null = null;

  /** An event came. Goes to the first listener that takes it, else is kept if `keep`. */
  deliver(event: string, args: unknown[], keep: boolean): void {
    const listeners = this.#listeners?.get(event);
    if (listeners !== undefined) for (const listener of [...listeners]) if (listener(args)) return;
    if (!keep) return;
    this.#kept ??= new Map();
    const kept = this.#kept.get(event) ?? [];
    this.#kept.set(event, kept);
    kept.push(args);
    if (kept.length > maxKept) kept.shift();
  }

  /** Takes the oldest kept event of this name. */
  take(event: string): unknown[] | undefined {
    return this.#kept?.get(event)?.shift();
  }

  /** Offers events of this name to `listener`, which tells whether it takes them. Gives what ends that. */
  listen(event: string, listener: Listener): () => void {
    this.#listeners ??= new Map();
    const listeners = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, listeners);
    listeners.push(listener);
    return () => {
      const index = listeners.indexOf(listener);
      if (index >= 0) listeners.splice(index, 1);
    };
  }
}
