import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Report } from '../../src/report/report-model.ts';
import { type Checkout, checkout, settings } from './fixture.ts';

const root = path.resolve(import.meta.dirname, '../..');
const example = path.join(root, 'examples/chat-server');
const server = readFileSync(path.join(example, 'server.js'), 'utf8');
let repo: Checkout;

const runTailgate = (args: string[]) =>
  new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [path.join(root, 'dist/cli.js'), ...args],
      // On a developer's machine: in CI a change is a commit.
      { cwd: repo.dir, timeout: 180_000, env: { PATH: process.env.PATH ?? '', HOME: repo.dir } },
      (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

before(() => {
  repo = checkout();
  symlinkSync(path.join(root, 'node_modules'), path.join(repo.dir, 'node_modules'));
  repo.write('package.json', '{ "type": "module" }\n');
  repo.write('server.js', server);
  repo.write('token.js', readFileSync(path.join(example, 'token.js'), 'utf8'));
  repo.write('.gitignore', '.tailgate\n');
  repo.write(
    'waves.yml',
    `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 1, arrivalRate: 40 }]
  socketio: { transports: [websocket], auth: { accessToken: "Bearer {{ $token }}" } }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: joinRoom, data: { roomId: load-test } }
        acknowledge: {}
      - emit: { channel: chat, data: { roomId: load-test, text: hello } }
        acknowledge: {}
`,
  );
  repo.write(
    'tailgate.yml',
    settings()
      .replace(/start: .*/, 'start: node server.js')
      .replace('{ mode: none }', '{ mode: side-by-side, ref: HEAD }')
      .replace(
        /suites:[\s\S]*?(?=\n\w|$)/,
        'suites:\n  - { name: memory, kind: endurance, minutes: 0.9, scenario: waves.yml }',
      ),
  );
  repo.git('add', '-A');
  repo.git('commit', '-qm', 'base');
});
after(() => repo.remove());

test('what stays of every session fails, and is named with its class and line', async () => {
  const leaking = server
    .replace(
      'const rooms = new Map();\n',
      'const rooms = new Map();\nclass Visit {\n  constructor(id) {\n    this.id = id;\n    this.seen = new Set([id]);\n  }\n}\nconst visits = new Map();\n',
    )
    .replace(
      '    const room = existingRoom(roomId);\n    enter(',
      '    const room = existingRoom(roomId);\n    for (let n = 0; n < 4; n += 1) visits.set(socket.id + n, new Visit(roomId));\n    enter(',
    );
  repo.write('server.js', leaking);
  const { exitCode, stdout, stderr } = await runTailgate(['run', '--json', 'report.json']);
  const report = JSON.parse(readFileSync(path.join(repo.dir, 'report.json'), 'utf8')) as Report;
  const suite = report.suites[0]!;
  const told = `${stdout}\n${stderr}\n${JSON.stringify(suite.rounds.map(({ quiet }) => quiet))}`;
  assert.equal(exitCode, 1, told);
  assert.match(suite.reason, /^The server keeps .* a session, and kept .* It goes on at the same rate/, told);
  const metric = suite.metrics.find(({ id }) => id === 'server.retained.perSession')!;
  assert.ok(metric.headValue! - metric.baselineValue! > 4 * 150, told);
  assert.ok(
    suite.rounds.every(({ quiet }) => quiet!.heapBytes! > 5e6 && quiet!.left.rooms === 2),
    told,
  );
  const [sentence] = suite.explanation?.sentences ?? [];
  assert.match(
    sentence?.text ?? '',
    /^`visits` keeps .* class `Visit`, allocated in `joinRoom`, in a line/,
    told,
  );
  assert.deepEqual(sentence?.place, {
    file: 'server.js',
    line: leaking.split('\n').findIndex((line) => line.includes('new Visit(')) + 1,
  });
  assert.match(stdout, /Memory stays when the users have gone/);
  assert.match(stdout, /users came and went in \d+ waves a side; the heap after a forced collection/);
});
