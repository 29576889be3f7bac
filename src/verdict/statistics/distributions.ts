import { erfc, logGamma, regularizedBeta } from './special-functions.ts';

/**
 * The distributions that the verdict uses. Upper tails are computed as tails, never as one minus a distribution
 * function, so that small probabilities keep their digits. `upperQuantile(p)` is the value exceeded with
 * probability `p`. Formula numbers: Abramowitz and Stegun (1964).
 */

/** Density of the standard normal distribution. */
export const normalDensity = (z: number): number => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

/** P(Z > z) for a standard normal Z. */
export const normalUpperTail = (z: number): number => 0.5 * erfc(z / Math.SQRT2);

/** The z with P(Z > z) = p, for 0 < p < 1: start 26.2.23, then Newton steps with Halley's correction. */
export const normalUpperQuantile = (p: number): number => {
  if (!(p > 0 && p < 1))
    return p === 0 ? Number.POSITIVE_INFINITY : p === 1 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (p > 0.5) return -normalUpperQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(p));
  let z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let step = 0; step < 4; step += 1) {
    const newton = (normalUpperTail(z) - p) / normalDensity(z);
    z += newton / (1 - 0.5 * z * newton);
  }
  return z;
};

/** P(T > t) for Student's t with `degrees` degrees of freedom (26.7.1 through 26.5). */
export const studentTUpperTail = (t: number, degrees: number): number => {
  if (t < 0) return 1 - studentTUpperTail(-t, degrees);
  if (t === Number.POSITIVE_INFINITY) return 0;
  return 0.5 * regularizedBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
};

/** The t with P(T > t) = p, for 0 < p < 1 and Student's t with `degrees` degrees of freedom. */
export const studentTUpperQuantile = (p: number, degrees: number): number => {
  if (!(p > 0 && p < 1)) return p === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (p > 0.5) return -studentTUpperQuantile(1 - p, degrees);
  let high = Math.max(1, 2 * normalUpperQuantile(p));
  while (studentTUpperTail(high, degrees) > p) high *= 2;
  return bisect((t) => studentTUpperTail(t, degrees) - p, 0, high);
};

/** P(X = k) for a binomial of `trials` trials with probability `share`. */
export const binomialProbability = (k: number, trials: number, share: number): number => {
  if (k < 0 || k > trials) return 0;
  if (share <= 0) return k === 0 ? 1 : 0;
  if (share >= 1) return k === trials ? 1 : 0;
  const logChoose = logGamma(trials + 1) - logGamma(k + 1) - logGamma(trials - k + 1);
  return Math.exp(logChoose + k * Math.log(share) + (trials - k) * Math.log1p(-share));
};

/** P(X >= k) for a binomial (26.5.24). */
export const binomialUpperTail = (k: number, trials: number, share: number): number => {
  if (k <= 0) return 1;
  if (k > trials) return 0;
  return regularizedBeta(share, k, trials - k + 1);
};

/** One-sided mid-p: P(X > k) + P(X = k) / 2 (Lancaster, "Significance tests in discrete distributions", 1961). */
export const binomialUpperMidP = (k: number, trials: number, share: number): number =>
  binomialUpperTail(k + 1, trials, share) + 0.5 * binomialProbability(k, trials, share);

/** Root of a falling function on [low, high], by bisection to full precision. */
function bisect(falling: (x: number) => number, from: number, to: number): number {
  let low = from;
  let high = to;
  for (let step = 0; step < 200 && high - low > 1e-15 * Math.max(1, Math.abs(high)); step += 1) {
    const middle = 0.5 * (low + high);
    if (falling(middle) > 0) low = middle;
    else high = middle;
  }
  return 0.5 * (low + high);
}
