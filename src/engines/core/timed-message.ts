import { loadActivity } from './load-activity.ts';
import { recorder } from './recorder.ts';

/**
 * A message that was sent, until its answer comes or is given up. It belongs to the slice it was sent in; what was
 * sent during the warm-up is not recorded.
 */
export class TimedMessage {
  readonly #fromMs: number;
  readonly #slice = recorder.slice;
  readonly #epoch = recorder.epoch;
  #isOpen = true;

  readonly #isCounted: boolean;

  /**
   * `fromMs` is the instant that the latency counts from (`performance.now()`). A handshake is timed and counts as in
   * flight, but is no message.
   */
  constructor(kind: 'message' | 'handshake', fromMs = performance.now()) {
    this.#fromMs = fromMs;
    this.#isCounted = kind === 'message';
    loadActivity.sent();
  }

  /** The answer came at `atMs` (`performance.now()`): records the latency. */
  answered(metric: string, atMs: number): void {
    if (!this.#end()) return;
    // What was sent and answered while one batch of messages was handled did not arrive with the first of them.
    const endMs = atMs >= this.#fromMs ? atMs : performance.now();
    recorder.latency(metric, endMs - this.#fromMs, this.#slice);
    if (this.#isCounted) recorder.count('messages.acknowledged');
  }

  /** An answer came that is no latency: not the one that was expected, or the scenario measures none. */
  unmeasured(): void {
    if (this.#end() && this.#isCounted) recorder.count('messages.acknowledged');
  }

  /** No answer came, or none that counts. */
  unanswered(): void {
    if (this.#end() && this.#isCounted) recorder.count('messages.unanswered');
  }

  /** Whether this ended it, and within the epoch in which it was sent. */
  #end(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    loadActivity.settled();
    return this.#epoch === recorder.epoch;
  }
}
