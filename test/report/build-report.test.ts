import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BaselineRecord } from '../../src/baseline/baseline-record.ts';
import { tailgateError } from '../../src/errors.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { buildReport, buildSuiteReport } from '../../src/report/build-report.ts';
import { reportSchema } from '../../src/report/report-model.ts';
import { trendOf } from '../../src/report/trend.ts';
import { chatRound, judgedParts, judgedReports, judgedSuite, reportOf } from './judged-report.ts';

test('every sample fits the published schema', () => {
  for (const [name, make] of Object.entries(judgedReports)) {
    const result = reportSchema.safeParse(make());
    assert.ok(result.success, `${name}: ${JSON.stringify(result.error?.issues[0])}`);
  }
});

test('a problem that came from two places is said once', () => {
  const cancelled = () => tailgateError('CANCELLED', { signal: 'SIGINT' });
  const report = buildSuiteReport({ ...judgedParts(), problems: [cancelled(), cancelled()] });
  assert.equal(report.problems.length, 1);
});

test('what is not a number becomes null, and a change without a number is left out', () => {
  const parts = judgedParts();
  const [metric] = parts.judgement!.metrics;
  const empty = new LatencySketch().summary();
  assert.ok(Number.isNaN(empty.p95Ms));
  parts.judgement!.metrics = [
    {
      ...metric!,
      baseline: empty,
      headValue: Number.POSITIVE_INFINITY,
      change: [
        {
          statistic: 'p50',
          relative: Number.NaN,
          baseline: 0,
          head: 0,
          low: null,
          high: null,
          confidence: null,
          samples: 2,
        },
        {
          statistic: 'p95',
          relative: 0.1,
          baseline: 10,
          head: 11,
          low: Number.NEGATIVE_INFINITY,
          high: 0.3,
          confidence: 0.95,
          samples: 2,
        },
      ],
    },
  ];
  const suite = buildSuiteReport(parts);
  assert.equal(suite.metrics[0]?.baseline?.p95Ms, null);
  assert.equal(suite.metrics[0]?.baseline?.count, 0);
  assert.equal(suite.metrics[0]?.headValue, null);
  assert.deepEqual(
    suite.metrics[0]?.change.map((change) => [change.statistic, change.low]),
    [['p95', null]],
  );
  assert.ok(reportSchema.safeParse(reportOf([suite])).success);
});

test('errors of both sides meet by name, with counts, messages and steps', () => {
  const old = { name: 'E_OLD', count: 3, messages: ['old'], steps: ['s'] };
  const both = (count: number, message: string) => ({
    name: 'E',
    count,
    messages: [message],
    steps: ['connect'],
  });
  const suite = judgedSuite({
    parts: {
      pairs: [
        {
          baseline: chatRound({ seed: 1, errors: [both(1, 'base'), old] }),
          head: chatRound({ seed: 2, errors: [both(5, 'a')] }),
        },
        { baseline: chatRound({ seed: 3 }), head: chatRound({ seed: 4, errors: [both(2, 'b')] }) },
      ],
    },
  });
  assert.deepEqual(suite.errors, [
    { name: 'E', count: 7, baselineCount: 1, messages: ['a', 'b'], steps: ['connect'] },
    { name: 'E_OLD', count: 0, baselineCount: 3, messages: ['old'], steps: ['s'] },
  ]);
  assert.deepEqual(suite.counters.errors, { baseline: 4, head: 7 });
  const first = judgedSuite({ comparison: 'none', pairs: 1, errors: [both(2, 'x')] });
  assert.equal(first.errors[0]?.baselineCount, null);
  assert.deepEqual(first.counters.errors, { baseline: null, head: 2 });
});

test('where no delivery was ever seen, none is said to be lost', () => {
  const deliveries = (received: number) => ({
    'deliveries.expected': 40,
    ...(received > 0 ? { 'deliveries.received': received } : {}),
    'deliveries.lost': 40 - received,
  });
  const round = (seed: number, received: number) => {
    const made = chatRound({ seed });
    return { ...made, counters: { ...made.counters, 'deliveries.received': 0, ...deliveries(received) } };
  };
  const suiteOf = (baseline: number, head: number) =>
    judgedSuite({ parts: { pairs: [{ baseline: round(1, baseline), head: round(2, head) }] } });
  assert.equal(suiteOf(0, 0).counters['deliveries.lost'], undefined);
  assert.deepEqual(suiteOf(0, 0).counters['deliveries.expected'], { baseline: 40, head: 40 });
  assert.deepEqual(suiteOf(40, 0).counters['deliveries.lost'], { baseline: 0, head: 40 });
  assert.deepEqual(suiteOf(38, 39).counters['deliveries.lost'], { baseline: 2, head: 1 });
});

