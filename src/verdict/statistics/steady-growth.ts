import { mean, median, sum } from '../../metrics/averages.ts';
import { type Series, slopeOf } from '../../metrics/endurance-series.ts';
import { studentTUpperQuantile } from './distributions.ts';

/** A number with its variance, of which so many degrees of freedom are known. */
export type Estimate = { value: number; variance: number; degrees: number };

/**
 * How a quantity grows over the waves of one side, for each unit of its x. Linear combinations of the points, so that
 * those of two sides can be subtracted.
 */
export type Growth = {
  /** Over all waves, and over the last half of them alone. */
  overall: Estimate;
  late: Estimate;
  /** The slope of the last half less `keptShare` of that of the first: above zero, growth does not slow down. */
  kept: Estimate;
  /** The rate of the last few points: what has just filled up shows here alone. */
  end: number;
  /** The rate from each wave to the next. */
  rates: readonly number[];
};

/** A cache that fills, or code that is compiled when it is first needed, has slowed down by more than this at the end. */
const keptShare = 0.7;

/** By the slopes of both halves: of an interval with two ends, so that the lower one holds with 95%. */
const keptConfidence = 0.9;

/** Of an interval with two ends, so that the lower one holds with three in four. */
const likelyConfidence = 0.5;

/** By the ranks of the waves: what the middle wave keeps at least, and how often chance alone may look like it. */
const keptMedian = 0.85;
const keptChance = 0.2;
/** Waves in each half without which ranks say nothing. */
const leastRanked = 4;

/** The last waves, by which it is seen that growth has stopped: so many at least, and of more waves a fifth. */
const leastEndPoints = 3;

/** With few waves a covariance is a guess: so much of the variance of the increments counts as steps in any case. */
const leastStepShare = 0.1;

/**
 * Growth with its uncertainty. What is measured after a wave has noise of two kinds: that of the instant (what is being
 * cleaned up just then), and steps that stay (a table that was enlarged, a function that was compiled). Their variances
 * are told apart by the increments d between instants: with noise s and steps t, var(d) = 2 s + t and cov(d, next d) =
 * -s (a local level model; Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989, 4.5). The
 * variance of a sum of weights w over the points is then s * sum(w^2) + t * sum(W^2), W being the sum of the weights
 * from a point on.
 */
export const growthOf = ({ x, y }: Series): Growth => {
  const n = x.length;
  const half = Math.ceil((n + 1) / 2);
  const [first, last] = [slopeWeights(x, 0, half), slopeWeights(x, n - half, n)];
  const noise = noiseOf({ x, y });
  return {
    overall: estimate(y, slopeWeights(x, 0, n), noise),
    // By its own noise: what filled up before is no noise of what comes after.
    late: estimate(y, last, noiseOf({ x: x.slice(n - half), y: y.slice(n - half) })),
    kept: estimate(
      y,
      last.map((weight, index) => weight - keptShare * first[index]!),
      noise,
    ),
    end: estimate(y, slopeWeights(x, n - Math.max(leastEndPoints, Math.ceil(n / 5)), n), noise).value,
    rates: y.slice(1).map((value, index) => (value - y[index]!) / (x[index + 1]! - x[index]!)),
  };
};

/**
 * Whether growth goes on at the rate that it had: it has not slowed down, by the slopes of both halves or by the ranks of
 * the waves in them, and the last waves have not stopped.
 */
export const goesOn = ({ overall, kept, end, rates }: Growth): boolean =>
  (slopesKeepOn(kept) || mostWavesKeepOn(rates)) && end >= overall.value / 2;

/**
 * The same of the difference between two sides, over all their waves: what is new in one of them and fills up slows down in
 * it, and what warms up alike in both is not in it. So the slope of the last half need only keep its share with three in
 * four, and be beyond `limit` as it stands. Of 17 waves that leak 350 B a session in the noise of a small heap, 74% are told so, and of 1 kB
 * all; of what fills until the 13th wave, or slows down as a square root or with a time constant of the whole run, at most 1%
 * (simulated).
 */
export const differenceGoesOn = (
  { overall, late, kept, end }: Growth,
  limit: number,
  sign: 1 | -1,
): boolean =>
  intervalOf(kept, likelyConfidence).low > 0 && sign * (late.value - limit) > 0 && end >= overall.value / 2;

/** How much more one side grows than the other. */
export const growthBetween = (baseline: Growth, head: Growth): Pick<Growth, 'overall' | 'late'> => ({
  overall: minus(head.overall, baseline.overall),
  late: minus(head.late, baseline.late),
});

