import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { twoModes } from '../../../src/verdict/statistics/two-modes.ts';
import { seededNormal } from '../simulator.ts';

describe('two modes', () => {
  test('are named with their values and how many keep to the higher one', () => {
    const found = twoModes([2.9, 3.41, 2.91, 3.4, 2.89, 2.9, 3.39, 2.92]);
    assert.ok(found !== null);
    assert.equal(found.low.toFixed(2), '2.90');
    assert.equal(found.high.toFixed(2), '3.40');
    assert.equal(found.shareHigh, 3 / 8);
  });

  test('are not seen in one odd value, in few values, or in places that are hardly apart', () => {
    assert.equal(twoModes([2.9, 2.91, 2.89, 2.9, 2.92, 2.9, 2.91, 3.4]), null);
    assert.equal(twoModes([2.9, 3.4, 2.9, 3.4, 2.9]), null);
    assert.equal(twoModes([2.9, 2.91, 2.95, 2.96, 2.9, 2.951]), null);
    assert.equal(twoModes([2, 2, 2, 0, 3, 3]), null);
  });

  test('are claimed of one mode in fewer than one job of two hundred', () => {
    const normal = seededNormal(11);
    const jobs = 20_000;
    for (const pairs of [6, 8, 12, 20]) {
      let claimed = 0;
      for (let job = 0; job < jobs; job += 1)
        if (twoModes(Array.from({ length: pairs }, () => Math.exp(0.15 * normal()))) !== null) claimed += 1;
      assert.ok(claimed / jobs < 0.0065, `${claimed} of ${jobs} jobs of ${pairs} pairs`);
    }
  });
});
