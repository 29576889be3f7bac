// biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
export type Listener = (...args: any[]) => void;

/** Listeners by event, with the methods of an event emitter that Socket.IO clients have. */
export class Listeners {
  #byEvent = new Map<string, Listener[]>();
  #any: Listener[] = [];

  has(event: string): boolean {
    return this.#any.length > 0 || this.#byEvent.has(event);
  }

  of(event: string): Listener[] {
    return this.#byEvent.get(event) ?? [];
  }

  add(event: string, listener: Listener): void {
    const listeners = this.#byEvent.get(event);
    // A new list each time: one that is being called must not change.
    this.#byEvent.set(event, listeners === undefined ? [listener] : [...listeners, listener]);
  }

  addAny(listener: Listener): void {
    this.#any = [...this.#any, listener];
  }

  removeAny(listener: Listener | undefined): void {
    this.#any = listener === undefined ? [] : this.#any.filter((other) => other !== listener);
  }

  /** Removes one listener, all of an event, or all. */
  remove(event?: string, listener?: Listener): void {
    if (event === undefined) {
      this.#byEvent.clear();
      return;
    }
    const rest =
      listener === undefined
        ? []
        : this.of(event).filter(
            (other) => other !== listener && (other as { original?: Listener }).original !== listener,
          );
    if (rest.length === 0) this.#byEvent.delete(event);
    else this.#byEvent.set(event, rest);
  }

  call(event: string, args: unknown[]): void {
    for (const listener of this.of(event)) listener(...args);
  }

  callAny(event: string, args: unknown[]): void {
    for (const listener of this.#any) listener(event, ...args);
  }
}
