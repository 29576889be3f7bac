import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tailgateError } from '../../../src/errors.ts';
import { LatencySketch } from '../../../src/metrics/latency-sketch.ts';
import { mergeRounds } from '../../../src/metrics/merge-rounds.ts';
import type { ResourceUsage, RoundMeasurement } from '../../../src/metrics/round-measurement.ts';
import { parseThreshold } from '../../../src/metrics/threshold-grammar.ts';
import { verdictSchema } from '../../../src/settings/settings-schema.ts';
import { firstCause } from '../../../src/verdict/capacity/capacity-reason.ts';
import { type LevelEvidence, levelOutcome } from '../../../src/verdict/capacity/level-outcome.ts';
import { judgeSuite } from '../../../src/verdict/judge-suite.ts';

const load = 100;
const seconds = 10;

const resources = (changes: Partial<ResourceUsage> = {}, cpuShare = 0.4): ResourceUsage => ({
  samples: [1, 2, 3].map((index) => ({
    atMs: index * 250,
    cpuShare,
    rssBytes: 1e8,
    openFiles: 50,
    threads: 11,
  })),
  cpuSeconds: cpuShare * seconds,
  maxCpuShare: cpuShare,
  maxRssBytes: 1e8,
  maxOpenFiles: 50,
  openFilesLimit: 1_024,
  maxThreads: 11,
  maxHeapUsedBytes: 4e7,
  maxLoopDelayMs: 5,
  gcPauseMs: 20,
  ...changes,
});

/** A step at 100 users a second, each with one message answered after `latencyMs`. */
const round = (latencyMs: number | null, changes: Partial<RoundMeasurement> = {}): RoundMeasurement => {
  const empty = mergeRounds([]);
  const sketch = new LatencySketch();
  if (latencyMs !== null) for (let index = 0; index < load * seconds; index += 1) sketch.record(latencyMs);
  return {
    ...empty,
    activeMs: seconds * 1000,
    metrics: latencyMs === null ? {} : { 'work.ack': sketch.toJSON() },
    counters: { ...empty.counters, 'users.created': load * seconds, 'messages.sent': load * seconds },
    generator: { ...empty.generator, intendedArrivals: load * seconds, startedArrivals: load * seconds },
    resources: resources(),
    ...changes,
  };
};

const rules = ['work.ack.p95 < 100ms', 'errors.rate < 1%'];

const evidence = (
  measured: RoundMeasurement | null,
  changes: Partial<LevelEvidence> = {},
): LevelEvidence => ({
  load,
  round: measured,
  judgement:
    measured === null
      ? null
      : judgeSuite({
          suite: 'queue',
          comparison: 'none',
          pairs: [],
          head: [measured],
          history: [],
          thresholds: rules.map((rule) => parseThreshold(rule, {})),
          settings: verdictSchema.parse({}),
          mainMetric: null,
          confirmation: null,
          final: true,
          invalid: [],
        }),
  problem: null,
  bottleneck: null,
  users: [],
  means: { cores: 2, memoryBytes: 8e9 },
  ...changes,
});

const whats = (given: LevelEvidence): string[] => levelOutcome(given).reasons.map(({ what }) => what);

test('a load holds when every limit held', () => {
  assert.deepEqual(levelOutcome(evidence(round(20))), { outcome: 'holds', reasons: [] });
});

test('a limit that is missed breaks it, with the value and the limit', () => {
  const { outcome, reasons } = levelOutcome(evidence(round(250)));
  assert.equal(outcome, 'breaks');
  assert.deepEqual(
    reasons.map(({ what }) => what),
    ['latency'],
  );
  assert.match(reasons[0]!.explanation, /work\.ack p95 is 2(49|50|51) ms; it must be below 100 ms/);
});

test('errors come with the one that is most frequent', () => {
  const measured = round(20, {
    errors: [
      { name: 'disconnected', count: 3, messages: [], steps: [] },
      { name: 'connect timeout', count: 100, messages: ['no answer within 3000 ms'], steps: [] },
    ],
  });
  measured.counters.errors = 103;
  const { outcome, reasons } = levelOutcome(evidence(measured));
  assert.equal(outcome, 'breaks');
  assert.deepEqual(
    reasons.map(({ what }) => what),
    ['errors'],
  );
  assert.match(reasons[0]!.explanation, /most frequent: "connect timeout" \(no answer within 3000 ms\)/);
});

test('a server that lets nobody in breaks, though nothing was measured', () => {
  const measured = round(null, {
    errors: [{ name: 'connect error: ECONNREFUSED', count: 1_000, messages: [], steps: [] }],
  });
  measured.counters.errors = 1_000;
  measured.counters['messages.sent'] = 0;
  const { outcome, reasons } = levelOutcome(evidence(measured));
  assert.equal(outcome, 'breaks');
  assert.match(reasons[0]!.explanation, /100% of the attempts failed.*ECONNREFUSED/);
});

