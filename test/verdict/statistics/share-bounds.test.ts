import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareBounds } from '../../../src/verdict/statistics/share-bounds.ts';

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} and ${expected}`);

test('no event and nothing but events have closed forms', () => {
  for (const trials of [1, 5, 12, 100]) {
    near(shareBounds(0, trials, 0.05).high, 1 - 0.05 ** (1 / trials));
    near(shareBounds(trials, trials, 0.05).low, 0.05 ** (1 / trials));
    assert.equal(shareBounds(0, trials, 0.05).low, 0);
    assert.equal(shareBounds(trials, trials, 0.05).high, 1);
  }
  assert.deepEqual(shareBounds(0, 0, 0.05), { low: 0, high: 1 });
});

// R 4, binom.test(7, 20): 95 percent confidence interval 0.1539092 0.5921885.
test('the published example of 7 in 20', () => {
  const { low, high } = shareBounds(7, 20, 0.025);
  assert.ok(Math.abs(low - 0.1539092) < 1e-7 && Math.abs(high - 0.5921885) < 1e-7, `${low} ${high}`);
});
