import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobRecord, recordJob } from '../../src/verdict/job-record.ts';
import { jobKinds, jobsLeft, nextJob } from '../../src/verdict/job-series.ts';
import { summariseJobs } from '../../src/verdict/summarise-jobs.ts';
import { metricId, noRegression, quietWorld, simulatePairs } from './simulator.ts';

const job = (truth: number, more: Partial<JobRecord> = {}): JobRecord => ({
  schemaVersion: 1,
  truth,
  metric: metricId,
  design: 'slices',
  machine: 'simulated',
  startedAt: '2024-01-01T00:00:00Z',
  minutes: 10,
  pairs: [],
  ...more,
});

const kinds = jobKinds({ unchanged: 4, factors: [1.2, 1.05, 1.2], jobsPerFactor: 2, rounds: true });

test('what a command asks for: each factor once, unchanged first, rounds last', () => {
  assert.deepEqual(kinds, [
    { truth: 1, design: 'slices', jobs: 4 },
    { truth: 1.05, design: 'slices', jobs: 2 },
    { truth: 1.2, design: 'slices', jobs: 2 },
    { truth: 1, design: 'rounds', jobs: 1 },
  ]);
  assert.deepEqual(jobKinds({ unchanged: 0, factors: [1], jobsPerFactor: 3, rounds: false }), [
    { truth: 1, design: 'slices', jobs: 3 },
  ]);
});

test('a series has something of each kind at any moment, and ends', () => {
  const records: JobRecord[] = [];
  for (let kind = nextJob(kinds, records); kind !== null; kind = nextJob(kinds, records)) {
    records.push(job(kind.truth, { design: kind.design }));
    assert.ok(records.length <= 9);
  }
  assert.equal(records.length, 9);
  assert.equal(new Set(records.slice(0, 4).map(({ truth, design }) => `${truth} ${design}`)).size, 4);
});

test('an interrupted series goes on with what is missing', () => {
  const [unchanged, slower] = kinds;
  const records = [job(1), job(1), job(1.05), job(1.05), job(1.05)];
  assert.equal(jobsLeft(unchanged!, records), 2);
  assert.equal(jobsLeft(slower!, records), 0);
  assert.equal(nextJob(kinds, records)?.truth, 1.2);
});

test('invalid jobs are repeated, but not for ever; a job in rounds for want of slices counts', () => {
  const [, slower] = kinds;
  const bad = job(1.05, { problem: 'The server ended.' });
  assert.equal(jobsLeft(slower!, [bad]), 2);
  assert.equal(jobsLeft(slower!, [bad, bad, bad]), 1);
  assert.equal(jobsLeft(slower!, [bad, bad, bad, bad]), 0);
  assert.equal(jobsLeft(slower!, [job(1.05, { design: 'rounds', wanted: 'slices' })]), 1);
  assert.equal(jobsLeft(slower!, [job(1.05, { design: 'rounds' })]), 2);
});

test('a summary tells false alarms, power, noise, injected changes and time apart', () => {
  const simulated = (slower: number, seed: number, more: Partial<JobRecord>): JobRecord => ({
    ...recordJob({
      truth: slower,
      metric: metricId,
      design: 'slices',
      machine: 'simulated',
      startedAt: '2024-01-01T00:00:00Z',
      minutes: 10,
      pairs: simulatePairs({ ...quietWorld, processDeviation: 0.02 }, { ...noRegression, slower }, 8, seed),
    }),
    ...more,
  });
  const decided = (verdict: 'pass' | 'fail' | 'inconclusive', pairs: number) => ({
    decided: { verdict, pairs, minutes: pairs / 2 },
  });
  const summary = summariseJobs([
    simulated(1.2, 4, { ...decided('fail', 6), injected: 1.19 }),
    simulated(1, 1, decided('pass', 6)),
    simulated(1, 2, decided('pass', 8)),
    simulated(1, 3, decided('inconclusive', 8)),
    job(1, { problem: 'busy', decided: { verdict: 'invalid', pairs: 0, minutes: 1 } }),
    simulated(1, 5, { design: 'rounds' }),
  ]);
  assert.equal(summary.minutes, 60);
  const [unchanged, slower, rounds] = summary.truths;
  assert.deepEqual(unchanged?.verdicts, { pass: 2, fail: 0, inconclusive: 1, invalid: 1 });
  assert.ok(
    Math.abs((unchanged?.failing.high ?? 0) - (1 - 0.05 ** (1 / 3))) < 1e-9,
    'of the three valid ones',
  );
  assert.deepEqual([unchanged?.pairsToVerdict, unchanged?.minutesToVerdict], [7, 3.5]);
  assert.ok(Math.abs(unchanged?.change.p50 ?? 1) < 0.05);
  assert.equal(slower?.verdicts.fail, 1);
  assert.equal(slower?.injected, 1.19);
  assert.ok(Math.abs((slower?.change.p50 ?? 0) - 0.2) < 0.06, `${slower?.change.p50}`);
  assert.equal(rounds?.design, 'rounds');
  assert.deepEqual(
    summary.deviations.map(({ design, jobs, pairs }) => ({ design, jobs, pairs })),
    [
      { design: 'slices', jobs: 3, pairs: 24 },
      { design: 'rounds', jobs: 1, pairs: 8 },
    ],
  );
  const { p50 } = summary.deviations[0]!.deviation;
  assert.ok(p50 !== null && p50 > 0.005 && p50 < 0.08, `${p50}`);
});
