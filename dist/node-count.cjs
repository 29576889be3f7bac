'use strict';
/*
 * Loaded with `node --require` into every Node process and worker thread of a server whose work is to be counted: how
 * often each function runs, where time goes and memory is allocated, and which scripts ran. It does nothing until it is
 * asked, by a file in a folder, and answers by a file there. For the main thread a thread of its own does that, so that a
 * server answers whatever keeps it busy. What is counted is never judged, because counting changes
 * how code is compiled. Works from Node 16 on, for CommonJS and ES module programs.
 */
(() => {
  if (!process.env.TAILGATE_NODE_COUNT) return;
  try {
    const {
      announce,
      answerer,
      folderOfQuestions,
      startInlining,
      stopInlining,
    } = require('./node-answers.cjs');
    const folder = folderOfQuestions();
    if (folder === null) return;
    const { createHash } = require('node:crypto');
    const { readFileSync } = require('node:fs');
    const { Session } = require('node:inspector');
    const { pathToFileURL } = require('node:url');
    const { isMainThread, threadId, Worker, workerData } = require('node:worker_threads');

    /** The thread that asks the main one. */
    const isAsking = workerData?.tailgateCount === folder;

    const whole = process.env.TAILGATE_NODE_COUNT_MODE === 'work';
    const own = `${process.pid}.${isAsking ? 0 : threadId}`;

    if (whole && !isAsking) stopInlining();

    const session = new Session();
    let cpuBefore;
    let waitedBeforeUs = 0;
    /** Functions that were called, by script and place. */
    const seen = new Map();

    const ask = (method, params) =>
      new Promise((resolve, reject) => {
        session.post(method, params, (error, result) =>
          error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result),
        );
      });
    const connect = () => (isAsking ? session.connectToMainThread() : session.connect());
    /** What Tailgate itself loads is no work of the server. */
    const isOwn = (url) =>
      /[\\/]node-(answers|count|left|preload|inject)\.cjs$/.test(url) && url.startsWith(ownFolder);
    const ownFolder = pathToFileURL(__dirname).href;
    const takeCalls = async () => {
      const counted = [];
      for (const { scriptId, url, functions } of (await ask('Profiler.takePreciseCoverage')).result) {
        if (isOwn(url)) continue;
        for (const { functionName, ranges } of functions) {
          const [{ startOffset, endOffset, count }] = ranges;
          if (count === 0) continue;
          const key = `${scriptId}:${startOffset}:${endOffset}`;
          if (!seen.has(key)) seen.set(key, { scriptId, url, functionName, startOffset, endOffset });
          counted.push([key, count]);
        }
      }
      return { calls: counted };
    };

    const lineStartsOf = (source) => {
      const starts = [0];
      for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
      return starts;
    };
    const placeOf = (starts, offset) => {
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (starts[middle] <= offset) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: offset - starts[low] };
    };
    const scripts = async () => {
      const parsed = [];
      const note = ({ params }) => {
        const { scriptId, url, hash, sourceMapURL, length, endLine } = params;
        if (url !== '' && !isOwn(url))
          parsed.push({ scriptId, url, hash, sourceMapUrl: sourceMapURL || '', length, endLine });
      };
      session.on('Debugger.scriptParsed', note);
      await ask('Debugger.enable');
      session.off('Debugger.scriptParsed', note);
      const byScript = new Map();
      for (const [key, one] of seen)
        byScript.set(one.scriptId, [...(byScript.get(one.scriptId) ?? []), [key, one]]);
      const functions = [];
      for (const [scriptId, members] of byScript) {
        let source = '';
        try {
          source = (await ask('Debugger.getScriptSource', { scriptId })).scriptSource;
        } catch {
          // Collected since: its functions have no place.
          continue;
        }
        const starts = lineStartsOf(source);
        for (const [key, { url, functionName, startOffset, endOffset }] of members) {
          const from = placeOf(starts, startOffset);
          const to = placeOf(starts, endOffset);
          const text = source.slice(startOffset, endOffset);
          functions.push({
            key,
            scriptId,
            url,
            name: functionName,
            line: from.line,
            column: from.column,
            endLine: to.line,
            endColumn: to.column,
            body: createHash('sha256').update(text).digest('hex').slice(0, 16),
            // The whole script is a function too: what it runs when it is loaded.
            isScript: startOffset === 0 && endOffset >= source.length - 1,
          });
        }
      }
      await ask('Debugger.disable');
      return {
        node: process.version,
        exec: process.execPath,
        execArgv: process.execArgv,
        scripts: parsed,
        functions,
      };
    };

    /** Also of what is collected meanwhile. */
    const everyAllocation = (samplingInterval) => ({
      samplingInterval,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });

    /** How long the main thread has waited for a core, which the profiler cannot tell from work; 0 where unknown. */
    const waitedUs = () => {
      try {
        return Number(readFileSync(`/proc/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1_000 || 0;
      } catch {
        return 0;
      }
    };

    const actions = {
      scripts,
      // Numbers that functions hand each other are on the heap where none is inlined, and nowhere else.
      'start-inlining': async () => {
        startInlining();
        // All code is compiled again once its calls were counted.
        await ask('Profiler.enable');
        await ask('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
        await ask('Profiler.stopPreciseCoverage');
        return {};
      },
      'start-heap': async () => {
        await ask('HeapProfiler.startSampling', everyAllocation(512));
        return {};
      },
      'stop-heap': async () => ({ heap: (await ask('HeapProfiler.stopSampling')).profile }),
      'start-calls': async () => {
        await ask('Profiler.enable');
        await ask('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
        await takeCalls();
        return {};
      },
      'take-calls': takeCalls,
      'stop-calls': async () => {
        await ask('Profiler.stopPreciseCoverage');
        return {};
      },
      'start-profile': async () => {
        await ask('Profiler.enable');
        await ask('Profiler.setSamplingInterval', { interval: 300 });
        await ask('HeapProfiler.startSampling', everyAllocation(4096));
        await ask('Profiler.start');
        // Of the whole process: a thread that blocks is not idle to the profiler, and costs no time on the processor.
        cpuBefore = process.cpuUsage();
        waitedBeforeUs = waitedUs();
        return {};
      },
      'stop-profile': async () => {
        const { user, system } = process.cpuUsage(cpuBefore);
        const queuedUs = waitedUs() - waitedBeforeUs;
        const { profile } = await ask('Profiler.stop');
        return {
          cpuUs: user + system,
          queuedUs,
          profile,
          heap: (await ask('HeapProfiler.stopSampling')).profile,
        };
      },
    };

    const answer = answerer(folder, own, { connect, actions });
    if (isAsking) {
      setInterval(answer, 20);
      return;
    }
    announce(folder, own);
    const answerHere = () => setInterval(answer, whole ? 20 : 500).unref();
    if (!whole || !isMainThread) {
      answerHere();
      return;
    }
    // It inherits nothing that the server was started with.
    const { PATH, TAILGATE_NODE_COUNT_MODE } = process.env;
    const asking = new Worker(__filename, {
      env: { PATH, TAILGATE_NODE_COUNT: folder, TAILGATE_NODE_COUNT_MODE },
      execArgv: [],
      workerData: { tailgateCount: folder },
    });
    asking.once('error', answerHere);
    asking.unref();
  } catch {
    // The server matters more than its counts.
  }
})();
