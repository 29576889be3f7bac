import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { explainGrowth } from '../../src/explain/explain-growth.ts';
import { type HeldGrowth, heapGrowth, newestId } from '../../src/explain/heap-growth.ts';
import type { FileChange } from '../../src/explain/parse-diff.ts';
import type { HeapNode } from '../../src/explain/side-work.ts';
import { readSnapshots, scriptUrls } from '../../src/side/measure-growth.ts';
import { leftAfterRest, whatIsLeft } from '../../src/side/measure-waves.ts';
import { freePort } from '../../src/side/target/ports.ts';
import { openWorkCounter, type WorkCounter } from '../../src/side/target/work-counter.ts';

const folder = path.join(import.meta.dirname, 'target/fixtures');
const lines = readFileSync(path.join(folder, 'leaking-server.mjs'), 'utf8').split('\n');
const lineOf = (text: string): number => lines.findIndex((line) => line.includes(text)) + 1;

let counter: WorkCounter;
let server: ReturnType<typeof spawn>;
let url: string;
before(async () => {
  counter = openWorkCounter('memory-looked', process.env)!;
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = spawn(process.execPath, ['leaking-server.mjs'], {
    cwd: folder,
    env: { ...process.env, ...counter.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout!, 'data');
});
after(() => {
  server.kill('SIGKILL');
  counter.close();
});

const use = async (what: string, times = 1): Promise<void> => {
  for (let each = 0; each < times; each += 1)
    await (await fetch(`${url}/${what}`, { headers: { connection: 'close' } })).text();
};
const left = () => whatIsLeft({ pid: server.pid!, counter });

test('what is left of a server is counted, and memory after a collection', async () => {
  await use('nothing');
  const before = await left();
  await use('message', 20);
  await use('listen');
  await use('timer');
  const then = await left();
  const more = (name: string) => then.left[name]! - before.left[name]!;
  assert.equal(before.left.rooms, 1, 'the room of Socket.IO');
  assert.deepEqual(['listeners', 'timers', 'sockets', 'rooms', 'handles'].map(more), [100, 100, 0, 0, 0]);
  assert.ok(Math.abs(more('fds')) <= 1, String(more('fds')));
  const bytes = then.heapBytes! - before.heapBytes!;
  assert.ok(
    bytes > 2_000 * 30 && bytes < 1_000_000,
    `${bytes} B for 2,000 messages, 100 listeners and timers`,
  );
  assert.ok(then.rssBytes! > then.heapBytes!);
  assert.ok(then.left.threads! >= 5);
});

test('what is kept for a while is gone once the server has been left alone, and the rest stays', async () => {
  const before = await left();
  await use('timer');
  await use('later');
  const then = await left();
  assert.equal(then.left.timers! - before.left.timers!, 200);
  const { signal } = new AbortController();
  const rested = await leftAfterRest({ pid: server.pid!, counter }, then.left, 1_500, signal);
  assert.equal(rested.timers! - before.left.timers!, 100);
});

test('what keeps memory is named by holder, class, function and line of the change', async () => {
  const look = async (what: string) => {
    const [before] = [...(await readSnapshots(counter)).values()];
    await counter.ask('start-heap', 30_000);
    await use(what, 20);
    const heap = (await counter.ask('stop-heap', 30_000)).map(
      ({ value }) => (value.heap as { head: HeapNode }).head,
    );
    const urls = scriptUrls(await counter.ask('scripts', 30_000));
    const [then] = [...(await readSnapshots(counter)).values()];
    const put = (text: string): FileChange => {
      const afterStart = lineOf(text);
      const added = [lines[afterStart - 1]!];
      const hunk = { beforeStart: 1, beforeCount: 0, afterStart, afterCount: 1, added, removed: [] };
      return { before: 'leaking-server.mjs', after: 'leaking-server.mjs', hunks: [hunk] };
    };
    const explain = (
      change: string | null,
      held: HeldGrowth[] | null = heapGrowth(then!, newestId(before!)),
    ) =>
      explainGrowth({
        held,
        profiles: heap,
        sessions: what === 'message' ? 200 : 2_000,
        messages: what === 'message' ? 2_000 : 20_000,
        places: { root: folder, sourceMaps: new Map() },
        scripts: urls,
        changes: change === null ? [] : [put(change)],
        linesOf: () => lines,
      });
    return explain;
  };

  await use('visit');
  const [visits] = (await look('visit'))('new Visit(count)');
  assert.match(
    visits!.text,
    /^`visits` keeps \d{3} B a session: class `Visit`, allocated in `visit`, in a line of this change\.$/,
  );
  assert.deepEqual(visits!.place, { file: 'leaking-server.mjs', line: lineOf('new Visit(count)') });

  const listeners = await look('listen');
  const [told] = listeners("news.on('closing'");
  assert.match(
    told!.text,
    /^The listeners of `closing` on `news` keep \d+ B a session: a function, made in a line of this change\.$/,
  );
  assert.equal(told!.place?.line, lineOf("news.on('closing'"));
  const [elsewhere] = listeners(null);
  assert.match(elsewhere!.text, /a session: a function\.$/);
  assert.equal(elsewhere!.place?.line, lineOf("news.on('closing'"));

  const [message] = (await look('message'))('history.push');
  assert.match(
    message!.text,
    /^`history` keeps \d+ B a message: an `Object`, allocated in `message`, in a line/,
  );
  const [unlooked] = (await look('message'))('history.push', null);
  assert.match(
    unlooked!.text,
    /^What `message` allocates stays, \d+ B a session, in a line of this change\.$/,
  );

  assert.deepEqual((await look('nothing'))(null), []);
});
