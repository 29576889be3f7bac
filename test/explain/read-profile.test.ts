import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionRange } from '../../src/explain/function-range.ts';
import { pprofOfStacks } from '../../src/explain/pprof-of-stacks.ts';
import { readProfile } from '../../src/explain/read-profile.ts';
import { wordOf } from '../../src/explain/work-of-functions.ts';

const stacksOf = (content: string | Uint8Array) => {
  const profile = readProfile(Buffer.from(content as string));
  return 'stacks' in profile
    ? profile.stacks.map(({ frames, samples, timeUs }) => [
        frames.map(({ name, file, line }) => (file === '' ? name : `${name} ${file}:${line}`)).join(' > '),
        samples,
        timeUs,
      ])
    : profile.cpu;
};

test('folded stacks of several tools are read, with the files and lines that they tell', () => {
  assert.deepEqual(stacksOf('main;handle;checksum 12\nmain;handle 3\n'), [
    ['main > handle > checksum', 12, null],
    ['main > handle', 3, null],
  ]);
  assert.deepEqual(stacksOf('# a comment 1\nserve (app/server.py:12);answer (app/server.py:40) 7\n'), [
    ['serve app/server.py:12 > answer app/server.py:40', 7, null],
  ]);
  assert.deepEqual(stacksOf('call - lib/room.rb:4 2'), [['call lib/room.rb:4', 2, null]]);
});

test('the text of perf script is read from the outermost caller, with what was inlined', () => {
  const text = `chat 26059
\t            11d2 checksum
  /src/main.c:66 (inlined)
\t            1300 answer (/srv/chat)
  /src/main.c:84 (discriminator 2)
\t          27305a __libc_start_main+0x8a (/usr/lib/libc.so.6)
\tffffffffffffffff [unknown] ([unknown])

chat 26059
\tffffffff82260f74 __schedule ([kernel.kallsyms])
  [kernel.kallsyms][ffffffff82260f74]
`;
  assert.deepEqual(stacksOf(text), [
    ['__libc_start_main > answer /src/main.c:84 > checksum /src/main.c:66', 1, null],
    ['__schedule', 1, null],
  ]);
});

test('a profile of pprof is read, and a .cpuprofile as it is', () => {
  const frames = ['main.main', 'main.chat'].map((name, index) => ({
    name,
    file: 'main.go',
    line: 9 + index,
  }));
  const pprof = pprofOfStacks([{ frames, timeUs: 30, allocatedBytes: 0 }], 1);
  const read = [['main.main main.go:9 > main.chat main.go:10', 1, 30]];
  assert.deepEqual(stacksOf(pprof), read);
  const cpu = {
    nodes: [{ id: 1, callFrame: { functionName: 'chat', url: '', lineNumber: 0, columnNumber: 0 } }],
    startTime: 0,
    endTime: 10,
    samples: [1],
    timeDeltas: [10],
  };
  assert.deepEqual(stacksOf(JSON.stringify(cpu)), cpu);
});

for (const [what, content, reason] of [
  ['nothing', '', /it is empty/],
  ['a page', '<html>404 page not found</html>', /neither pprof, nor .* it begins "<html>404/],
  ['other JSON', '{"ok":true}', /no "\.cpuprofile"/],
  ['half of a profile', '{"nodes":[', /ends too early/],
  ['bytes', Buffer.from([1, 2, 3, 255, 0, 7]), /no profile of pprof/],
  ['a profile of an idle server', 'main;wait 0\n', /nothing was sampled/],
] as const)
  test(`${what} is no profile, and the reason says so`, () => {
    assert.throws(() => readProfile(Buffer.from(content as string)), reason);
  });

test('a function is found around the lines that a profile saw, by its indentation', () => {
  const go = [
    'package main',
    '',
    'func sum(text string) int {',
    '\ttotal := 0',
    '\tfor range text {',
    '\t\ttotal++',
    '\t}',
    '\treturn total',
    '}',
    'func other() {}',
  ];
  assert.deepEqual(functionRange(go, 'sum', { low: 6, high: 6 }), { line: 3, endLine: 9 });
  const c = [
    'static int',
    'sum(int a)',
    '{',
    '  if (a)',
    '#ifdef X',
    '    a++;',
    '#endif',
    '  return a;',
    '}',
    '',
  ];
  assert.deepEqual(functionRange(c, 'sum', { low: 6, high: 8 }), { line: 2, endLine: 9 });
  const python = [
    'class Room:',
    '  def send(self):',
    '    self.count()',
    '    return 1',
    '',
    '  def count(self):',
    '    pass',
  ];
  assert.deepEqual(functionRange(python, 'send', { low: 3, high: 3 }), { line: 2, endLine: 5 });
  const ruby = ['class Matrix', '  def **(times)', '    product(times)', '  end', 'end'];
  assert.deepEqual(functionRange(ruby, '**', { low: 3, high: 3 }), { line: 2, endLine: 4 });
  assert.deepEqual(functionRange(go, 'func1', { low: 5, high: 6 }), { line: 5, endLine: 6 });
});

test('a function is called by the last word of its name', () => {
  const names = [
    'verify',
    'Room.send',
    'main.(*Conn).send',
    'main.answer',
    'ns::Room::send(int, char)',
    'sort<int>',
  ];
  assert.deepEqual(names.map(wordOf), ['verify', 'send', 'send', 'answer', 'send', 'sort']);
});
