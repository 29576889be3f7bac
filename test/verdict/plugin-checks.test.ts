import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import { evidenceOf, plainRound } from './simulator.ts';

const check = (ok: boolean, strict = true) => ({ plugin: 'ensure', expression: 'p95 < 200', strict, ok });
const judge = (...checks: ReturnType<typeof check>[][]) =>
  judgeSuite(
    evidenceOf({
      comparison: 'none',
      pairs: [],
      head: checks.map((each) => ({ ...plainRound(20), checks: each })),
      final: true,
    }),
  );

test('a strict check of the scenario that failed fails the suite, and is named', () => {
  const judgement = judge([check(false)]);
  assert.equal(judgement.verdict, 'fail');
  assert.equal(judgement.reason, "The scenario's own check (ensure) failed: p95 < 200.");
  assert.equal(judgement.metrics.at(-1)?.id, 'ensure: p95 < 200');
});

test('a check that held passes, one that is not strict is only shown', () => {
  assert.equal(judge([check(true)]).verdict, 'pass');
  assert.equal(judge([check(true)]).reason, 'The one check of the scenario holds; nothing was compared.');
  const advisory = judge([check(false, false)]);
  assert.equal(advisory.verdict, 'pass');
  assert.equal(advisory.metrics.at(-1)?.verdict, 'advisory');
});

test('one round of several does not fail it, most of them do', () => {
  assert.equal(judge([check(false)], [check(true)], [check(true)]).verdict, 'pass');
  assert.equal(judge([check(false)], [check(false)], [check(true)]).verdict, 'fail');
});
