import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyCourseRecorder, mergeCourses } from '../../src/metrics/latency-course.ts';
import { timelineSchema } from '../../src/report/report-model.ts';
import { timelineOf } from '../../src/report/timeline.ts';
import { roundOf } from '../verdict/simulator.ts';

const courseOf = (valueMs: (second: number) => number, seconds: number) => {
  const recorder = new LatencyCourseRecorder();
  for (let second = 0; second < seconds; second += 1)
    for (let i = 0; i < 3; i += 1) recorder.record('chat.ack', valueMs(second), second * 1_000 + i * 300);
  return recorder.toJSON();
};

test('a course keeps every value, in steps that grow with the length of the round', () => {
  const short = courseOf((second) => second + 1, 10);
  assert.equal(short.stepMs, 1_000);
  assert.equal(short.steps.length, 10);
  const long = courseOf(() => 5, 1_000);
  assert.equal(long.stepMs, 16_000);
  assert.ok(long.steps.length <= 120);
  const all = (course: typeof long) =>
    course.steps.reduce((sum, step) => sum + (step['chat.ack']?.count ?? 0), 0);
  assert.equal(all(long), 3_000);
  const { course } = mergeCourses([short, long]);
  assert.equal(course!.stepMs, 16_000);
  assert.equal(all(course!), 3_030);
});

test('the timeline of a side: its rounds one after the other, in the time of its own load', () => {
  const sample = { cpuShare: 0.5, rssBytes: 1e8, openFiles: 20, threads: 4 };
  const resources = {
    samples: [
      { ...sample, atMs: 900, loadAtMs: 400 },
      // Taken while the other side was driven.
      { ...sample, atMs: 1_900, cpuShare: 0.01 },
      { ...sample, atMs: 2_900, loadAtMs: 1_400, heapUsedBytes: 3e7 },
    ],
    cpuSeconds: 1,
    maxCpuShare: 0.5,
    maxRssBytes: 1e8,
    maxOpenFiles: 20,
    openFilesLimit: null,
    maxThreads: 4,
    maxHeapUsedBytes: null,
    maxLoopDelayMs: null,
    gcPauseMs: null,
  };
  const round = roundOf({
    activeMs: 2_000,
    slices: [],
    course: courseOf((second) => 10 * (second + 1), 2),
    sentPerSecond: [50, 60],
    errorsPerSecond: [0, 2],
    usersPerSecond: [5, 8],
    resources,
  });
  const timeline = timelineOf('chat.ack', { baseline: [], head: [round, round] });
  timelineSchema.parse(timeline);
  assert.equal(timeline?.baseline, null);
  const head = timeline!.head!;
  assert.deepEqual(head.rounds, [0, 2_000]);
  assert.deepEqual(head.latency.atMs, [500, 1_500, 2_500, 3_500]);
  assert.ok(Math.abs(head.latency.p50Ms[1]! - 20) < 0.2);
  assert.deepEqual(head.load, {
    atMs: [500, 1_500, 2_500, 3_500],
    messages: [50, 60, 50, 60],
    errors: [0, 2, 0, 2],
    users: [5, 8, 5, 8],
  });
  assert.deepEqual(head.server?.atMs, [400, 1_400, 2_400, 3_400]);
  assert.deepEqual(head.server?.cpuCores, [0.5, 0.5, 0.5, 0.5]);
  assert.deepEqual(head.server?.heapUsedBytes, [null, 3e7, null, 3e7]);
});

test('a day of load gives no more points than an hour', () => {
  const seconds = 86_400;
  const round = roundOf({
    activeMs: seconds * 1_000,
    slices: [],
    sentPerSecond: Array.from({ length: seconds }, () => 10),
  });
  const head = timelineOf('chat.ack', { baseline: [], head: [round] })!.head!;
  assert.equal(head.load.atMs.length, 600);
  assert.ok(head.load.messages.every((count) => count === 10));
});
