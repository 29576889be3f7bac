import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recorder } from '../../../src/engines/core/recorder.ts';
import { mergeRounds, mergeShards } from '../../../src/metrics/merge-rounds.ts';
import { parseThreshold } from '../../../src/metrics/threshold-grammar.ts';
import { checkThresholds } from '../../../src/metrics/threshold-sets.ts';
import { observedValue } from '../../../src/metrics/values.ts';
import { buildSuiteReport } from '../../../src/report/build-report.ts';
import { loadTable } from '../../../src/report/describe-comparison.ts';
import { suiteReportSchema } from '../../../src/report/report-model.ts';
import { valuesOfReport } from '../../../src/report/values-of-report.ts';
import { roundOf } from '../../verdict/simulator.ts';

const mean = 'messages.sent.perSecond';
const most = 'messages.sent.maxPerSecond';

test('messages are counted by the second of driven load, and forgotten with the warm-up', () => {
  let nowMs = 500;
  const recorder = new Recorder();
  recorder.countBySecond(() => nowMs);
  const sendAt = (...instants: number[]) => {
    for (const at of instants) {
      nowMs = at;
      recorder.count('messages.sent');
    }
  };
  sendAt(600, 700, 1_499, 1_500, 4_600);
  assert.deepEqual(recorder.snapshot().sentPerSecond, [3, 1, 0, 0, 1]);
  assert.equal(recorder.counter('messages.sent'), 5);
  nowMs = 5_250;
  recorder.reset();
  sendAt(5_300, 6_249, 6_250);
  assert.deepEqual(recorder.snapshot().sentPerSecond, [2, 1]);
  assert.equal(recorder.counter('messages.sent'), 3);
});

test('what the warm-up counted is kept apart', () => {
  const recorder = new Recorder();
  assert.equal('warmUpCounters' in recorder.snapshot(), false);
  recorder.reset();
  assert.equal('warmUpCounters' in recorder.snapshot(), false);
  recorder.count('messages.sent');
  recorder.count('messages.sent');
  recorder.reset();
  recorder.count('messages.sent');
  assert.deepEqual(recorder.snapshot().warmUpCounters, { 'messages.sent': 2 });
  assert.equal(recorder.counter('messages.sent'), 1);
  const measured = { ...first, ...recorder.snapshot() };
  const merged = mergeRounds([first, measured, { ...measured, warmUpCounters: { errors: 1 } }]);
  assert.deepEqual(merged.warmUpCounters, { 'messages.sent': 2, errors: 1 });
  assert.equal('warmUpCounters' in mergeShards([first]), false);
});

test('without a clock only their number is counted', () => {
  const recorder = new Recorder();
  recorder.count('messages.sent');
  assert.equal(recorder.counter('messages.sent'), 1);
  assert.deepEqual(recorder.snapshot().sentPerSecond, []);
});

const first = roundOf({ activeMs: 3_000, counters: { 'messages.sent': 60 }, sentPerSecond: [10, 40, 10] });
const second = roundOf({ activeMs: 2_000, counters: { 'messages.sent': 50 }, sentPerSecond: [20, 30] });

test('seconds of rounds follow each other, those of shards are the same seconds', () => {
  assert.deepEqual(mergeRounds([first, second]).sentPerSecond, [10, 40, 10, 20, 30]);
  assert.deepEqual(mergeShards([first, second]).sentPerSecond, [30, 70, 10]);
});

test('the mean is over the time of driven load, the most is of one second', () => {
  assert.equal(observedValue([first, second], mean, 'value'), 22);
  assert.equal(observedValue([first, second], most, 'value'), 40);
  assert.equal(observedValue([roundOf({ counters: { 'messages.sent': 3 } })], most, 'value'), null);
});

test('both can be limited, in messages a second', () => {
  const known = { latencies: [], counters: [], custom: [], resources: false };
  for (const metric of [mean, most]) {
    const threshold = parseThreshold(`${metric} >= 30/s`);
    assert.deepEqual([threshold.metric, threshold.statistic], [metric, 'value']);
    assert.deepEqual(checkThresholds([threshold], known), []);
    assert.throws(() => parseThreshold(`${metric}.p95 < 30/s`), { code: 'THRESHOLD_SYNTAX' });
    assert.throws(() => parseThreshold(`${metric} < 30ms`), { code: 'THRESHOLD_SYNTAX' });
  }
});

test('the report shows both, and a comparison of reports knows them', () => {
  const suite = buildSuiteReport({
    name: 'signalling',
    scenario: 'media.yml',
    comparison: 'none',
    pairs: [],
    head: [first, second],
    baseline: [],
    judgement: null,
    problems: [],
    warnings: [],
    bottleneck: null,
    trend: null,
    main: null,
  });
  assert.deepEqual(suite.sendRate, { baseline: null, head: { meanPerSecond: 22, maxPerSecond: 40 } });
  assert.deepEqual(suiteReportSchema.parse(suite).sendRate, suite.sendRate);
  const [table] = loadTable(suite);
  assert.equal(table?.kind, 'table');
  const line = table.rows.find(([name]) => name?.[0] === 'Messages a second');
  assert.deepEqual(line, [['Messages a second'], ['–'], ['22/s, at most 40/s']]);
  assert.equal(valuesOfReport(suite).value(most, 'value'), 40);
});
