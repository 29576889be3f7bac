import { normalUpperTail } from '../statistics/distributions.ts';
import {
  type BisectEvidence,
  type Hypothesis,
  levelAt,
  type Posterior,
  posteriorOf,
  versionDeviation,
} from './posterior.ts';

/** What was found. `change` is the relative change of the bad version, or of each culprit. */
export type BisectAnswer =
  | { kind: 'none'; probability: number; change: number }
  | { kind: 'gradual'; probability: number; change: number }
  /** `other`: probability that a second commit adds to it. */
  | { kind: 'one'; version: number; probability: number; change: number; other: number }
  | { kind: 'two'; culprits: { version: number; probability: number; change: number }[] };

/** What to do next: look whether a version counts more work, measure pairs of it, or stop. */
export type BisectStep =
  | { kind: 'count'; version: number }
  | { kind: 'pairs'; version: number; count: number }
  | { kind: 'answer'; answer: BisectAnswer };

/** A claim is made from here on. */
const claimProbability = 0.95;
/** Pairs of the bad version, and of what a claim rests on: a culprit, and the version before it. */
export const provingPairs = 4;
const pairsPerStep = 2;
/** A bad version that is slower by no more than this has no culprit. */
export const immaterial = 0.02;
/** Beyond it a second culprit is looked for; below, one is named alone. */
const perhapsTwo = 0.2;

/**
 * What tells most. The bad version comes first; then a count, which has no noise, narrows the range; then pairs go to
 * the version whose outcome is expected to tell most about where the culprit is. Nothing is claimed before both sides
 * of it were measured several times.
 */
export const nextStep = (evidence: BisectEvidence): { step: BisectStep; posterior: Posterior } => {
  const n = evidence.priors.length;
  const posterior = posteriorOf(evidence);
  const measured = (version: number): number => evidence.pairs.get(version)?.length ?? 0;
  if (measured(n) < provingPairs)
    return { posterior, step: { kind: 'pairs', version: n, count: provingPairs - measured(n) } };
  const { witness } = evidence;
  if (witness !== null && witness.upTo - witness.after > 1 && notSlowerProbability(posterior, n) < 0.5)
    return { posterior, step: { kind: 'count', version: middleOf(posterior, witness.after, witness.upTo) } };
  const answer = answerOf(posterior, n);
  if (answer === null) {
    const version = notSlowerProbability(posterior, n) > 0.5 ? n : mostTelling(posterior, n);
    return { posterior, step: { kind: 'pairs', version, count: pairsPerStep } };
  }
  const unproved = restsOn(answer, n).find((version) => measured(version) < provingPairs);
  return unproved === undefined
    ? { posterior, step: { kind: 'answer', answer } }
    : {
        posterior,
        step: { kind: 'pairs', version: unproved, count: provingPairs - measured(unproved) },
      };
};

/** The claim that the posterior allows; null when there is none yet. */
const answerOf = (posterior: Posterior, n: number): BisectAnswer | null => {
  const { gradual, two, culprit, hypotheses } = posterior;
  const change = relative(meanLevel(hypotheses, n, n));
  const notSlower = notSlowerProbability(posterior, n);
  if (notSlower >= claimProbability) return { kind: 'none', probability: notSlower, change };
  if (gradual >= claimProbability) return { kind: 'gradual', probability: gradual, change };
  const likely = culprit
    .map((probability, index) => ({ version: index + 1, probability }))
    .sort((a, b) => b.probability - a.probability);
  const [first, second] = likely;
  if (first === undefined || first.probability < claimProbability) return null;
  if (two <= perhapsTwo)
    return { kind: 'one', ...first, change: stepAt(hypotheses, first.version, n), other: two };
  if (second === undefined || second.probability < claimProbability) return null;
  const culprits = [first, second]
    .sort((a, b) => a.version - b.version)
    .map((one) => ({ ...one, change: stepAt(hypotheses, one.version, n) }));
  return { kind: 'two', culprits };
};

/** Probability that the bad version is not slower than the good one, but for what is not worth a search. */
function notSlowerProbability({ hypotheses }: Posterior, n: number): number {
  let probability = 0;
  for (const one of hypotheses) {
    const { mean, variance } = levelAt(one, n, n);
    const z = (Math.log1p(immaterial) - mean) / Math.max(Math.sqrt(variance), 1e-6);
    probability += one.probability * normalUpperTail(-z);
  }
  return probability;
}

/** Versions whose measurements carry a claim: each culprit, and the one before it. */
function restsOn(answer: BisectAnswer, n: number): number[] {
  const culprits =
    answer.kind === 'one'
      ? [answer.version]
      : answer.kind === 'two'
        ? answer.culprits.map(({ version }) => version)
        : [n];
  const before = answer.kind === 'one' || answer.kind === 'two' ? culprits.map((version) => version - 1) : [];
  return [...before, ...culprits].filter((version) => version >= 1);
}

