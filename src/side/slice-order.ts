import type { SideName } from '../metrics/round-measurement.ts';
import { seededRandom } from '../metrics/seeded-random.ts';

/**
 * The order in which two sides take turns in pair number `pair`: blocks of ABBA or of BAAB, by a coin per pair, so
 * that a drift of the machine touches both sides alike and neither is always first. `slicesPerSide` turns each; an
 * odd number ends with a single AB or BA.
 */
export const sliceOrder = (seed: number, pair: number, slicesPerSide: number): SideName[] => {
  const [first, second] = coin(seed, pair);
  const order: SideName[] = [];
  for (let turn = 0; turn < slicesPerSide; turn += 1)
    order.push(...(turn % 2 === 0 ? [first, second] : [second, first]));
  return order;
};

/** The order of whole rounds in pair number `pair`: ABBA or BAAB over each two pairs, by a coin for both. */
export const roundOrder = (seed: number, pair: number): [SideName, SideName] => {
  const [first, second] = coin(seed, pair >> 1);
  return pair % 2 === 0 ? [first, second] : [second, first];
};

function coin(seed: number, toss: number): [SideName, SideName] {
  return seededRandom(seed * 7919 + toss)() < 0.5 ? ['baseline', 'head'] : ['head', 'baseline'];
}
