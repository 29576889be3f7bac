import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/metrics/seeded-random.ts';
import { verdictSchema } from '../../../src/settings/settings-schema.ts';
import { decideCount } from '../../../src/verdict/decide-pairs.ts';
import { type CountGate, gatesFor } from '../../../src/verdict/gates.ts';
import { studentTUpperTail } from '../../../src/verdict/statistics/distributions.ts';
import { compareCounts, type EventCount } from '../../../src/verdict/statistics/error-counts.ts';

const rounds = (...events: number[]): EventCount[] => events.map((one) => ({ events: one, attempts: 1000 }));

test('the conditional test is the binomial mid-p', () => {
  // 8 of 10 events at head, equal attempts: P(X > 8) + P(X = 8) / 2 = (11 + 22.5) / 1024, SciPy's binom gives the same.
  const { conditionalP } = compareCounts(rounds(1, 0, 1, 0), rounds(2, 2, 2, 2), true);
  assert.ok(Math.abs(conditionalP - 0.03271484375) < 1e-12);
});

test('unequal attempts shift what is expected', () => {
  const less = compareCounts([{ events: 10, attempts: 1000 }], [{ events: 20, attempts: 2000 }], false);
  assert.ok(less.conditionalP > 0.4 && less.conditionalP < 0.6, `${less.conditionalP}`);
  assert.equal(less.rise, 0);
});

test('the quasi-Poisson test is that of the formula', () => {
  const baseline = rounds(0, 4, 0, 0, 2, 0);
  const head = rounds(9, 0, 1, 0, 12, 2);
  const found = compareCounts(baseline, head, true);
  const chi = (events: number[], expected: number) =>
    events.reduce((sum, one) => sum + (one - expected) ** 2 / expected, 0);
  const phi = (chi([0, 4, 0, 0, 2, 0], 1) + chi([9, 0, 1, 0, 12, 2], 4)) / 10;
  assert.ok(Math.abs(found.dispersion - phi) < 1e-12);
  const t = (24 - 6) / Math.sqrt(phi * 30);
  assert.ok(Math.abs(found.quasiP - studentTUpperTail(t, 10)) < 1e-12);
  // Differences 9, -4, 1, 0, 10, 2 in 1,000: mean 3, deviation 5.329.
  const paired = studentTUpperTail(3 / (Math.sqrt(148 / 5) / Math.sqrt(6)), 5);
  assert.ok(Math.abs(found.pairedP! - paired) < 1e-12, `${found.pairedP}, ${paired}`);
  assert.equal(found.p, Math.max(found.conditionalP, found.quasiP, found.pairedP!));
  assert.ok(found.quasiP > found.conditionalP);
});

test('no events prove nothing, and few rounds assume clusters', () => {
  const none = compareCounts(rounds(0, 0, 0), rounds(0, 0, 0), true);
  assert.deepEqual([none.conditionalP, none.quasiP, none.rise], [1, 1, 0]);
  const one = compareCounts(rounds(2), rounds(10), true);
  assert.equal(one.assumed, true);
  assert.equal(one.dispersion, 2);
});

const gate = gatesFor({
  thresholds: [],
  settings: verdictSchema.parse({}),
  main: null,
  sides: [],
  proof: 'pairs',
}).gates.find((one): one is CountGate => one.kind === 'count')!;

/** Rounds whose errors come `cluster` at a time. */
const clustered = (random: () => number, count: number, share: number, cluster: number): EventCount[] =>
  Array.from({ length: count }, () => {
    const attempts = 1000;
    let events = 0;
    // Poisson arrivals of clusters, by exponential gaps.
    const mean = (attempts * share) / cluster;
    let at = -Math.log(1 - random());
    while (at < mean) {
      events += cluster;
      at -= Math.log(1 - random());
    }
    return { events, attempts };
  });

test('clustered errors do not raise false alarms, which the plain test does', () => {
  const jobs = 3000;
  const level = 0.01;
  for (const cluster of [1, 5, 20]) {
    const random = seededRandom(cluster);
    let failed = 0;
    let plain = 0;
    for (let job = 0; job < jobs; job += 1) {
      const decision = decideCount(
        gate,
        clustered(random, 10, 0.005, cluster),
        clustered(random, 10, 0.005, cluster),
        level,
        true,
      );
      if (decision.state === 'fail') failed += 1;
      if (decision.comparison.conditionalP < level) plain += 1;
    }
    assert.ok(
      failed / jobs <= level + 3 * Math.sqrt(level / jobs),
      `clusters of ${cluster}: ${failed / jobs}`,
    );
    if (cluster > 1)
      assert.ok(plain / jobs > 0.05, `the plain test at clusters of ${cluster}: ${plain / jobs}`);
  }
});

test('a rise from 0.1% to 1% is found, one below 0.05 points passes', () => {
  const random = seededRandom(8);
  let found = 0;
  for (let job = 0; job < 200; job += 1) {
    const decision = decideCount(
      gate,
      clustered(random, 10, 0.001, 2),
      clustered(random, 10, 0.01, 2),
      0.0005,
      true,
    );
    if (decision.state === 'fail') found += 1;
  }
  assert.ok(found >= 150, `${found} of 200`);
  const small = decideCount(gate, rounds(0, 0, 0, 0), rounds(1, 0, 0, 0), 0.5, true);
  assert.equal(small.state, 'pass');
});
