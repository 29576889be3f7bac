'use strict';
/*
 * Loaded with `node --require` into every Node process and worker thread of a server of which it is judged what stays
 * when its users have gone. It does nothing until it is asked, by a file in a folder, and answers by a file there, from
 * the thread itself: what is counted is of that thread. Works from Node 16 on, for CommonJS and ES module programs.
 */
(() => {
  if (!process.env.TAILGATE_NODE_COUNT) return;
  try {
    const { announce, answerer, folderOfQuestions, major, stopInlining } = require('./node-answers.cjs');
    const folder = folderOfQuestions();
    if (folder === null) return;
    const { Session } = require('node:inspector');
    const {
      getHeapSpaceStatistics,
      getHeapStatistics,
      setFlagsFromString,
      writeHeapSnapshot,
    } = require('node:v8');
    const { join } = require('node:path');
    const { threadId } = require('node:worker_threads');

    const own = `${process.pid}.${threadId}`;
    if (process.env.TAILGATE_NODE_COUNT_MODE === 'memory-looked') stopInlining();
    // Each forced collection would let go of compiled code that is needed again, and memory would go up and down.
    setFlagsFromString('--no-flush-bytecode');

    const session = new Session();

    /** In the same thread, the inspector answers before `post` returns. */
    const ask = (method, params) => {
      let answer;
      session.post(method, params, (error, result) => {
        if (error) throw new Error(`${method}: ${error.message}`);
        answer = result;
      });
      return answer;
    };
    const connect = () => session.connect();
    const scripts = () => {
      const parsed = [];
      const note = ({ params }) => {
        const { scriptId, url, hash, sourceMapURL } = params;
        if (url !== '') parsed.push({ scriptId, url, hash, sourceMapUrl: sourceMapURL || '' });
      };
      session.on('Debugger.scriptParsed', note);
      ask('Debugger.enable');
      session.off('Debugger.scriptParsed', note);
      ask('Debugger.disable');
      return { scripts: parsed };
    };

    /** Beyond this, walking the heap would hold the server up for seconds. */
    const mostWalkedBytes = 400_000_000;
    /** What programs hold, in the heap and outside of it; not what V8 compiled of them, which comes and goes. */
    const held = () => {
      const data = getHeapSpaceStatistics().filter(
        ({ space_name: name }) => !/code|read_only|trusted|shared/.test(name),
      );
      const inHeap = data.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
      return inHeap + (getHeapStatistics().external_memory ?? 0);
    };
    /** Runs in the server over all of its event emitters that live: their listeners, and the rooms of Socket.IO. */
    const countEmitters = function () {
      let listeners = 0;
      let rooms = null;
      let most = null;
      const own = (object, name) => Object.getOwnPropertyDescriptor(object, name)?.value;
      for (const emitter of this) {
        const events = own(emitter, '_events');
        if (typeof events === 'object' && events !== null)
          for (const event of Reflect.ownKeys(events)) {
            const found = own(events, event);
            const count = typeof found === 'function' ? 1 : Array.isArray(found) ? found.length : 0;
            listeners += count;
            if (count > (most?.count ?? 1))
              most = { count, event: String(event), emitter: String(emitter.constructor?.name ?? '') };
          }
        const [members, memberships] = [own(emitter, 'rooms'), own(emitter, 'sids')];
        if (members instanceof Map && memberships instanceof Map) rooms = (rooms ?? 0) + members.size;
      }
      return { listeners, rooms, most };
    };
    const askEmitters = () => {
      if (held() > mostWalkedBytes) return { listeners: null, rooms: null, most: null };
      const objectGroup = 'tailgate';
      try {
        // The prototype of what `process` is too.
        const expression = 'Object.getPrototypeOf(Object.getPrototypeOf(process))';
        const { objectId } = ask('Runtime.evaluate', { expression, objectGroup }).result;
        const { objects } = ask('Runtime.queryObjects', { prototypeObjectId: objectId, objectGroup });
        const { result } = ask('Runtime.callFunctionOn', {
          objectId: objects.objectId,
          functionDeclaration: countEmitters.toString(),
          returnByValue: true,
        });
        return result.value ?? { listeners: null, rooms: null, most: null };
      } finally {
        ask('Runtime.releaseObjectGroup', { objectGroup });
      }
    };

    const actions = {
      scripts,
      memory: () => {
        // Twice: what a finaliser or a weak reference lets go is collected by the second.
        ask('HeapProfiler.collectGarbage');
        const emitters = askEmitters();
        ask('HeapProfiler.collectGarbage');
        ask('HeapProfiler.collectGarbage');
        return { heapBytes: held(), resources: process.getActiveResourcesInfo?.() ?? null, ...emitters };
      },
      'start-heap': () => {
        ask('HeapProfiler.enable');
        ask('HeapProfiler.collectGarbage');
        // Without the flags for what was collected: at the end it tells what is alive.
        ask('HeapProfiler.startSampling', { samplingInterval: 4096 });
        return {};
      },
      'stop-heap': () => {
        ask('HeapProfiler.collectGarbage');
        return { heap: ask('HeapProfiler.stopSampling').profile };
      },
      snapshot: () => {
        // Before Node 24 an object has another id in each snapshot, so nothing tells what is new.
        if (major < 24 || held() > mostWalkedBytes / 2) return { file: null };
        const file = join(folder, `snapshot.${own}`);
        writeHeapSnapshot(file);
        return { file };
      },
    };

    announce(folder, own);
    setInterval(answerer(folder, own, { connect, actions }), 50).unref();
  } catch {
    // The server matters more than its counts.
  }
})();
