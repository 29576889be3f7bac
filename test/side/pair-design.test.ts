import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SideName } from '../../src/metrics/round-measurement.ts';
import { verdictSchema } from '../../src/settings/settings-schema.ts';
import { coarserDesign, firstDesign, roundsDesign, warmedUpTogether } from '../../src/side/pair-design.ts';
import { roundOrder, sliceOrder } from '../../src/side/slice-order.ts';
import { roundOf } from '../verdict/simulator.ts';

const verdict = verdictSchema.parse({});
const open = { plannedMs: null, obstacle: null };

test('ten slices of a second a side by default, and fewer of a scenario that is shorter', () => {
  const slices = { kind: 'slices', warmUpMs: 2_000, warmUpTogether: false, sliceMs: 1_000, guardMs: 250 };
  for (const [plannedMs, slicesPerSide] of [
    [null, 10],
    [60_000, 10],
    [12_000, 10],
    [7_500, 5],
  ] as const)
    assert.deepEqual(firstDesign(verdict, { ...open, plannedMs }), {
      design: { ...slices, slicesPerSide },
      because: null,
    });
  const { design } = firstDesign(verdict, { ...open, plannedMs: 2_500 });
  assert.deepEqual(design, { ...slices, warmUpMs: 0, slicesPerSide: 1 }, 'too short for a warm-up');
});

test('whole rounds where slices cannot be, or are not wanted', () => {
  const rounds = { kind: 'rounds', warmUpMs: 2_000, measuredMs: 10_000 };
  assert.deepEqual(firstDesign(verdict, { ...open, obstacle: 'it cannot be paused' }), {
    design: rounds,
    because: 'it cannot be paused',
  });
  const wanted = firstDesign({ ...verdict, alternate: 'rounds' }, open);
  assert.deepEqual(wanted.design, rounds);
  assert.match(wanted.because ?? '', /verdict\.alternate/);
  assert.deepEqual(roundsDesign(verdict, 8_000), { kind: 'rounds', warmUpMs: 0, measuredMs: null });
});

test('answers that outlast their slices make them longer, then whole rounds', () => {
  const { design: short } = firstDesign(verdict, open);
  assert.equal(coarserDesign(short, 0.1, verdict, null), null, 'a few late answers are no reason');
  const long = coarserDesign(short, 0.5, verdict, null);
  assert.deepEqual(long, {
    kind: 'slices',
    warmUpMs: 2_000,
    warmUpTogether: false,
    sliceMs: 5_000,
    slicesPerSide: 2,
    guardMs: 1_500,
  });
  assert.equal(coarserDesign(long!, 0.1, verdict, null), null);
  const rounds = coarserDesign(long!, 0.5, verdict, null);
  assert.equal(rounds?.kind, 'rounds');
  assert.equal(coarserDesign(rounds!, 1, verdict, null), null, 'nothing is coarser');
  assert.equal(coarserDesign(short, 0.5, verdict, 6_000)?.kind, 'rounds', 'no long slice fits');
  assert.equal(coarserDesign(short, 0.5, { ...verdict, alternate: 'slices' }, null), null, 'as set');
});

const headsFirst = (count: number, orderOf: (pair: number) => SideName[]): number =>
  Array.from({ length: count }, (_, pair) => orderOf(pair)[0]).filter((name) => name === 'head').length;

test('neither side is favoured by the order', () => {
  for (let pair = 0; pair < 20; pair += 1) {
    const order = sliceOrder(7, pair, 10);
    assert.equal(order.filter((name) => name === 'head').length, 10);
    const places = order.flatMap((name, place) => (name === 'head' ? [place] : []));
    assert.equal(
      places.reduce((sum, place) => sum + place, 0),
      95,
      'a linear drift touches both sides alike',
    );
  }
  for (const orderOf of [(pair: number) => sliceOrder(7, pair, 10), (pair: number) => roundOrder(7, pair)]) {
    const heads = headsFirst(400, orderOf);
    assert.ok(heads > 150 && heads < 250, `${heads} of 400`);
  }
  for (let pair = 0; pair < 20; pair += 2)
    assert.deepEqual(roundOrder(7, pair + 1), roundOrder(7, pair).toReversed(), 'ABBA over two pairs');
});

test('both sides are warmed up at once where servers and generators have room for it', () => {
  const { design } = firstDesign(verdict, open);
  const usage = {
    samples: [],
    maxCpuShare: 1,
    maxRssBytes: 0,
    maxOpenFiles: 0,
    openFilesLimit: null,
    maxThreads: 1,
    maxHeapUsedBytes: null,
    maxLoopDelayMs: null,
    gcPauseMs: null,
  };
  const side = (serverShare: number | null, cpuShare: number) => {
    const round = roundOf({
      resources: serverShare === null ? null : { ...usage, cpuSeconds: 10 * serverShare },
    });
    return { ...round, generator: { ...round.generator, cpuShare } };
  };
  const together = (
    server: number | null,
    generator: number,
    cores: Parameters<typeof warmedUpTogether>[2],
  ) => {
    const pair = { baseline: side(server, generator), head: side(server, generator) };
    const next = warmedUpTogether(design, pair, cores);
    return next.kind === 'slices' && next.warmUpTogether;
  };
  const pinned = { server: [0], generator: [1] };
  assert.equal(together(0.3, 0.3, pinned), true);
  assert.equal(together(0.4, 0.1, pinned), false, 'two such servers leave no room on their core');
  assert.equal(together(0.1, 0.4, pinned), false, 'nor do two such generators');
  assert.equal(together(null, 0.1, pinned), false, 'what is not known has no room');
  assert.equal(together(0.3, 0.3, 2), true);
  assert.equal(together(0.4, 0.4, 2), false);
});
