import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { buildSuiteReport } from '../../src/report/build-report.ts';
import { compareSuites } from '../../src/report/compare-suites.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { type SuiteReport, suiteReportSchema } from '../../src/report/report-model.ts';
import { valuesOfReport } from '../../src/report/values-of-report.ts';
import { defaultSettings, latencies, roundOf, sketchOf } from '../verdict/simulator.ts';

const partsOf = (head: RoundMeasurement[]): Parameters<typeof buildSuiteReport>[0] => ({
  name: 'chat',
  scenario: 'chat.yml',
  comparison: 'none',
  pairs: [],
  head,
  baseline: [],
  judgement: null,
  problems: [],
  warnings: [],
  bottleneck: null,
  trend: null,
  main: null,
});

const reportOf = (round: RoundMeasurement): SuiteReport => buildSuiteReport(partsOf([round]));

const compare = (before: SuiteReport, after: SuiteReport, ...thresholds: string[]): SuiteReport =>
  compareSuites(
    {
      suite: after.name,
      comparison: 'single',
      thresholds: thresholds.map((text) => parseThreshold(text)),
      settings: defaultSettings,
      mainMetric: null,
      final: true,
      invalid: [],
    },
    before,
    after,
    [],
  );

test('answers that take twice as long fail, however many handshakes there were', () => {
  const chat = (medianMs: number) =>
    reportOf(
      roundOf({
        metrics: {
          'connect.handshake': sketchOf(latencies(5, 2000)),
          'chat.ack': sketchOf(latencies(medianMs, 1500)),
        },
        counters: { 'messages.sent': 1500 },
      }),
    );
  for (const rule of [[], ['p95 < +10%']]) {
    const compared = compare(chat(20), chat(40), ...rule);
    assert.equal(compared.verdict, 'fail');
    assert.equal(compared.main, 'chat.ack');
    assert.match(compared.reason, /^chat\.ack /);
  }
  assert.equal(compare(chat(20), chat(20)).verdict, 'pass');
});

test('memory that stays is judged from what both reports read after each wave', () => {
  const waves = (bytesASession: number) => {
    const rounds = Array.from({ length: 14 }, (_, wave) => ({
      ...roundOf({
        metrics: { 'chat.ack': sketchOf(latencies(20, 60)) },
        counters: { 'messages.sent': 900 },
      }),
      quiet: {
        atMs: (wave + 1) * 8_000,
        sessions: 90,
        messages: 900,
        heapBytes: 12_000_000 + bytesASession * 90 * (wave + 1) + 2_000 * (wave % 3),
        rssBytes: 50_000_000,
        left: { sockets: 2 },
      },
    }));
    return buildSuiteReport({ ...partsOf(rounds), name: 'memory' });
  };
  const compared = compare(waves(0), waves(1_000));
  assert.equal(compared.verdict, 'fail');
  assert.match(compared.reason, /^The server keeps 1 kB a session, and kept \S+ B: a difference of /);
  assert.equal(compare(waves(1_000), waves(1_000)).verdict, 'pass');
});

test('what is judged is what the reports hold, to the last digit', () => {
  const file = path.join(import.meta.dirname, 'golden/first-run.json');
  const [suite] = parseReport(readFileSync(file, 'utf8'), file).suites;
  const metric = suite!.metrics.find(({ head }) => head !== null)!;
  const held = { ...metric.head!, count: 250_000, p50Ms: 6_870.97, p90Ms: 9_000, p95Ms: 9_100, p99Ms: 9_200 };
  const report = { ...suite!, metrics: [{ ...metric, head: held }] };
  const limit = (rule: string) =>
    compare(report, report, rule)
      .metrics.find(({ id }) => id === metric.id)!
      .limit.find((one) => one.rule === rule)!;
  assert.equal(limit(`${metric.id}.p50 < 6850ms`).verdict, 'fail');
  assert.equal(limit(`${metric.id}.p50 < 6.871s`).verdict, 'pass');
  assert.equal(limit(`${metric.id}.count > 200000`).verdict, 'pass');
  assert.equal(limit(`${metric.id}.p90 < 9000.5ms`).value, 9_000);
  const values = valuesOfReport(report);
  assert.equal(values.summary(metric.id)!.p50Ms, 6_870.97);
  assert.equal(values.value('errors', 'value'), suite!.counters.errors!.head);
  assert.equal(values.value('server.cpu', 'mean'), null, 'the report has the peak alone');
  assert.deepEqual(
    compare(report, report).metrics[0]!.change.map(({ relative }) => relative),
    [0, 0, 0],
  );
});

test('a comparison is a report: of both heads, errors and counters beside each other', () => {
  const one = reportOf(
    roundOf({
      metrics: { 'chat.ack': sketchOf(latencies(20, 1500)) },
      counters: { 'messages.sent': 1500, errors: 3 },
      errors: [{ name: 'timeout', count: 3, messages: ['no answer'], steps: ['chat'] }],
      custom: { persisted: 90 },
    }),
  );
  const two = reportOf(
    roundOf({
      metrics: { 'chat.ack': sketchOf(latencies(20, 1500)) },
      counters: { 'messages.sent': 1480 },
    }),
  );
  const compared = compare(one, two, 'errors.named.timeout <= baseline');
  assert.deepEqual(suiteReportSchema.parse(compared), compared);
  assert.deepEqual(compared.counters['messages.sent'], { baseline: 1500, head: 1480 });
  assert.deepEqual(compared.errors, [
    { name: 'timeout', count: 0, baselineCount: 3, messages: ['no answer'], steps: ['chat'] },
  ]);
  assert.equal(compared.metrics.find(({ id }) => id === 'errors.named.timeout')!.verdict, 'pass');
});

test('a report in which no delivery was ever seen is no pass for a limit on lost ones', () => {
  const counters = { 'messages.sent': 1500, 'deliveries.expected': 3000, 'deliveries.lost': 3000 };
  const report = reportOf(roundOf({ metrics: { 'chat.ack': sketchOf(latencies(20, 1500)) }, counters }));
  assert.equal(report.counters['deliveries.lost'], undefined);
  const compared = compare(report, report, 'lost = 0');
  assert.equal(compared.verdict, 'invalid');
  assert.match(
    compared.reason,
    /None of the 3,000 deliveries expected at the baseline was ever seen|None of the 3,000 deliveries expected in this PR was ever seen/,
  );
});