/** The interval that holds the true value with this confidence. */
export const intervalOf = (
  { value, variance, degrees }: Estimate,
  confidence: number,
): { low: number; high: number } => {
  const half = studentTUpperQuantile((1 - confidence) / 2, degrees) * Math.sqrt(variance);
  return { low: value - half, high: value + half };
};

/** Of the whole of each half: the last keeps more than `keptShare` of the slope of the first. */
function slopesKeepOn(kept: Estimate): boolean {
  return intervalOf(kept, keptConfidence).low > 0;
}

/**
 * The same asked of the waves one by one, by ranks: a few that enlarged a table, which happens twice as late each time,
 * are noise to a mean and none to a median. The middle wave of the last half grows by `keptMedian` at least of that of
 * the first, and more waves of it exceed `keptShare` of those of the first than chance explains, up to `keptChance` (Mann
 * and Whitney, "On a test of whether one of two random variables is stochastically larger than the other", Ann. Math.
 * Statist. 1947; exact).
 */
function mostWavesKeepOn(rates: readonly number[]): boolean {
  const half = Math.floor(rates.length / 2);
  const [first, last] = [rates.slice(0, half), rates.slice(rates.length - half)];
  if (half < leastRanked || !(median(last) >= keptMedian * median(first))) return false;
  const wins = sum(last.map((rate) => first.filter((one) => rate > keptShare * one).length));
  return atLeastWins(wins, half, half) <= keptChance;
}

/** Probability of so many wins or more in all pairs of two samples of the same distribution. */
function atLeastWins(wins: number, one: number, other: number): number {
  const ways = new Map<string, number>();
  const waysTo = (m: number, n: number, u: number): number => {
    if (u < 0 || u > m * n) return 0;
    if (m === 0 || n === 0) return u === 0 ? 1 : 0;
    const key = `${m} ${n} ${u}`;
    const known = ways.get(key);
    if (known !== undefined) return known;
    const found = waysTo(m - 1, n, u - n) + waysTo(m, n - 1, u);
    ways.set(key, found);
    return found;
  };
  let all = 0;
  let least = 0;
  for (let u = 0; u <= one * other; u += 1) {
    const count = waysTo(one, other, u);
    all += count;
    if (u >= wins) least += count;
  }
  return least / all;
}

/** Weights of the slope by least squares over the points from `from` to before `to`; 0 for all others. */
function slopeWeights(x: readonly number[], from: number, to: number): number[] {
  const own = x.slice(from, to);
  const middle = mean(own);
  const across = sum(own.map((value) => (value - middle) ** 2));
  return x.map((value, index) => (index < from || index >= to ? 0 : (value - middle) / across));
}

/** Variances of the noise of the instants and of the steps that stay. */
type Noise = { ofInstants: number; ofSteps: number; degrees: number };

function noiseOf(series: Series): Noise {
  const { x, y } = series;
  const n = x.length;
  const slope = slopeOf(series);
  const steps = y.slice(1).map((value, index) => value - y[index]! - slope * (x[index + 1]! - x[index]!));
  const variance = sum(steps.map((step) => step ** 2)) / Math.max(1, steps.length - 1);
  const products = steps.slice(1).map((step, index) => step * steps[index]!);
  const covariance = sum(products) / Math.max(1, products.length);
  // Chance must not hide the steps: what may be chance, one standard error of the covariance, counts as steps.
  const chance = variance / Math.sqrt(Math.max(1, n - 2));
  const ofInstants = Math.min(variance / 2, Math.max(0, -covariance - chance));
  const ofSteps = Math.max(variance - 2 * ofInstants, leastStepShare * variance);
  return { ofInstants, ofSteps, degrees: Math.max(2, 0.75 * (n - 2)) };
}

function estimate(
  y: readonly number[],
  weights: readonly number[],
  { ofInstants, ofSteps, degrees }: Noise,
): Estimate {
  let after = 0;
  let tails = 0;
  for (let index = weights.length - 1; index > 0; index -= 1) {
    after += weights[index]!;
    tails += after ** 2;
  }
  return {
    value: sum(weights.map((weight, index) => weight * y[index]!)),
    variance: ofInstants * sum(weights.map((weight) => weight ** 2)) + ofSteps * tails,
    degrees,
  };
}

function minus(a: Estimate, b: Estimate): Estimate {
  const variance = a.variance + b.variance;
  // Welch and Satterthwaite.
  const degrees =
    variance === 0
      ? a.degrees + b.degrees
      : variance ** 2 / (a.variance ** 2 / a.degrees + b.variance ** 2 / b.degrees);
  return { value: a.value - b.value, variance, degrees };
}
