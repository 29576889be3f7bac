import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studentTUpperQuantile } from '../../../src/verdict/statistics/distributions.ts';
import {
  nominalLevels,
  normalBoundaries,
  type SequentialDesign,
  spentAlpha,
} from '../../../src/verdict/statistics/group-sequential.ts';
import { seededNormal } from '../simulator.ts';

const looks = [6, 8, 10, 12, 14, 16, 18, 20];
const design = { looks, maxPairs: 20, alpha: 0.01, gamma: -4 };

/*
 * Golden values: an independent integration in Python (SciPy 1.17.1: Simpson with 3,001 points a look, brentq, and
 * stats.t.isf of the normal tails). The table printed in the design, from a coarser computation, is 0.2% higher.
 */
const golden = [
  {
    alpha: 0.01,
    gamma: -4,
    normal: [3.33087163, 3.31733346, 3.1900346, 3.05000775, 2.90431844, 2.75383295, 2.59818819, 2.43659201],
    student: [7.087528, 5.497636, 4.531783, 3.945998, 3.532091, 3.20607, 2.928823, 2.679618],
    printed: [7.104, 5.509, 4.541, 3.955, 3.541, 3.213, 2.935, 2.685],
  },
  {
    alpha: 0.05,
    gamma: -2,
    normal: [2.48741252, 2.51556439, 2.41809601, 2.30741022, 2.19287117, 2.07610606, 1.95717632, 1.83568352],
    student: [3.781687, 3.372222, 2.973954, 2.689925, 2.466574, 2.276787, 2.106455, 1.947519],
    printed: [3.79, 3.382, 2.984, 2.697, 2.474, 2.284, 2.115, 1.956],
  },
];

/**
 * Boundaries for Student's t statistic of the mean over pairs, one per look: the t with the same tail probability as
 * the normal boundary, at n - 1 degrees of freedom.
 */
const studentBoundaries = (design: SequentialDesign): number[] =>
  nominalLevels(design).map((level, index) =>
    studentTUpperQuantile(level, Math.max(1, design.looks[index]! - 1)),
  );

test('boundaries agree with an independent integration', () => {
  for (const { alpha, gamma, normal, student, printed } of golden) {
    const one = { looks, maxPairs: 20, alpha, gamma };
    for (const [index, value] of normalBoundaries(one).entries())
      assert.ok(
        Math.abs(value - normal[index]!) < 2e-5,
        `look ${index}: ${value}, expected ${normal[index]}`,
      );
    for (const [index, value] of studentBoundaries(one).entries()) {
      assert.ok(
        Math.abs(value / student[index]! - 1) < 1e-4,
        `look ${index}: ${value}, expected ${student[index]}`,
      );
      assert.ok(
        Math.abs(value / printed[index]! - 1) < 0.006,
        `look ${index}: ${value}, printed ${printed[index]}`,
      );
    }
  }
});

test('one look is the ordinary test', () => {
  const [only] = studentBoundaries({ looks: [12], maxPairs: 20, alpha: 0.01, gamma: -4 });
  assert.ok(Math.abs(only! - studentTUpperQuantile(0.01, 11)) < 1e-9);
});

test('spending begins at nothing, ends at alpha and never falls', () => {
  for (const gamma of [-4, -2, 0, 1]) {
    assert.equal(spentAlpha(0.01, gamma, 0), 0);
    assert.equal(spentAlpha(0.01, gamma, 1), 0.01);
    for (let fraction = 0.1; fraction <= 1; fraction += 0.1)
      assert.ok(spentAlpha(0.01, gamma, fraction) > spentAlpha(0.01, gamma, fraction - 0.1));
  }
  assert.ok(Math.abs(spentAlpha(0.01, -4, 0.3) - 0.00043287257513586276) < 1e-15);
});

test('a time budget that ends early spends what is left at its last look', () => {
  const early = normalBoundaries({ ...design, looks: [6, 8, 11] });
  const full = normalBoundaries(design);
  assert.deepEqual(early.slice(0, 2), full.slice(0, 2));
  assert.ok(early[2]! < full[2]!, `${early[2]} is not below ${full[2]}`);
  assert.ok(early[2]! > 2.326);
});

test('the boundaries are crossed as often as they say, by normal and by t statistics', () => {
  const jobs = 20_000;
  const alpha = 0.05;
  const normal = normalBoundaries({ ...design, alpha });
  const student = studentBoundaries({ ...design, alpha });
  const draw = seededNormal(11);
  let crossedNormal = 0;
  let crossedStudent = 0;
  for (let job = 0; job < jobs; job += 1) {
    let sum = 0;
    let squares = 0;
    let z = false;
    let t = false;
    for (let n = 1; n <= 20; n += 1) {
      const value = draw();
      sum += value;
      squares += value * value;
      const look = looks.indexOf(n);
      if (look === -1) continue;
      if (sum / Math.sqrt(n) > normal[look]!) z = true;
      const deviation = Math.sqrt((squares - (sum * sum) / n) / (n - 1));
      if (sum / Math.sqrt(n) / deviation > student[look]!) t = true;
    }
    if (z) crossedNormal += 1;
    if (t) crossedStudent += 1;
  }
  // Binomial standard error 0.0015; the t boundaries match tails look by look, which is a little conservative or liberal.
  assert.ok(Math.abs(crossedNormal / jobs - alpha) < 0.005, `normal: ${crossedNormal / jobs}`);
  assert.ok(Math.abs(crossedStudent / jobs - alpha) < 0.006, `t: ${crossedStudent / jobs}`);
});

test('boundaries come fast enough to be made between two pairs, and once', () => {
  nominalLevels(design);
  const started = performance.now();
  for (let index = 0; index < 20; index += 1) nominalLevels({ ...design, alpha: 0.0001 + index * 1e-5 });
  const each = (performance.now() - started) / 20;
  assert.ok(each < 200, `${each} ms`);
  const again = performance.now();
  for (let index = 0; index < 1000; index += 1) nominalLevels(design);
  assert.ok(performance.now() - again < 500);
});