test('without a judgement the suite is invalid, and what was measured is still there', () => {
  const problem = tailgateError(
    'ROOM_LOST',
    { reason: 'transport close', atMs: 1200 },
    { file: 'tailgate.yml', line: 3 },
  );
  const suite = judgedSuite({ parts: { judgement: null, problems: [problem], main: null } });
  assert.equal(suite.verdict, 'invalid');
  assert.equal(suite.reason, problem.what.split('\n')[0]);
  assert.deepEqual(suite.problems, [
    { code: 'ROOM_LOST', what: problem.what, fix: problem.fix, file: 'tailgate.yml', line: 3 },
  ]);
  const delivery = suite.metrics.find((metric) => metric.id === 'chat.delivery');
  assert.equal(delivery?.head?.count, 16_000);
  assert.equal(delivery?.verdict, 'advisory');
  assert.equal(suite.main, 'chat.delivery');
  assert.equal(suite.rounds.length, 16);
});

test('a problem that leaves nothing to trust turns a pass into invalid, and leaves a fail', () => {
  const problems = [tailgateError('TARGET_DIED', { command: 'x', exitCode: 1, tail: '' })];
  assert.equal(judgedSuite({ parts: { problems } }).verdict, 'invalid');
  assert.equal(judgedSuite({ factor: 1.2, parts: { problems } }).verdict, 'fail');
  const comment = [
    tailgateError('GITHUB_PERMISSION', {
      action: 'comment',
      permission: 'pull-requests: write',
      status: 403,
    }),
  ];
  const whole = (list: typeof problems) => {
    const { suites, failOn, environment, commits, runUrl, startedAt, durations } = judgedReports.pass!();
    return buildReport({
      suites,
      failOn,
      environment,
      commits,
      runUrl,
      startedAt,
      durations,
      problems: list,
    });
  };
  assert.equal(whole(comment).verdict, 'pass');
  assert.equal(whole(problems).verdict, 'invalid');
  assert.equal(reportOf([]).verdict, 'invalid');
});

test('the distribution of a metric is that of all its rounds, quantile by quantile', () => {
  const metric = judgedSuite({ factor: 1.2 }).metrics.find((one) => one.id === 'chat.delivery')!;
  const { quantiles, baselineMs, headMs } = metric.distribution!;
  assert.equal(baselineMs?.length, quantiles.length);
  const at = quantiles.indexOf(0.95);
  assert.equal(headMs?.[at], metric.head?.p95Ms);
  assert.equal(baselineMs?.[at], metric.baseline?.p95Ms);
  assert.deepEqual(
    [...headMs!].sort((a, b) => a - b),
    headMs,
  );
});

test('rounds are listed pair by pair, and the generator by its worst round', () => {
  const parts = judgedParts({ pairs: 2 });
  parts.pairs[1]!.baseline.generator.maxLagMs = 77;
  const suite = buildSuiteReport({ ...parts, bottleneck: 'it used 1.02 cores' });
  assert.deepEqual(
    suite.rounds.map((round) => [round.index, round.side, round.pair, round.slices]),
    [
      [0, 'baseline', 0, 10],
      [1, 'head', 0, 10],
      [2, 'baseline', 1, 10],
      [3, 'head', 1, 10],
    ],
  );
  assert.equal(suite.generator?.maxLagMs, 77);
  assert.equal(suite.generator?.bottleneck, 'it used 1.02 cores');
  const withoutResources = judgedSuite({
    parts: {
      pairs: [
        {
          baseline: chatRound({ seed: 1, resources: false }),
          head: chatRound({ seed: 2, resources: false }),
        },
      ],
    },
  });
  assert.equal(withoutResources.resources, null);
});

test('the trend is a statistic of stored runs and of this one', () => {
  const record = (seed: number): BaselineRecord =>
    ({ rounds: [chatRound({ seed })] }) as Partial<BaselineRecord> as BaselineRecord;
  const history = Array.from({ length: 30 }, (_, index) => record(index));
  const head = [chatRound({ seed: 99, factor: 2 })];
  const trend = trendOf(history, head, 'chat.ack');
  assert.equal(trend?.values.length, 20);
  assert.ok(trend!.values.at(-1)! > 1.5 * trend!.values.at(-2)!);
  assert.equal(trendOf([], head, 'chat.ack'), null);
  assert.equal(trendOf(history, head, 'absent'), null);
  assert.equal(trendOf(history, head, null, 'p50')?.metric, 'chat.delivery');
});
