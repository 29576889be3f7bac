import type { BaselineRecord, Fingerprint } from '../../src/baseline/baseline-record.ts';
import { LatencySketch, type SerializedSketch } from '../../src/metrics/latency-sketch.ts';
import { standardCounters } from '../../src/metrics/metric.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { verdictSchema } from '../../src/settings/settings-schema.ts';
import type { MeasuredPair, SuiteEvidence } from '../../src/verdict/judgement.ts';

/** Standard normal numbers from a seed (Box and Muller). */
export const seededNormal = (seed: number): (() => number) => {
  const random = seededRandom(seed);
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
};

/** A machine and a server, as far as latencies show them. All deviations are of ln(latency). */
export type World = {
  medianMs: number;
  /** Spread of single messages. */
  messageDeviation: number;
  /** Correlation of each message with the one before it. */
  autocorrelation: number;
  /** Fresh processes differ: memory layout, JIT, placement on cores. One draw per process. */
  processDeviation: number;
  /** The machine's speed wanders from slice to slice, for both sides alike: a random walk's step. */
  driftPerSlice: number;
  /** Share of slices that a burst of foreign load hits, and what it adds to the messages in it, milliseconds. */
  burstShare: number;
  burstMs: number;
  /** Messages per slice. */
  rate: number;
  /** Share of the rate that the first slice has, from which it grows evenly: a load that is still filling up. */
  startShare?: number;
  /** Share of attempts that fail, and how many at once. */
  errorShare: number;
  errorCluster: number;
};

export const quietWorld: World = {
  medianMs: 10,
  messageDeviation: 0.35,
  autocorrelation: 0.5,
  processDeviation: 0.02,
  driftPerSlice: 0.03,
  burstShare: 0.03,
  burstMs: 40,
  rate: 60,
  errorShare: 0,
  errorCluster: 1,
};

/** What the head does worse. */
export type Regression = {
  /** Factor on every latency. */
  slower: number;
  /** A stall of this many milliseconds hits a share of the slices, one message in ten of each. */
  stallMs: number;
  stallShare: number;
  /** Factor on the messages above the 90th percentile only. */
  tail: number;
  /** Added to the share of attempts that fail. */
  moreErrors: number;
};

export const noRegression: Regression = { slower: 1, stallMs: 0, stallShare: 0, tail: 1, moreErrors: 0 };

export type PairShape = { slices: number };

const emptyCounters = (): Record<string, number> =>
  Object.fromEntries(standardCounters.map((name) => [name, 0]));

/** A round as the generator reports it, with everything that is not simulated at rest. */
export const roundOf = (parts: Partial<RoundMeasurement>): RoundMeasurement => ({
  activeMs: 10_000,
  metrics: {},
  slices: [],
  errors: [],
  unmeasured: [],
  warnings: [],
  generator: {
    cpuShare: 0.1,
    loopDelayP50Ms: 0,
    loopDelayP99Ms: 1,
    loopDelayMaxMs: 2,
    intendedArrivals: 100,
    startedArrivals: 100,
    lateArrivals: 0,
    intendedSends: 0,
    lateSends: 0,
    maxLagMs: 0,
    peakRssBytes: 1e8,
  },
  resources: null,
  custom: {},
  ...parts,
  counters: { ...emptyCounters(), 'users.created': 100, ...parts.counters },
});

/** A sketch of given values. */
export const sketchOf = (values: Iterable<number>): SerializedSketch => {
  const sketch = new LatencySketch();
  for (const value of values) sketch.record(value);
  return sketch.toJSON();
};

export const metricId = 'chat.ack';

/** `count` log-normal latencies, the same every time. */
export const latencies = (medianMs: number, count: number, deviation = 0.35): number[] => {
  const normal = seededNormal(count);
  return Array.from({ length: count }, () => medianMs * Math.exp(deviation * normal()));
};

/** A round of `chat.ack` with nothing else in it. */
export const plainRound = (
  medianMs: number,
  count = 1500,
  parts: Partial<RoundMeasurement> = {},
): RoundMeasurement =>
  roundOf({
    metrics: { [metricId]: sketchOf(latencies(medianMs, count)) },
    ...parts,
    counters: { 'messages.sent': count, ...parts.counters },
  });

