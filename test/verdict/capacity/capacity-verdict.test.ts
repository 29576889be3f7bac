import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacityVerdict, type SideResult } from '../../../src/verdict/capacity/capacity-verdict.ts';

const side = (holds: number | null, breaks: number | null, end: SideResult['end'] = 'found'): SideResult => ({
  holds,
  breaks,
  ceiling: null,
  confirmed: true,
  contradicted: false,
  end,
});

const judge = (
  head: SideResult,
  baseline: SideResult | null = null,
  settings: { atLeast?: number; maxDropPercent?: number } = {},
) =>
  capacityVerdict(
    { atLeast: settings.atLeast, maxDropPercent: settings.maxDropPercent ?? 10 },
    { head, baseline },
    12,
  );

test('a capacity that was found, with nothing to judge it by, passes', () => {
  assert.deepEqual(judge(side(380, 400)), {
    verdict: 'pass',
    reason: 'By 12 measurements the server holds 380 users/s.',
  });
  assert.match(
    judge(side(800, null, 'generator')).reason,
    /at least 800 users\/s; the load generator ended the search/,
  );
});

test('a load between the two that could not be measured is said', () => {
  const open: SideResult = { ...side(90, 107, 'generator'), ceiling: 98 };
  assert.equal(
    judge(open).reason,
    'By 12 measurements the server holds 90 users/s and does not hold 107 users/s; the load generator kept what lies between from being measured.',
  );
  assert.equal(judge(open, null, { atLeast: 107 }).verdict, 'fail');
  assert.equal(judge(open, null, { atLeast: 100 }).verdict, 'inconclusive');
});

test('nothing measured is invalid', () => {
  assert.equal(judge(side(null, null, 'problem')).verdict, 'invalid');
  assert.equal(judge(side(null, null, 'unjudged'), side(100, 105)).verdict, 'invalid');
});

test('the least that is wanted', () => {
  const atLeast = 300;
  assert.equal(judge(side(300, 310), null, { atLeast }).verdict, 'pass');
  assert.equal(judge(side(500, null, 'generator'), null, { atLeast }).verdict, 'pass');
  assert.equal(judge(side(290, 300), null, { atLeast }).verdict, 'fail');
  assert.equal(judge(side(null, 10), null, { atLeast }).verdict, 'fail');
  assert.equal(judge(side(200, null, 'generator'), null, { atLeast }).verdict, 'inconclusive');
  assert.equal(judge(side(200, 400, 'time'), null, { atLeast }).verdict, 'inconclusive');
});

test('head against base: a loss fails when it is proven and more than is allowed', () => {
  assert.equal(judge(side(100, 105), side(100, 105)).verdict, 'pass');
  assert.equal(judge(side(120, 126), side(100, 105)).verdict, 'pass');
  assert.equal(judge(side(91, 95), side(100, 105)).verdict, 'pass', 'within what is allowed');
  const lost = judge(side(80, 84), side(100, 105));
  assert.equal(lost.verdict, 'fail');
  assert.match(lost.reason, /−20%, and 10% less is allowed/);
  assert.equal(judge(side(null, 10), side(100, 105)).verdict, 'fail');
});

test('a loss that the search is too coarse to prove does not fail', () => {
  const coarse = judge(side(80, 110), side(100, 130));
  assert.equal(coarse.verdict, 'pass');
  assert.match(coarse.reason, /no more than the precision of the search can tell apart/);
  assert.equal(judge(side(95, 98), side(100, 105), { maxDropPercent: 2 }).verdict, 'fail');
});

test('a capacity that is only known to be at least something decides what it can', () => {
  const atLeast = side(400, null, 'generator');
  assert.equal(judge(atLeast, side(400, null, 'generator')).verdict, 'pass');
  assert.equal(judge(atLeast, side(300, 315)).verdict, 'pass');
  assert.equal(judge(atLeast, side(800, null, 'generator')).verdict, 'inconclusive');
  assert.equal(judge(side(400, 420), atLeast).verdict, 'inconclusive');
  assert.equal(judge(side(300, 315), atLeast).verdict, 'fail');
  assert.equal(judge(side(300, 315), side(null, 10)).verdict, 'inconclusive');
});

test('of two verdicts the worse one counts, with both reasons', () => {
  const both = judge(side(95, 100), side(100, 105), { atLeast: 200 });
  assert.equal(both.verdict, 'fail');
  assert.match(both.reason, /at least 200 users\/s are wanted\. This PR holds 95/);
});
