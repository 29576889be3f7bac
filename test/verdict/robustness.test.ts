import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import type { MeasuredPair, SuiteEvidence, SuiteJudgement } from '../../src/verdict/judgement.ts';
import { evidenceOf, latencies, metricId, plainRound, recordOf, roundOf, sketchOf } from './simulator.ts';

const written = [
  'p95 < +10%',
  'p99 < +10% and +5ms',
  'chat.ack.p50 < 200ms',
  '*.ack.p95 < 1s',
  'chat.ack.count > -5%',
  'chat.ack.max < +50%',
  'chat.ack.p999 < +50%',
  'join.ack.mean < -5%',
  'errors = 0',
  'errors <= baseline',
  'errors < +10%',
  'errors.rate < 0.1%',
  'errors.rate < +0.1pp',
  'errors.named.timeout < +3',
  'lost = 0',
  'lost.rate < +1pp',
  'disconnects <= +2',
  'messages.sent.perSecond > -5%',
  'server.rss.max < 400MB',
  'server.rss.max < +10%',
  'server.cpuPerMessage < +10%',
  'server.gc < +10ms',
  'custom.persisted >= 10',
  'custom.persisted > -5%',
  'custom.persisted < +0',
  '"constructor".ack.p95 < 1s',
].map((source) => parseThreshold(source));

/** Something that can happen to a round, however unlikely. */
const mishaps: ((round: RoundMeasurement, random: () => number) => RoundMeasurement)[] = [
  (round) => ({ ...round, metrics: {} }),
  (round) => ({ ...round, slices: [] }),
  (round) => ({ ...round, slices: round.slices.slice(0, 3) }),
  (round) => ({ ...round, activeMs: 0 }),
  (round) => ({ ...round, counters: {} }),
  (round) => ({ ...round, counters: { ...round.counters, 'messages.sent': 0, 'users.created': 0 } }),
  (round, random) => ({ ...round, counters: { ...round.counters, errors: Math.floor(300 * random()) } }),
  (round) => ({
    ...round,
    counters: { ...round.counters, 'deliveries.expected': 50, 'deliveries.lost': 50 },
  }),
  (round) => ({ ...round, metrics: { ...round.metrics, [metricId]: sketchOf([]) } }),
  (round) => ({ ...round, metrics: { ...round.metrics, [metricId]: sketchOf([0, 0, 0, 0]) } }),
  (round) => ({ ...round, metrics: { ...round.metrics, 'join.ack': sketchOf(latencies(3, 60)) } }),
  (round) => ({ ...round, custom: { persisted: 0 } }),
  (round, random) => ({ ...round, custom: { persisted: 100 * random() - 20 } }),
  (round) => ({ ...round, errors: [{ name: 'timeout', count: 4, messages: [], steps: [] }] }),
  (round, random) => ({
    ...round,
    resources: {
      samples: [],
      cpuSeconds: random(),
      maxCpuShare: random(),
      maxRssBytes: 1e8 * random(),
      maxOpenFiles: 10,
      openFilesLimit: null,
      maxThreads: 4,
      maxHeapUsedBytes: null,
      maxLoopDelayMs: null,
      gcPauseMs: random(),
    },
  }),
];

const sliced = (medianMs: number): RoundMeasurement => {
  const slices = Array.from({ length: 10 }, () => sketchOf(latencies(medianMs, 40)));
  const base = plainRound(medianMs, 400);
  return { ...base, slices: slices.map((slice) => ({ [metricId]: slice })) };
};
const shapes = [sliced(10), sliced(10.2), sliced(13), plainRound(9), roundOf({})];

const finiteNumbers = (judgement: SuiteJudgement): void => {
  for (const metric of judgement.metrics) {
    for (const change of metric.change) {
      assert.ok(!Number.isNaN(change.relative), `${metric.id} ${change.statistic}`);
      assert.ok(change.low === null || change.low <= change.relative, JSON.stringify(change));
      assert.ok(change.high === null || change.high >= change.relative, JSON.stringify(change));
    }
    for (const limit of metric.limit) {
      assert.doesNotMatch(limit.explanation, /NaN|undefined|Infinity|null/, limit.explanation);
      assert.match(limit.explanation, /\.$/);
    }
  }
};

test('whatever is measured, there is a verdict, in words, and never a pass over a gate that did not', () => {
  const seen = new Map<string, number>();
  for (let trial = 0; trial < 1500; trial += 1) {
    const random = seededRandom(trial);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    // Most trials have few mishaps, or nearly all of them would be invalid.
    const share = pick([0, 0, 0.05, 0.3]);
    const common = random() < 0.5 ? pick(mishaps) : null;
    const round = (): RoundMeasurement => {
      const base = random() < 0.95 ? shapes[Math.floor(random() * 4)]! : pick(shapes);
      const once = common === null ? base : common(base, random);
      return random() < share ? pick(mishaps)(once, random) : once;
    };
    const many = <T>(most: number, make: () => T): T[] =>
      Array.from({ length: Math.floor(random() * (most + 1)) }, make);
    const comparison = pick(['side-by-side', 'history', 'single', 'none'] as const);
    const evidence: SuiteEvidence = evidenceOf({
      comparison,
      pairs:
        comparison === 'side-by-side'
          ? many(12, (): MeasuredPair => ({ baseline: round(), head: round() }))
          : [],
      head: comparison === 'side-by-side' ? [] : many(3, round),
      history: comparison === 'side-by-side' ? [] : many(14, () => recordOf(many(2, round))),
      confirmation: random() < 0.5 ? null : many(2, round),
      thresholds: many(5, () => pick(written)),
      mainMetric: random() < 0.8 ? null : pick([metricId, 'join.ack', 'nothing.ack']),
      final: random() < 0.5,
    });
    const judgement = judgeSuite(evidence);
    finiteNumbers(judgement);
    assert.doesNotMatch(judgement.reason, /NaN|undefined|Infinity|null/, judgement.reason);
    assert.ok(judgement.reason.length > 20, judgement.reason);
    const verdicts = judgement.metrics.flatMap((metric) => metric.limit.map((limit) => limit.verdict));
    if (judgement.verdict === 'pass') assert.ok(verdicts.every((verdict) => verdict === 'pass'));
    if (evidence.final) assert.equal(judgement.next, 'decided');
    if (comparison === 'none' || comparison === 'single') assert.equal(judgement.next, 'decided');
    seen.set(judgement.verdict, (seen.get(judgement.verdict) ?? 0) + 1);
  }
  for (const verdict of ['pass', 'fail', 'inconclusive', 'invalid'])
    assert.ok((seen.get(verdict) ?? 0) > 30, `${verdict}: ${JSON.stringify([...seen])}`);
});
