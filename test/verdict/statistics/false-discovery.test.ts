import assert from 'node:assert/strict';
import { test } from 'node:test';
import { falseDiscoveries } from '../../../src/verdict/statistics/false-discovery.ts';

test('the example of Benjamini and Hochberg (1995): four of fifteen at q = 0.05', () => {
  const p = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
    0.759, 1,
  ];
  assert.deepEqual(
    falseDiscoveries(p, 0.05),
    p.map((_, index) => index < 4),
  );
});

test('answers stay in the order of the questions, and none is asked of nobody', () => {
  assert.deepEqual(falseDiscoveries([0.9, 0.001, 0.5], 0.05), [false, true, false]);
  assert.deepEqual(falseDiscoveries([], 0.05), []);
});
