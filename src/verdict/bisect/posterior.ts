import { mean, sum } from '../../metrics/averages.ts';

/**
 * Which commit made it slower, as probabilities. Version 0 is the good one, version `n` the bad one; every measured
 * pair gives ln(version / good). Four kinds of history are weighed against each other: one culprit, two, a rise that is
 * spread over all commits, and no change. The size of a change, and the deviation between pairs, are unknown and
 * integrated out: sizes in closed form (a Gaussian prior on several scales), the deviation over a grid.
 */

export type BisectEvidence = {
  /** Weight of each version as the culprit before anything is measured; index 0 stands for version 1. */
  priors: readonly number[];
  /** ln(version / good) of each pair, by version from 1 on. */
  pairs: ReadonlyMap<number, readonly number[]>;
  /** Between which versions the count of a function rose that does more work at the bad end; null without one. */
  witness: WitnessRange | null;
};

/** Not raised at version `after`, raised at `upTo`. */
export type WitnessRange = { after: number; upTo: number };

/** One history that is possible. `levels` are ln(version / good) from its first culprit on, and from its second. */
export type Hypothesis = {
  kind: 'none' | 'one' | 'two' | 'gradual';
  /** Culprits, in order; empty for `none` and `gradual`. */
  culprits: readonly number[];
  probability: number;
  levels: readonly Level[];
};

export type Level = { mean: number; variance: number };

export type Posterior = {
  hypotheses: readonly Hypothesis[];
  none: number;
  gradual: number;
  two: number;
  /** Probability that a version is a culprit, alone or with another; index 0 stands for version 1. */
  culprit: readonly number[];
  /** Expected deviation between pairs. */
  deviation: number;
};

const kindPriors = { none: 0.1, one: 0.75, two: 0.1, gradual: 0.05 };
/** Scales of a change, as ln ratios: a few percent, some ten, and half as much again. */
const scales = [0.05, 0.15, 0.4];
/** What two builds of the same speed differ by. */
export const versionDeviation = 0.004;
/** Deviation between pairs: eleven values around the usual one, and how far machines differ in it (of the logarithm). */
const deviations = Array.from({ length: 11 }, (_, step) => 0.008 * 1.45 ** step);
const usualDeviation = { centre: Math.log(0.05), spread: 0.8 };
/** A deviation that is so much less likely than the best one adds nothing. */
const negligible = 10;
/** How surely the function that the explanation names is what made it slower. */
const witnessTrust = 0.9;

type Summary = { version: number; pairs: number; mean: number; squares: number };
type Term = { logWeight: number; deviation: number; levels: Level[] };

/** Weighs every history with what was measured. */
export const posteriorOf = (evidence: BisectEvidence): Posterior => {
  const { priors, witness } = evidence;
  const n = priors.length;
  const total = sum(priors);
  const weight = (version: number): number => priors[version - 1]! / total;
  const summaries = [...evidence.pairs].filter(([, values]) => values.length > 0).map(summaryOf);
  const likelihoods = usefulDeviations(summaries, n);
  const found: Weighed[] = [];
  // Versions with nothing measured between them have the same likelihood.
  const known = new Map<string, Likelihood | null>();
  const segment = (version: number): number =>
    summaries.reduce((least, one) => (one.version >= version ? Math.min(least, one.version) : least), n + 1);
  const add = (
    kind: Hypothesis['kind'],
    culprits: number[],
    prior: number,
    termsOf: (one: DeviationLikelihood) => Term[],
  ): void => {
    const key = `${kind} ${culprits.map((version) => segments[version]).join()}`;
    let likelihood = known.get(key);
    if (likelihood === undefined) {
      likelihood = likelihoodOf(likelihoods.flatMap(termsOf));
      known.set(key, likelihood);
    }
    if (likelihood === null) return;
    const logPrior = Math.log(kindPriors[kind] * prior * witnessLikelihood(kind, culprits, witness, n));
    found.push({ ...likelihood, kind, culprits, log: likelihood.log + logPrior });
  };
  const segments = Array.from({ length: n + 1 }, (_, version) => segment(version));
  add('none', [], 1, (one) => [{ logWeight: one.unchanged, deviation: one.deviation, levels: [] }]);
  for (let version = 1; version <= n; version += 1)
    add('one', [version], weight(version), (one) => one.ofOne(version));
  if (n >= 2) {
    const both = (1 - sum(priors.map((prior) => (prior / total) ** 2))) / 2;
    for (let first = 1; first < n; first += 1)
      for (let second = first + 1; second <= n; second += 1)
        add('two', [first, second], (weight(first) * weight(second)) / both, (one) =>
          one.ofTwo(first, second),
        );
  }
  if (n >= 4) add('gradual', [], 1, (one) => one.ofGradual());
  return weighed(found, n);
};

