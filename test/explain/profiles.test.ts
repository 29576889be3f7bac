import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Profile } from 'pprof-format';
import { flameOfDifference } from '../../src/explain/flame-of-difference.ts';
import { pprofOfStacks } from '../../src/explain/pprof-of-stacks.ts';
import { type SampledStack, sampledStacks } from '../../src/explain/sampled-stacks.ts';
import type { CpuProfile, HeapNode, SideWork } from '../../src/explain/side-work.ts';

const frame = (functionName: string, file: string, lineNumber: number) => ({
  functionName,
  url: file === '' ? '' : `file:///repository/${file}`,
  lineNumber,
  columnNumber: 0,
});

const cpu: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', '', -1), children: [2, 3] },
    { id: 2, callFrame: frame('(idle)', '', -1) },
    { id: 3, callFrame: frame('chat', 'src/server.ts', 9), children: [4] },
    { id: 4, callFrame: frame('parse', 'src/token.ts', 2) },
  ],
  startTime: 0,
  endTime: 1_000,
  samples: [2, 3, 4, 4],
  timeDeltas: [500, 100, 200, 100],
};
const heap: HeapNode = {
  callFrame: frame('(root)', '', -1),
  selfSize: 0,
  children: [{ callFrame: frame('chat', 'src/server.ts', 9), selfSize: 4_000, children: [] }],
};
const work: SideWork = {
  node: [],
  scripts: [],
  functions: [],
  messages: [],
  latenciesMs: {},
  // Two threads that did the same.
  stacks: [],
  profiles: [
    { cpu, heap },
    { cpu, heap },
  ],
  profiledMessages: 10,
  profiledCpuUs: null,
  profiledQueueUs: 0,
  allocated: null,
};
const chat = { name: 'chat', file: 'src/server.ts', line: 10 };
const parse = { name: 'parse', file: 'src/token.ts', line: 3 };

test('stacks of all threads are joined, for each message, and waiting is no work', () => {
  const stacks = sampledStacks(work, { root: '/repository', sourceMaps: new Map() });
  assert.deepEqual(stacks, [
    { frames: [chat], timeUs: 20, allocatedBytes: 800 },
    { frames: [chat, parse], timeUs: 60, allocatedBytes: 0 },
  ]);
});

test('a pprof profile holds what the stacks do, the innermost function first', () => {
  const stacks: SampledStack[] = [
    { frames: [chat, parse], timeUs: 60.5, allocatedBytes: 12 },
    { frames: [chat], timeUs: 20, allocatedBytes: 800 },
  ];
  const profile = Profile.decode(pprofOfStacks(stacks, 10));
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)];
  const functionOf = (location: number | bigint) => {
    const [line] = profile.location.find(({ id }) => id === location)!.line;
    const one = profile.function.find(({ id }) => id === line!.functionId)!;
    return `${text(one.name)} ${text(one.filename)}:${line!.line}`;
  };
  assert.deepEqual(
    profile.sampleType.map(({ type, unit }) => [text(type), text(unit)]),
    [
      ['cpu_per_message', 'nanoseconds'],
      ['allocated_per_message', 'bytes'],
    ],
  );
  assert.deepEqual(
    profile.sample.map(({ locationId, value }) => [locationId.map(functionOf), value.map(Number)]),
    [
      [
        ['parse src/token.ts:3', 'chat src/server.ts:10'],
        [60_500, 12],
      ],
      [['chat src/server.ts:10'], [20_000, 800]],
    ],
  );
});

test('a flame graph of the difference joins both sides by caller, also where code moved down', () => {
  const moved = { ...parse, line: 30 };
  const flame = flameOfDifference({
    baseline: [
      { frames: [chat], timeUs: 20, allocatedBytes: 0 },
      { frames: [chat, parse], timeUs: 10, allocatedBytes: 0 },
    ],
    head: [
      { frames: [chat], timeUs: 20, allocatedBytes: 0 },
      { frames: [chat, moved], timeUs: 30, allocatedBytes: 0 },
      { frames: [moved], timeUs: 1, allocatedBytes: 0 },
      { frames: [{ ...moved, name: 'tiny' }], timeUs: 0.01, allocatedBytes: 0 },
    ],
  });
  assert.deepEqual(flame, [
    { ...chat, parent: null, timeUs: { baseline: 30, head: 50 } },
    { ...moved, parent: 0, timeUs: { baseline: 10, head: 30 } },
    { ...moved, parent: null, timeUs: { baseline: 0, head: 1 } },
  ]);
});

test('a flame graph stays as small as can be read, and keeps the largest', () => {
  const stacks = Array.from({ length: 900 }, (_, index) => ({
    frames: Array.from({ length: 1 + (index % 150) }, (_, depth) => ({
      ...chat,
      name: `f${index}-${depth}`,
    })),
    timeUs: 1 + index,
    allocatedBytes: 0,
  }));
  const flame = flameOfDifference({ baseline: [], head: stacks });
  assert.ok(flame.length > 100 && flame.length <= 400);
  assert.equal(flame[0]!.name, 'f899-0');
  assert.ok(flame.every(({ parent }, index) => parent === null || parent < index));
});
