import { valuesOf } from '../../src/metrics/values.ts';
import type { VerdictSettings } from '../../src/settings/settings-schema.ts';
import { decidePairs, type Series } from '../../src/verdict/decide-pairs.ts';
import { type ChangeGate, type CountGate, gatesFor } from '../../src/verdict/gates.ts';
import { scheduledLooks } from '../../src/verdict/look-schedule.ts';
import { sketchResolution } from '../../src/verdict/statistics/pair-effect.ts';
import { defaultSettings, metricId, roundOf, seededNormal } from './simulator.ts';

/** The default gates of a suite that measures deliveries: the shipped ones, with their weights. */
export const defaultGates = (settings: VerdictSettings = defaultSettings) =>
  gatesFor({
    thresholds: [],
    settings,
    main: metricId,
    sides: [valuesOf([roundOf({ counters: { 'deliveries.expected': 1000 } })])],
    proof: 'pairs',
  }).gates;

/**
 * A job in the fast mode: one number per pair and statistic, drawn directly. `deviations` and `effects` are of
 * p5, p50, tail, p99 and the maximum; `correlation` is between any two of them.
 */
export type FastJob = {
  deviations: readonly [number, number, number, number, number];
  effects: readonly [number, number, number, number, number];
  correlation: number;
  /** Share of pairs whose values a foreign burst moves, and by how much (in deviations). */
  burstShare?: number;
  burstSize?: number;
};

/** The same change of every statistic at one deviation; the maximum is as noisy as it is in practice. */
export const evenJob = (effect: number, deviation: number, correlation = 0.6): FastJob => ({
  deviations: [deviation, deviation, deviation, deviation, 0.4],
  effects: [effect, effect, effect, effect, effect],
  correlation,
});

/**
 * The deviations seen in real jobs on the example chat server, when that of p95 is `deviation`: a quarter of it at the
 * p5, a third at the p50, three fifths at the tail, and two fifths more at the p99.
 */
export const typicalJob = (effect: number, deviation: number, correlation = 0.6): FastJob => ({
  deviations: [0.25 * deviation, 0.3 * deviation, 0.6 * deviation, 1.4 * deviation, 0.4],
  effects: [effect, effect, effect, effect, effect],
  correlation,
});

export type JobOutcome = { verdict: 'fail' | 'pass' | 'inconclusive'; pairs: number };

const statistics = ['p5', 'p50', 'tail', 'p99', 'max'] as const;

/** A regression that only the slow messages feel, with the deviations of `typicalJob`. */
export const tailJob = (effect: number, deviation: number): FastJob => ({
  ...typicalJob(0, deviation),
  effects: [0, 0, effect, effect, effect],
});

/** Runs jobs through the shipped decision, pair after pair, as a run does. */
export const runJobs = (
  job: FastJob,
  jobs: number,
  seed: number,
  settings: VerdictSettings = defaultSettings,
): JobOutcome[] => {
  const gates = defaultGates(settings);
  const changes = statistics.map(
    (statistic) => gates.find((gate) => gate.kind === 'change' && gate.statistic === statistic) as ChangeGate,
  );
  const counts = gates.filter((gate): gate is CountGate => gate.kind === 'count');
  const normal = seededNormal(seed);
  const common = Math.sqrt(job.correlation);
  const own = Math.sqrt(1 - job.correlation);
  const looks = scheduledLooks(settings);
  const effects = job.effects.map((effect) => Math.log1p(effect));
  return Array.from({ length: jobs }, () => {
    const values: number[][] = statistics.map(() => []);
    const draw = (): void => {
      const shared = normal();
      const hit = job.burstShare !== undefined && Math.abs(normal()) < burstBound(job.burstShare);
      const burst = hit ? normal() * (job.burstSize ?? 4) : 0;
      for (const [index, series] of values.entries())
        series.push(effects[index]! + job.deviations[index]! * (common * shared + own * normal() + burst));
    };
    const none = (pairs: number) => Array.from({ length: pairs }, () => ({ events: 0, attempts: 500 }));
    for (const pairs of looks) {
      while (values[0]!.length < pairs) draw();
      const series: Series[] = [
        ...changes.map(
          (gate, index): Series => ({
            kind: 'change',
            gate,
            scale: 'log',
            values: values[index]!,
            base: 100,
            resolution: sketchResolution,
          }),
        ),
        ...counts.map((gate): Series => ({ kind: 'count', gate, baseline: none(pairs), head: none(pairs) })),
      ];
      const last = pairs === looks.at(-1);
      const { decisions, settled } = decidePairs(series, pairs, settings, { final: last, suites: 1 });
      if (!settled) continue;
      if (decisions.some(({ state }) => state === 'fail')) return { verdict: 'fail', pairs };
      return { verdict: decisions.every(({ state }) => state === 'pass') ? 'pass' : 'inconclusive', pairs };
    }
    throw new Error('the last look settles');
  });
};

/** |Z| below this has about the probability `share`. */
const burstBound = (share: number): number => share * Math.sqrt(Math.PI / 2);

export type Rates = {
  fail: number;
  pass: number;
  inconclusive: number;
  medianPairs: number;
  meanPairs: number;
};

export const ratesOf = (outcomes: readonly JobOutcome[]): Rates => {
  const share = (verdict: JobOutcome['verdict']) =>
    outcomes.filter((outcome) => outcome.verdict === verdict).length / outcomes.length;
  const sorted = outcomes.map(({ pairs }) => pairs).sort((a, b) => a - b);
  return {
    fail: share('fail'),
    pass: share('pass'),
    inconclusive: share('inconclusive'),
    medianPairs: sorted[sorted.length >> 1]!,
    meanPairs: sorted.reduce((sum, pairs) => sum + pairs, 0) / sorted.length,
  };
};
