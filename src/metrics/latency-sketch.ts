import { DDSketch } from '@artilleryio/sketches-js';

/** Relative error of every quantile read from a sketch. */
export const relativeAccuracy = 0.005;

/** Sums are of steps this small (a nanosecond), so that they are exact and the same in whatever order they are made. */
const sumSteps = 2 ** 20;

/** The percentiles that the tail is the mean of. */
const tailPercents: readonly number[] = Array.from({ length: 18 }, (_, index) => 80 + index);

/** Summary of one latency distribution. All durations in milliseconds. */
export type LatencySummary = {
  count: number;
  meanMs: number;
  p5Ms: number;
  p10Ms: number;
  p50Ms: number;
  p90Ms: number;
  p95Ms: number;
  /** Geometric mean of the percentiles 80 to 97. */
  tailMs: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
};

/** A sketch as plain JSON: the DDSketch protobuf in base64 plus the exact moments, which the protobuf drops. */
export type SerializedSketch = {
  count: number;
  sumMs: number;
  minMs: number;
  maxMs: number;
  bins: string;
};

/**
 * A latency distribution in constant memory: DDSketch with 0.5% relative error, mergeable across rounds,
 * processes and machines (Masson, Rim, Lee: "DDSketch", VLDB 2019).
 */
export class LatencySketch {
  #sketch = new DDSketch({ relativeAccuracy });
  #sumMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  record(valueMs: number): void {
    const value = Math.max(valueMs, 0);
    this.#sketch.accept(value);
    this.#count += 1;
    this.#sumMs += Math.round(value * sumSteps) / sumSteps;
    if (value < this.#minMs) this.#minMs = value;
    if (value > this.#maxMs) this.#maxMs = value;
  }

  merge(other: LatencySketch): void {
    if (other.#count === 0) return;
    this.#sketch.merge(other.#sketch);
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#minMs = Math.min(this.#minMs, other.#minMs);
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  get count(): number {
    return this.#count;
  }

  /** The value at quantile `q` (0 to 1) in milliseconds; NaN when nothing was recorded. */
  quantileMs(q: number): number {
    if (this.#count === 0) return Number.NaN;
    const value = this.#sketch.getValueAtQuantile(q);
    return Math.min(Math.max(value, this.#minMs), this.#maxMs);
  }

  /**
   * The geometric mean of the percentiles 80 to 97, milliseconds: the slow messages without the slowest few. It needs
   * half the pairs that a p95 needs, which rests on the few messages around it alone.
   */
  tailMs(): number {
    let sum = 0;
    for (const percent of tailPercents) sum += Math.log(this.quantileMs(percent / 100));
    return Math.exp(sum / tailPercents.length);
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      meanMs: this.#count === 0 ? Number.NaN : this.#sumMs / this.#count,
      p5Ms: this.quantileMs(0.05),
      p10Ms: this.quantileMs(0.1),
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p95Ms: this.quantileMs(0.95),
      tailMs: this.tailMs(),
      p99Ms: this.quantileMs(0.99),
      p999Ms: this.quantileMs(0.999),
      maxMs: this.#count === 0 ? Number.NaN : this.#maxMs,
    };
  }

  toJSON(): SerializedSketch {
    return {
      count: this.#count,
      sumMs: this.#sumMs,
      minMs: this.#count === 0 ? 0 : this.#minMs,
      maxMs: this.#count === 0 ? 0 : this.#maxMs,
      bins: Buffer.from(this.#sketch.toProto()).toString('base64'),
    };
  }

  static fromJSON(json: SerializedSketch): LatencySketch {
    const restored = new LatencySketch();
    if (json.count === 0) return restored;
    restored.#sketch = DDSketch.fromProto(new Uint8Array(Buffer.from(json.bins, 'base64')));
    restored.#count = json.count;
    restored.#sumMs = json.sumMs;
    restored.#minMs = json.minMs;
    restored.#maxMs = json.maxMs;
    return restored;
  }
}

/** Merges sketches of one metric; null when there is none. */
export const mergeSketches = (sketches: readonly SerializedSketch[]): LatencySketch | null => {
  if (sketches.length === 0) return null;
  const merged = new LatencySketch();
  for (const sketch of sketches) merged.merge(LatencySketch.fromJSON(sketch));
  return merged;
};
