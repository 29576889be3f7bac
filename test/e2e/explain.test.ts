// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import type { Report } from '../../src/report/report-model.ts';
import {
  type Checkout,
  checkout,
  checkoutWithSource,
  serverSource,
  settings,
  shortScenario,
} from './fixture.ts';
import { root, runTailgate } from './runner.ts';

let repo: Checkout;

before(() => {
  repo = checkoutWithSource();
  repo.write(
    'chat.yml',
    shortScenario
      .replace('duration: 2, arrivalRate: 12', 'duration: 3, arrivalRate: 16')
      .replace('{{ token }}', '{{ $token }}'),
  );
  repo.write(
    'tailgate.yml',
    settings()
      .replace(/start: .*/, 'start: node server.js')
      .replace('{ mode: none }', '{ mode: side-by-side, ref: HEAD~1 }')
      // What is counted here needs no arrival at its instant.
      .replace('measure:', 'measure:\n  arrivals: best-effort')
      .replace('verdict: { ', 'verdict: { slicesPerSide: 3, sliceMs: 500, guardMs: 100, warmUpMs: 500, '),
  );
  repo.git('add', '-A');
  repo.git('commit', '-qm', 'base');
});
after(() => repo.remove());

test('a change of documentation passes after one pair, and says what was compared', async () => {
  repo.write('README.md', '# Chat\n');
  repo.git('add', '-A');
  repo.git('commit', '-qm', 'docs');
  const { exitCode, stderr } = await runTailgate(repo.dir, ['run', '--json', 'report.json']);
  const [suite] = (JSON.parse(readFileSync(path.join(repo.dir, 'report.json'), 'utf8')) as Report).suites;
  assert.equal(exitCode, 0, `${stderr}\n${suite?.reason}`);
  assert.equal(suite?.rounds.length, 2);
  assert.match(
    suite?.reason ?? '',
    /^Both sides ran the same code \(\d+ scripts; Node .*changed: README.md\)/,
  );
  assert.equal(suite?.explanation, undefined);
});

test('a name with a slash is a branch where there is no such folder', async () => {
  const branch = await runTailgate(repo.dir, ['explain', 'feature/none']);
  assert.match(branch.stderr, /feature\/none/);
  assert.doesNotMatch(branch.stderr, /no such folder/);
  const folder = await runTailgate(repo.dir, ['explain', './none']);
  assert.match(folder.stderr, /none.*there is no such folder/);
});

test('a call made twice fails a limit on the calls, and is named with its line', async () => {
  repo.write(
    'server.js',
    serverSource.replace(
      '    const user = userOf(socket);',
      '    userOf(socket);\n    const user = userOf(socket);',
    ),
  );
  repo.write(
    'tailgate.yml',
    `${readFileSync(path.join(repo.dir, 'tailgate.yml'), 'utf8').replace('verdict: { ', 'verdict: { minPairs: 2, maxPairs: 2, ')}thresholds: [server.calls.perMessage < +1%]\n`,
  );
  repo.git('commit', '-qam', 'twice');
  const { exitCode, stderr } = await runTailgate(repo.dir, ['run', '--json', 'report.json']);
  const [suite] = (JSON.parse(readFileSync(path.join(repo.dir, 'report.json'), 'utf8')) as Report).suites;
  const calls = suite?.metrics.find(({ id }) => id === 'server.calls.perMessage');
  assert.equal(exitCode, 1, `${JSON.stringify(calls)}\n${stderr}\n${suite?.reason}`);
  assert.equal(calls?.verdict, 'fail', JSON.stringify(calls));
  assert.ok(
    (calls?.change[0]?.relative ?? 0) > 0.01 && calls?.change[0]?.samples === 3,
    JSON.stringify(calls),
  );
  const explained = suite!.explanation!;
  const text = explained.sentences.map((sentence) => sentence.text).join(' ');
  assert.match(
    text,
    /`userOf` runs 1\.\d+ times a message instead of 0\.\d+\. The new call is in `chat`, on a line of this change\./,
  );
  const lines = readFileSync(path.join(repo.dir, 'server.js'), 'utf8').split('\n');
  // Counted from 1, it is the one before.
  const line = lines.indexOf('    const user = userOf(socket);');
  assert.deepEqual(explained.sentences[1]?.place, { file: 'server.js', line });
  assert.equal(explained.kind, 'more-work');
});

const lacks = ['gcc', 'perf'].filter((program) => spawnSync('which', [program]).status !== 0);

test('a server in C is explained by perf, without a word in its settings', {
  skip: lacks.length === 0 ? false : `not installed: ${lacks.join(', ')}`,
}, async (t) => {
  const native = checkout();
  t.after(() => native.remove());
  const source = readFileSync(path.join(root, 'test/explain/servers/chat.c'), 'utf8');
  native.write('.gitignore', '.tailgate\nchat\n');
  native.write(
    'ws.yml',
    `config:
  target: ws://127.0.0.1:8080
  phases: [{ duration: 5, arrivalRate: 6 }]
scenarios:
  - engine: ws
    flow:
      - loop:
          - send: { type: ask, text: "how are you, all of you out there? {{ $loopCount }}" }
            response: { where: { type: answer } }
          - think: 50ms
        count: 40
`,
  );
  native.write(
    'tailgate.yml',
    `target:
  build: gcc -D_GNU_SOURCE -O2 -g main.c -o chat
  start: ./chat
suites: [{ name: chat, scenario: ws.yml }]
baseline: { mode: side-by-side, ref: HEAD~1 }
`,
  );
  native.write('main.c', source);
  native.git('add', '-A');
  native.git('commit', '-qm', 'base');
  native.write(
    'main.c',
    source.replace(
      '  int size = snprintf(',
      '  sum += checksum(text, length, 5000);\n  int size = snprintf(',
    ),
  );
  native.git('commit', '-qam', 'twice');
  const { exitCode, stdout, stderr } = await runTailgate(native.dir, ['explain', '--json', 'why.json']);
  assert.equal(exitCode, 0, stdout + stderr);
  const line = source.split('\n').findIndex((text) => text.startsWith('  int size = snprintf(')) + 1;
  // The compiler puts one function into the other, and either may be named.
  assert.match(
    stdout,
    new RegExp(`^chat: .(checksum|answer). costs .* \\(main\\.c:\\d+\\)\\. .* \\(main\\.c:${line}\\)\\.`),
  );
  const profile = gunzipSync(readFileSync(path.join(native.dir, '.tailgate/profiles/chat-head.pb.gz')));
  assert.ok(Profile.decode(profile).stringTable.strings.includes('checksum'));
});
