import type { BaselineRecord } from '../../src/baseline/baseline-record.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { standardCounters } from '../../src/metrics/metric.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';

/** A round with one latency metric of `count` values around `medianMs`. */
export const roundOf = (medianMs = 5, count = 200): RoundMeasurement => {
  const sketch = new LatencySketch();
  for (let i = 0; i < count; i += 1) sketch.record(medianMs * (0.8 + (0.4 * (i + 0.5)) / count));
  return {
    activeMs: 1_000,
    metrics: { 'chat.ack': sketch.toJSON() },
    slices: [],
    counters: Object.fromEntries(standardCounters.map((name) => [name, 0])),
    errors: [],
    unmeasured: [],
    warnings: [],
    generator: {
      cpuShare: 0.1,
      loopDelayP50Ms: 0,
      loopDelayP99Ms: 1,
      loopDelayMaxMs: 2,
      intendedArrivals: 1,
      startedArrivals: 1,
      lateArrivals: 0,
      intendedSends: 0,
      lateSends: 0,
      maxLagMs: 0,
      peakRssBytes: 1,
    },
    resources: null,
    custom: {},
  };
};

export const commitOf = (number: number): string => number.toString(16).padStart(40, '0');

/** Record number `number` of a suite, recorded that many minutes after the start of 2026. */
export const recordOf = (number: number, more: Partial<BaselineRecord> = {}): BaselineRecord => ({
  schemaVersion: 1,
  suite: 'chat',
  commit: commitOf(number),
  branch: 'main',
  recordedAt: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString(),
  fingerprint: {
    scenarioHash: 'scenario',
    settingsHash: 'settings',
    environment: {
      cpuModel: 'Test CPU',
      cores: 2,
      memoryGiB: 8,
      os: 'linux 6 x64',
      node: '24.21.0',
      tailgate: '0.1.0',
      artillery: '2.0.34',
    },
  },
  rounds: [roundOf(5 + number / 100)],
  verdict: 'pass',
  accepted: null,
  runUrl: null,
  ...more,
});
