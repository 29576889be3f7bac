import assert from 'node:assert/strict';
import { test } from 'node:test';
import { betweenMachines } from '../../src/metrics/between-machines.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { mergeRounds, mergeShards } from '../../src/metrics/merge-rounds.ts';
import { standardCounters } from '../../src/metrics/metric.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { distributionOver } from '../../src/metrics/values.ts';

const sketch = (values: number[]) => {
  const made = new LatencySketch();
  for (const value of values) made.record(value);
  return made.toJSON();
};

const round = (changes: Partial<RoundMeasurement> = {}): RoundMeasurement => ({
  activeMs: 1000,
  metrics: {},
  slices: [],
  counters: {},
  errors: [],
  unmeasured: [],
  warnings: [],
  generator: {
    cpuShare: 0.1,
    loopDelayP50Ms: 1,
    loopDelayP99Ms: 2,
    loopDelayMaxMs: 3,
    intendedArrivals: 10,
    startedArrivals: 10,
    lateArrivals: 0,
    intendedSends: 5,
    lateSends: 1,
    maxLagMs: 4,
    peakRssBytes: 100,
  },
  resources: null,
  custom: {},
  ...changes,
});

const usage = (changes: Partial<NonNullable<RoundMeasurement['resources']>> = {}) => ({
  samples: [{ atMs: 100, cpuShare: 0.5, rssBytes: 10, openFiles: 3, threads: 2 }],
  cpuSeconds: 1,
  maxCpuShare: 0.5,
  maxRssBytes: 10,
  maxOpenFiles: 3,
  openFilesLimit: 1024,
  maxThreads: 2,
  maxHeapUsedBytes: null,
  maxLoopDelayMs: null,
  gcPauseMs: null,
  ...changes,
});

test('a merged distribution is that of all values together', () => {
  const low = Array.from({ length: 500 }, (_, i) => i + 1);
  const high = Array.from({ length: 500 }, (_, i) => i + 501);
  const rounds = [
    round({ metrics: { 'chat.ack': sketch(low), 'only.first': sketch([7]) } }),
    round({ metrics: { 'chat.ack': sketch(high) } }),
  ];
  const merged = LatencySketch.fromJSON(mergeRounds(rounds).metrics['chat.ack']!).summary();
  const all = LatencySketch.fromJSON(sketch([...low, ...high])).summary();
  assert.deepEqual(merged, all);
  assert.equal(merged.count, 1000);
  assert.equal(distributionOver(rounds, 'only.first')?.count, 1);
  assert.equal(distributionOver(rounds, 'absent'), null);
});

test('counters, errors and unmeasured emits add up by name, and standard counters are always there', () => {
  const merged = mergeRounds([
    round({
      counters: { errors: 2, own: 1 },
      errors: [{ name: 'E1', count: 2, messages: ['a', 'b'], steps: ['connect'] }],
      unmeasured: [{ event: 'leave', step: 's1', count: 3 }],
      custom: { persisted: 10 },
      warnings: ['w'],
    }),
    round({
      counters: { errors: 5, own: 2 },
      errors: [
        { name: 'E2', count: 4, messages: ['c'], steps: [] },
        { name: 'E1', count: 1, messages: ['b', 'd', 'e', 'f', 'g'], steps: ['emit'] },
      ],
      unmeasured: [
        { event: 'leave', step: 's1', count: 1 },
        { event: 'leave', step: 's2', count: 1 },
      ],
      custom: { persisted: 20, other: 1 },
      warnings: ['w', 'v'],
    }),
  ]);
  assert.equal(merged.counters.errors, 7);
  assert.equal(merged.counters.own, 3);
  for (const name of standardCounters) assert.equal(typeof merged.counters[name], 'number');
  assert.deepEqual(merged.errors, [
    { name: 'E2', count: 4, messages: ['c'], steps: [] },
    { name: 'E1', count: 3, messages: ['a', 'b', 'd', 'e', 'f'], steps: ['connect', 'emit'] },
  ]);
  assert.deepEqual(merged.unmeasured, [
    { event: 'leave', step: 's1', count: 4 },
    { event: 'leave', step: 's2', count: 1 },
  ]);
  assert.deepEqual(merged.custom, { persisted: 15, other: 1 });
  assert.deepEqual(merged.warnings, ['w', 'v']);
  assert.equal(merged.activeMs, 2000);
});

