import { DDSketch } from '@artilleryio/sketches-js';
import { relativeAccuracy, type SerializedSketch } from './latency-sketch.ts';

/**
 * A sketch in few characters, for files of many rounds: the key of its first bin, then the count of that bin and, for
 * each next one that is not empty, the distance to it and its count. About a quarter of the protobuf for a slice.
 */
export type CompactSketch = {
  count: number;
  sumMs: number;
  minMs: number;
  maxMs: number;
  /** Values that are zero: they are in no bin. */
  zeros: number;
  bins: number[];
};

/** The compact form of a sketch; sums and extremes are kept to nine digits. */
export const compactSketch = (json: SerializedSketch): CompactSketch => {
  const numbers = {
    count: json.count,
    sumMs: rounded(json.sumMs),
    minMs: rounded(json.minMs),
    maxMs: rounded(json.maxMs),
  };
  if (json.count === 0) return { ...numbers, zeros: 0, bins: [] };
  const sketch = DDSketch.fromProto(new Uint8Array(Buffer.from(json.bins, 'base64')));
  const bins: number[] = [];
  let last = 0;
  for (const [index, count] of sketch.store.bins.entries()) {
    if (count === 0) continue;
    const key = index + sketch.store.offset;
    bins.push(key - last, count);
    last = key;
  }
  return { ...numbers, zeros: sketch.zeroCount, bins };
};

/** The sketch that `compactSketch` was given: every quantile is the same. */
export const expandSketch = (compact: CompactSketch): SerializedSketch => {
  const sketch = new DDSketch({ relativeAccuracy });
  let key = 0;
  for (let index = 0; index < compact.bins.length; index += 2) {
    key += compact.bins[index]!;
    sketch.store.add(key, compact.bins[index + 1]!);
  }
  sketch.zeroCount = compact.zeros;
  sketch.count = compact.count;
  const { count, sumMs, minMs, maxMs } = compact;
  return { count, sumMs, minMs, maxMs, bins: Buffer.from(sketch.toProto()).toString('base64') };
};

function rounded(value: number): number {
  return Number(value.toPrecision(9));
}