/** Where the witness rose, from the versions in which it was counted; null where it rose in steps or fell again. */
export const witnessRange = (
  readings: readonly { version: number; share: number }[],
  n: number,
): WitnessRange | null => {
  const range = { after: 0, upTo: n };
  for (const { version, share } of readings) {
    if (share > 0.75) range.upTo = Math.min(range.upTo, version);
    else if (share < 0.25) range.after = Math.max(range.after, version);
    else return null;
  }
  return range.after < range.upTo ? range : null;
};

/** ln(version / good) as a hypothesis has it. */
export const levelAt = ({ kind, culprits, levels }: Hypothesis, version: number, n: number): Level => {
  if (kind === 'gradual') {
    const { mean, variance } = levels[0]!;
    const share = version / n;
    return { mean: share * mean, variance: share ** 2 * variance };
  }
  const passed = culprits.filter((culprit) => culprit <= version).length;
  return passed === 0 ? { mean: 0, variance: 0 } : levels[passed - 1]!;
};

/** Marginal likelihood over all sizes and deviations, with what it says of them. */
type Likelihood = { log: number; deviation: number; levels: Level[] };
type Weighed = Likelihood & Pick<Hypothesis, 'kind' | 'culprits'>;

/** Null where every term is negligible. */
function likelihoodOf(terms: readonly Term[]): Likelihood | null {
  if (terms.length === 0) return null;
  const best = terms.reduce((most, { logWeight }) => Math.max(most, logWeight), Number.NEGATIVE_INFINITY);
  let own = 0;
  let deviation = 0;
  const moments = terms[0]!.levels.map(() => ({ first: 0, second: 0 }));
  for (const term of terms) {
    const weight = Math.exp(term.logWeight - best);
    own += weight;
    deviation += weight * term.deviation;
    term.levels.forEach(({ mean, variance }, index) => {
      moments[index]!.first += weight * mean;
      moments[index]!.second += weight * (variance + mean ** 2);
    });
  }
  const levels = moments.map(({ first, second }) => {
    const mean = first / own;
    return { mean, variance: Math.max(0, second / own - mean ** 2) };
  });
  return { log: best + Math.log(own), deviation: deviation / own, levels };
}

function weighed(found: readonly Weighed[], n: number): Posterior {
  const best = found.reduce((most, { log }) => Math.max(most, log), Number.NEGATIVE_INFINITY);
  const all = found.reduce((total, { log }) => total + Math.exp(log - best), 0);
  const share = (log: number): number => Math.exp(log - best) / all;
  const hypotheses = found.map(({ kind, culprits, levels, log }) => ({
    kind,
    culprits,
    levels,
    probability: share(log),
  }));
  const deviation = found.reduce((total, one) => total + share(one.log) * one.deviation, 0);
  const culprit = new Array<number>(n).fill(0);
  const kinds = { none: 0, one: 0, two: 0, gradual: 0 };
  for (const { kind, culprits, probability } of hypotheses) {
    kinds[kind] += probability;
    for (const version of culprits) culprit[version - 1] = Math.min(1, culprit[version - 1]! + probability);
  }
  return {
    hypotheses,
    none: kinds.none,
    gradual: kinds.gradual,
    two: kinds.two,
    culprit,
    deviation,
  };
}

/** P(where the witness rose | history): at a culprit, or, where it has nothing to do with it, anywhere. */
function witnessLikelihood(
  kind: Hypothesis['kind'],
  culprits: readonly number[],
  witness: WitnessRange | null,
  n: number,
): number {
  if (witness === null) return 1;
  const anywhere = (witness.upTo - witness.after) / n;
  if (kind === 'none' || kind === 'gradual') return anywhere;
  const inside = culprits.filter((version) => version > witness.after && version <= witness.upTo).length;
  return (witnessTrust * inside) / culprits.length + (1 - witnessTrust) * anywhere;
}

function usefulDeviations(summaries: readonly Summary[], n: number): DeviationLikelihood[] {
  const all = deviations.map((deviation) => new DeviationLikelihood(summaries, n, deviation));
  const best = Math.max(...all.map((one) => one.highest));
  return all.filter((one) => one.highest >= best - negligible);
}

