import { runState } from '../run-state.ts';
import { arrivalRandom } from '../virtual-user-random.ts';

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
