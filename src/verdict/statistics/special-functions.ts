/**
 * Special functions behind the distributions. Relative error about 1e-13 over the arguments used here.
 * Formula numbers are those of Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
 */

const maxIterations = 500;

const epsilon = 1e-16;

const tiny = 1e-300;

const halfLog2Pi = 0.5 * Math.log(2 * Math.PI);

/** Natural logarithm of the gamma function for x > 0: Stirling's series (6.1.41) after shifting x above 15. */
export const logGamma = (x: number): number => {
  if (!(x > 0)) return Number.NaN;
  let shifted = x;
  let product = 1;
  while (shifted < 15) {
    product *= shifted;
    shifted += 1;
  }
  const inverse = 1 / shifted;
  const square = inverse * inverse;
  const series =
    inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))));
  return (shifted - 0.5) * Math.log(shifted) - shifted + halfLog2Pi + series - Math.log(product);
};

/** Complementary error function: series 7.1.6 below 2, continued fraction 7.1.14 above. */
export const erfc = (x: number): number => {
  if (x < 0) return 2 - erfc(-x);
  const square = x * x;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let k = 1; k < maxIterations; k += 1) {
      term *= (2 * square) / (2 * k + 1);
      sum += term;
      if (term < sum * epsilon) break;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-square) * sum;
  }
  if (x > 27) return 0;
  // Evaluated from the far end: the number of levels that suffices falls as x grows.
  let fraction = 0;
  for (let k = Math.ceil(20 + 240 / square); k >= 1; k -= 1) fraction = k / 2 / (x + fraction);
  return Math.exp(-square) / Math.sqrt(Math.PI) / (x + fraction);
};

/**
 * Regularised incomplete beta function I_x(a, b), 0 <= x <= 1, a and b > 0: continued fraction 26.5.8 by the
 * modified Lentz method, on the side where it converges fast.
 */
export const regularizedBeta = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const logFront = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  const front = Math.exp(logFront);
  if (x < (a + 1) / (a + b + 2)) return (front * betaContinuedFraction(x, a, b)) / a;
  return 1 - (front * betaContinuedFraction(1 - x, b, a)) / b;
};

function betaContinuedFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  if (Math.abs(d) < tiny) d = tiny;
  d = 1 / d;
  let result = d;
  for (let m = 1; m < maxIterations; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    if (Math.abs(d) < tiny) d = tiny;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    if (Math.abs(d) < tiny) d = tiny;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const step = d * c;
    result *= step;
    if (Math.abs(step - 1) < 1e-15) break;
  }
  return result;
}
