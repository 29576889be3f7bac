import { EventEmitter } from 'node:events';
import { recorder } from '../../engines/core/recorder.ts';
import { counterName, derivedRates, latencyName } from '../../scenario/artillery-metric-names.ts';
import { runState } from '../run-state.ts';
import { startArrivalStream } from '../virtual-user-random.ts';
import { takeSessionLength } from './driven-engine.ts';

/**
 * Takes the place of Artillery's metric store, which keeps every event in an array and aggregates all of them at once
 * every five seconds. This one writes into the recorder as events come, in constant memory.
 *
 * Our engines record their errors themselves, with message and step, and never emit `error` for them; so every
 * `errors.*` counter that arrives here (from processors, plugins and other people's engines) is counted as it is.
 */
export class MetricStore extends EventEmitter {
  counter(name: string, value: number): void {
    if (name.startsWith('errors.')) {
      if (Number.isFinite(value) && value > 0) recorder.error(name.slice('errors.'.length), '', '', value);
      return;
    }
    if (name === 'vusers.created') {
      runState.userCreated();
      // The first user of a process also compiles the scenarios, which draws numbers before its own are drawn.
      if (runState.arrival !== null) startArrivalStream(runState.arrival.number);
    }
    if (!Number.isFinite(value)) return;
    recorder.count(counterName(name), value);
    // Artillery counts 0 or 1 failed users at each user's end: the one event that every end has.
    if (name === 'vusers.failed') runState.userEnded(value > 0);
  }

  incr(name: string, value: number): void {
    this.counter(name, value);
  }

  summary(name: string, value: number): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      recorder.warn(
        `The scenario gave "${name}" a value that is not a number (${String(value)}); it was left out.`,
      );
      return;
    }
    const id = latencyName(name);
    // A session lasts over many slices and belongs to none.
    if (id === 'session.length') recorder.latency(id, takeSessionLength(value), -1);
    else recorder.latency(id, value);
  }

  histogram(name: string, value: number): void {
    this.summary(name, value);
  }

  rate(name: string): void {
    if (!derivedRates.has(name)) recorder.count(name);
  }

  stop(): this {
    return this;
  }

  aggregate(): void {}

  /** Artillery packs its periods at the end; ours are in the recorder. */
  static pack(): Record<string, never> {
    return {};
  }

  static serializeMetrics(metrics: unknown): unknown {
    return metrics;
  }

  static deserializeMetrics(metrics: unknown): unknown {
    return metrics;
  }
}
