import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { formatCount, plural } from '../metrics/notation.ts';
import { distributionOver } from '../metrics/observed-value.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';

/** Sides of a pair must have been meant to get the same load, up to this share. */
const loadTolerance = 0.1;

const hasLatency = (round: RoundMeasurement): boolean =>
  Object.values(round.metrics).some((sketch) => sketch.count > 0);

const damaged = (round: RoundMeasurement): string | null => {
  const counter = Object.entries(round.counters).find(([, value]) => !Number.isFinite(value));
  if (counter !== undefined) return `the counter ${counter[0]}`;
  const sketch = Object.entries(round.metrics).find(
    ([, { count, sumMs, maxMs }]) => ![count, sumMs, maxMs].every(Number.isFinite),
  );
  return sketch === undefined ? null : sketch[0];
};

/** Latencies that the baseline has in number and the head does not have at all. */
export const vanishedMetrics = (
  baseline: readonly RoundMeasurement[],
  head: readonly RoundMeasurement[],
  settings: VerdictSettings,
): string[] => {
  const metrics = [...new Set(baseline.flatMap((round) => Object.keys(round.metrics)))].sort();
  return metrics.filter((metric) => {
    const before = distributionOver(baseline, metric)?.count ?? 0;
    // What is rare at the baseline can be absent at head by chance, more so when the head was measured for less time.
    const expected = (before * head.length) / baseline.length;
    return expected >= settings.minSamplesP50 && distributionOver(head, metric) === null;
  });
};

/** Reasons why rounds of the two sides cannot be judged, each a sentence. */
export const inconsistencies = (
  baseline: readonly RoundMeasurement[],
  head: readonly RoundMeasurement[],
  paired: boolean,
  settings: VerdictSettings,
): string[] => {
  const reasons: string[] = [];
  if (head.length === 0) return ['Nothing was measured at head.'];
  if (!head.some(hasLatency)) reasons.push('Nothing was measured: no latency was recorded at head.');
  for (const [side, rounds] of [
    ['head', head],
    ['baseline', baseline],
  ] as const) {
    const wrong = rounds.map(damaged).find((name) => name !== null);
    if (wrong !== undefined) reasons.push(`The measurement is damaged: ${wrong} at ${side} is not a number.`);
  }
  if (reasons.length > 0) return reasons;
  for (const metric of vanishedMetrics(baseline, head, settings))
    reasons.push(`${metric} was measured at the baseline and not at all at head.`);
  if (paired) reasons.push(...unequalLoads(baseline, head));
  return reasons;
};

/**
 * Arrivals are scheduled without regard to the server, so both sides must have been meant to get as many. Sends are
 * not compared: a server that refuses users gets fewer of them.
 */
const unequalLoads = (baseline: readonly RoundMeasurement[], head: readonly RoundMeasurement[]): string[] =>
  head.flatMap((round, index) => {
    const before = baseline[index]!.generator.intendedArrivals;
    const after = round.generator.intendedArrivals;
    const most = Math.max(before, after);
    // Random arrivals differ by about the root of their number.
    if (Math.abs(before - after) <= Math.max(loadTolerance * most, 3 * Math.sqrt(most))) return [];
    return [
      `The sides of pair ${index + 1} were not given the same load: ${plural(before, 'arrival')} at the baseline, ${formatCount(after)} at head.`,
    ];
  });

/** A sentence when stored records were made by different scenarios or settings, so that they are not one history. */
export const mixedHistory = (records: readonly BaselineRecord[]): string | null => {
  const kinds = new Set(
    records.map(({ fingerprint }) => `${fingerprint.scenarioHash}/${fingerprint.settingsHash}`),
  );
  return kinds.size <= 1
    ? null
    : 'The stored runs were made by different scenarios or settings, so they cannot be compared with.';
};
