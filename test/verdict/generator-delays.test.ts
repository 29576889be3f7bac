import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import type { SuiteJudgement } from '../../src/verdict/judgement.ts';
import { evidenceOf, metricId, plainRound, recordOf } from './simulator.ts';

const delays = 'it used 97% of a core';
const thresholds = (...sources: string[]) =>
  sources.map((source, index) => parseThreshold(source, { file: 'tailgate.yml', line: index + 1 }));

const burst = (parts: Partial<RoundMeasurement>, ...sources: string[]): SuiteJudgement =>
  judgeSuite(
    evidenceOf({
      comparison: 'none',
      head: [plainRound(10, 1500, parts)],
      thresholds: thresholds(...sources),
      generatorDelays: delays,
      final: true,
    }),
  );

const errorsNamed = (name: string, count: number): Partial<RoundMeasurement> => ({
  counters: { errors: count, 'users.failed': count },
  errors: [{ name, count, messages: [], steps: [] }],
});

const delivered = { counters: { 'deliveries.expected': 100, 'deliveries.received': 100 } };

describe('absolute limits of a burst that the generator could not make on time', () => {
  test('a latency limit that holds in spite of its delays holds', () => {
    const judgement = burst(delivered, 'chat.ack.p95 < 100ms', 'errors.rate < 1%', 'lost = 0');
    assert.equal(judgement.verdict, 'pass', judgement.reason);
    assert.equal(
      judgement.reason,
      'All 3 limits hold, judged by absolute limits alone, at the rate that the load generator reached.',
    );
  });

  test('a latency limit that is missed is not held against the server', () => {
    const judgement = burst({}, 'chat.ack.p95 < 5ms', 'lost = 0');
    assert.equal(judgement.verdict, 'invalid');
    assert.match(judgement.reason, /it must be below 5 ms\. That says nothing of the server/);
    assert.match(judgement.reason, /it used 97% of a core/);
  });

  test('nor is a rate that it did not reach, and none is praised for staying below one', () => {
    assert.equal(burst({}, 'messages.sent.perSecond > 100000/s').verdict, 'invalid');
    assert.equal(burst({}, 'messages.sent.perSecond > 10/s').verdict, 'pass');
    assert.equal(burst({}, 'messages.sent.perSecond < 100000/s').verdict, 'invalid');
  });

  test('what the server refused, lost, used or counted itself fails', () => {
    const refused = errorsNamed('connect error: ECONNREFUSED', 40);
    assert.equal(burst(refused, 'errors.rate < 1%').verdict, 'fail');
    assert.equal(burst(refused, 'users.failed = 0').verdict, 'fail');
    assert.equal(
      burst(
        { counters: { ...delivered.counters, 'deliveries.received': 97, 'deliveries.lost': 3 } },
        'lost = 0',
      ).verdict,
      'fail',
    );
    assert.equal(burst({ custom: { missing: 3 } }, 'custom.missing = 0').verdict, 'fail');
  });

  test('waits that were given up may be the fault of the generator', () => {
    const gaveUp = errorsNamed('connect timeout', 40);
    assert.equal(burst(gaveUp, 'errors.rate < 1%').verdict, 'invalid');
    assert.equal(burst(gaveUp, 'users.failed = 0').verdict, 'invalid');
    assert.equal(burst(gaveUp, 'errors.named."connect timeout" = 0').verdict, 'invalid');
  });

  test('that most attempts were refused needs no statistics, that most were given up says nothing', () => {
    const most = { counters: { errors: 1400, 'messages.sent': 0 } };
    const named = (name: string) => ({ ...most, errors: [{ name, count: 1400, messages: [], steps: [] }] });
    const baseline = [recordOf([plainRound(10)])];
    const verdict = (name: string) =>
      judgeSuite(
        evidenceOf({
          comparison: 'single',
          head: [plainRound(10, 1500, named(name))],
          history: baseline,
          generatorDelays: delays,
          final: true,
        }),
      ).verdict;
    assert.equal(verdict('connect error: HTTP 503'), 'fail');
    assert.equal(verdict('connect timeout'), 'invalid');
  });
});

describe('changes', () => {
  const against = (medianMs: number, ...sources: string[]): SuiteJudgement =>
    judgeSuite(
      evidenceOf({
        comparison: 'single',
        head: [plainRound(medianMs)],
        history: [recordOf([plainRound(10)])],
        thresholds: thresholds(...sources),
        generatorDelays: delays,
        final: true,
      }),
    );

  test('a latency is not compared, whatever it is, and a warning says so', () => {
    for (const medianMs of [10, 30]) {
      const judgement = against(medianMs);
      assert.equal(judgement.verdict, 'pass', judgement.reason);
      assert.ok(
        judgement.warnings.some((warning) => /^Not judged: p50|^Not judged: chat\.ack/.test(warning)),
      );
      assert.deepEqual(judgement.metrics.find(({ id }) => id === metricId)?.limit, []);
    }
  });

  test("a user's own limit on a change has nothing to judge by", () => {
    assert.equal(against(10, 'chat.ack.p95 < +10%').verdict, 'invalid');
  });
});

test('a generator that kept up changes nothing', () => {
  const judgement = judgeSuite(
    evidenceOf({
      comparison: 'none',
      head: [plainRound(10)],
      thresholds: thresholds('chat.ack.p95 < 5ms'),
      generatorDelays: null,
      final: true,
    }),
  );
  assert.equal(judgement.verdict, 'fail');
});

test("the user's own numbers are in the report, with a limit or without", () => {
  const judgement = burst({ custom: { persisted: 1500, missing: 0 } }, 'custom.missing = 0');
  const persisted = judgement.metrics.find(({ id }) => id === 'custom.persisted');
  assert.equal(persisted?.headValue, 1500);
  assert.equal(persisted?.verdict, 'advisory');
});