test('the generator is judged by its worst round, resources by their peaks', () => {
  const first = round({ resources: usage({ maxRssBytes: 50, openFilesLimit: 4096, gcPauseMs: 3 }) });
  const second = round({
    generator: { ...first.generator, cpuShare: 0.9, maxLagMs: 60, lateSends: 4 },
    resources: usage({ cpuSeconds: 2, maxOpenFiles: 9 }),
  });
  const merged = mergeRounds([first, second, round()]);
  assert.equal(merged.generator.cpuShare, 0.9);
  assert.equal(merged.generator.maxLagMs, 60);
  assert.equal(merged.generator.lateSends, 6);
  assert.equal(merged.generator.intendedArrivals, 30);
  assert.equal(merged.resources?.cpuSeconds, 3);
  assert.equal(merged.resources?.maxRssBytes, 50);
  assert.equal(merged.resources?.maxOpenFiles, 9);
  assert.equal(merged.resources?.openFilesLimit, 1024);
  assert.equal(merged.resources?.gcPauseMs, 3);
  assert.equal(merged.resources?.maxHeapUsedBytes, null);
  assert.deepEqual(
    merged.resources?.samples.map((sample) => sample.atMs),
    [100, 1100],
  );
  assert.equal(mergeRounds([round()]).resources, null);
});

test('shards are one round: the longest time, the same slices', () => {
  const shards = [
    round({ activeMs: 900, slices: [{ m: sketch([1]) }, { m: sketch([2]) }] }),
    round({ activeMs: 1100, slices: [{ m: sketch([3]) }], resources: usage() }),
  ];
  const merged = mergeShards(shards);
  assert.equal(merged.activeMs, 1100);
  assert.deepEqual(
    merged.slices.map((slice) => slice.m?.count),
    [2, 1],
  );
  assert.equal(merged.generator.peakRssBytes, 200);
  assert.equal(merged.resources?.cpuSeconds, 1);
  assert.equal(mergeRounds(shards).slices.length, 3);
});

test('no rounds give a measurement of nothing', () => {
  const nothing = mergeRounds([]);
  assert.deepEqual(nothing.metrics, {});
  assert.equal(nothing.counters['messages.sent'], 0);
  assert.equal(nothing.activeMs, 0);
  assert.equal(nothing.resources, null);
});

test('arrivals of rounds follow each other, those of processes run beside each other', () => {
  const { generator } = round();
  const parts = [
    round({ generator: { ...generator, intendedArrivalsMs: 1_000, arrivalsMs: 4_000 } }),
    round({ generator: { ...generator, intendedArrivalsMs: 1_000, arrivalsMs: 5_000 } }),
  ];
  const rounds = mergeRounds(parts).generator;
  assert.deepEqual([rounds.intendedArrivalsMs, rounds.arrivalsMs], [2_000, 9_000]);
  const shards = mergeShards(parts).generator;
  assert.deepEqual([shards.intendedArrivalsMs, shards.arrivalsMs], [1_000, 5_000]);
  // What earlier versions stored says nothing of it, and neither does what is made from it.
  assert.equal('arrivalsMs' in mergeRounds([round()]).generator, false);
});

test('latencies between machines count as far as their clocks allow, in the whole and in each slice', () => {
  const between = betweenMachines('chat.delivery');
  const part = (clockErrorMs: number) =>
    round({
      metrics: { 'chat.delivery': sketch([9]), [between]: sketch([10, 10, 10]), 'chat.ack': sketch([1]) },
      slices: [{ [between]: sketch([10]) }],
      course: { stepMs: 1_000, steps: [{ [between]: sketch([10]), 'chat.delivery': sketch([9]) }] },
      clockErrorMs,
    });
  const counts = (merged: RoundMeasurement) =>
    [merged.metrics, merged.slices[0]!, merged.course!.steps[0]!].map(
      (sketches) => sketches['chat.delivery'] && LatencySketch.fromJSON(sketches['chat.delivery']).count,
    );
  // The first machine reads the clock of the load itself; of two others both may be wrong.
  const known = mergeShards([part(0), part(0.4), part(0.4)]);
  assert.deepEqual(counts(known), [12, 3, 6]);
  assert.deepEqual(known.warnings, []);
  const unknown = mergeShards([part(0), part(0.6), part(0.6)]);
  assert.deepEqual(counts(unknown), [3, undefined, 3]);
  assert.match(
    unknown.warnings.join(),
    /"chat\.delivery" is without deliveries between machines.*within 1\.2 ms.*p50 of 10 ms/,
  );
  for (const merged of [known, unknown]) {
    assert.equal(merged.clockErrorMs, undefined);
    assert.ok(!Object.keys({ ...merged.metrics, ...merged.slices[0] }).includes(between));
  }
});
