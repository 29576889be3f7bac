/** WebSocket messages that went over the wire. */
export type Frames = { sent: number; received: number };

/** Counts the WebSocket messages of this process, pings of Socket.IO and heart-beats of STOMP among them. */
class FrameMeter {
  #sent = 0;
  #received = 0;
  #isComplete = true;

  sent(): void {
    this.#sent += 1;
  }

  received(): void {
    this.#received += 1;
  }

  /** A connection was opened that a package drives, out of sight: what was counted is not all from now on. */
  missesConnection(): void {
    this.#isComplete = false;
  }

  /** Null where messages went uncounted, or there were none. */
  read(): Frames | null {
    const any = this.#sent + this.#received > 0;
    return this.#isComplete && any ? { sent: this.#sent, received: this.#received } : null;
  }
}

/** The meter of this generator process. */
export const frameMeter = new FrameMeter();
