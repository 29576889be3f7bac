import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyKnee } from '../../../src/verdict/capacity/latency-knee.ts';

/** Mean time in an M/M/1 queue: 1 / (capacity - load). */
const queue = (capacity: number) => (load: number) => ({ load, meanMs: 1000 / (capacity - load) });

test('the knee of an M/M/1 queue lies at half of its capacity (Kleinrock 1979)', () => {
  const loads = Array.from({ length: 19 }, (_, index) => 5 * (index + 1));
  assert.equal(latencyKnee(loads.map(queue(100)))?.load, 50);
});

test('a server with a constant latency up to its capacity has its knee there', () => {
  const points = [10, 20, 40, 80, 95].map((load) => ({ load, meanMs: 10 }));
  assert.equal(latencyKnee([...points, { load: 110, meanMs: 800 }])?.load, 95);
  assert.equal(latencyKnee(points), null, 'beyond what was measured');
});

test('too few points have no knee, and their order does not matter', () => {
  assert.equal(latencyKnee([20, 40].map(queue(100))), null);
  assert.equal(latencyKnee([80, 20, 50].map(queue(100)))?.load, 50);
  assert.equal(latencyKnee([{ load: 10, meanMs: 0 }, ...[20, 40].map(queue(100))]), null);
});
