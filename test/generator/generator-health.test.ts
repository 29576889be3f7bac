import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HealthMonitor } from '../../src/generator/generator-health.ts';

const block = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

test('the time between two slices is no delay of the event loop', async () => {
  const monitor = new HealthMonitor();
  for (let slice = 0; slice < 4; slice += 1) {
    monitor.start();
    await delay(100);
    monitor.stop();
    await delay(400);
  }
  const { loopDelayP50Ms, loopDelayMaxMs } = monitor.read();
  assert.ok(loopDelayP50Ms < 50, `p50 ${loopDelayP50Ms} ms`);
  assert.ok(loopDelayMaxMs < 350, `at most ${loopDelayMaxMs} ms`);
});

test('what holds up the event loop in a slice is a delay, also at its very end', async () => {
  const monitor = new HealthMonitor();
  monitor.start();
  await delay(30);
  block(120);
  await delay(30);
  monitor.stop();
  assert.ok(monitor.read().loopDelayMaxMs > 100, `${monitor.read().loopDelayMaxMs} ms`);
  assert.ok(monitor.read().cpuShare > 0.1, `${monitor.read().cpuShare} of a core`);
  monitor.reset();
  assert.equal(monitor.read().loopDelayMaxMs, 0);
  monitor.start();
  block(90);
  monitor.stop();
  assert.ok(monitor.read().loopDelayMaxMs > 70, `${monitor.read().loopDelayMaxMs} ms`);
});
