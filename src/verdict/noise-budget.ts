import { mean } from '../metrics/averages.ts';
import { atSide, formatDuration, formatShare } from '../metrics/notation.ts';
import type { Statistic } from '../metrics/threshold.ts';
import { restoreSketch, statisticOfSketch, valuesOf } from '../metrics/values.ts';
import type { MeasuredPair } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import { estimatorFor, minSlices, pairLogRatio } from './statistics/pair-effect.ts';
import { standardDeviation, trimmedMean } from './statistics/robust.ts';
import { twoModes } from './statistics/two-modes.ts';

/** The quantile whose number of messages a statistic rests on; that of the tail lies in the middle of it. */
const quantileBehind = { p5: 0.05, p50: 0.5, tail: 0.9, p95: 0.95, p99: 0.99 } as const;

export type BudgetStatistic = keyof typeof quantileBehind;

/** What a quantile's noise can be made of. */
export type NoisePart = 'sampling' | 'clustering' | 'drift' | 'processes';

/**
 * Where the differences between the pairs of an unchanged server come from, as variances of ln(head / baseline) of a
 * pair. `sampling`: a quantile of so few messages. `clustering`: messages of a slice share their luck, and bursts hit
 * whole slices. `drift`: neighbouring slices share it too. `processes`: fresh processes differ.
 */
export type NoiseBudget = {
  statistic: BudgetStatistic;
  pairs: number;
  /** Deviation between pairs, all parts together. */
  deviation: number;
  variance: Record<NoisePart, number>;
  /** Messages of one side in one slice, on average. */
  samplesPerSlice: number;
};

/** What can be turned, and the deviation between pairs that it would leave. */
export type NoiseKnob = { part: NoisePart; deviation: number };

const partWords: Record<NoisePart, string> = {
  sampling: 'there are few messages in a slice',
  clustering: 'messages of one slice share their luck',
  drift: 'the machine drifts from slice to slice',
  processes: 'fresh processes differ',
};

const knobWords: Record<NoisePart, string> = {
  sampling: 'Twice the messages a second',
  clustering:
    'Twice the slices a pair (verdict.slicesPerSide), or more senders that are independent of each other,',
  drift: 'Twice the slices a pair (verdict.slicesPerSide)',
  processes: 'Twice the pairs (verdict.maxPairs)',
};

/**
 * The budget of one statistic over pairs that were driven in slices; null with fewer than three of them, where nothing
 * can be told apart.
 *
 * Sampling: a quantile of n independent values has the variance p (1 - p) / n (d ln q / dp)^2 on the logarithmic scale
 * (Serfling, Approximation Theorems, 2.3.3), the slope read from the pooled sketch of the side. What a slice varies
 * by beyond that is clustering; what neighbouring slices share (autocovariance at lag one) is drift; what pairs vary
 * by beyond the variance of the mean of their slices is their processes.
 */
export const noiseBudget = (
  pairs: readonly MeasuredPair[],
  metric: string,
  statistic: BudgetStatistic,
): NoiseBudget | null => {
  const sliced = pairs.flatMap((pair) => {
    const changes = slicesOf(pair, metric, statistic);
    const change = pairLogRatio(pair.baseline, pair.head, metric, statistic);
    return changes.length < minSlices || change === null ? [] : [{ changes, change }];
  });
  if (sliced.length < 3) return null;
  const total = standardDeviation(sliced.map(({ change }) => change)) ** 2;
  const slices = mean(sliced.map(({ changes }) => changes.length));
  const ratios = sliced.map(({ changes }) => changes.map(({ logRatio }) => logRatio));
  const ofSlices = mean(ratios.map((values) => standardDeviation(values) ** 2));
  const ofSampling = mean(sliced.flatMap(({ changes }) => changes.map(({ sampling }) => sampling)));
  const lagged = Math.max(0, mean(ratios.map(lagOneCovariance)));
  // A trimmed mean of slices is a little less steady than their mean where they are normal: the factor that fits both.
  const efficiency = estimatorFor(statistic) === 'trimmed' ? 1.15 : 1;
  const sampling = Math.min((efficiency * ofSampling) / slices, total);
  const clustering = Math.max(0, Math.min((efficiency * (ofSlices - ofSampling)) / slices, total - sampling));
  const drift = Math.max(0, Math.min((2 * efficiency * lagged) / slices, total - sampling - clustering));
  const processes = Math.max(0, total - sampling - clustering - drift);
  return {
    statistic,
    pairs: sliced.length,
    deviation: Math.sqrt(total),
    variance: { sampling, clustering, drift, processes },
    samplesPerSlice: mean(sliced.flatMap(({ changes }) => changes.map(({ samples }) => samples))),
  };
};

