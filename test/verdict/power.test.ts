import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import {
  evenJob,
  type FastJob,
  type JobOutcome,
  ratesOf,
  runJobs,
  tailJob,
  typicalJob,
} from './series-simulator.ts';
import {
  evidenceOf,
  noRegression,
  quietWorld,
  type Regression,
  simulatePairs,
  type World,
} from './simulator.ts';

/*
 * False alarms and power of the shipped decision with all default gates together. A pair takes 30 s, so five minutes
 * are ten pairs and ten minutes are twenty. `bench/verdict-power.ts` prints the whole table from more jobs.
 */

const jobs = 3000;
/** Three binomial standard errors around a share. */
const error = (share: number, count = jobs): number => 3 * Math.sqrt((share * (1 - share)) / count);
const atMost = (actual: number, share: number, what: string): void =>
  assert.ok(actual <= share + error(share), `${what}: ${actual}, at most ${share}`);
const atLeast = (actual: number, share: number, what: string): void =>
  assert.ok(actual >= share - error(share), `${what}: ${actual}, at least ${share}`);

const failedBy = (outcomes: readonly JobOutcome[], pairs: number): number =>
  outcomes.filter((outcome) => outcome.verdict === 'fail' && outcome.pairs <= pairs).length / outcomes.length;

describe('nothing changed', () => {
  const cases: [string, FastJob][] = [
    ['deviation 0.02', evenJob(0, 0.02)],
    ['deviation 0.05', evenJob(0, 0.05)],
    ['deviation 0.10, independent', evenJob(0, 0.1, 0)],
    ['deviation 0.10', evenJob(0, 0.1)],
    ['deviation 0.14', evenJob(0, 0.14)],
    ['deviation 0.30', evenJob(0, 0.3)],
    ['deviation 0.10, one pair in ten hit by a burst', { ...evenJob(0, 0.1), burstShare: 0.1 }],
  ];
  for (const [name, job] of cases)
    test(`at most 1% of jobs fail: ${name}`, () =>
      atMost(ratesOf(runJobs(job, jobs, 17)).fail, 0.01, 'false alarms'));

  test('the median job passes at the first look and at most 3% stay undecided, with the noise of the example server', () => {
    for (const deviation of [0.02, 0.05, 0.1, 0.125]) {
      const rates = ratesOf(runJobs(typicalJob(0, deviation), jobs, 23));
      assert.equal(rates.medianPairs, 6);
      atMost(rates.inconclusive, 0.03, 'undecided');
    }
  });

  test('where floor, median and tail are equally noisy, the median job passes within six minutes at 0.10', () => {
    for (const job of [evenJob(0, 0.02), evenJob(0, 0.05), evenJob(0, 0.1)]) {
      const rates = ratesOf(runJobs(job, jobs, 23));
      assert.ok(rates.medianPairs <= 12, `${rates.medianPairs} pairs`);
      atMost(rates.inconclusive, 0.06, 'undecided');
    }
  });
});

describe('something changed', () => {
  test('+5% is found within five minutes in at least 95% of jobs at a deviation of 0.02', () => {
    for (const job of [
      evenJob(0.05, 0.02, 0),
      evenJob(0.05, 0.02),
      evenJob(0.05, 0.02, 0.9),
      typicalJob(0.05, 0.02),
    ])
      atLeast(failedBy(runJobs(job, jobs, 29), 10), 0.95, 'power');
  });

  test('+2% of service time, as the example server shows it, is found within ten minutes in nine jobs of ten', () => {
    const job = { ...typicalJob(0, 0.125), effects: [0.037, 0.028, 0.023, 0.01, 0] as const };
    atLeast(failedBy(runJobs(job, jobs, 43), 20), 0.9, 'power');
  });

  test('+10% of the slow messages alone is found within ten minutes in 95%, +20% within six', () => {
    atLeast(failedBy(runJobs(tailJob(0.1, 0.125), jobs, 47), 20), 0.95, 'power');
    atLeast(failedBy(runJobs(tailJob(0.2, 0.125), jobs, 47), 12), 0.95, 'power');
  });

  test('+10% is found within ten minutes in at least 95% of jobs at a deviation of 0.10', () => {
    for (const job of [evenJob(0.1, 0.1), typicalJob(0.1, 0.1), typicalJob(0.1, 0.1, 0.9)])
      atLeast(failedBy(runJobs(job, jobs, 31), 20), 0.95, 'power');
    // The hardest case, three percentiles that are equally noisy and move as one, has no more than a single test has.
    atLeast(failedBy(runJobs(evenJob(0.1, 0.1, 0.9), jobs, 31), 20), 0.89, 'power');
  });

  test('+20% is found in at least 99% of jobs up to a deviation of 0.14', () => {
    for (const job of [evenJob(0.2, 0.14), evenJob(0.2, 0.14, 0.9), typicalJob(0.2, 0.14)])
      atLeast(failedBy(runJobs(job, jobs, 37), 20), 0.99, 'power');
  });

  test('a change as large as the margin passes in at most 5% of jobs', () => {
    for (const job of [evenJob(0.1, 0.05), evenJob(0.1, 0.1), evenJob(0.1, 0.14)])
      atMost(ratesOf(runJobs(job, jobs, 41)).pass, 0.05, 'passes');
  });
});

describe('from messages to the verdict', () => {
  const judge = (world: World, regression: Regression, seed: number): JobOutcome => {
    const pairs = simulatePairs(world, regression, 20, seed);
    for (let count = 6; count <= 20; count += 2) {
      const judgement = judgeSuite(evidenceOf({ pairs: pairs.slice(0, count), final: count === 20 }));
      if (judgement.next !== 'decided') continue;
      assert.notEqual(judgement.verdict, 'invalid');
      return { verdict: judgement.verdict as JobOutcome['verdict'], pairs: count };
    }
    throw new Error('the last look settles');
  };
  const many = (world: World, regression: Regression, count: number, seed: number) =>
    Array.from({ length: count }, (_, index) => judge(world, regression, seed + 1000 * index));
  const bursts: World = { ...quietWorld, processDeviation: 0.015, burstShare: 0.05 };
  const failures = (outcomes: JobOutcome[]) => outcomes.filter(({ verdict }) => verdict === 'fail').length;

  test('unchanged servers on a machine with bursts and drift do not fail', () => {
    // With at most 1% false alarms, two or more in forty jobs have a probability below 7%; three, below 1%.
    assert.ok(failures(many(bursts, noRegression, 40, 1)) <= 2);
  });

  test('a server that is 10% slower fails', () => {
    assert.ok(failures(many(bursts, { ...noRegression, slower: 1.1 }, 16, 2)) >= 15);
  });

  test('a server whose tail alone is 30% slower fails', () => {
    assert.ok(failures(many(bursts, { ...noRegression, tail: 1.3 }, 12, 3)) >= 11);
  });

  test('a stall in every third slice fails, though the median does not move', () => {
    const stalls = { ...noRegression, stallMs: 150, stallShare: 0.33 };
    assert.ok(failures(many(bursts, stalls, 12, 4)) >= 11);
  });
});
