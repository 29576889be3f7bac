import { runState } from '../run-state.ts';
import { arrivalRandom, seedRandom } from '../virtual-user-random.ts';

const pickPurpose = 0x2545f491;

/**
 * Takes the place of Artillery's weighted pick. The pick of an arrival depends on the seed and its number alone.
 * Throws when no scenario has a weight above zero.
 */
export const createWeightedPick = <T extends { weight: number }>(
  items: readonly T[],
): (() => [number, T]) => {
  const limits: number[] = [];
  let total = 0;
  for (const item of items) {
    total += Math.max(0, item.weight);
    limits.push(total);
  }
  return () => {
    if (total === 0) throw new Error('No scenario has a weight above zero.');
    const random = arrivalRandom(runState.arrival?.number ?? 0, pickPurpose);
    const drawn = random() * total;
    const index = limits.findIndex((limit) => drawn < limit);
    return [index, items[index]!];
  };
};

/** A seed with which the first `count` arrivals pick scenarios of equal weights in their order, each once. */
export const seedInOrder = (count: number): number => {
  const inOrder = (seed: number): boolean => {
    seedRandom(seed);
    const drawn = (number: number): number => Math.floor(arrivalRandom(number, pickPurpose)() * count);
    return Array.from({ length: count }, (_, number) => drawn(number)).every(
      (index, number) => index === number,
    );
  };
  let seed = 1;
  while (!inOrder(seed)) seed += 1;
  return seed;
};
