import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Report } from '../../src/report/report-model.ts';
import { type Checkout, checkoutWithSource, serverSource, settings } from './fixture.ts';
import { runTailgate } from './runner.ts';

let repo: Checkout;

before(() => {
  repo = checkoutWithSource();
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
  const leaking = serverSource
    .replace(
      'const rooms = new Map();\n',
      'const rooms = new Map();\nclass Visit {\n  constructor(id) {\n    this.id = id;\n    this.seen = new Set([id]);\n  }\n}\nconst visits = new Map();\n',
    )
    .replace(
      '    const room = existingRoom(roomId);\n    enter(',
      '    const room = existingRoom(roomId);\n    for (let n = 0; n < 4; n += 1) visits.set(socket.id + n, new Visit(roomId));\n    enter(',
    );
  repo.write('server.js', leaking);
  const { exitCode, stdout, stderr } = await runTailgate(repo.dir, ['run', '--json', 'report.json']);
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
