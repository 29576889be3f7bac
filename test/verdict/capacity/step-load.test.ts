import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plannedArrivals, readPhases } from '../../../src/scenario/arrival-schedule.ts';
import { isSettled, stepPhases, stepShape } from '../../../src/verdict/capacity/step-load.ts';
import { pilesUp, usersGrowth } from '../../../src/verdict/capacity/users-growth.ts';

test('a step warms up for a ramp and a session, unless the settings say how long', () => {
  const shape = (warmUpMs: number | undefined, sessionMs: number | null) =>
    stepShape({ stepMs: 15_000, warmUpMs, sessionMs });
  assert.deepEqual(shape(undefined, 7_000), { warmUpMs: 9_000, rampMs: 2_000, stepMs: 15_000 });
  assert.deepEqual(shape(500, 7_000), { warmUpMs: 500, rampMs: 500, stepMs: 15_000 });
  assert.equal(shape(undefined, 600_000).warmUpMs, 62_000);
  assert.ok(isSettled(shape(undefined, 7_000), 7_000));
  assert.ok(!isSettled(shape(500, 7_000), 7_000));
  assert.ok(!isSettled(shape(undefined, 600_000), 600_000));
  assert.ok(!isSettled(shape(undefined, null), null));
});

test('its phases ramp up and then hold the load for longer than the step', () => {
  const shape = { warmUpMs: 9_000, rampMs: 2_000, stepMs: 15_000 };
  for (const load of [0.5, 14.1, 1_000]) {
    const [ramp, steady] = readPhases(stepPhases(load, shape));
    assert.equal(ramp!.durationMs, 2_000);
    assert.equal(ramp!.endRate, load);
    assert.deepEqual([steady!.startRate, steady!.endRate], [load, load]);
    assert.ok(steady!.durationMs > 7_000 + 15_000);
    assert.equal(plannedArrivals(steady!), Math.floor((load * steady!.durationMs) / 1000 + 1e-9));
  }
});

const samples = (active: (second: number) => number) =>
  Array.from({ length: 30 }, (_, index) => ({ atMs: 9_000 + index * 500, active: active(index / 2) }));

test('users who do not leave again are counted by the slope of those present', () => {
  assert.ok(Math.abs(usersGrowth(samples((second) => 70 + 4 * second))! - 4) < 1e-9);
  assert.equal(usersGrowth(samples(() => 70)), 0);
  assert.equal(usersGrowth(samples(() => 70).slice(0, 3)), null);
  assert.deepEqual(
    pilesUp(
      samples((second) => 70 + 25 * second),
      100,
    ),
    { perSecond: 25 },
  );
  assert.equal(
    pilesUp(
      samples((second) => 70 + 5 * second),
      100,
    ),
    null,
    'a twentieth is not told from chance',
  );
  assert.equal(
    pilesUp(
      samples((second) => 2 + 0.3 * second),
      1,
    ),
    null,
    'four users are not a pile',
  );
  assert.equal(
    pilesUp(
      samples((second) => 500 - second),
      100,
    ),
    null,
  );
});
