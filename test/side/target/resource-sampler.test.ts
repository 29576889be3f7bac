import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { targetSchema } from '../../../src/settings/settings-schema.ts';
import { parseNodeSample, withRequire } from '../../../src/side/target/node-samples.ts';
import type { TreeUsage } from '../../../src/side/target/process-tree-usage.ts';
import { parsePsTime, readPsUsage, usageFromPs } from '../../../src/side/target/ps-tree-usage.ts';
import { sampleResources } from '../../../src/side/target/resource-sampler.ts';
import type { RunningTarget } from '../../../src/side/target/running-target.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { UsageSeries } from '../../../src/side/target/usage-series.ts';
import { serverSettings, startOptions, workerSettings } from './fixtures/target-fixture.ts';

const path = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

const sampled = async (target: RunningTarget, paths: readonly string[], forMs: number) => {
  const sampler = sampleResources(target.pid ?? 0, { intervalMs: 100, nodeSamples: target.nodeSamples });
  const deadline = performance.now() + forMs;
  do {
    for (const each of paths) await (await fetch(`${target.url}${each}`)).text();
  } while (performance.now() < deadline);
  const usage = await sampler.stop();
  assert.ok(usage !== null);
  const { cpuSeconds, maxCpuShare, maxRssBytes, maxOpenFiles, maxThreads } = usage;
  const known = (value: number | null): number => value ?? Number.NaN;
  return {
    ...usage,
    cpuSeconds: known(cpuSeconds),
    maxCpuShare: known(maxCpuShare),
    maxRssBytes: known(maxRssBytes),
    maxOpenFiles: known(maxOpenFiles),
    maxThreads: known(maxThreads),
  };
};

const settle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (const [name, limitsLoopDelay, blockMs] of [
  ['worker-server.cjs', true, 150],
  // Looked at twice a second: what blocks for longer is seen for certain.
  ['worker-server.mjs', false, 600],
] as const) {
  test(`CPU, memory, files, event-loop delay, heap and collections of ${name}`, async (t) => {
    await using target = await startTarget(workerSettings(name), startOptions(t, { limitsLoopDelay }));
    await settle(600);
    const usage = await sampled(target, [`/block?ms=${blockMs}`, '/garbage', '/open?files=40'], 1_800);
    assert.ok(usage.samples.length >= 5, `${usage.samples.length} samples`);
    assert.ok(usage.cpuSeconds > 0.3, `cpu ${usage.cpuSeconds}`);
    assert.ok(usage.maxCpuShare > 0.1 && usage.maxCpuShare < 8, `share ${usage.maxCpuShare}`);
    assert.ok(usage.maxRssBytes > 20e6 && usage.maxRssBytes < 4e9, `rss ${usage.maxRssBytes}`);
    assert.ok(usage.maxOpenFiles >= 40, `files ${usage.maxOpenFiles}`);
    assert.ok((usage.openFilesLimit ?? 0) > usage.maxOpenFiles, `limit ${usage.openFilesLimit}`);
    assert.ok(usage.maxThreads >= 4, `threads ${usage.maxThreads}`);
    assert.ok((usage.maxHeapUsedBytes ?? 0) > 1e6, `heap ${usage.maxHeapUsedBytes}`);
    assert.ok((usage.maxLoopDelayMs ?? 0) > 100, `delay ${usage.maxLoopDelayMs}`);
    assert.ok((usage.gcPauseMs ?? 0) > 0, `gc ${usage.gcPauseMs}`);
    assert.ok(usage.samples.some((sample) => sample.loopDelayP99Ms !== undefined));
    assert.deepEqual(
      usage.samples.map((sample) => sample.atMs),
      usage.samples.map((sample) => sample.atMs).sort((a, b) => a - b),
    );
  });
}

test('the program does not notice the preload, and without it Node tells nothing', async (t) => {
  await using plain = await startTarget(
    workerSettings('worker-server.mjs', { nodePreload: false }),
    startOptions(t),
  );
  assert.equal(plain.nodeSamples, null);
  const usage = await sampled(plain, ['/'], 700);
  assert.equal(usage.maxHeapUsedBytes, null);
  assert.equal(usage.maxLoopDelayMs, null);
  assert.equal(usage.gcPauseMs, null);
  const without = (await (await fetch(`${plain.url}/self`)).json()) as { files: number; options: string };
  await using loaded = await startTarget(
    workerSettings('worker-server.mjs', { env: { NODE_OPTIONS: '--no-deprecation' } }),
    startOptions(t),
  );
  await settle(1_200);
  const own = (await (await fetch(`${loaded.url}/self`)).json()) as { files: number; options: string };
  assert.equal(own.files, without.files);
  assert.match(own.options, /^--no-deprecation --require=".*node-preload\.cjs"$/);
  const heap = await sampled(loaded, ['/'], 1_000);
  assert.ok((heap.maxHeapUsedBytes ?? 0) > 0);
});

test('a program ends by itself under the preload, and without a reader', async (t) => {
  const settings = targetSchema.parse({
    start: `"${process.execPath}" -e "setTimeout(() => console.log('done'), 900)"`,
    ready: { type: 'tcp', timeoutMs: 20_000 },
  });
  await assert.rejects(startTarget(settings, startOptions(t)), /exit code 0 before it was ready\.\ndone/);
});

test('a tree of processes is summed', async (t) => {
  const command = `"${process.execPath}" "${path('server.mjs')}" & "${process.execPath}" -e "for(;;);"`;
  const settings = serverSettings('plain', { start: command });
  await using target = await startTarget(settings, startOptions(t));
  const usage = await sampled(target, ['/'], 800);
  assert.ok(usage.cpuSeconds > 0.2, `cpu ${usage.cpuSeconds}`);
  assert.ok(usage.maxRssBytes > 60e6, `rss ${usage.maxRssBytes}`);
});