/** The knob that helps most: twice the messages, twice the slices of a pair, or processes that are kept for two pairs. */
export const bestKnob = (budget: NoiseBudget): NoiseKnob => {
  const { sampling, clustering, drift, processes } = budget.variance;
  const halved: Record<NoisePart, number> = {
    sampling: sampling / 2 + clustering + drift + processes,
    // Longer pairs halve all that differs from slice to slice.
    clustering: (sampling + clustering + drift) / 2 + processes,
    drift: (sampling + clustering + drift) / 2 + processes,
    processes: sampling + clustering + drift + processes / 2,
  };
  const [part] = (Object.keys(halved) as NoisePart[]).sort(
    (a, b) => budget.variance[b] - budget.variance[a],
  ) as [NoisePart];
  return { part, deviation: Math.sqrt(halved[part]) };
};

/**
 * The budget in two sentences: "Pairs differ by 12.5%, 86% of it because messages of one slice share their luck. Twice
 * the slices a pair would bring that to 9%."
 */
export const noiseSentence = (budget: NoiseBudget): string => {
  const knob = bestKnob(budget);
  const percent = (part: number): string => `${Math.round((100 * part) / budget.deviation ** 2)}%`;
  const parts = (Object.entries(budget.variance) as [NoisePart, number][])
    .filter(([, variance]) => variance / budget.deviation ** 2 >= 0.1)
    .sort(([, a], [, b]) => b - a)
    .map(
      ([part, variance], index) =>
        `${percent(variance)}${index === 0 ? ' of it' : ''} because ${partWords[part]}`,
    );
  return `Pairs of the ${budget.statistic} differ by ${formatShare(Math.expm1(budget.deviation))}, ${parts.join(', ')}. ${knobWords[knob.part]} would bring that to about ${formatShare(Math.expm1(knob.deviation))}.`;
};

/** Where the noise comes from that left limits undecided, and values that keep to two modes. */
export function noiseNotes(
  pairs: readonly MeasuredPair[],
  main: string | null,
  outcomes: readonly GateOutcome[],
): string[] {
  const open = outcomes.find(
    ({ gate, state }) => state === 'undecided' && gate.kind === 'change' && hasBudget(gate.statistic),
  );
  const failed = outcomes.some(({ state }) => state === 'fail');
  const budget =
    open === undefined || failed
      ? null
      : noiseBudget(pairs, open.gate.metric, open.gate.statistic as BudgetStatistic);
  const modes =
    main === null
      ? []
      : (['baseline', 'head'] as const).flatMap((side) => {
          const values = pairs.map((pair) => valuesOf([pair[side]]).value(main, 'p50') ?? 0);
          const found = twoModes(values);
          if (found === null) return [];
          const high = Math.round(found.shareHigh * values.length);
          return `The p50 of ${main} keeps to two values ${atSide(side)}: ${formatDuration(found.low)} and ${formatDuration(found.high)} (${high} of ${values.length} pairs). A mean between them describes neither; fresh processes are often laid out or placed in one of two ways.`;
        });
  return [...(budget === null ? [] : [noiseSentence(budget)]), ...modes];
}

type SliceNoise = { logRatio: number; sampling: number; samples: number };

/** The log ratio of each slice of a pair, and the variance that its number of messages alone gives it. */
function slicesOf(pair: MeasuredPair, metric: string, statistic: BudgetStatistic): SliceNoise[] {
  const p = quantileBehind[statistic];
  // The slope of a typical slice: one burst would bend that of the whole round.
  const slopes = [typicalSlope(pair.baseline, metric, p), typicalSlope(pair.head, metric, p)] as const;
  return pair.baseline.slices.flatMap((slice, index) => {
    const before = slice[metric];
    const after = pair.head.slices[index]?.[metric];
    if (before === undefined || after === undefined || before.count === 0 || after.count === 0) return [];
    const [from, to] = [before, after].map(
      (slice) => statisticOfSketch(restoreSketch(slice), statistic) ?? 0,
    );
    const logRatio = Math.log(to! / from!);
    if (!Number.isFinite(logRatio)) return [];
    const sampling = p * (1 - p) * (slopes[0] ** 2 / before.count + slopes[1] ** 2 / after.count);
    return [{ logRatio, sampling, samples: (before.count + after.count) / 2 }];
  });
}

/** d ln q / dp at `p`, the median over slices, from quantiles half as far from `p` as the nearer end is. */
function typicalSlope(side: MeasuredPair['head'], metric: string, p: number): number {
  const half = Math.min(p, 1 - p) / 2;
  const slopes = side.slices.flatMap((slice) => {
    const sketch = slice[metric];
    if (sketch === undefined || sketch.count === 0) return [];
    const restored = restoreSketch(sketch);
    const slope = Math.log(restored.quantileMs(p + half) / restored.quantileMs(p - half)) / (2 * half);
    return Number.isFinite(slope) ? [slope] : [];
  });
  return slopes.length === 0 ? 0 : trimmedMean(slopes, 0.25);
}

function lagOneCovariance(values: readonly number[]): number {
  const centre = mean(values);
  const products = values.slice(1).map((value, index) => (value - centre) * (values[index]! - centre));
  return products.length === 0 ? 0 : mean(products);
}

function hasBudget(statistic: Statistic): statistic is BudgetStatistic {
  return Object.hasOwn(quantileBehind, statistic);
}
