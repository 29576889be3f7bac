/** A wait that has an end. `cancel` it when what it waits for came. */
export type Deadline = { cancel(): void };

type Entry = Deadline & { dueMs: number; expire: (() => void) | null };

/**
 * Ends waits that take too long. Waits of the same length end in the order they began, so that a queue per length
 * with one timer serves any number of them: a message costs no timer of its own. Runs on wall time; a wait ends at
 * most 25 ms late.
 */
class Deadlines {
  #queues = new Map<number, Entry[]>();
  #heads = new Map<number, number>();
  #timer: NodeJS.Timeout | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;

  /** Calls `expire` after `timeoutMs`, unless cancelled. */
  after(timeoutMs: number, expire: () => void): Deadline {
    let queue = this.#queues.get(timeoutMs);
    if (queue === undefined) {
      queue = [];
      this.#queues.set(timeoutMs, queue);
      this.#heads.set(timeoutMs, 0);
    } else this.#trim(timeoutMs, queue);
    const entry = new QueuedDeadline(performance.now() + timeoutMs, expire);
    queue.push(entry);
    if (this.#timer === null || entry.dueMs < this.#armedForMs) this.#arm();
    return entry;
  }

  /** Lets go of what was cancelled at the front, so that the queue holds little more than what is in flight. */
  #trim(timeoutMs: number, queue: Entry[]): void {
    let head = this.#heads.get(timeoutMs)!;
    while (head < queue.length && queue[head]!.expire === null) head += 1;
    if (head === queue.length) {
      queue.length = 0;
      head = 0;
    } else if (head > 1_024 && head > queue.length / 2) {
      queue.splice(0, head);
      head = 0;
    }
    this.#heads.set(timeoutMs, head);
  }

  #arm(): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [timeoutMs, queue] of this.#queues) {
      this.#trim(timeoutMs, queue);
      const first = queue[this.#heads.get(timeoutMs)!];
      if (first !== undefined && first.dueMs < nextMs) nextMs = first.dueMs;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#armedForMs = nextMs;
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#fire(), Math.max(25, Math.ceil(nextMs - performance.now())));
    this.#timer.unref();
  }

  #fire(): void {
    this.#timer = null;
    this.#armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    const expired: (() => void)[] = [];
    for (const [timeoutMs, queue] of this.#queues) {
      for (let head = this.#heads.get(timeoutMs)!; head < queue.length; head += 1) {
        const entry = queue[head]!;
        if (entry.dueMs > nowMs) break;
        if (entry.expire !== null) expired.push(entry.expire);
        entry.expire = null;
      }
      this.#trim(timeoutMs, queue);
    }
    this.#arm();
    for (const expire of expired) expire();
  }
}

class QueuedDeadline implements Entry {
  dueMs: number;
  expire: (() => void) | null;

  constructor(dueMs: number, expire: () => void) {
    this.dueMs = dueMs;
    this.expire = expire;
  }

  cancel(): void {
    this.expire = null;
  }
}

/** The deadlines of this generator process. */
export const deadlines = new Deadlines();
