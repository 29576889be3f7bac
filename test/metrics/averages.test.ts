import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../../src/metrics/averages.ts';

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});
