'use strict';
/*
 * Loaded with `node --require` into every Node process of the server under test. Twice a second it hands over how
 * long the event loop was held up, how much heap is used, and how long garbage collection paused the program: one
 * line of JSON into a named pipe. It opens no port, keeps no descriptor and no handle that would keep the process
 * alive, changes nothing that the program can see, and gives up without a word when anything fails.
 * Works from Node 16 on, for CommonJS and ES module programs.
 */
(() => {
  const pipe = process.env.TAILGATE_NODE_SAMPLES;
  const packageManagers =
    /(^|[\\/])(npm|npx|npm-cli\.js|npx-cli\.js|yarn|yarn\.c?js|yarnpkg|pnpm|pnpx|pnpm\.c?js|corepack|corepack\.js)$/;
  if (!pipe || packageManagers.test(process.argv[1] || '')) return;
  try {
    if (!require('node:worker_threads').isMainThread) return;
    const { closeSync, constants, openSync, writeSync } = require('node:fs');
    const { monitorEventLoopDelay, performance, PerformanceObserver } = require('node:perf_hooks');
    const { GCProfiler, getHeapStatistics } = require('node:v8');

    const resolutionMs = 20;
    const intervalMs = 500;
    const loop = monitorEventLoopDelay({ resolution: resolutionMs });
    loop.enable();
    let gcPauseMs = 0;
    const collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) gcPauseMs += entry.duration;
    });
    collections.observe({ entryTypes: ['gc'] });

    // What the heap grew by from each collection to the next is what was allocated.
    let heap = GCProfiler === undefined ? null : new GCProfiler();
    let allocatedBytes = 0;
    let collected = 0;
    let usedBytes = getHeapStatistics().used_heap_size;
    heap?.start();
    const countAllocations = (usedNow) => {
      if (heap === null) return {};
      for (const { beforeGC, afterGC } of heap.stop().statistics) {
        allocatedBytes += Math.max(0, beforeGC.heapStatistics.usedHeapSize - usedBytes);
        usedBytes = afterGC.heapStatistics.usedHeapSize;
        collected += 1;
      }
      allocatedBytes += Math.max(0, usedNow - usedBytes);
      usedBytes = usedNow;
      heap = new GCProfiler();
      heap.start();
      return { allocatedBytes, collections: collected };
    };

    // The monitor measures from tick to tick: what is above its own period is delay.
    const delayMs = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
    const handOver = () => {
      const heapUsedBytes = getHeapStatistics().used_heap_size;
      const line = JSON.stringify({
        pid: process.pid,
        loopDelayP99Ms: delayMs(loop.percentile(99)),
        loopDelayMaxMs: delayMs(loop.max),
        heapUsedBytes,
        ...countAllocations(heapUsedBytes),
        gcPauseMs,
        uptimeMs: performance.now(),
      });
      loop.reset();
      let descriptor;
      try {
        // Not blocking: a reader that is slow or gone must never hold up the server.
        descriptor = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
        writeSync(descriptor, `${line}\n`);
      } catch (error) {
        if (error.code !== 'EAGAIN') stop();
      } finally {
        if (descriptor !== undefined) closeSync(descriptor);
      }
    };
    const timer = setInterval(handOver, intervalMs);
    const stop = () => {
      clearInterval(timer);
      loop.disable();
      heap?.stop();
      heap = null;
      collections.disconnect();
    };
    timer.unref();
  } catch {
    // The server matters more than its samples.
  }
})();
