import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { dependencyChanges } from '../../src/explain/dependency-changes.ts';
import {
  type ExplainInputs,
  explainWork,
  type Sentence,
  sameScripts,
} from '../../src/explain/explain-work.ts';
import { joinWork } from '../../src/explain/join-work.ts';
import { addedLines, lineAfter, parseDiff } from '../../src/explain/parse-diff.ts';
import { Places } from '../../src/explain/places.ts';
import type { CalledFunction, SideWork } from '../../src/explain/side-work.ts';

const root = '/repository';

type Told = { name: string; at: [file: string, line: number, endLine: number]; calls: number; body?: string };

const called = ({ name, at: [file, line, endLine], calls, body }: Told): CalledFunction => ({
  url: file.startsWith('node:') ? file : `file://${root}/${file}`,
  name,
  line,
  column: 0,
  endLine,
  endColumn: 1,
  body: body ?? name,
  isScript: false,
  calls: [100, 101, 99, 100].map((messages) => calls * messages),
});

const side = (functions: readonly Told[], more: Partial<SideWork> = {}): SideWork => ({
  node: ['v24.0.0'],
  scripts: [],
  functions: functions.map(called),
  messages: [100, 101, 99, 100],
  latenciesMs: {},
  profiles: [],
  stacks: [],
  profiledMessages: 0,
  profiledCpuUs: null,
  profiledQueueUs: 0,
  allocated: null,
  ...more,
});

const explain = (baseline: SideWork, head: SideWork, diff: string, more: Partial<ExplainInputs> = {}) => {
  const place = { root, sourceMaps: new Map() };
  return explainWork({
    baseline,
    head,
    places: { baseline: place, head: place },
    changes: parseDiff(diff),
    dependencies: [],
    latencyMs: null,
    cpuMs: null,
    allocatedBytes: null,
    runQueueMs: null,
    loopDelayMs: null,
    ...more,
  });
};

const textOf = ({ sentences }: { sentences: readonly Sentence[] }): string =>
  sentences
    .map(({ text, place }) => (place === undefined ? text : `${text} [${place.file}:${place.line}]`))
    .join(' ');

const secondCall = `diff --git a/src/server.ts b/src/server.ts
--- a/src/server.ts
+++ b/src/server.ts
@@ -114,0 +115,2 @@ const handlers
+    // verifyToken is asked once more.
+    verifyToken(socket);
`;

const base: Told[] = [
  { name: 'verifyToken', at: ['src/token.ts', 6, 20], calls: 1 },
  { name: 'parse', at: ['src/token.ts', 22, 24], calls: 2 },
  { name: 'chat', at: ['src/server.ts', 113, 118], calls: 1 },
  { name: 'log', at: ['src/server.ts', 200, 201], calls: 1 },
];

test('a second call is found on its line, and what it calls is folded into it', () => {
  const head: Told[] = [
    { name: 'verifyToken', at: ['src/token.ts', 6, 20], calls: 2 },
    { name: 'parse', at: ['src/token.ts', 22, 24], calls: 4 },
    { name: 'chat', at: ['src/server.ts', 113, 120], calls: 1, body: 'changed' },
    { name: 'log', at: ['src/server.ts', 202, 203], calls: 1 },
  ];
  const explained = explain(side(base), side(head), secondCall);
  assert.equal(explained.kind, 'more-work');
  assert.equal(
    textOf(explained),
    '`verifyToken` runs 2.00 times a message instead of 1.00. [src/token.ts:6] The new call is in `chat`, on a line of this change. [src/server.ts:116] With it `parse` runs more often.',
  );
  assert.deepEqual(explained.sentences[1]?.place, { file: 'src/server.ts', line: 116 });
  assert.deepEqual(explained.calls, { baseline: 5, head: 8 });
});

test('the table begins with own functions, however often Node calls its own', () => {
  const node = (calls: number): Told => ({ name: 'now', at: ['node:internal/perf', 1, 3], calls });
  const work = (calls: number): Told => ({ name: 'work', at: ['src/server.ts', 90, 95], calls });
  const { functions } = explain(side([...base, node(1)]), side([...base, node(6000), work(1)]), secondCall);
  assert.deepEqual(
    functions.slice(0, 2).map(({ name }) => name),
    ['work', 'now'],
  );
});

