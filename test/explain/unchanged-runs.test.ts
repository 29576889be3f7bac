import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { explainWork } from '../../src/explain/explain-work.ts';
import { parseDiff } from '../../src/explain/parse-diff.ts';
import type { CalledFunction, CpuProfile, SideWork } from '../../src/explain/side-work.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { seededNormal } from '../verdict/simulator.ts';

/*
 * What was counted of three example servers that were the same on both sides, one pair each on a busy machine: calls of
 * every function in every slice. Pairs are drawn from it again and again, with several times the unevenness that the two
 * sides showed, and with samples of a machine whose speed wanders. The pull request rewrites a line of each own file
 * that calls all functions of the server, so that anything might be blamed.
 */

type Recorded = {
  messages: { baseline: number[]; head: number[] };
  files: string[];
  functions: [
    name: string,
    file: number,
    line: number,
    column: number,
    endLine: number,
    baseline: number[],
    head: number[],
  ][];
};

const recorded: Record<string, Recorded> = JSON.parse(
  gunzipSync(readFileSync(path.join(import.meta.dirname, 'recorded/unchanged-pairs.json.gz'))).toString(),
);
const root = '/repository';
const draws = 50;
/** Variance beyond what was seen, for a machine that is busier. */
const unevenness = 4;
const leastDispersion = 0.01;

const isOwn = (file: string): boolean => !file.startsWith('node');
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Variance of the calls of a function over that of independent calls, from how its two sides differed. */
function dispersionOf(
  { messages }: Recorded,
  [, , , , , before, after]: Recorded['functions'][number],
): number {
  const squares = before.map((calls, slice) => {
    const [sent, sentAfter] = [messages.baseline[slice]!, messages.head[slice]!];
    const rate = (calls + after[slice]!) / (sent + sentAfter);
    return rate === 0
      ? 0
      : (calls - rate * sent) ** 2 / (rate * sent) +
          (after[slice]! - rate * sentAfter) ** 2 / (rate * sentAfter);
  });
  return Math.max(leastDispersion, unevenness * (total(squares) / squares.length));
}

/** One side of a pair. `more`: functions that a change calls once more for each message. */
function drawSide(
  pair: Recorded,
  dispersions: readonly number[],
  { seed, isHead, more }: { seed: number; isHead: boolean; more: string },
): SideWork {
  const random = seededRandom(seed);
  const normal = seededNormal(seed + 1);
  const messages = pair.messages[random() < 0.5 ? 'baseline' : 'head'];
  const functions = pair.functions.map(
    ([name, file, line, column, endLine, before, after], index): CalledFunction => ({
      url: pair.files[file]!.startsWith('node:') ? pair.files[file]! : `file://${root}/${pair.files[file]}`,
      name,
      line,
      column,
      endLine,
      endColumn: 1,
      body: `${name} ${line}${isHead && isOwn(pair.files[file]!) ? ' rewritten' : ''}`,
      isScript: false,
      calls: messages.map((sent, slice) => {
        const both = pair.messages.baseline[slice]! + pair.messages.head[slice]!;
        const mean = (sent * (before[slice]! + after[slice]!)) / both;
        const calls = Math.max(0, Math.round(mean + Math.sqrt(mean * dispersions[index]!) * normal()));
        return calls + (name === more ? sent : 0);
      }),
    }),
  );
  return {
    node: ['v24.0.0'],
    scripts: [
      { url: `file://${root}/server.js`, hash: isHead ? 'rewritten' : 'as it was', sourceMapUrl: '' },
    ],
    functions,
    messages,
    latenciesMs: {},
    stacks: [],
    profiledMessages: 4 * messages[0]!,
    profiledCpuUs: null,
    profiledQueueUs: 0,
    allocated: null,
    profiles: [{ cpu: drawProfile(pair, random, normal), heap: noHeap }],
  };
}

const noHeap = {
  callFrame: { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 },
  selfSize: 0,
  children: [],
};

/** A few functions take most of the time, on a machine that is faster or slower by an eighth. */
function drawProfile({ functions, files }: Recorded, random: () => number, normal: () => number): CpuProfile {
  const samples = Array.from(
    { length: Math.round(1_500 * Math.exp(0.12 * normal())) },
    () => 1 + Math.floor(functions.length * random() ** 4),
  );
  return {
    nodes: functions.map(([name, file, line, column], index) => ({
      id: index + 1,
      callFrame: {
        functionName: name,
        url: files[file]!.startsWith('node:') ? files[file]! : `file://${root}/${files[file]}`,
        lineNumber: line - 1,
        columnNumber: column,
      },
    })),
    startTime: 0,
    endTime: 1,
    samples,
    timeDeltas: samples.map(() => 300),
  };
}

/** Rewrites the second line of a function in each own file, which calls every function of the server. */
function diffOf({ functions, files }: Recorded): string {
  const names = functions.filter(([name, file]) => name !== '' && isOwn(files[file]!)).map(([name]) => name);
  return files
    .filter(isOwn)
    .map((file) => {
      const [, , line] = functions.find((one) => files[one[1]] === file && one[4] > one[2])!;
      const at = line + 1;
      return `diff --git a/${file} b/${file}\n--- a/${file}\n+++ b/${file}\n@@ -${at} +${at} @@\n-  old();\n+  ${names.map((name) => `${name}();`).join(' ')}\n`;
    })
    .join('');
}

function explained(pair: Recorded, dispersions: readonly number[], seed: number, more: string): string {
  const place = { root, sourceMaps: new Map() };
  const { kind, sentences } = explainWork({
    baseline: drawSide(pair, dispersions, { seed: 2 * seed, isHead: false, more: '' }),
    head: drawSide(pair, dispersions, { seed: 2 * seed + 1, isHead: true, more }),
    places: { baseline: place, head: place },
    changes: parseDiff(diffOf(pair)),
    dependencies: [],
    latencyMs: null,
    cpuMs: null,
    allocatedBytes: null,
    runQueueMs: null,
    loopDelayMs: null,
  });
  return `${kind}: ${sentences.map(({ text }) => text).join(' ')}`;
}

test('of unchanged runs, drawn again from real ones, at most 1% name a function, whatever lines were rewritten', () => {
  const named = Object.entries(recorded).flatMap(([server, pair]) => {
    const dispersions = pair.functions.map((one) => dispersionOf(pair, one));
    return Array.from({ length: draws }, (_, draw) => explained(pair, dispersions, 1 + draw, ''))
      .filter((said) => !said.startsWith('none: '))
      .map((said) => `${server}: ${said}`);
  });
  const all = draws * Object.keys(recorded).length;
  assert.ok(named.length <= 0.01 * all, `${named.length} of ${all}:\n${named.slice(0, 10).join('\n')}`);
});

const calledOnceMore = { chat: 'verifyToken', location: 'coordinate', nest: 'validate' };
for (const [server, name] of Object.entries(calledOnceMore))
  test(`one more call of ${name} for each message is named among them`, () => {
    const pair = recorded[server]!;
    const dispersions = pair.functions.map((one) => dispersionOf(pair, one));
    for (let draw = 1; draw <= 10; draw += 1)
      assert.match(
        explained(pair, dispersions, 1_000 + draw, name),
        new RegExp(`^more-work: \`${name}\` runs (1\\.9|2\\.|3\\.)\\d+ times a message`),
      );
  });
