import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { MetricId } from '../metrics/round-measurement.ts';

const flushBytes = 64 * 1024;

/**
 * Writes raw latencies as JSON lines: `{"atMs":1204.3,"metric":"chat.ack","ms":1.83,"slice":2}`, `atMs` on the load
 * clock. Buffered, so that a value costs no system call; a full buffer is written in one.
 */
export class RawWriter {
  readonly #file: number;
  #lines = '';
  #closed = false;

  constructor(path: string) {
    closeSync(openSync(path, 'w'));
    // Appending, so that writing goes on at the start after a reset.
    this.#file = openSync(path, 'a');
  }

  write(atMs: number, metric: MetricId, valueMs: number, slice: number): void {
    if (this.#closed) return;
    this.#lines += `{"atMs":${atMs.toFixed(1)},"metric":${JSON.stringify(metric)},"ms":${+valueMs.toFixed(4)},"slice":${slice}}\n`;
    if (this.#lines.length >= flushBytes) this.flush();
  }

  flush(): void {
    if (this.#lines === '') return;
    writeSync(this.#file, this.#lines);
    this.#lines = '';
  }

  /** Forgets everything written so far (end of the warm-up). */
  reset(): void {
    this.#lines = '';
    ftruncateSync(this.#file, 0);
  }

  /** Writes what is left; values that come later are not part of the load any more. */
  close(): void {
    this.flush();
    this.#closed = true;
    closeSync(this.#file);
  }
}