test('moved and renamed code is no new work, and neither is what only the load moves', () => {
  const moved = base.map(
    (one): Told => (one.name === 'verifyToken' ? { ...one, at: ['src/auth.ts', 1, 15] } : one),
  );
  const shifted = moved.map(
    (one): Told => (one.name === 'log' ? { ...one, at: ['src/server.ts', 205, 206], calls: 1.01 } : one),
  );
  const explained = explain(side(base), side(shifted), secondCall);
  assert.equal(explained.kind, 'none');
  // Unchanged code whose calls depend on the load: more in one slice, fewer in another.
  const noisy = side(base);
  noisy.functions[3]!.calls = [150, 60, 140, 100];
  assert.equal(explain(side(base), noisy, '').kind, 'none');
});

test('a new function is named with the line that calls it, an anonymous one by where it stands', () => {
  const diff = `diff --git a/src/server.ts b/src/server.ts
--- a/src/server.ts
+++ b/src/server.ts
@@ -114,0 +115 @@
+    const found = list.find((one) => one.id === id);
@@ -118,0 +120,3 @@
+const clean = (text) =>
+  text.trim();
+
`;
  const head: Told[] = [...base, { name: '', at: ['src/server.ts', 115, 115], calls: 40, body: 'x' }];
  assert.match(
    textOf(explain(side(base), side(head), diff)),
    /^The function runs 40.00 times a message instead of 0.00. \[src\/server.ts:115\] It is called in `chat`, .* \[src\/server.ts:115\]/,
  );
  const cleaned: Told[] = [...base, { name: 'clean', at: ['src/server.ts', 120, 121], calls: 1, body: 'x' }];
  const called = diff.replace('const found = list.find((one) => one.id === id);', 'text = clean(text);');
  assert.match(
    textOf(explain(side(base), side(cleaned), called)),
    /`clean` runs .*\[src\/server.ts:120\] It is called in `chat`, .* \[src\/server.ts:115\]/,
  );
});

test('more latency without more time on the processor is waiting, and blames nobody', () => {
  const head: Told[] = [...base, { name: 'pause', at: ['src/server.ts', 90, 91], calls: 1, body: 'x' }];
  const diff = secondCall.replace('verifyToken(socket)', 'await pause(5)');
  const explained = explain(side(base), side(head), diff, {
    latencyMs: { baseline: 3, head: 8 },
    cpuMs: { baseline: 0.5, head: 0.52 },
  });
  assert.equal(explained.kind, 'waits-longer');
  assert.match(textOf(explained), /^The server does no more work: a message waits 5 ms longer/);
});

test('a thread that blocks waits, though V8 books the time on its function', () => {
  const profiled = (chatUs: number, cpuUs: number, lastLine: number): SideWork => {
    const [functions, callFrame] = [
      side([
        ...base.filter(({ name }) => name !== 'chat'),
        { name: 'chat', at: ['src/server.ts', 113, lastLine], calls: 1, body: `${lastLine}` },
      ]),
      { functionName: 'chat', url: `file://${root}/src/server.ts`, lineNumber: 112, columnNumber: 9 },
    ];
    const samples = Array.from({ length: chatUs / 10 }, () => 1);
    return {
      ...functions,
      profiles: [
        {
          cpu: {
            nodes: [{ id: 1, callFrame }],
            startTime: 0,
            endTime: 1,
            samples,
            timeDeltas: samples.map(() => 1_000),
          },
          heap: { callFrame, selfSize: 0, children: [] },
        },
      ],
      profiledMessages: 100,
      profiledCpuUs: cpuUs * 100,
    };
  };
  const diff = secondCall.replace('verifyToken(socket)', 'Atomics.wait(cell, 0, 0, 5)');
  const slower = { latencyMs: { baseline: 1, head: 7 } };
  const before = profiled(400, 500, 118);
  const blocked = explain(before, profiled(5_400, 510, 120), diff, slower);
  assert.equal(blocked.kind, 'waits-longer');
  assert.match(
    textOf(blocked),
    /Its thread blocks in `chat`, which this change touches\. \[src\/server\.ts:116\]$/,
  );
  // The latencies of a busy machine may hide it.
  const hidden = explain(before, profiled(5_400, 510, 120), diff);
  assert.match(textOf(hidden), /^The server does no more work: a message waits longer\. Its thread blocks/);
  // One that is busy and waits for a core looks the same to V8, and the kernel tells it apart.
  const queued = { ...profiled(5_400, 1_000, 120), profiledQueueUs: 450_000 };
  assert.match(textOf(explain(before, queued, diff)), /^`chat` runs as often as before and costs 5 ms more/);
  const computing = explain(before, profiled(5_400, 5_500, 120), diff, slower);
  assert.equal(computing.kind, 'more-work');
});

