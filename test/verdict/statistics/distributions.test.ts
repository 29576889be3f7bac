import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  binomialProbability,
  binomialUpperMidP,
  binomialUpperTail,
  normalUpperQuantile,
  normalUpperTail,
  studentTUpperQuantile,
  studentTUpperTail,
} from '../../../src/verdict/statistics/distributions.ts';
import { erfc, logGamma, regularizedBeta } from '../../../src/verdict/statistics/special-functions.ts';

/*
 * Golden values: mpmath 1.3.0 with 30 digits (erfc, loggamma, betainc and gammainc, regularised; the tails of the
 * normal, Student's t and chi-squared through them) and SciPy 1.17.1 (the quantiles `isf`, and `binom`).
 */

const close = (actual: number, expected: number, relative: number, what: string): void =>
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.max(Math.abs(expected), 1e-300),
    `${what}: ${actual}, expected ${expected}`,
  );

test('complementary error function', () => {
  for (const [x, expected] of [
    [0.5, 0.4795001221869535],
    [1, 0.15729920705028513],
    [2, 0.004677734981047266],
    [3, 2.209049699858544e-5],
    [5, 1.537459794428035e-12],
    [10, 2.088487583762545e-45],
  ] as const) {
    close(erfc(x), expected, 1e-12, `erfc(${x})`);
    close(erfc(-x), 2 - expected, 1e-14, `erfc(${-x})`);
  }
  assert.equal(erfc(0), 1);
  assert.equal(erfc(40), 0);
});

test('logarithm of the gamma function', () => {
  for (const [x, expected] of [
    [0.1, 2.252712651734206],
    [0.5, 0.5723649429247001],
    [1.5, -0.12078223763524522],
    [4.2, 2.04855563696059],
    [10, 12.801827480081469],
    [100.5, 361.4355404677776],
    [1e4, 82099.71749644238],
  ] as const)
    close(logGamma(x), expected, 1e-12, `logGamma(${x})`);
  assert.ok(Number.isNaN(logGamma(0)));
});

test('regularised incomplete beta function', () => {
  for (const [a, b, x, expected] of [
    [0.5, 0.5, 0.3, 0.36901011956554536],
    [2.5, 0.5, 0.9, 0.48958974456442755],
    [9.5, 0.5, 0.2, 4.571438028987195e-8],
    [10, 3, 0.75, 0.39067500829696655],
    [50, 60, 0.4, 0.12470685834310036],
    [1000, 1010, 0.5, 0.5882698275437275],
  ] as const)
    close(regularizedBeta(x, a, b), expected, 1e-10, `I(${x}; ${a}, ${b})`);
  assert.equal(regularizedBeta(0, 2, 3), 0);
  assert.equal(regularizedBeta(1, 2, 3), 1);
});

test('normal distribution', () => {
  close(normalUpperTail(1), 0.15865525393145705, 1e-12, 'tail of 1');
  close(normalUpperTail(3), 0.0013498980316300946, 1e-12, 'tail of 3');
  close(normalUpperTail(6), 9.86587645037698e-10, 1e-12, 'tail of 6');
  for (const [p, expected] of [
    [0.05, 1.6448536269514729],
    [0.025, 1.9599639845400545],
    [0.01, 2.3263478740408408],
    [1e-4, 3.7190164854556804],
    [1e-8, 5.612001244174789],
    [0.3, 0.5244005127080409],
    [0.9, -1.2815515655446004],
  ] as const)
    close(normalUpperQuantile(p), expected, 1e-11, `quantile of ${p}`);
  assert.equal(normalUpperQuantile(0), Number.POSITIVE_INFINITY);
  assert.equal(normalUpperQuantile(1), Number.NEGATIVE_INFINITY);
});

test("Student's t distribution", () => {
  for (const [t, degrees, expected] of [
    [1, 1, 0.25],
    [2.015048373, 5, 0.05000000002124588],
    [2.685, 19, 0.007327783791138403],
    [7.0875, 5, 0.0004328804908149364],
    [4.5, 9, 0.0007444747077058657],
    [-1.3, 7, 0.8826160823038114],
    [10, 30, 2.2876257041148064e-11],
  ] as const)
    close(studentTUpperTail(t, degrees), expected, 1e-10, `tail of ${t} with ${degrees}`);
  for (const [p, degrees, expected] of [
    [0.05, 1, 6.313751514675044],
    [0.05, 5, 2.015048373333024],
    [0.01, 9, 2.8214379250258093],
    [0.025, 19, 2.09302405440831],
    [0.0004328725751358, 5, 7.087528108443681],
    [1e-6, 5, 24.771029720515948],
    [0.005, 30, 2.749995653567226],
    [0.3, 2, 0.6172133998483678],
  ] as const)
    close(studentTUpperQuantile(p, degrees), expected, 1e-10, `quantile of ${p} with ${degrees}`);
});

test('binomial distribution and mid-p', () => {
  close(binomialProbability(8, 10, 0.5), 0.0439453125, 1e-12, 'P(8 of 10)');
  close(binomialProbability(120, 200, 0.55), 0.02076303861489113, 1e-10, 'P(120 of 200)');
  close(binomialUpperTail(8, 10, 0.5), 56 / 1024, 1e-12, 'P(at least 8 of 10)');
  for (const [k, trials, share, expected] of [
    [8, 10, 0.5, 0.03271484375],
    [30, 40, 0.5, 0.0007252455070556598],
    [0, 10, 0.5, 0.99951171875],
    [7, 7, 0.5, 0.00390625],
    [120, 200, 0.55, 0.07769116378953725],
  ] as const)
    close(binomialUpperMidP(k, trials, share), expected, 1e-10, `mid-p of ${k} of ${trials}`);
});
