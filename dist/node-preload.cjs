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

    // What wakes a process that idles costs it more than anything else here. So where nothing limits the delay of its loop, that
    // is how late each sample is; and Node's monitor, which wakes it fifty times a second, is for limits alone.
    const resolutionMs = Number(process.env.TAILGATE_LOOP_RESOLUTION_MS);
    const monitor = resolutionMs > 0 ? monitorEventLoopDelay({ resolution: resolutionMs }) : null;
    monitor?.enable();
    const intervalMs = 500;
    let gcPauseMs = 0;
    let heap = GCProfiler === undefined ? null : new GCProfiler();
    // Before Node 18.15; an observer costs as much as the profiler, which tells the pauses too.
    const pauses =
      heap === null
        ? new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) gcPauseMs += entry.duration;
          })
        : null;
    pauses?.observe({ entryTypes: ['gc'] });

    // What the heap grew by from each collection to the next is what was allocated.
    let allocatedBytes = 0;
    let collected = 0;
    let usedBytes = getHeapStatistics().used_heap_size;
    heap?.start();
    const countAllocations = (usedNow) => {
      if (heap === null) return {};
      for (const { beforeGC, afterGC, cost } of heap.stop().statistics) {
        gcPauseMs += cost / 1e3;
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

    let lastMs = performance.now();
    const loopDelay = (nowMs) => {
      const lateMs = Math.max(0, nowMs - lastMs - intervalMs);
      lastMs = nowMs;
      if (monitor === null) return { loopDelayP99Ms: lateMs, loopDelayMaxMs: lateMs };
      // It measures from look to look: what is above its own period is delay.
      const above = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
      const [p99Ms, maxMs] = [above(monitor.percentile(99)), above(monitor.max)];
      // What passes until its next look it does not tell.
      monitor.reset();
      return { loopDelayP99Ms: p99Ms, loopDelayMaxMs: Math.max(lateMs, maxMs) };
    };
    const handOver = () => {
      const uptimeMs = performance.now();
      const heapUsedBytes = getHeapStatistics().used_heap_size;
      const line = JSON.stringify({
        pid: process.pid,
        ...loopDelay(uptimeMs),
        heapUsedBytes,
        ...countAllocations(heapUsedBytes),
        gcPauseMs,
        uptimeMs,
      });
      let descriptor;
      try {
        // Not blocking: a reader that is slow or gone must never hold up the server.
        descriptor = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
        writeSync(descriptor, `${line}\n`);
      } catch (error) {
        // Whoever is out of descriptors for a moment tells the next time.
        if (!['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'EINTR'].includes(error.code)) stop();
      } finally {
        if (descriptor !== undefined) closeSync(descriptor);
      }
    };
    const timer = setInterval(handOver, intervalMs);
    const stop = () => {
      clearInterval(timer);
      monitor?.disable();
      heap?.stop();
      heap = null;
      pauses?.disconnect();
    };
    timer.unref();
  } catch {
    // The server matters more than its samples.
  }
})();
