'use strict';
/*
 * Loaded with `node --require` into every Node process and worker thread of a server of which it is judged what stays
 * when its users have gone. It does nothing until it is asked, by a file in a folder, and answers by a file there, from
 * the thread itself: what is counted is of that thread. Works from Node 16 on, for CommonJS and ES module programs.
 */
(() => {
  const folder = process.env.TAILGATE_NODE_COUNT;
  const packageManagers =
    /(^|[\\/])(npm|npx|npm-cli\.js|npx-cli\.js|yarn|yarn\.c?js|yarnpkg|pnpm|pnpx|pnpm\.c?js|corepack|corepack\.js)$/;
  if (!folder || packageManagers.test(process.argv[1] || '')) return;
  try {
    const { readFileSync, renameSync, statSync, unlinkSync, writeFileSync } = require('node:fs');
    const { Session } = require('node:inspector');
    const {
      getHeapSpaceStatistics,
      getHeapStatistics,
      setFlagsFromString,
      writeHeapSnapshot,
    } = require('node:v8');
    const { join } = require('node:path');
    const { threadId } = require('node:worker_threads');

    const mode = process.env.TAILGATE_NODE_COUNT_MODE;
    const looks = mode === 'memory-looked';
    const own = `${process.pid}.${threadId}`;
    const commandFile = join(folder, 'command');
    const major = Number(process.versions.node.split('.')[0]);
    // V8 books a callee from another file, once inlined, on a line of the caller's file.
    if (looks) {
      setFlagsFromString('--no-turbo-inlining');
      if (major >= 20) setFlagsFromString('--no-maglev-inlining');
    }

    // Each forced collection would let go of compiled code that is needed again, and memory would go up and down.
    setFlagsFromString('--no-flush-bytecode');

    let session = null;
    let answered = 0;
    let last = '';

    /** In the same thread, the inspector answers before `post` returns. */
    const ask = (method, params) => {
      let answer;
      session.post(method, params, (error, result) => {
        if (error) throw new Error(`${method}: ${error.message}`);
        answer = result;
      });
      return answer;
    };
    const connect = () => {
      if (session !== null) return;
      session = new Session();
      session.connect();
    };
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
        const emitters = askEmitters();
        // Twice: what a finaliser or a weak reference lets go is collected by the second.
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

    const answer = () => {
      let command;
      try {
        // Without a question it costs one look at a folder.
        const { ino, mtimeMs } = statSync(commandFile);
        if (`${ino}:${mtimeMs}` === last) return;
        last = `${ino}:${mtimeMs}`;
        command = JSON.parse(readFileSync(commandFile, 'utf8'));
      } catch {
        return;
      }
      if (command.number <= answered) return;
      answered = command.number;
      let reply;
      try {
        connect();
        reply = actions[command.action]();
      } catch (error) {
        reply = { error: String(error?.message ?? error) };
      }
      try {
        const file = join(folder, `${command.number}.${own}.json`);
        writeFileSync(`${file}.part`, JSON.stringify(reply));
        renameSync(`${file}.part`, file);
      } catch {
        // Whoever asked will miss it and say so.
      }
    };
    const here = join(folder, `here.${own}`);
    writeFileSync(here, '');
    setInterval(answer, 50).unref();
    process.on('exit', () => {
      try {
        unlinkSync(here);
      } catch {
        // The folder is gone.
      }
    });
  } catch {
    // The server matters more than its counts.
  }
})();
