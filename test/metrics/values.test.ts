import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeRounds } from '../../src/metrics/merge-rounds.ts';
import { metricOf } from '../../src/metrics/metric.ts';
import { observedValue, unitOf } from '../../src/metrics/values.ts';
import { roundOf, sketchOf } from '../verdict/simulator.ts';

const usage = (rss: number, gcPauseMs: number | null) => ({
  samples: [
    { atMs: 0, cpuShare: 0.2, rssBytes: rss / 2, openFiles: 10, threads: 5 },
    { atMs: 500, cpuShare: 0.6, rssBytes: rss, openFiles: 20, threads: 7 },
  ],
  cpuSeconds: 4,
  maxCpuShare: 0.6,
  maxRssBytes: rss,
  maxOpenFiles: 20,
  openFilesLimit: null,
  maxThreads: 7,
  maxHeapUsedBytes: null,
  maxLoopDelayMs: null,
  gcPauseMs,
});

const rounds = [
  roundOf({
    activeMs: 10_000,
    metrics: { 'chat.ack': sketchOf([1, 2, 3]) },
    counters: { errors: 1, 'messages.sent': 100, 'users.created': 10 },
    errors: [{ name: 'timeout', count: 1, messages: [], steps: [] }],
    resources: usage(2e8, 3),
    custom: { persisted: 90 },
  }),
  roundOf({
    activeMs: 30_000,
    metrics: { 'chat.ack': sketchOf([40]) },
    counters: { errors: 2, 'messages.sent': 280, 'users.created': 10 },
    errors: [{ name: 'refused', count: 2, messages: [], steps: [] }],
    resources: usage(4e8, null),
    custom: { persisted: 100 },
  }),
];

test('latencies over all samples of all rounds', () => {
  assert.equal(observedValue(rounds, 'chat.ack', 'count'), 4);
  assert.equal(observedValue(rounds, 'chat.ack', 'mean'), 11.5);
  assert.equal(observedValue(rounds, 'chat.ack', 'max'), 40);
  assert.ok(Math.abs(observedValue(rounds, 'chat.ack', 'p50')! - 2) < 0.03);
  assert.equal(observedValue(rounds, 'join.ack', 'p50'), null);
});

test('counters and rates over their sums, throughput over the time of driven load', () => {
  assert.equal(observedValue(rounds, 'errors', 'value'), 3);
  assert.equal(observedValue(rounds, 'errors.rate', 'value'), 3 / 400);
  assert.equal(observedValue(rounds, 'messages.sent.perSecond', 'value'), 9.5);
  assert.equal(observedValue(rounds, 'errors.named.timeout', 'value'), 1);
  assert.equal(observedValue(rounds, 'errors.named.unheard', 'value'), 0);
  assert.equal(observedValue(rounds, 'nothing.such', 'value'), null);
});

test('a status code that no answer had is 0 where requests were counted, and unknown where none were', () => {
  const http = [roundOf({ counters: { 'http.requests': 4, 'http.codes.200': 4 } })];
  assert.equal(observedValue(http, 'http.codes.200', 'value'), 4);
  assert.equal(observedValue(http, 'http.codes.500', 'value'), 0);
  assert.equal(observedValue(rounds, 'http.codes.500', 'value'), null);
});

test('resources and custom numbers', () => {
  assert.equal(observedValue(rounds, 'server.rss', 'max'), 4e8);
  assert.equal(observedValue(rounds, 'server.rss', 'mean'), 2.25e8);
  assert.ok(Math.abs(observedValue(rounds, 'server.cpu', 'mean')! - 0.4) < 1e-12);
  assert.equal(observedValue(rounds, 'server.gc', 'value'), 3);
  assert.equal(observedValue(rounds, 'server.cpuPerMessage', 'value'), 8000 / 380);
  assert.equal(observedValue([roundOf({})], 'server.cpuPerMessage', 'value'), null);
  assert.equal(observedValue(rounds, 'server.heap', 'max'), null);
  assert.equal(observedValue(rounds, 'custom.persisted', 'value'), 95);
  assert.equal(observedValue(rounds, 'custom.other', 'value'), null);
  assert.equal(observedValue([], 'errors', 'value'), null);
});

test('units', () => {
  assert.equal(unitOf(metricOf('chat.ack'), 'p95'), 'ms');
  assert.equal(unitOf(metricOf('chat.ack'), 'count'), 'count');
  assert.equal(unitOf(metricOf('server.rss'), 'max'), 'bytes');
  assert.equal(unitOf(metricOf('errors.rate'), 'value'), 'ratio');
  assert.equal(unitOf(metricOf('messages.sent.perSecond'), 'value'), 'perSecond');
});

test('work is divided by the messages or deliveries, and is not known when a round did not count it', () => {
  const work = {
    systemCalls: 800,
    bytesRead: 1_000,
    bytesWritten: 2_000,
    contextSwitches: 10,
    pageFaults: 0,
    userCpuSeconds: 0.05,
    systemCpuSeconds: 0.02,
    runQueueSeconds: null,
    allocatedBytes: 2_920_000,
    collections: 4,
  };
  const round = roundOf({
    activeMs: 10_000,
    counters: { 'messages.sent': 100, 'deliveries.received': 600 },
    resources: { ...usage(2e8, 3), work },
    wire: { bytesSent: 10_000, bytesReceived: 60_000, framesSent: 110, framesReceived: 630 },
  });
  const read = (metric: string) => observedValue([round, round], metric, 'value');
  assert.equal(read('server.syscalls.perMessage'), 8);
  assert.equal(read('server.allocated.perMessage'), 29_200);
  assert.equal(read('server.userCpu.perMessage'), 0.5);
  assert.equal(read('server.runQueue.perMessage'), null);
  assert.equal(read('wire.bytes.perMessage'), 700);
  assert.equal(read('wire.bytes.perDelivery'), 100);
  assert.equal(read('wire.frames.perMessage'), 7.4);
  assert.equal(read('wire.frames.perDelivery'), 1.05);
  const bytesAlone = { ...round, wire: { bytesSent: 10_000, bytesReceived: 60_000 } };
  assert.equal(observedValue([bytesAlone], 'wire.frames.perMessage', 'value'), null);
  const { wire } = mergeRounds([round, round]);
  assert.deepEqual([wire?.framesSent, wire?.framesReceived], [220, 1_260]);
  assert.equal(mergeRounds([round, bytesAlone]).wire?.framesSent, undefined);
  assert.equal(observedValue([round, ...rounds], 'server.syscalls.perMessage', 'value'), null);
  assert.equal(observedValue([{ ...round, counters: {} }], 'wire.bytes.perDelivery', 'value'), null);
});
