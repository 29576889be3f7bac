import { mean } from '../metrics/averages.ts';
import { studentTUpperQuantile } from '../verdict/statistics/distributions.ts';
import { standardDeviation } from '../verdict/statistics/robust.ts';
import type { FunctionPair } from './match-functions.ts';
import type { BothSides } from './side-work.ts';
import type { FunctionWork } from './work-of-functions.ts';

/** How the work of one function changed, for each message. */
export type FunctionChange = FunctionPair & {
  /** The head where it ran there, else the base. */
  at: FunctionWork;
  calls: { baseline: number; head: number; difference: number; low: number; high: number };
  /** Whether its calls were counted; they are 0 otherwise. */
  isCounted: boolean;
  /** Whether it runs more often beyond doubt. */
  risen: boolean;
  /** Whether it runs a little more often, steadily: enough for one of few that a change calls, and not of hundreds. */
  risenSlightly: boolean;
  timeUs: { baseline: number; head: number };
  /** Standard scores of the rise of time and of allocation, from the samples that each was seen in. */
  timeScore: number;
  allocatedBytes: { baseline: number; head: number };
  allocationScore: number;
};

/** Of the interval of a difference: with hundreds of functions, an ordinary one would name some by chance. */
const confidence = 0.999;
/** A rise below this many calls a message is timers, pings and flushes. */
const leastRise = 0.02;
/** The rise must be this many times what slices of one side differ by. */
const beyondSpread = 2;
/** Or every slice of the head has this many times the calls of any slice of the base. */
const manyTimes = 2;
/** Or the ratio of slices at the same time of the load is at least this (a logarithm), and so many times its deviation. */
const leastSteadyRise = 0.05;
const leastSlightRise = 0.01;
/** A part of a call, which only some messages take, must show without: one message more in a slice is as much. */
const leastSteadyCalls = 0.15;
const steadiness = 6;
const slightSteadiness = 2.5;

/** Samples of all else from which the speed of the machine can be told. */
const leastTicks = 100;

/** The change of every function, the largest rise of calls first. */
export const changeOfFunctions = (pairs: readonly FunctionPair[]): FunctionChange[] => {
  const ticks = { baseline: 0, head: 0 };
  for (const side of ['baseline', 'head'] as const)
    for (const pair of pairs) ticks[side] += pair[side]?.ticks ?? 0;
  return pairs.map((pair) => changeOf(pair, ticks)).sort((a, b) => b.calls.difference - a.calls.difference);
};

function changeOf(pair: FunctionPair, ticks: BothSides): FunctionChange {
  const { baseline, head } = pair;
  // One that ran on one side alone ran no time on the other.
  const slices = Math.max(baseline?.calls.length ?? 0, head?.calls.length ?? 0);
  const none = Array.from({ length: Math.max(1, slices) }, () => 0);
  const before = some(baseline) ?? none;
  const after = some(head) ?? none;
  const difference = mean(after) - mean(before);
  const spread = Math.sqrt(
    (standardDeviation(before) ** 2 + standardDeviation(after) ** 2) / Math.max(1, slices),
  );
  const reach = studentTUpperQuantile((1 - confidence) / 2, Math.max(1, 2 * slices - 2)) * spread;
  const [highestBefore, lowestAfter] = [Math.max(...before), Math.min(...after)];
  const range = Math.max(highestBefore - Math.min(...before), Math.max(...after) - lowestAfter);
  return {
    ...pair,
    at: head ?? baseline!,
    calls: {
      baseline: mean(before),
      head: mean(after),
      difference,
      low: difference - reach,
      high: difference + reach,
    },
    isCounted: slices > 0,
    risen:
      (difference >= Math.max(leastRise, 0.02 * mean(before)) &&
        lowestAfter > highestBefore &&
        (difference > Math.max(reach, beyondSpread * range) ||
          // What scans a growing list does more in every slice.
          lowestAfter >= manyTimes * highestBefore + leastRise)) ||
      hasSteadyRatio(before, after, leastSteadyRise, steadiness),
    risenSlightly:
      hasSteadyRatio(before, after, leastSlightRise, slightSteadiness) || hasSteadyDifference(before, after),
    timeUs: { baseline: baseline?.timeUs ?? 0, head: head?.timeUs ?? 0 },
    timeScore: score(baseline?.ticks ?? 0, head?.ticks ?? 0, slowdown(pair, ticks)),
    allocatedBytes: { baseline: baseline?.allocatedBytes ?? 0, head: head?.allocatedBytes ?? 0 },
    allocationScore: score(baseline?.allocationSamples ?? 0, head?.allocationSamples ?? 0),
  };
}

/** Calls that were counted. */
function some(one: FunctionWork | null): number[] | null {
  return one === null || one.calls.length === 0 ? null : one.calls;
}

/**
 * Where calls grow with the load, slices of one side differ by more than the sides do; slices at the same time of the
 * load are then compared with each other.
 */
function hasSteadyRatio(
  before: readonly number[],
  after: readonly number[],
  least: number,
  times: number,
): boolean {
  if (before.length < 3 || before.length !== after.length || before.some((calls) => calls < leastRise))
    return false;
  if (mean(after) - mean(before) < leastSteadyCalls) return false;
  const logRatios = before.map((calls, index) => Math.log(after[index]! / calls));
  return mean(logRatios) >= least && mean(logRatios) > times * standardDeviation(logRatios);
}

/** One more call in each message, however many there are: steady where the ratio is not. */
function hasSteadyDifference(before: readonly number[], after: readonly number[]): boolean {
  if (before.length < 3 || before.length !== after.length) return false;
  const differences = before.map((calls, index) => after[index]! - calls);
  const least = Math.max(leastSteadyCalls, leastSlightRise * mean(before));
  return mean(differences) >= least && mean(differences) > slightSteadiness * standardDeviation(differences);
}

/** How many times as long all else takes: the machine was slower then, and every function with it. */
function slowdown({ baseline, head }: FunctionPair, ticks: BothSides): number {
  const before = ticks.baseline - (baseline?.ticks ?? 0);
  const after = ticks.head - (head?.ticks ?? 0);
  return before < leastTicks || after < leastTicks ? 1 : Math.max(1, after / before);
}

/** Samples are counts: their difference has the deviation of the root of their sum. */
function score(before: number, after: number, times = 1): number {
  return (after - times * before) / Math.sqrt(Math.max(1, times * times * before + after));
}
