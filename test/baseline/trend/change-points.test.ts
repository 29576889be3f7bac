import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changePoints } from '../../../src/baseline/trend/change-points.ts';

/** Seeded, so that the shares below are always the same: linear congruential generator and Box-Muller. */
const randomOf = (seed: number) => {
  let state = seed;
  const uniform = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return (state + 0.5) / 4_294_967_296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
};

type Shape = { count: number; sigma: number; shift?: number; badShare?: number };

/** Log-normal values around 10 ms, `shift` (ln) higher from the middle on, a share of them 20% too high. */
const history = (random: ReturnType<typeof randomOf>, { count, sigma, shift = 0, badShare = 0 }: Shape) =>
  Array.from({ length: count }, (_, index) => {
    const level = index >= count / 2 ? shift : 0;
    const bad = random.uniform() < badShare ? 0.18 : 0;
    return 10 * Math.exp(level + sigma * random.normal() + bad);
  });

const shareOf = (shape: Shape, holds: (found: ReturnType<typeof changePoints>) => boolean): number => {
  const random = randomOf(7);
  const trials = 200;
  let count = 0;
  for (let i = 0; i < trials; i += 1) if (holds(changePoints(history(random, shape)))) count += 1;
  return count / trials;
};

test('a history without a change shows none, also with bad runs in it', () => {
  for (const count of [20, 60, 200]) {
    for (const badShare of [0, 0.1]) {
      const share = shareOf({ count, sigma: 0.03, badShare }, (found) => found.length > 0);
      assert.ok(share <= 0.04, `${count} runs, ${badShare} bad: ${share}`);
    }
  }
});

test('a change is found once, near its place, with its size', () => {
  for (const [shape, least] of [
    [{ count: 60, sigma: 0.03, shift: Math.log(1.1), badShare: 0.05 }, 0.93],
    [{ count: 20, sigma: 0.03, shift: Math.log(1.3) }, 0.95],
    [{ count: 200, sigma: 0.1, shift: Math.log(1.3) }, 0.93],
    [{ count: 60, sigma: 0.03, shift: Math.log(0.8) }, 0.95],
  ] as const) {
    const share = shareOf(shape, ([first, ...rest]) => {
      if (first === undefined || rest.length > 0) return false;
      const size = Math.abs(Math.log1p(first.relative) - shape.shift);
      return Math.abs(first.index - shape.count / 2) <= 2 && size < 2 * shape.sigma;
    });
    assert.ok(share >= least, `${JSON.stringify(shape)}: ${share}`);
  }
});

test('two changes are told apart', () => {
  const values = [...Array(20).fill(10), ...Array(20).fill(13), ...Array(20).fill(11)].map(
    (value: number, index) => value * (1 + 0.01 * Math.sin(index * 7)),
  );
  assert.deepEqual(
    changePoints(values).map(({ index, relative }) => [index, Math.round(relative * 20) / 20]),
    [
      [20, 0.3],
      [40, -0.15],
    ],
  );
});

test('nothing is said of a short history, of equal values, or of values that cannot be', () => {
  assert.deepEqual(changePoints([1, 2, 3, 40, 50, 60]), []);
  assert.deepEqual(changePoints(Array(50).fill(5)), []);
  assert.deepEqual(changePoints([...Array(20).fill(5), 0]), []);
  assert.deepEqual(changePoints([...Array(20).fill(5), Number.NaN]), []);
});