const fingerprint: Fingerprint = {
  scenarioHash: 'scenario',
  settingsHash: 'settings',
  environment: {
    cpuModel: 'cpu',
    cores: 2,
    memoryGiB: 8,
    os: 'os',
    node: '24',
    tailgate: '1',
    artillery: '2',
  },
};

/** A stored run. */
export const recordOf = (
  rounds: RoundMeasurement[],
  parts: Partial<BaselineRecord> = {},
): BaselineRecord => ({
  schemaVersion: 1,
  suite: 'chat',
  commit: null,
  branch: null,
  recordedAt: '2024-01-01T00:00:00Z',
  fingerprint,
  rounds,
  verdict: 'pass',
  accepted: null,
  runUrl: null,
  ...parts,
});

type Side = { round: LatencySketch; slices: LatencySketch[]; last: number; errors: number; sent: number };

const newSide = (): Side => ({ round: new LatencySketch(), slices: [], last: 0, errors: 0, sent: 0 });

/** Simulates the pairs of one job: two fresh processes a pair, alternating slices on one machine. */
export const simulatePairs = (
  world: World,
  regression: Regression,
  pairs: number,
  seed: number,
  shape: PairShape = { slices: 10 },
): MeasuredPair[] => {
  const normal = seededNormal(seed);
  const random = seededRandom(seed ^ 0x5bd1e995);
  let machine = 0;
  const spread = Math.sqrt(1 - world.autocorrelation ** 2);
  const slice = (side: Side, process: number, isHead: boolean, rate: number): void => {
    const sketch = new LatencySketch();
    const burst = random() < world.burstShare ? world.burstMs * random() * 2 : 0;
    const stalled = isHead && random() < regression.stallShare;
    for (let message = 0; message < rate; message += 1) {
      side.last = world.autocorrelation * side.last + spread * normal();
      const factor = isHead ? regression.slower * (side.last > 1.2816 ? regression.tail : 1) : 1;
      let latency =
        world.medianMs * factor * Math.exp(machine + process + world.messageDeviation * side.last);
      if (burst > 0 && random() < 0.3) latency += burst * random();
      if (stalled && message % 10 === 0) latency += regression.stallMs * random();
      sketch.record(latency);
      side.sent += 1;
      const errorShare = world.errorShare + (isHead ? regression.moreErrors : 0);
      if (errorShare > 0 && random() < errorShare / world.errorCluster) side.errors += world.errorCluster;
    }
    side.slices.push(sketch);
    side.round.merge(sketch);
  };
  const measured = (side: Side): RoundMeasurement =>
    roundOf({
      metrics: { [metricId]: side.round.toJSON() },
      slices: side.slices.map((sketch) => ({ [metricId]: sketch.toJSON() })),
      counters: { 'messages.sent': side.sent, errors: side.errors },
      errors:
        side.errors > 0 ? [{ name: 'timeout', count: side.errors, messages: ['timed out'], steps: [] }] : [],
    });
  return Array.from({ length: pairs }, () => {
    const baseline = newSide();
    const head = newSide();
    const processes = [world.processDeviation * normal(), world.processDeviation * normal()] as const;
    const headFirst = random() < 0.5;
    for (let index = 0; index < shape.slices; index += 1) {
      const start = world.startShare ?? 1;
      const rate = Math.round(world.rate * (start + ((1 - start) * index) / Math.max(1, shape.slices - 1)));
      // ABBA: of each two neighbours one goes first in every other slice.
      for (const isHead of (index % 2 === 0) === headFirst ? [true, false] : [false, true]) {
        machine += world.driftPerSlice * normal();
        machine *= 0.95;
        slice(isHead ? head : baseline, processes[isHead ? 1 : 0], isHead, rate);
      }
    }
    return { baseline: measured(baseline), head: measured(head) };
  });
};

export const defaultSettings = verdictSchema.parse({});

/** Evidence with nothing in it but defaults. */
export const evidenceOf = (parts: Partial<SuiteEvidence>): SuiteEvidence => ({
  suite: 'chat',
  comparison: 'side-by-side',
  pairs: [],
  head: [],
  history: [],
  thresholds: [],
  settings: defaultSettings,
  mainMetric: null,
  confirmation: null,
  final: false,
  invalid: [],
  ...parts,
});