/** Marginal likelihoods of the pairs, were this the deviation between them. */
class DeviationLikelihood {
  readonly deviation: number;
  /** Logarithm of the likelihood if no version differs from the good one. */
  readonly unchanged: number;
  /** The highest of all histories with at most one culprit. */
  readonly highest: number;
  readonly #summaries: readonly Summary[];
  readonly #n: number;
  /** Sums over the versions from an index on: of weights, and of weighted means. */
  readonly #weights: Float64Array;
  readonly #values: Float64Array;
  readonly #within: number;

  constructor(summaries: readonly Summary[], n: number, deviation: number) {
    this.deviation = deviation;
    this.#summaries = summaries;
    this.#n = n;
    this.#weights = new Float64Array(n + 2);
    this.#values = new Float64Array(n + 2);
    const z = (Math.log(deviation) - usualDeviation.centre) / usualDeviation.spread;
    let within = -0.5 * z * z;
    let between = 0;
    for (const { version, pairs, mean, squares } of summaries) {
      const variance = deviation ** 2 / pairs + versionDeviation ** 2;
      within -= (pairs - 1) * Math.log(deviation) + squares / (2 * deviation ** 2);
      between -= 0.5 * Math.log(variance) + mean ** 2 / (2 * variance);
      this.#weights[version]! += 1 / variance;
      this.#values[version]! += mean / variance;
    }
    for (let version = n; version >= 1; version -= 1) {
      this.#weights[version]! += this.#weights[version + 1]!;
      this.#values[version]! += this.#values[version + 1]!;
    }
    this.#within = within;
    this.unchanged = within + between;
    let highest = this.unchanged;
    for (let version = 1; version <= n; version += 1)
      for (const { logWeight } of this.ofOne(version)) highest = Math.max(highest, logWeight);
    this.highest = highest;
  }

  ofOne(version: number): Term[] {
    const [weight, value] = [this.#weights[version]!, this.#values[version]!];
    return scales.map((scale) => {
      const variance = 1 / (1 / scale ** 2 + weight);
      const gain = 0.5 * Math.log(variance / scale ** 2) + 0.5 * value ** 2 * variance;
      return this.#term(this.unchanged + gain, [{ mean: value * variance, variance }]);
    });
  }

  ofTwo(first: number, second: number): Term[] {
    const [outer, inner] = [this.#weights[first]!, this.#weights[second]!];
    const [outerValue, innerValue] = [this.#values[first]!, this.#values[second]!];
    return scales.flatMap((scale) => {
      const a = outer + 1 / scale ** 2;
      const c = inner + 1 / scale ** 2;
      const determinant = a * c - inner ** 2;
      const one = (c * outerValue - inner * innerValue) / determinant;
      const two = (a * innerValue - inner * outerValue) / determinant;
      const gain = -0.5 * Math.log(scale ** 4 * determinant) + 0.5 * (one * outerValue + two * innerValue);
      if (this.unchanged + gain < this.highest - negligible) return [];
      return this.#term(this.unchanged + gain, [
        { mean: one, variance: c / determinant },
        { mean: one + two, variance: (a + c - 2 * inner) / determinant },
      ]);
    });
  }

  /** Equal steps on average; what single commits add differs, most in the middle of the history. */
  ofGradual(): Term[] {
    return scales.map((scale) => {
      let base = this.#within;
      let weight = 0;
      let value = 0;
      for (const { version, pairs, mean } of this.#summaries) {
        const share = version / this.#n;
        const uneven = (2 * scale ** 2 * share * (1 - share)) / this.#n;
        const variance = this.deviation ** 2 / pairs + versionDeviation ** 2 + uneven;
        base -= 0.5 * Math.log(variance) + mean ** 2 / (2 * variance);
        weight += share ** 2 / variance;
        value += (share * mean) / variance;
      }
      const variance = 1 / (1 / scale ** 2 + weight);
      const gain = 0.5 * Math.log(variance / scale ** 2) + 0.5 * value ** 2 * variance;
      return this.#term(base + gain, [{ mean: value * variance, variance }]);
    });
  }

  #term(logLikelihood: number, levels: Level[]): Term {
    return { logWeight: logLikelihood - Math.log(scales.length), deviation: this.deviation, levels };
  }
}

function summaryOf([version, values]: [number, readonly number[]]): Summary {
  const centre = mean(values);
  return {
    version,
    pairs: values.length,
    mean: centre,
    squares: sum(values.map((value) => (value - centre) ** 2)),
  };
}