test('no function is told to allocate more than the server does when nothing is counted', () => {
  const slice = (bytes: Record<string, number>, allocated: SideWork['allocated']): SideWork => {
    const top = { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 };
    const frames: Record<string, [line: number, name: string]> = { chat: [113, 'chat'], log: [200, 'log'] };
    const children = Object.entries(bytes).map(([name, selfSize]) => ({
      callFrame: {
        functionName: name,
        url: `file://${root}/src/server.ts`,
        lineNumber: frames[name]![0] - 1,
        columnNumber: 0,
      },
      selfSize: 100 * selfSize,
      children: [],
    }));
    return {
      ...side(base),
      profiles: [
        {
          cpu: { nodes: [], startTime: 0, endTime: 1, samples: [], timeDeltas: [] },
          heap: { callFrame: top, selfSize: 0, children },
        },
      ],
      profiledMessages: 100,
      allocated,
    };
  };
  const before = slice({ chat: 20_000, log: 20_000 }, null);
  const after = slice({ chat: 278_000, log: 20_000 }, null);
  const moreOf = ({ functions }: { functions: { allocatedBytes: { baseline: number; head: number } }[] }) =>
    functions.map(({ allocatedBytes }) => Math.round(allocatedBytes.head - allocatedBytes.baseline));
  // Nothing else is known.
  assert.match(textOf(explain(before, after, secondCall)), /^`chat` runs as often .* allocates 258 kB more/);
  const judged = { allocatedBytes: { baseline: 30_000, head: 48_000 } };
  const within = explain(before, after, secondCall, judged);
  assert.match(textOf(within), /^`chat` runs as often as before and allocates 18 kB more a message\./);
  assert.equal(
    within.functions.reduce((sum, { allocatedBytes }) => sum + allocatedBytes.head, 0),
    48_000,
  );
  // What the compiler spares users is no cause.
  const spared = explain(before, after, secondCall, { allocatedBytes: { baseline: 30_000, head: 30_000 } });
  assert.equal(spared.kind, 'none');
  assert.deepEqual(moreOf(spared), [0, 0]);
  // Where nothing was judged, a slice of its own tells; and it alone knows of worker threads.
  const allocated = (bytes: number, inWorkersBytes: number): SideWork['allocated'] => ({
    bytes,
    inWorkersBytes,
    messages: 10,
  });
  const [unjudged, changed] = [
    { ...before, allocated: allocated(300_000, 0) },
    { ...after, allocated: allocated(420_000, 0) },
  ];
  assert.match(textOf(explain(unjudged, changed, secondCall)), / allocates 12 kB more/);
  assert.match(textOf(explain(unjudged, changed, secondCall, judged)), / allocates 18 kB more/);
  const inWorker = { ...changed, allocated: allocated(420_000, 200_000) };
  assert.match(textOf(explain(unjudged, inWorker, secondCall, judged)), / allocates 12 kB more/);
  // Memory that one function saves and another takes is no more memory.
  const moved = explain(before, slice({ chat: 35_000, log: 5_000 }, null), secondCall, {
    allocatedBytes: { baseline: 40_000, head: 40_000 },
  });
  assert.equal(moved.kind, 'none');
});

