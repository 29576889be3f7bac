import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LoadActivity } from '../../src/engines/core/load-activity.ts';
import { LoadClock } from '../../src/engines/core/load-clock.ts';

describe('the load clock', () => {
  test('stands still until it is resumed, and while it is paused', async () => {
    const clock = new LoadClock();
    const fired: string[] = [];
    clock.after(10, () => fired.push('first'));
    clock.after(40, () => fired.push('second'));
    await delay(60);
    assert.deepEqual(fired, []);
    assert.equal(clock.nowMs(), 0);
    clock.resume();
    while (fired.length === 0) await delay(1);
    clock.pause();
    const readingMs = clock.nowMs();
    await delay(80);
    assert.equal(clock.nowMs(), readingMs);
    assert.deepEqual(fired, ['first']);
    clock.resume();
    while (fired.length === 1) await delay(1);
    assert.ok(clock.nowMs() >= 40);
    assert.ok(clock.nowMs() >= readingMs);
    assert.equal(clock.pendingTimers, 0);
  });

  test('resumed for a time, it pauses at exactly that reading, however late the event loop is', async () => {
    const clock = new LoadClock();
    const fired: number[] = [];
    for (const atMs of [0, 20, 40, 60]) clock.at(atMs, () => fired.push(atMs));
    const readings: number[] = [];
    for (const forMs of [20, 25]) {
      await new Promise<void>((resolve) => {
        clock.resumeFor(forMs, resolve);
        // The event loop stands still beyond the end of the slice.
        const blockedUntil = performance.now() + forMs + 15;
        while (performance.now() < blockedUntil);
        assert.ok(clock.nowMs() <= readings.length * 20 + forMs);
      });
      assert.equal(clock.paused, true);
      readings.push(clock.nowMs());
      await delay(10);
    }
    assert.deepEqual(readings, [20, 45]);
    assert.deepEqual(fired, [0, 20, 40]);
    clock.resume();
    while (fired.length < 4) await delay(1);
    assert.ok(clock.nowMs() >= 60);
  });

  test('runs timers in the order in which they are due, never early', async () => {
    const clock = new LoadClock();
    const due: number[] = [];
    const early: number[] = [];
    let left = 0;
    for (let index = 0; index < 500; index += 1) {
      const atMs = (index * 7_919) % 97;
      left += 1;
      clock.at(atMs, () => {
        due.push(atMs);
        if (clock.nowMs() < atMs) early.push(atMs);
        left -= 1;
      });
    }
    clock.resume();
    while (left > 0) await delay(5);
    assert.deepEqual(
      due,
      due.toSorted((a, b) => a - b),
    );
    assert.deepEqual(early, []);
  });

  test('lets what arrived be read while many timers are due at once', async () => {
    const clock = new LoadClock();
    const fired: number[] = [];
    const firedAtReading: number[] = [];
    for (let index = 0; index < 30; index += 1)
      clock.at(5, () => {
        if (index === 0) setImmediate(() => firedAtReading.push(fired.length));
        fired.push(index);
        const untilMs = performance.now() + 1;
        while (performance.now() < untilMs);
      });
    clock.resume();
    while (fired.length < 30) await delay(1);
    assert.deepEqual(
      fired,
      Array.from({ length: 30 }, (_, index) => index),
    );
    assert.ok(firedAtReading[0]! < 10, `${firedAtReading[0]} ran first`);
    assert.equal(clock.pendingTimers, 0);
    // Paused in the middle, the rest waits.
    for (let index = 0; index < 5; index += 1)
      clock.after(1, () => {
        fired.push(index);
        const untilMs = performance.now() + 2;
        while (performance.now() < untilMs);
      });
    while (fired.length === 30) await new Promise((resolve) => setImmediate(resolve));
    clock.pause();
    const before = fired.length;
    await delay(20);
    assert.equal(fired.length, before);
    clock.resume();
    while (fired.length < 35) await delay(1);
  });

  test('does not run what was cleared', async () => {
    const clock = new LoadClock(false);
    const fired: number[] = [];
    const ids = Array.from({ length: 300 }, (_, index) => clock.after(5, () => fired.push(index)));
    for (const [index, id] of ids.entries()) if (index % 3 !== 0) clock.clear(id);
    await delay(40);
    assert.equal(fired.length, 100);
    assert.ok(fired.every((index) => index % 3 === 0));
  });

  test('lets users that have no think between two sends wait for their slice', () => {
    const clock = new LoadClock();
    const order: string[] = [];
    clock.whenRunning(() => {
      order.push('first');
      clock.pause();
    });
    clock.whenRunning(() => order.push('second'));
    assert.deepEqual(order, []);
    clock.resume();
    assert.deepEqual(order, ['first'], 'the second waits again, because the first paused the clock');
    clock.resume();
    assert.deepEqual(order, ['first', 'second']);
    clock.clearAll();
  });

  test('goes on after a timer that throws', async () => {
    const module = new URL('../../src/engines/core/load-clock.ts', import.meta.url).href;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { LoadClock } from ${JSON.stringify(module)};
      process.on('uncaughtException', (error) => console.log('caught', error.message));
      const clock = new LoadClock(false);
      clock.at(1, () => { throw new Error('first'); });
      clock.at(2, () => console.log('second'));`,
    ]);
    assert.equal(stdout, 'caught first\nsecond\n');
  });

  test('does not spin: ten thousand waiting users cost next to no CPU', async () => {
    const clock = new LoadClock(false);
    for (let index = 0; index < 10_000; index += 1) clock.after(60_000 + index, () => {});
    const before = process.cpuUsage();
    await delay(300);
    const { user, system } = process.cpuUsage(before);
    clock.clearAll();
    assert.ok(user + system < 100_000, `${(user + system) / 1_000} ms of CPU in 300 ms`);
  });
});

describe('load activity', () => {
  test('tells when nothing is in flight any more', async () => {
    const activity = new LoadActivity();
    assert.equal(await activity.idle(0), true);
    activity.sent();
    activity.sent();
    activity.settled();
    assert.equal(await activity.idle(5), false);
    const idle = activity.idle(5_000);
    activity.settled();
    assert.equal(await idle, true);
  });

  test('bounds the drains at the end, also one that never ends', async () => {
    const activity = new LoadActivity();
    let drained = false;
    activity.onEnd(async () => {
      drained = true;
    });
    activity.onEnd(() => new Promise(() => {}));
    activity.onEnd(async () => {
      throw new Error('of one engine');
    });
    await activity.end(20);
    assert.ok(drained);
  });
});
