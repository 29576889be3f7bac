import { seededRandom } from '../metrics/seeded-random.ts';

/**
 * Randomness of the generator process. `Math.random` is replaced before Artillery and lodash are loaded (lodash keeps
 * the function that it finds), by one that gives repeatable numbers: while a virtual user is being started, numbers
 * from a stream of its own, so that its scenario, its payload row and its variables depend on the seed and on the
 * number of the arrival alone, whatever happens on the network meanwhile and whichever shard drives it.
 */
let seed = 1;

let shared = seededRandom(seed);

let current = shared;

const startPurpose = 0x51ed270b;

export const installSeededRandom = (): void => {
  Math.random = () => current();
};

export const seedRandom = (value: number): void => {
  seed = value;
  shared = seededRandom(seed);
  current = shared;
};

/** A stream of its own for one purpose of one arrival, the same in every run with this seed. */
export const arrivalRandom = (arrivalNumber: number, purpose: number): (() => number) =>
  seededRandom(seed ^ spread(arrivalNumber, purpose));

/** From now on `Math.random` draws from the stream of this arrival, from its beginning. */
export const startArrivalStream = (arrivalNumber: number): void => {
  current = arrivalRandom(arrivalNumber, startPurpose);
};

/** From now on `Math.random` draws from the stream that everything else shares. */
export const endArrivalStream = (): void => {
  current = shared;
};

function spread(number: number, salt: number): number {
  return Math.imul((number + 1) ^ salt, 0x9e3779b1) >>> 0;
}