test('a package in another version that does more is named with its place in the lockfile', () => {
  const parser: Told = {
    name: 'decodeString',
    at: ['node_modules/socket.io-parser/index.js', 3, 9],
    calls: 1,
  };
  const explained = explain(
    side([...base, parser]),
    side([...base, { ...parser, calls: 3, body: 'other' }]),
    '',
    {
      dependencies: [
        {
          kind: 'package',
          name: 'socket.io-parser',
          before: '4.2.6',
          after: '4.2.7',
          file: 'package-lock.json',
          line: 12,
        },
      ],
    },
  );
  assert.equal(explained.kind, 'dependency');
  assert.match(
    textOf(explained),
    /socket.io-parser` went from 4.2.6 to 4.2.7 in package-lock.json, and its `decodeString` runs 3.00 times/,
  );
  assert.deepEqual(explained.sentences[0]?.place, { file: 'package-lock.json', line: 12 });
});

test('several pairs are one with more slices, so that what only one of them shows is no rise', () => {
  const twice = base.map((one): Told => (one.name === 'log' ? { ...one, calls: 2 } : one));
  const once = explain(side(base), side(twice), secondCall);
  const [log] = once.functions.filter(({ name }) => name === 'log');
  assert.deepEqual([log?.calls?.difference, (log?.calls?.low ?? 0) > 0], [1, true]);
  const joined = joinWork(
    side(twice),
    side([...base, { name: 'late', at: ['src/late.ts', 1, 2], calls: 1 }]),
  );
  assert.deepEqual([joined.messages.length, joined.profiledMessages], [8, 0]);
  assert.deepEqual(
    joined.functions.find(({ name }) => name === 'late')?.calls,
    [0, 0, 0, 0, 100, 101, 99, 100],
  );
  const again = explain(joinWork(side(base), side(base)), joined, secondCall);
  const [both] = again.functions.filter(({ name }) => name === 'log');
  assert.deepEqual([both?.calls?.difference, (both?.calls?.low ?? 1) > 0], [0.5, false]);
  assert.equal(again.kind, 'none');
});

test('a base image that changed is told where no function does more work', () => {
  const baseline = `ARG NODE=22
FROM --platform=linux/amd64 node:$NODE-slim AS build
FROM registry.local:5000/base
FROM build AS last
FROM scratch
`;
  const head = baseline.replace('NODE=22', 'NODE=24').replace('/base', '/base:2@sha256:ab');
  const changes = parseDiff(`diff --git a/Dockerfile b/Dockerfile
--- a/Dockerfile
+++ b/Dockerfile
@@ -3 +3 @@
+FROM registry.local:5000/base:2@sha256:ab
`);
  const dependencies = dependencyChanges([{ file: 'Dockerfile', baseline, head }], changes);
  const image = { kind: 'image', file: 'Dockerfile' };
  assert.deepEqual(dependencies, [
    { ...image, name: 'node', before: '22-slim', after: '24-slim', line: null },
    { ...image, name: 'registry.local:5000/base', before: 'latest', after: '2@sha256:ab', line: 3 },
  ]);
  const explained = explain(side(base), side(base), '', { dependencies: dependencies.slice(1) });
  assert.equal(
    textOf(explained),
    'No function does more work for a message than before. The base image `registry.local:5000/base` went from latest to 2@sha256:ab in Dockerfile. [Dockerfile:3]',
  );
});

test('calls that grow with the load are compared at the same time of the load', () => {
  const growing = (factor: number): SideWork => {
    const work = side(base);
    work.functions[3]!.calls = [1_000, 1_500, 2_100, 3_000].map((calls, index) => factor * calls + index);
    return work;
  };
  const diff = secondCall.replace('verifyToken(socket)', 'log(1)');
  assert.match(textOf(explain(growing(1), growing(1.2), diff)), /^`log` runs 22\.\d+ times a message/);
  assert.equal(explain(growing(1), growing(1.01), diff).kind, 'none');
});

test('one more call among many is found where the change calls it, itself or through another function', () => {
  const among = (more: number, told: number): SideWork => {
    const work = side([...base, { name: 'far', at: ['src/far.ts', 1, 5], calls: 70 }]);
    work.functions[4]!.calls = [59, 74, 75, 75].map(
      (calls, index) => 100 * (calls + more * [0.9, 0.9, 1.2, 1][index]!),
    );
    return {
      ...work,
      functions: [...work.functions, called({ name: 'near', at: ['src/far.ts', 7, 9], calls: told })],
    };
  };
  const diff = secondCall.replace('verifyToken(socket)', 'far(1)');
  const itself = textOf(explain(among(0, 17), among(1, 17), diff));
  assert.match(itself, /^`far` runs 71\.\d+ times a message .* The new call is in `chat`/);
  // Too unsteady to show by itself.
  const unsteady = among(0, 21);
  unsteady.functions[4]!.calls = [60, 74, 77, 76].map((calls) => 100 * calls);
  const text = 'const far = () => {\n\n\n  near(1);\n}\n';
  const head = {
    root,
    sourceMaps: new Map(),
    ownFiles: new Map([['src/far.ts', { file: 'src/far.ts', text }]]),
  };
  const places = { baseline: { root, sourceMaps: new Map() }, head };
  const through = textOf(explain(among(0, 17), unsteady, diff, { places }));
  assert.match(through, /^`far` runs .* With it `near` runs more often\./);
});

test('without counted calls, samples name what costs more, and the line that calls it', () => {
  const sampled = (sums: number, more: Partial<SideWork> = {}): SideWork => {
    const frame = (name: string, file: string, line: number) => ({ name, file, line, module: '/srv/chat' });
    const outer = [
      frame('_start', '', 0),
      frame('main', '/build/main.c', 90),
      frame('answer', '/build/main.c', 31),
    ];
    const sum = [...outer, frame('checksum', '/build/main.c', 6)];
    const inLibrary = [...outer, frame('memset', '../sysdeps/memset.S', 9)];
    return side([], {
      messages: [500, 500],
      profiledMessages: 1_000,
      stacks: [
        { frames: sum, samples: sums, timeUs: 1_000 * sums },
        { frames: inLibrary, samples: 100, timeUs: 100_000 },
      ],
      ...more,
    });
  };
  const lines = Array.from({ length: 100 }, (_, index) => `  line(${index + 1});`);
  Object.assign(lines, {
    2: 'int checksum(int a) {',
    9: '}',
    27: 'void answer(int a) {',
    39: '}',
    80: 'int main() {',
  });
  const own = { file: 'main.c', text: lines.join('\n') };
  const place = { root, sourceMaps: new Map(), ownFiles: new Map([['/build/main.c', own]]) };
  const places = { baseline: place, head: place };
  const diff = (line: number, text: string) =>
    `diff --git a/main.c b/main.c\n--- a/main.c\n+++ b/main.c\n@@ -${line - 1},0 +${line} @@\n+${text}\n`;
  const twice = explain(sampled(300), sampled(600), diff(30, '  checksum(a);'), { places });
  assert.equal(
    textOf(twice),
    '`checksum` costs 0.3 ms more of the processor a message. [main.c:3] It is called in `answer`, on a line of this change. [main.c:30]',
  );
  assert.deepEqual([twice.calls, twice.functions[0]?.calls], [undefined, null]);
  assert.ok(twice.flame?.some(({ name, file }) => name === 'checksum' && file === 'main.c'));
  // What a library does is the work of who calls it, on the line that does.
  const copied = sampled(300);
  copied.stacks[1] = { ...copied.stacks[1]!, samples: 300, timeUs: 300_000 };
  assert.equal(
    textOf(explain(sampled(300), copied, diff(31, '  memset(a);'), { places })),
    '`answer` costs 0.2 ms more of the processor a message. [main.c:28] This change touches it. [main.c:31]',
  );
  const same = explain(sampled(300), sampled(310), diff(30, '  checksum(a);'), { places });
  assert.equal(same.kind, 'none');
});

test('an answer that a new timer gives waits, however much moved into the function that the timer calls', () => {
  const timers = (calls: number): Told => ({ name: 'setTimeout', at: ['node:timers', 100, 140], calls });
  const late: Told = { name: '', at: ['src/server.ts', 116, 116], calls: 1 };
  const [before, after] = [
    side([...base, timers(2)], { profiledMessages: 100, profiledCpuUs: 700_000 }),
    side([...base, timers(3), late], { profiledMessages: 100, profiledCpuUs: 900_000 }),
  ];
  const latencyMs = { baseline: 1, head: 7 };
  const diff = secondCall.replace('verifyToken(socket);', 'setTimeout(() => answer(1), 6);');
  assert.match(
    textOf(explain(before, after, diff, { latencyMs })),
    /waits 6 ms longer\. A timer is set 1\.00 times more a message/,
  );
});

test('a diff gives its added lines, and where the others stand now', () => {
  const [change] = parseDiff(secondCall);
  assert.deepEqual(
    addedLines(change!).map(({ line }) => line),
    [115, 116],
  );
  assert.deepEqual(
    [1, 114, 115, 200].map((line) => lineAfter(change, line)),
    [1, 114, 117, 202],
  );
  const [renamed] = parseDiff(
    'diff --git a/a.js b/b.js\nsimilarity index 90%\nrename from a.js\nrename to b.js\n--- a/a.js\n+++ b/b.js\n@@ -2 +2,2 @@\n-old\n+new\n+newer\n',
  );
  assert.deepEqual(
    [renamed?.before, renamed?.after, lineAfter(renamed, 2), lineAfter(renamed, 3)],
    ['a.js', 'b.js', null, 4],
  );
});

test('a diff names files as they are called, whatever git has to write for it', () => {
  const files = (...lines: string[]) =>
    parseDiff(`${lines.join('\n')}\n`).map(({ before, after }) => [before, after]);
  assert.deepEqual(
    files(
      'diff --git a/my file.js b/my file.js',
      'index 1..2 100644',
      '--- a/my file.js\t',
      '+++ b/my file.js\t',
      '@@ -1 +1 @@',
      '-a',
      '+b',
      String.raw`diff --git "a/gr\303\266\303\237e/\"a\\303\t b\".js" "b/gr\303\266\303\237e/\"a\\303\t b\".js"`,
      '--- "a/gr\\303\\266\\303\\237e/\\"a\\\\303\\t b\\".js"\t',
      '+++ "b/gr\\303\\266\\303\\237e/\\"a\\\\303\\t b\\".js"\t',
      '@@ -1 +1 @@',
      '-a',
      '+b',
      'diff --git a/b/my image.png b/b/my image.png',
      'Binary files a/b/my image.png and b/b/my image.png differ',
      String.raw`diff --git "a/\303\244" b/plain.js`,
      'similarity index 100%',
      String.raw`rename from "\303\244"`,
      'rename to plain.js',
      'diff --git a/empty b/empty',
      'new file mode 100644',
    ),
    [
      ['my file.js', 'my file.js'],
      ['größe/"a\\303\t b".js', 'größe/"a\\303\t b".js'],
      ['b/my image.png', 'b/my image.png'],
      ['ä', 'plain.js'],
      [null, 'empty'],
    ],
  );
});

test('the same scripts are recognised wherever the two versions lie', () => {
  const work = (folder: string, hash: string) =>
    side([], { scripts: [{ url: `file://${folder}/server.js`, hash, sourceMapUrl: '' }] });
  const compare = (before: string, after: string) =>
    sameScripts({
      baseline: work('/base', before),
      head: work('/head', after),
      places: {
        baseline: { root: '/base', sourceMaps: new Map() },
        head: { root: '/head', sourceMaps: new Map() },
      },
    });
  assert.deepEqual([compare('a', 'a'), compare('a', 'b')], [true, false]);
});

test('code outside of the folders of both sides is called by a path that holds wherever they were', () => {
  const [before, after] = ['/tmp/checkout-1/app', '/home/me/code/work/app'];
  const ran = (urls: Record<string, number>): SideWork => ({
    ...side([]),
    functions: Object.entries(urls).map(([url, calls]) => ({
      ...called({ name: path.parse(url).name, at: ['x.js', 6, 9], calls }),
      url,
    })),
  });
  const shared = new Set(['file:///home/me/code/lib/shared.js']);
  const explained = explain(
    ran({ [`file://${before}/../lib/own.js`]: 1, 'file:///home/me/code/lib/shared.js': 1 }),
    ran({ [`file://${after}/../lib/own.js`]: 2, 'file:///home/me/code/lib/shared.js': 2 }),
    '',
    {
      places: {
        baseline: { root: before, sourceMaps: new Map(), shared: { urls: shared, root: after } },
        head: { root: after, sourceMaps: new Map() },
      },
    },
  );
  assert.deepEqual(
    explained.functions.map(({ file, calls }) => [file, calls?.baseline, calls?.head]),
    [
      ['../../lib/shared.js', 1, 2],
      ['../lib/own.js', 1, 2],
    ],
  );
  const places = new Places({ root: before, sourceMaps: new Map() });
  assert.deepEqual(
    [`file://${before}/a%20b.js`, 'file:///tmp/checkout-1/lib/b.js', `${before}/c.go`, 'node:net', ''].map(
      (url) => places.urlOf(url),
    ),
    ['a b.js', '../lib/b.js', 'c.go', 'node:net', ''],
  );
  const frame = { name: 'main.answer', file: `${before}/main.go`, line: 7, module: '' };
  assert.equal(places.ofFrame(frame).file, 'main.go');
});