test('what a process tells no more is not known: it may be held up, and its peak yet to come', async (t) => {
  await using target = await startTarget(workerSettings('worker-server.cjs'), startOptions(t));
  await settle(700);
  const sampler = sampleResources(target.pid!, { intervalMs: 100, nodeSamples: target.nodeSamples });
  await settle(600);
  const { pid } = target.nodeSamples!.latest()[0]!;
  process.kill(pid, 'SIGSTOP');
  try {
    await settle(2_700);
    const usage = await sampler.stop(true);
    assert.deepEqual([usage?.maxLoopDelayMs, usage?.maxHeapUsedBytes], [null, null]);
    assert.ok(usage!.maxRssBytes! > 0);
    assert.match(sampler.missing() ?? '', /^Node process \d+ of the server told nothing/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('a process that is not there has no usage, and says so', async () => {
  const sampler = sampleResources(2 ** 22 - 3, { intervalMs: 50 });
  assert.equal(await sampler.stop(), null);
  assert.match(sampler.missing() ?? '', /process 4194301 could not be read/);
});

const reading = (cpuSeconds: number, more: Partial<TreeUsage> = {}): TreeUsage => ({
  cpuSeconds,
  rssBytes: 1000,
  openFiles: 10,
  openFilesLimit: 1024,
  threads: 5,
  ...more,
});

test('shares of CPU come from the time between two readings', () => {
  const series = new UsageSeries();
  assert.equal(series.usage(), null);
  series.addReading(0, reading(10));
  series.addReading(500, reading(10.25));
  series.addReading(501, reading(10.26));
  series.addReading(1_000, reading(11.25, { openFiles: 1_000, openFilesLimit: 4_096, rssBytes: 900 }));
  const usage = series.usage();
  assert.deepEqual(
    usage?.samples.map((sample) => [sample.atMs, sample.cpuShare]),
    [
      [500, 0.5],
      [1_000, 2],
    ],
  );
  assert.equal(usage?.cpuSeconds, 1.25);
  assert.equal(usage?.maxCpuShare, 2);
  assert.equal(usage?.maxRssBytes, 1_000);
  assert.equal(usage?.maxOpenFiles, 1_000);
  assert.equal(usage?.openFilesLimit, 4_096);
});

test('pauses count from the start of the load, and the heap of an ended process does not', () => {
  const node = (pid: number, gcPauseMs: number, more = {}) => ({
    pid,
    gcPauseMs,
    loopDelayP99Ms: 1,
    loopDelayMaxMs: 2,
    heapUsedBytes: 100,
    allocatedBytes: null,
    collections: null,
    ...more,
  });
  const series = new UsageSeries([node(1, 50)]);
  series.addReading(0, reading(0));
  // About the time before the load as well, when the server was starting.
  series.addNodeSample(100, node(1, 52, { loopDelayMaxMs: 900 }));
  series.addNodeSample(600, node(1, 60));
  series.addNodeSample(600, node(2, 5));
  series.addReading(700, reading(0));
  series.addNodeSample(1_100, node(1, 61, { loopDelayP99Ms: 3, loopDelayMaxMs: 7 }));
  series.addReading(1_200, reading(0));
  for (let atMs = 2_000; atMs <= 4_000; atMs += 500) series.addNodeSample(atMs, node(1, 61));
  series.addReading(4_000, reading(0));
  const usage = series.usage();
  assert.equal(usage?.gcPauseMs, 16);
  assert.equal(usage?.maxLoopDelayMs, 7);
  assert.equal(usage?.maxHeapUsedBytes, 200);
  assert.deepEqual(
    usage?.samples.map((sample) => [sample.heapUsedBytes, sample.loopDelayP99Ms, sample.gcPauseMs]),
    [
      [200, 1, 15],
      [200, 3, 1],
      [100, 1, 0],
    ],
  );
});

test('lines from the pipe are not trusted', () => {
  const line = { pid: 1, loopDelayP99Ms: 0, loopDelayMaxMs: 0, heapUsedBytes: 0, gcPauseMs: 0 };
  const sample = { ...line, allocatedBytes: null, collections: null };
  assert.deepEqual(parseNodeSample(JSON.stringify({ ...line, more: 'x' })), sample);
  assert.deepEqual(parseNodeSample(JSON.stringify({ ...line, allocatedBytes: 7, collections: -1 })), {
    ...sample,
    allocatedBytes: 7,
  });
  for (const bad of [
    '',
    '{',
    'null',
    '[]',
    '3',
    JSON.stringify({ ...line, pid: '1' }),
    JSON.stringify({ ...line, gcPauseMs: -1 }),
  ])
    assert.equal(parseNodeSample(bad), null, bad);
  assert.equal(withRequire(undefined, '/a "b\\c.cjs'), '--require="/a \\"b\\\\c.cjs"');
});

test('where there is no /proc, ps tells CPU and memory of the tree', async (t) => {
  assert.equal(parsePsTime('1-02:03:04'), 93_784);
  assert.equal(parsePsTime('12:34.56'), 754.56);
  const table = '  1 0 10 00:00:01\n 20 1 100 00:00:02\n 21 20 200 01:00\n 30 1 400 00:09\nnonsense\n';
  assert.deepEqual(usageFromPs(table, 20), {
    cpuSeconds: 62,
    rssBytes: 300 * 1024,
    openFiles: null,
    openFilesLimit: null,
    threads: null,
  });
  assert.equal(usageFromPs(table, 99), null);
  await using target = await startTarget(serverSettings('plain'), startOptions(t));
  assert.ok(((await readPsUsage(target.pid ?? 0))?.rssBytes ?? 0) > 20e6);
});
