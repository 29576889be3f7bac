import type { OperationId } from './api-description.ts';

/** One way in which GitHub misbehaves, for the next `times` requests of an operation (or of any). */
export type Fault = {
  operation?: OperationId | 'graphql';
  times?: number;
  /** Requests of this kind that go through before the fault begins. */
  after?: number;
  /** Answer with this status instead of the real one. */
  status?: number;
  message?: string;
  headers?: Record<string, string>;
  /** Do the work, and only then answer with the fault: what a timeout of a gateway looks like. */
  applied?: boolean;
  /** Answer 200 with this text. */
  text?: string;
  /** Answer 200 with a body that does not end. */
  endless?: boolean;
  /** Never answer. */
  hang?: boolean;
  /** Answer this much later. */
  delayMs?: number;
  /** Change the state (as another client would) before the request is handled. */
  before?: () => void;
};

export class Faults {
  #pending: (Fault & { left: number; skip: number })[] = [];

  add(fault: Fault): void {
    this.#pending.push({ ...fault, left: fault.times ?? 1, skip: fault.after ?? 0 });
  }

  /** GitHub's answer when a token has used up its hour. */
  primaryRateLimit(operation: OperationId | undefined, resetInSeconds: number, times = 1): void {
    const reset = Math.floor(Date.now() / 1000) + resetInSeconds;
    this.add({
      ...(operation === undefined ? {} : { operation }),
      times,
      status: 403,
      message: 'API rate limit exceeded for installation ID 1.',
      headers: {
        'x-ratelimit-limit': '1000',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(reset),
      },
    });
  }

  /** GitHub's answer to too many writes at once. */
  secondaryRateLimit(
    operation: OperationId | undefined,
    retryAfterSeconds: number,
    times = 1,
    status = 403,
  ): void {
    this.add({
      ...(operation === undefined ? {} : { operation }),
      times,
      status,
      message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }

  take(operation: string): Fault | null {
    for (const fault of this.#pending) {
      if (fault.left === 0 || (fault.operation !== undefined && fault.operation !== operation)) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.left -= 1;
      return fault;
    }
    return null;
  }

  clear(): void {
    this.#pending = [];
  }
}
