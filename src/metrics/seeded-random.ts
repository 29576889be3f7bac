/**
 * A seeded generator of numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain). Not for secrets. The same
 * seed gives the same sequence on every machine.
 */
export const seededRandom = (seed: number): (() => number) => {
  // Neighbouring seeds are spread over the whole range first, or their first numbers would resemble each other.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};
