import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderJobProgress, renderVerification, truthName } from '../../src/report/render-verification.ts';
import type { JobRecord } from '../../src/verdict/job-record.ts';
import type { JobsSummary, TruthSummary } from '../../src/verdict/summarise-jobs.ts';

const row = (more: Partial<TruthSummary>): TruthSummary => ({
  truth: 1,
  design: 'slices',
  jobs: 12,
  verdicts: { pass: 12, fail: 0, inconclusive: 0, invalid: 0 },
  failing: { low: 0, high: 0.2209 },
  pairsToVerdict: 6,
  minutesToVerdict: 3.12,
  injected: null,
  change: { p5: 0.002, p50: 0.002, tail: -0.004, p95: -0.004, p99: null },
  cpuPerMessage: 0.001,
  ...more,
});

const summary: JobsSummary = {
  truths: [
    row({}),
    row({
      truth: 1.05,
      jobs: 5,
      verdicts: { pass: 0, fail: 4, inconclusive: 1, invalid: 0 },
      failing: { low: 0.34, high: 0.99 },
      injected: 1.0503,
      change: { p5: 0.041, p50: 0.041, tail: 0.05, p95: 0.05, p99: 0.1 },
    }),
  ],
  deviations: [
    {
      design: 'slices',
      sliceMs: 1_000,
      jobs: 12,
      pairs: 240,
      deviation: { p5: 0.012, p50: 0.012, tail: 0.0204, p95: 0.0204, p99: 0.11 },
      cpuPerMessage: 0.006,
    },
    {
      design: 'rounds',
      sliceMs: null,
      jobs: 1,
      pairs: 10,
      deviation: { p5: 0.06, p50: 0.06, tail: 0.112, p95: 0.112, p99: null },
      cpuPerMessage: null,
    },
  ],
  budgets: [
    {
      statistic: 'p95',
      pairs: 240,
      deviation: 0.125,
      variance: { sampling: 0.0022, clustering: 0.0134, drift: 0, processes: 0.000025 },
      samplesPerSlice: 903,
    },
  ],
  minutes: 182,
};
const record = {
  metric: 'chat.delivery',
  machine: 'a quiet machine, 2 cores',
  problem: 'The server \u001b[31mended.',
} as JobRecord;

test('false alarms, power, noise and time, in as many columns as there are', () => {
  for (const columns of [80, 120]) {
    const text = renderVerification(
      summary,
      [record, { ...record, problem: 'The server ended.' }],
      { suite: 'chat', file: 'jobs.jsonl' },
      { columns, color: false },
    );
    for (const line of text.split('\n')) assert.ok(line.length <= columns, `${columns}: ${line}`);
    assert.match(text, /^chat: 2 jobs in 3 h 2 min, judged by chat\.delivery,/);
    assert.match(
      text.replace(/\s+/g, ' '),
      /Pairs of the p95 differ by 13\.3%, 86% of it because messages of one slice share their luck, 14% because there are few messages in a slice\. Twice the slices a pair \(verdict\.slicesPerSide\), or more senders .* would bring that to about 9\.2\d*%\./,
    );
    assert.match(text, /^unchanged +12 +0 \(0% to 22\.?\d*%\) +12 +0 +0/m);
    assert.match(text, /^\+5% service time +5 +4 \(34% to 99%\) +0 +1 +0/m);
    assert.match(text, /^\+5% service time +\+5% +\+0\.1% +\+4\.1% +\+4\.1% +\+5% +\+5% +\+10%$/m);
    assert.match(text, /^slices of 1 s +240 +0\.012 +0\.012 +0\.020 +0\.020 +0\.110/m);
    assert.match(text, /^whole rounds, one.* +10 +0\.060 +0\.060 +0\.112 +0\.112 +–/m);
    assert.ok(!text.includes('\u001b'));
  }
});

test('a line of progress says what runs and how long all of it takes', () => {
  assert.equal(truthName({ truth: 1, design: 'rounds' }), 'unchanged, in rounds');
  assert.equal(truthName({ truth: 1.075, design: 'slices' }), '+7.5% service time');
  const view = {
    name: 'unchanged',
    left: 3,
    minutesLeft: 24.5,
    side: 'head' as const,
    done: 4,
    most: 20,
    load: null,
    judgement: { metric: 'chat.ack', statistic: 'p50', relative: 0.012, low: -0.01, high: 0.034 },
  };
  assert.equal(
    renderJobProgress(view, 120),
    'unchanged, 3 jobs left (25 min) · pair 5 of 20 · head · p50 +1.2% (−1% to +3.4%)',
  );
  assert.ok(renderJobProgress(view, 40).length <= 40);
});