test('a resource that was used up comes before the limit that broke for it', () => {
  const oneThread = { resources: resources({ maxLoopDelayMs: 80 }, 0.98) };
  assert.deepEqual(whats(evidence(round(250, oneThread))), ['cpu', 'latency']);
  const { reasons } = levelOutcome(evidence(round(250, oneThread)));
  assert.match(reasons[0]!.explanation, /0\.98 cores, which is all that its one JavaScript thread can use/);
  const cause = firstCause(reasons);
  assert.equal(cause?.what, 'cpu');
  assert.match(cause.explanation, /thread can use.*work\.ack p95 is/);

  const native = { resources: resources({ maxLoopDelayMs: null }, 0.98) };
  assert.deepEqual(whats(evidence(round(250, native))), ['latency'], 'another core is left to it');
  const all = { resources: resources({ maxLoopDelayMs: null }, 1.95) };
  assert.match(levelOutcome(evidence(round(250, all))).reasons[0]!.explanation, /1\.95 cores of the 2 cores/);

  const files = { resources: resources({ maxOpenFiles: 1_020 }) };
  assert.deepEqual(whats(evidence(round(250, files))), ['descriptors', 'latency']);
  const named = {
    errors: [{ name: 'connect error', count: 2, messages: ['accept EMFILE'], steps: [] }],
  };
  assert.deepEqual(whats(evidence(round(250, named))), ['descriptors', 'latency']);
  const memory = { resources: resources({ maxRssBytes: 7.5e9 }) };
  assert.deepEqual(whats(evidence(round(250, memory))), ['memory', 'latency']);
  const collecting = {
    resources: resources({ gcPauseMs: 4_000 }),
  };
  assert.deepEqual(whats(evidence(round(250, collecting))), ['memory', 'latency']);
  // Used up or not, a load whose limits held is held.
  assert.equal(levelOutcome(evidence(round(20, oneThread))).outcome, 'holds');
});

test('users who pile up break it, though every latency is still short', () => {
  const users = Array.from({ length: 20 }, (_, index) => ({
    atMs: 3_000 + index * 500,
    active: 10 + 9 * index,
  }));
  const { outcome, reasons } = levelOutcome(evidence(round(20), { users }));
  assert.equal(outcome, 'breaks');
  assert.deepEqual(
    reasons.map(({ what }) => what),
    ['throughput'],
  );
  assert.match(reasons[0]!.explanation, /Of 100 users a second 18 did not leave again/);
  const steady = users.map(({ atMs }, index) => ({ atMs, active: 20 + (index % 3) }));
  assert.equal(levelOutcome(evidence(round(20), { users: steady })).outcome, 'holds');
});

test('a server that dies, or drops the room, breaks', () => {
  const died = tailgateError('TARGET_DIED', { command: 'node .', exitCode: 'signal SIGKILL', tail: 'x' });
  const { outcome, reasons } = levelOutcome(evidence(null, { problem: died }));
  assert.equal(outcome, 'breaks');
  assert.equal(reasons[0]?.what, 'server');
  assert.match(reasons[0]!.explanation, /SIGKILL during the measurement\.$/);
  const full = { resources: resources({ maxRssBytes: 7.9e9 }) };
  assert.deepEqual(whats(evidence(round(20, full), { problem: died })), ['server', 'memory']);
  const lost = tailgateError('ROOM_LOST', { reason: 'ping timeout', atMs: 900 });
  assert.equal(levelOutcome(evidence(round(20), { problem: lost })).outcome, 'breaks');
});

test('nothing is said of the server when the generator was at its end, however the limits fared', () => {
  for (const latencyMs of [20, 250]) {
    const { outcome, reasons } = levelOutcome(
      evidence(round(latencyMs), { bottleneck: 'it used 97% of a core' }),
    );
    assert.equal(outcome, 'invalid');
    assert.equal(reasons[0]?.what, 'generator');
  }
  const slow = round(20);
  slow.generator.startedArrivals = 600;
  assert.match(levelOutcome(evidence(slow)).reasons[0]!.explanation, /reached 60 of 100 users a second/);
  const gone = tailgateError('LOAD_FAILED', { reason: 'its process ended with SIGKILL' });
  assert.equal(levelOutcome(evidence(null, { problem: gone })).outcome, 'invalid');
});

test('a limit that had nothing to judge by is no answer', () => {
  const measured = round(20);
  const other = evidence(measured, {});
  const judgement = { ...other.judgement!, verdict: 'invalid' as const, reason: 'Never observed.' };
  assert.equal(levelOutcome({ ...other, judgement }).outcome, 'invalid');
});