/** The version that halves what is left between two, by probability. */
function middleOf({ culprit }: Posterior, after: number, upTo: number): number {
  const inside = culprit.slice(after, upTo);
  const half = inside.reduce((sum, value) => sum + value, 0) / 2;
  let passed = 0;
  let best = after + 1;
  let closest = Number.POSITIVE_INFINITY;
  for (let version = after + 1; version < upTo; version += 1) {
    passed += culprit[version - 1]!;
    const distance = Math.abs(passed - half);
    if (distance < closest) [best, closest] = [version, distance];
  }
  return best;
}

const mostCandidates = 20;
const mostComponents = 160;

/** The version of which the next pairs are expected to tell most about the history: highest mutual information. */
function mostTelling(posterior: Posterior, n: number): number {
  const components = [...posterior.hypotheses]
    .filter(({ probability }) => probability > 1e-5)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, mostComponents);
  const noise = posterior.deviation ** 2 / pairsPerStep + versionDeviation ** 2;
  let best = n;
  let most = Number.NEGATIVE_INFINITY;
  for (const version of candidates(posterior, n)) {
    const information = mutualInformation(components, version, n, noise);
    if (information > most) [best, most] = [version, information];
  }
  return best;
}

/** All versions, or those that divide what is left of the probability evenly, with the neighbours of the likeliest. */
function candidates({ culprit }: Posterior, n: number): number[] {
  if (n <= mostCandidates) return Array.from({ length: n }, (_, index) => index + 1);
  const total = culprit.reduce((sum, value) => sum + value, 0);
  const likeliest = culprit.indexOf(Math.max(...culprit)) + 1;
  const chosen = new Set([n, likeliest, Math.max(1, likeliest - 1)]);
  let passed = 0;
  let next = 1;
  culprit.forEach((probability, index) => {
    passed += probability / total;
    while (next < mostCandidates && passed >= next / mostCandidates) {
      chosen.add(index + 1);
      chosen.add(Math.max(1, index));
      next += 1;
    }
  });
  return [...chosen];
}

const gridPoints = 80;

/** Of which history holds and what pairs of a version would show, in nats: entropy of the mixture less that within. */
function mutualInformation(
  components: readonly Hypothesis[],
  version: number,
  n: number,
  noise: number,
): number {
  const merged = new Map<string, { weight: number; mean: number; deviation: number }>();
  let all = 0;
  for (const one of components) {
    const { mean, variance } = levelAt(one, version, n);
    const deviation = Math.sqrt(variance + noise);
    const key = `${mean.toFixed(4)} ${deviation.toFixed(4)}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { weight: one.probability, mean, deviation });
    else known.weight += one.probability;
    all += one.probability;
  }
  const parts = [...merged.values()];
  const from = Math.min(...parts.map(({ mean, deviation }) => mean - 4 * deviation));
  const to = Math.max(...parts.map(({ mean, deviation }) => mean + 4 * deviation));
  const width = (to - from) / gridPoints;
  let entropy = 0;
  for (let point = 0; point < gridPoints; point += 1) {
    const x = from + (point + 0.5) * width;
    let density = 0;
    for (const { weight, mean, deviation } of parts) {
      const z = (x - mean) / deviation;
      if (Math.abs(z) < 6) density += ((weight / all) * Math.exp(-0.5 * z * z)) / (deviation * rootTwoPi);
    }
    if (density > 0) entropy -= width * density * Math.log(density);
  }
  const within = parts.reduce(
    (sum, { weight, deviation }) =>
      sum + (weight / all) * Math.log(deviation * rootTwoPi * Math.sqrt(Math.E)),
    0,
  );
  return entropy - within;
}

const rootTwoPi = Math.sqrt(2 * Math.PI);

function meanLevel(hypotheses: readonly Hypothesis[], version: number, n: number): number {
  return hypotheses.reduce((sum, one) => sum + one.probability * levelAt(one, version, n).mean, 0);
}

/** The relative change that a culprit makes, averaged over the histories in which it is one. */
function stepAt(hypotheses: readonly Hypothesis[], version: number, n: number): number {
  const own = hypotheses.filter(({ culprits }) => culprits.includes(version));
  const all = own.reduce((sum, { probability }) => sum + probability, 0);
  const step = own.reduce(
    (sum, one) => sum + one.probability * (levelAt(one, version, n).mean - levelAt(one, version - 1, n).mean),
    0,
  );
  return relative(step / all);
}

function relative(logRatio: number): number {
  return Math.expm1(logRatio);
}
