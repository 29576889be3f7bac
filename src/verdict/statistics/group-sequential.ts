import { normalDensity, normalUpperQuantile, normalUpperTail } from './distributions.ts';

/** What decides the boundaries of one one-sided test. */
export type SequentialDesign = {
  /** Numbers of pairs at which the data are looked at, rising. The last spends what is left. */
  looks: readonly number[];
  /** Number of pairs at which the whole information is reached; the last look unless the time ran out before it. */
  maxPairs: number;
  /** Probability of crossing at any look when there is no difference. */
  alpha: number;
  gamma: number;
};

/** Step of the integration grid and its reach below zero, both in standard deviations. */
const gridStep = 0.1;

const gridReach = 8;

const cache = new Map<string, number[]>();

/**
 * Boundaries of a group-sequential test, so that looking at the data again and again while it grows does not raise
 * the false alarms. The recursion over looks is that of Armitage, McPherson and Rowe (1969), as in Jennison and
 * Turnbull, Group Sequential Methods (2000), chapter 19; the spending of alpha is that of Hwang, Shih and DeCani
 * (1990).
 */

/**
 * Share of `alpha` spent at the information fraction `fraction` (0 to 1): Hwang, Shih and DeCani. Negative `gamma`
 * spends late (-4 is close to O'Brien and Fleming), 1 early (close to Pocock).
 */
export const spentAlpha = (alpha: number, gamma: number, fraction: number): number => {
  if (fraction >= 1) return alpha;
  if (fraction <= 0) return 0;
  if (gamma === 0) return alpha * fraction;
  return (alpha * -Math.expm1(-gamma * fraction)) / -Math.expm1(-gamma);
};

/**
 * One-sided upper boundaries, one per look, for a standard normal statistic; infinite where nothing is spent. The
 * other side is not binding: a test that could have stopped there and went on keeps its `alpha`.
 */
export const normalBoundaries = (design: SequentialDesign): number[] => {
  const boundaries: number[] = [];
  // Density of the score S = Z sqrt(fraction) over the paths that have not crossed yet, on a Simpson grid.
  let points: number[] = [];
  let masses: number[] = [];
  let before = 0;
  let spentBefore = 0;
  for (const [index, pairs] of design.looks.entries()) {
    const last = index === design.looks.length - 1;
    const fraction = Math.min(1, pairs / design.maxPairs);
    const spent = last ? design.alpha : spentAlpha(design.alpha, design.gamma, fraction);
    const target = spent - spentBefore;
    spentBefore = spent;
    const sd = Math.sqrt(fraction - before);
    const crossing = (score: number): number => {
      if (index === 0) return normalUpperTail(score / sd);
      let sum = 0;
      for (let i = 0; i < points.length; i += 1)
        sum += masses[i]! * normalUpperTail((score - points[i]!) / sd);
      return sum;
    };
    const density = (score: number): number => {
      if (index === 0) return normalDensity(score / sd) / sd;
      let sum = 0;
      for (let i = 0; i < points.length; i += 1) {
        const z = (score - points[i]!) / sd;
        if (z > -9 && z < 9) sum += masses[i]! * Math.exp(-0.5 * z * z);
      }
      return sum / (sd * Math.sqrt(2 * Math.PI));
    };
    const score = target > 0 ? crossingPoint(crossing, density, target, fraction) : Number.POSITIVE_INFINITY;
    boundaries.push(score / Math.sqrt(fraction));
    if (last) break;
    ({ points, masses } = nextGrid(density, Math.min(score, gridReach * Math.sqrt(fraction)), fraction));
    before = fraction;
  }
  return boundaries;
};

/** One-sided probabilities that the tests at each look compare with: the tails beyond the normal boundaries. */
export const nominalLevels = (design: SequentialDesign): number[] => {
  const key = `${design.looks.join(',')}/${design.maxPairs}/${design.alpha}/${design.gamma}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = normalBoundaries(design).map(normalUpperTail);
  cache.set(key, made);
  return made;
};

/** The score that is crossed with probability `target`: Newton on the logarithm, from the unconditional quantile. */
function crossingPoint(
  crossing: (score: number) => number,
  density: (score: number) => number,
  target: number,
  fraction: number,
): number {
  let score = normalUpperQuantile(target) * Math.sqrt(fraction);
  for (let step = 0; step < 50; step += 1) {
    const probability = crossing(score);
    const move = (Math.log(probability / target) * probability) / density(score);
    score += Math.max(-1, Math.min(1, move));
    if (Math.abs(move) < 1e-11) break;
  }
  return score;
}

function nextGrid(density: (score: number) => number, upper: number, fraction: number) {
  const lower = -gridReach * Math.sqrt(fraction);
  const intervals = 2 * Math.ceil((upper - lower) / (2 * gridStep * Math.sqrt(fraction)));
  const step = (upper - lower) / intervals;
  const points: number[] = [];
  const masses: number[] = [];
  for (let i = 0; i <= intervals; i += 1) {
    const point = lower + i * step;
    const simpson = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    points.push(point);
    masses.push((density(point) * simpson * step) / 3);
  }
  return { points, masses };
}
