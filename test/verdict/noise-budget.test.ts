import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bestKnob, type NoiseBudget, type NoisePart, noiseBudget } from '../../src/verdict/noise-budget.ts';
import { metricId, noRegression, quietWorld, simulatePairs, type World } from './simulator.ts';

/** Every message by itself, on a machine and processes that are always the same. */
const still: World = {
  ...quietWorld,
  autocorrelation: 0,
  processDeviation: 0,
  driftPerSlice: 0,
  burstShare: 0,
};

const budgetOf = (world: World): NoiseBudget => {
  const budget = noiseBudget(simulatePairs(world, noRegression, 150, 5), metricId, 'p50');
  assert.ok(budget !== null);
  return budget;
};

const shareOf = (budget: NoiseBudget, part: NoisePart): number =>
  budget.variance[part] / budget.deviation ** 2;

describe('the noise budget', () => {
  test('finds the number of messages where nothing else is noisy, and what twice as many would leave', () => {
    const budget = budgetOf(still);
    assert.ok(shareOf(budget, 'sampling') > 0.85);
    const knob = bestKnob(budget);
    assert.equal(knob.part, 'sampling');
    const twice = budgetOf({ ...still, rate: 2 * still.rate });
    assert.ok(Math.abs(twice.deviation / knob.deviation - 1) < 0.15);
  });

  test('finds processes that differ, and messages that share their luck', () => {
    assert.equal(bestKnob(budgetOf({ ...still, processDeviation: 0.06 })).part, 'processes');
    assert.ok(shareOf(budgetOf({ ...still, processDeviation: 0.06 }), 'processes') > 0.7);
    assert.equal(bestKnob(budgetOf({ ...still, autocorrelation: 0.8 })).part, 'clustering');
    assert.ok(shareOf(budgetOf({ ...still, autocorrelation: 0.8 }), 'clustering') > 0.6);
  });

  test('its parts add up to the variance between pairs', () => {
    for (const world of [still, quietWorld, { ...quietWorld, burstShare: 0.2 }]) {
      const { variance, deviation } = budgetOf(world);
      const sum = Object.values(variance).reduce((total, part) => total + part, 0);
      assert.ok(Math.abs(sum / deviation ** 2 - 1) < 1e-9);
    }
  });

  test('tells nothing of two pairs, or of pairs without slices', () => {
    assert.equal(noiseBudget(simulatePairs(still, noRegression, 2, 5), metricId, 'p50'), null);
    const whole = simulatePairs(still, noRegression, 6, 5).map(({ baseline, head }) => ({
      baseline: { ...baseline, slices: [] },
      head: { ...head, slices: [] },
    }));
    assert.equal(noiseBudget(whole, metricId, 'p50'), null);
  });
});
