import { countedMetric } from '../metrics/metric-names.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { valuesOf } from '../metrics/values.ts';
import type { Gate } from './gates.ts';
import { judgeAbsolute } from './judge-absolute.ts';
import { judgePairs } from './judge-pairs.ts';
import type { CountedCalls, SuiteQuestion } from './judgement.ts';
import { type GateOutcome, plainOutcome } from './outcome.ts';

/** Whether a limit is on what is counted in pairs of its own, after the others. */
export const isCounted = ({ metric }: { metric: string }): boolean => metric === countedMetric;

/**
 * Judges the limits on counted calls, by pairs in which nothing was timed. While others may still be measured nothing is
 * said of them; in the end a limit without counts is invalid.
 */
export const judgeCounted = (
  gates: readonly Gate[],
  { counted, final, settings, suitesInJob, comparison }: SuiteQuestion,
): GateOutcome[] => {
  const counts = counted ?? null;
  if (gates.length === 0 || (counts === null && !final)) return [];
  if (counts === null || 'unavailable' in counts) {
    const why =
      counts !== null
        ? `they could not be counted, because ${counts.unavailable}`
        : comparison === 'side-by-side'
          ? 'they were not counted'
          : 'they are counted side by side alone ("baseline.mode: side-by-side")';
    return gates.map((gate) =>
      plainOutcome(
        gate,
        'invalid',
        `The limit "${gate.rule}" on the calls of a message cannot be judged: ${why}.`,
      ),
    );
  }
  const pairs = counts.pairs.map(({ baseline, head }) => ({
    baseline: roundOf(baseline),
    head: roundOf(head),
  }));
  const sides = {
    baseline: valuesOf(pairs.map(({ baseline }) => baseline)),
    head: valuesOf(pairs.map(({ head }) => head)),
  };
  const once = { ...settings, minPairs: pairs.length, maxPairs: pairs.length };
  const options = { final: true, suites: suitesInJob ?? 1 };
  return judgePairs(gates, pairs, sides, once, options).outcomes.map((outcome) =>
    outcome.gate.kind === 'absolute'
      ? judgeAbsolute(outcome.gate, sides.head, sides.baseline, settings)
      : outcome,
  );
};

/** A round of which nothing but the calls is known. */
function roundOf({ calls, messages }: CountedCalls): RoundMeasurement {
  return {
    activeMs: 0,
    metrics: {},
    slices: [],
    counters: { 'messages.sent': messages },
    calls,
    errors: [],
    unmeasured: [],
    warnings: [],
    generator: {
      cpuShare: 0,
      loopDelayP50Ms: 0,
      loopDelayP99Ms: 0,
      loopDelayMaxMs: 0,
      intendedArrivals: 0,
      startedArrivals: 0,
      lateArrivals: 0,
      intendedSends: 0,
      lateSends: 0,
      maxLagMs: 0,
      peakRssBytes: 0,
    },
    resources: null,
    custom: {},
  };
}
