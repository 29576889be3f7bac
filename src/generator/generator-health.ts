import { createHistogram } from 'node:perf_hooks';
import type { GeneratorHealth } from '../metrics/round-measurement.ts';

const resolutionMs = 10;

/** Watches this process while load is driven: event-loop delay, CPU time and memory. */
export class HealthMonitor {
  /**
   * Nanoseconds from tick to tick. Node's own monitor would take the time between two slices, in which it is switched
   * off, for one long delay.
   */
  readonly #ticks = createHistogram();
  #timer: NodeJS.Timeout | null = null;
  #tickedAtMs = 0;
  #cpuMs = 0;
  #wallMs = 0;
  #peakRssBytes = 0;
  #started: { cpu: NodeJS.CpuUsage; atMs: number } | null = null;

  start(): void {
    if (this.#started !== null) return;
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), resolutionMs).unref();
    this.#started = { cpu: process.cpuUsage(), atMs: performance.now() };
  }

  stop(): void {
    this.#account();
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
      // A tick that is overdue has been held up as well.
      if (performance.now() - this.#tickedAtMs > resolutionMs) this.#tick();
    }
    this.#started = null;
  }

  /** Forgets what was seen so far (end of the warm-up). */
  reset(): void {
    this.#ticks.reset();
    this.#cpuMs = 0;
    this.#wallMs = 0;
    if (this.#started !== null) this.#started = { cpu: process.cpuUsage(), atMs: performance.now() };
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#ticks.record(Math.max(1, Math.round((nowMs - this.#tickedAtMs) * 1e6)));
    this.#tickedAtMs = nowMs;
  }

  #account(): void {
    this.#peakRssBytes = Math.max(this.#peakRssBytes, process.memoryUsage.rss());
    if (this.#started === null) return;
    const { user, system } = process.cpuUsage(this.#started.cpu);
    const nowMs = performance.now();
    this.#cpuMs += (user + system) / 1_000;
    this.#wallMs += nowMs - this.#started.atMs;
    this.#started = { cpu: process.cpuUsage(), atMs: nowMs };
  }

  /** What was seen since the start or the last reset, while started. */
  read(): Pick<
    GeneratorHealth,
    'cpuShare' | 'loopDelayP50Ms' | 'loopDelayP99Ms' | 'loopDelayMaxMs' | 'peakRssBytes'
  > {
    this.#account();
    // The histogram holds the time between two ticks of a timer; what exceeds its interval is the delay.
    const delayMs = (nanoseconds: number) =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - resolutionMs) : 0;
    const any = this.#ticks.count > 0;
    return {
      cpuShare: this.#wallMs > 0 ? this.#cpuMs / this.#wallMs : 0,
      loopDelayP50Ms: any ? delayMs(this.#ticks.percentile(50)) : 0,
      loopDelayP99Ms: any ? delayMs(this.#ticks.percentile(99)) : 0,
      loopDelayMaxMs: any ? delayMs(this.#ticks.max) : 0,
      peakRssBytes: this.#peakRssBytes,
    };
  }
}
