import type { StepFailure } from '../core/step-failure.ts';
import type { ClientSocket } from './client-socket.ts';

/** A message that was sent and whose answer has not come. */
export type PendingAnswer = {
  /** Event that was sent or is waited for. */
  readonly event: string;
  /** Event that would answer it; a failure event of that name is the answer. */
  readonly answeredBy: string | null;
  /** The connection of its namespace; absent where a package of others keeps it. */
  readonly via?: ClientSocket | undefined;
  fail(failure: StepFailure): void;
};

/** What one virtual user is waiting for, oldest first. */
export class PendingAnswers {
  #pending = new Set<PendingAnswer>();

  add(answer: PendingAnswer): void {
    this.#pending.add(answer);
  }

  delete(answer: PendingAnswer): void {
    this.#pending.delete(answer);
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Whether a step waits for this event as its answer. */
  expects(event: string): boolean {
    for (const answer of this.#pending) if (answer.answeredBy === event) return true;
    return false;
  }

  /** The message that a failure is about: the one of that event if it says so, else the oldest. */
  find(event: string | null): PendingAnswer | undefined {
    let oldest: PendingAnswer | undefined;
    for (const answer of this.#pending) {
      if (answer.event === event) return answer;
      oldest ??= answer;
    }
    return oldest;
  }

  /** Fails everything that is pending, or all that waits on one connection, each with a failure of its own. */
  failAll(failure: (answer: PendingAnswer) => StepFailure, socket?: ClientSocket): void {
    for (const answer of [...this.#pending])
      if (socket === undefined || answer.via === undefined || answer.via === socket)
        answer.fail(failure(answer));
  }
}
