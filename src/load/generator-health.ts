import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { GeneratorHealth } from '../measurement/round-measurement.ts';

const resolutionMs = 10;

/** Watches this process while load is driven: event-loop delay, CPU time and memory. */
export class HealthMonitor {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  #cpuMs = 0;
  #wallMs = 0;
  #peakRssBytes = 0;
  #started: { cpu: NodeJS.CpuUsage; atMs: number } | null = null;

  start(): void {
    if (this.#started !== null) return;
    this.#delay.enable();
    this.#started = { cpu: process.cpuUsage(), atMs: performance.now() };
  }

  stop(): void {
    this.#account();
    this.#delay.disable();
    this.#started = null;
  }

  /** Forgets what was seen so far (end of the warm-up). */
  reset(): void {
    this.#delay.reset();
    this.#cpuMs = 0;
    this.#wallMs = 0;
    if (this.#started !== null) this.#started = { cpu: process.cpuUsage(), atMs: performance.now() };
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
    const any = this.#delay.count > 0;
    return {
      cpuShare: this.#wallMs > 0 ? this.#cpuMs / this.#wallMs : 0,
      loopDelayP50Ms: any ? delayMs(this.#delay.percentile(50)) : 0,
      loopDelayP99Ms: any ? delayMs(this.#delay.percentile(99)) : 0,
      loopDelayMaxMs: any ? delayMs(this.#delay.max) : 0,
      peakRssBytes: this.#peakRssBytes,
    };
  }
}
