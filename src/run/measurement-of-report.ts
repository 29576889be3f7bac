import { LatencySketch } from '../metrics/latency-sketch.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { SuiteReport } from '../report/report-model.ts';

type Summary = NonNullable<SuiteReport['metrics'][number]['head']>;

/** More values than this add nothing to the quantiles of a sketch. */
const maxValues = 100_000;

/**
 * A sketch with the count and the quantiles of a summary, which is all that a report keeps of a distribution: values
 * between two known quantiles are spread evenly. Null when the summary has no values.
 */
const sketchOf = (summary: Summary): LatencySketch | null => {
  const points = [
    [0, 0],
    [0.5, summary.p50Ms],
    [0.9, summary.p90Ms],
    [0.95, summary.p95Ms],
    [0.99, summary.p99Ms],
    [0.999, summary.p999Ms],
    [1, summary.maxMs],
  ].filter((point): point is [number, number] => point[1] !== null);
  if (summary.count === 0 || points.length < 2) return null;
  const sketch = new LatencySketch();
  const count = Math.min(summary.count, maxValues);
  let upper = 1;
  for (let rank = 0; rank < count; rank += 1) {
    const q = count === 1 ? 0.5 : rank / (count - 1);
    while (upper < points.length - 1 && q > points[upper]![0]) upper += 1;
    const [fromQ, fromMs] = points[upper - 1]!;
    const [toQ, toMs] = points[upper]!;
    sketch.record(fromMs + ((q - fromQ) / (toQ - fromQ)) * (toMs - fromMs));
  }
  return sketch;
};

/** What a report tells of the head of one suite, in the shape that the verdict is made from. */
export const measurementOfReport = (suite: SuiteReport): RoundMeasurement => {
  const metrics: RoundMeasurement['metrics'] = {};
  const custom: Record<string, number> = {};
  for (const metric of suite.metrics) {
    const sketch = metric.head === null ? null : sketchOf(metric.head);
    if (sketch !== null) {
      const spread = sketch.toJSON();
      // The mean is known, and is not that of values spread evenly.
      const meanMs = metric.head?.meanMs ?? null;
      metrics[metric.id] = meanMs === null ? spread : { ...spread, sumMs: meanMs * spread.count };
    } else if (metric.headValue !== null && metric.id.startsWith('custom.'))
      custom[metric.id.slice('custom.'.length)] = metric.headValue;
  }
  const counters = Object.fromEntries(
    Object.entries(suite.counters).flatMap(([name, value]) =>
      value.head === null ? [] : [[name, value.head]],
    ),
  );
  const head = suite.resources?.head ?? null;
  return {
    activeMs: suite.rounds
      .filter((round) => round.side === 'head')
      .reduce((sum, round) => sum + round.activeMs, 0),
    metrics,
    slices: [],
    counters,
    // Of the seconds only the highest is known, and only it is asked for.
    sentPerSecond: suite.sendRate?.head?.maxPerSecond == null ? [] : [suite.sendRate.head.maxPerSecond],
    errors: suite.errors.map(({ name, count, messages, steps }) => ({ name, count, messages, steps })),
    unmeasured: suite.unmeasured,
    warnings: [],
    generator: suite.generator ?? {
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
    resources: head === null ? null : { ...head, samples: [] },
    custom,
  };
};
