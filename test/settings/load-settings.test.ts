import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsSchema } from '../../src/settings/settings-schema.ts';
import { load, withSettings } from './settings-fixture.ts';

test('a scenario alone is enough: one suite, defaults for the rest', async () => {
  const { settings, file, selected } = await load({ 'load/chat.yml': '' }, { scenario: 'load/chat.yml' });
  assert.equal(file, null);
  assert.deepEqual(selected, []);
  assert.equal(settings.suites.length, 1);
  assert.equal(settings.suites[0]?.name, 'chat');
  assert.equal(settings.suites[0]?.scenario, '/project/load/chat.yml');
  const defaults = settingsSchema.parse({});
  assert.deepEqual(settings.suites[0]?.target, defaults.target);
  assert.deepEqual(settings.verdict, defaults.verdict);
});

test('the file is found by its usual names, in their order', async () => {
  const suite = (name: string) => `suites: [{ name: ${name}, scenario: chat.yml }]`;
  const project = {
    'chat.yml': '',
    'tailgate.yml': suite('one'),
    'tailgate.yaml': suite('two'),
    '.github/tailgate.yml': suite('three'),
  };
  assert.equal((await load(project)).settings.suites[0]?.name, 'one');
  const { 'tailgate.yml': _, ...rest } = project;
  assert.equal((await load(rest)).settings.suites[0]?.name, 'two');
  const { 'tailgate.yaml': __, ...last } = rest;
  const found = await load(last);
  assert.equal(found.settings.suites[0]?.name, 'three');
  // Paths of a file in .github are relative to the folder around it.
  assert.equal(found.settings.suites[0]?.scenario, '/project/chat.yml');
});

test('a suite takes from the top level what it does not say', async () => {
  const { settings } = await load(
    withSettings(`
target: { start: node server.js, env: { A: "1", B: "2" }, ready: { type: http, path: /health } }
room: { token: abc, create: { event: createRoom } }
measure: { drainMs: 500, acknowledgements: [chat] }
suites:
  - { name: plain, scenario: chat.yml }
  - name: other
    scenario: chat.yml
    target: { env: { B: "3" }, ready: { timeoutMs: 5 } }
    room: false
    measure: { acknowledgements: all }
`),
  );
  const [plain, other] = settings.suites;
  assert.deepEqual(plain?.target, settings.target);
  assert.deepEqual(plain?.room, settings.room);
  assert.deepEqual(other?.target?.env, { A: '1', B: '3' });
  assert.deepEqual(other?.target?.ready, { type: 'http', path: '/health', timeoutMs: 5, intervalMs: 100 });
  assert.equal(other?.target?.start, 'node server.js');
  assert.equal(other?.room, false);
  assert.equal(other?.measure?.acknowledgements, 'all');
  assert.equal(other?.measure?.drainMs, 500);
});

test('a suite may change a part of a group that is whole only with the top level', async () => {
  const { settings } = await load(
    withSettings(`
room: { jwt: { secret: { env: KEY } }, create: { event: createRoom, data: { id: a } } }
suites:
  - { name: one, scenario: chat.yml, room: { jwt: { claims: { sub: o } }, create: { data: { id: b } } } }
`),
  );
  const room = settings.suites[0]?.room;
  assert.ok(room);
  assert.partialDeepStrictEqual(room.jwt, { secret: { env: 'KEY' }, claims: { sub: 'o' } });
  assert.deepEqual(room.create, { event: 'createRoom', data: { id: 'b' }, confirm: 'ack' });
});

test('inputs go over the file, those of suites included', async () => {
  const project = {
    ...withSettings(`
target: { start: node server.js, url: "http://127.0.0.1:1" }
room: { token: abc, create: { event: createRoom, data: { id: 1 } } }
thresholds: [lost = 0]
comment: never
suites:
  - { name: a, scenario: chat.yml, target: { url: "http://127.0.0.1:2" }, thresholds: [errors = 0], levels: [{ name: l, thresholds: [errors = 1] }] }
  - { name: b, scenario: chat.yml, room: false, variables: { x: 1, y: 1 } }
`),
  };
  const { settings, placeOf } = await load(project, {
    target: 'http://127.0.0.1:3',
    room: 'create: { data: { id: 2 } }',
    thresholds: 'p95 < 1s\n# none other\nlost < 9',
    environment: 'short',
    variables: '{"y": 2}',
    comment: '  always ',
    rounds: '',
  });
  assert.equal(settings.comment, 'always');
  assert.equal(settings.rounds, 1);
  for (const suite of settings.suites) {
    assert.equal(suite.target?.url, 'http://127.0.0.1:3');
    assert.equal(suite.target?.start, 'node server.js');
    assert.equal(suite.environment, 'short');
    assert.equal(suite.thresholds, undefined);
    assert.ok(suite.levels.every((level) => level.thresholds === undefined));
  }
  assert.deepEqual(settings.thresholds, ['p95 < 1s', 'lost < 9']);
  const [a, b] = settings.suites;
  assert.ok(a?.room && b?.room);
  assert.deepEqual(a.room.create, { event: 'createRoom', data: { id: 2 }, confirm: 'ack' });
  assert.deepEqual(b.variables, { x: 1, y: 2 });
  assert.deepEqual(placeOf(['target', 'url']), { key: 'input "target"' });
  assert.deepEqual(placeOf(['suites', 0, 'target', 'url']), { key: 'input "target"' });
  assert.deepEqual(placeOf(['suites', 1, 'environment']), { key: 'input "environment"' });
  assert.deepEqual(placeOf(['target', 'start']), { file: 'tailgate.yml', line: 2, column: 18 });
});

test('a scenario replaces the suites of the file, or that of the suite that is named', async () => {
  const project = {
    ...withSettings(
      'suites: [{ name: a, scenario: chat.yml }, { name: b, scenario: chat.yml, environment: e }]',
    ),
    'other.yml': '',
  };
  const alone = await load(project, { scenario: 'other.yml' });
  assert.deepEqual(
    alone.settings.suites.map(({ name, scenario }) => [name, scenario]),
    [['other', '/project/other.yml']],
  );
  const named = await load(project, { scenario: 'other.yml', suite: 'b' });
  assert.deepEqual(
    named.settings.suites.map(({ name, scenario }) => [name, scenario]),
    [
      ['a', '/project/chat.yml'],
      ['b', '/project/other.yml'],
    ],
  );
  assert.equal(named.settings.suites[1]?.environment, 'e');
  assert.deepEqual(named.selected, ['b']);
  const fresh = await load(project, { scenario: 'other.yml', suite: 'smoke' });
  assert.deepEqual(
    fresh.settings.suites.map(({ name }) => name),
    ['smoke'],
  );
});

test('paths are relative to the settings file; those of inputs to the working directory', async () => {
  const project = {
    'perf/tailgate.yml': `
target: { cwd: ../server }
baseline: { mode: file, path: records.jsonl, dir: base }
suites: [{ name: a, scenario: chat.yml }, { name: b, scenario: chat.yml, target: { cwd: . } }]
`,
    'perf/chat.yml': '',
  };
  const { settings } = await load(project, { config: 'perf/tailgate.yml' });
  assert.equal(settings.target.cwd, 'server');
  assert.equal(settings.suites[0]?.target?.cwd, 'server');
  assert.equal(settings.suites[1]?.target?.cwd, 'perf');
  assert.equal(settings.suites[0]?.scenario, '/project/perf/chat.yml');
  assert.equal(settings.baseline.path, '/project/perf/records.jsonl');
  assert.equal(settings.baseline.dir, '/project/perf/base');
  // What is not written is relative to the working directory.
  assert.equal(settings.reportDir, '/project/.tailgate');
  const plain = await load(
    { 'perf/tailgate.yml': 'suites: [{ name: a, scenario: chat.yml }]', 'perf/chat.yml': '' },
    { config: 'perf/tailgate.yml' },
  );
  assert.equal(plain.settings.suites[0]?.target?.cwd, '.');
  assert.equal(plain.settings.baseline.path, '/project/.tailgate/baseline.jsonl');

  const inside = await load(project, {
    'working-directory': 'perf',
    baseline: './old.jsonl',
    'baseline-dir': '../base',
    'report-dir': 'out',
  });
  assert.equal(inside.cwd, '/project/perf');
  assert.equal(inside.settings.baseline.path, '/project/perf/old.jsonl');
  assert.equal(inside.settings.baseline.dir, '/project/base');
  assert.equal(inside.settings.reportDir, '/project/perf/out');
  assert.equal(inside.settings.target.cwd, '../server');
  // Places are those in the repository, for annotations, whatever the working directory is.
  assert.equal(inside.placeOf(['target', 'cwd']).file, 'perf/tailgate.yml');
});

test('anchors, merge keys and keys that begin with x- are for the author', async () => {
  const project = withSettings(`
x-room: &room
  token: abcdef
  create: { event: createRoom }
suites:
  - { name: a, scenario: chat.yml, room: { <<: *room, namespace: /a } }
  - { name: b, scenario: chat.yml, room: *room }
`);
  const { settings, placeOf } = await load(project);
  const rooms = settings.suites.map(({ room }) => room);
  assert.ok(rooms[0] && rooms[1]);
  assert.equal(rooms[0].token, 'abcdef');
  assert.equal(rooms[0].namespace, '/a');
  assert.equal(rooms[1].create?.event, 'createRoom');
  assert.deepEqual(placeOf(['suites', 0, 'room', 'token']), { file: 'tailgate.yml', line: 3, column: 10 });
});

test('commands that drive no load need no suite', async () => {
  const { loadSettings } = await import('../../src/settings/load-settings.ts');
  const readFile = async () => {
    throw Object.assign(new Error('none'), { code: 'ENOENT' });
  };
  const { settings } = await loadSettings({
    cwd: '/project',
    inputs: { source: 'cli', values: { thresholds: 'lost = 0' } },
    readFile,
    needsSuites: false,
  });
  assert.deepEqual(settings.suites, []);
  assert.deepEqual(settings.thresholds, ['lost = 0']);
});

test('a file that cannot be read for another reason is not taken for a missing one', async () => {
  const { loadSettings } = await import('../../src/settings/load-settings.ts');
  const readFile = async () => {
    throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
  };
  await assert.rejects(loadSettings({ cwd: '/project', inputs: { source: 'cli', values: {} }, readFile }), {
    code: 'FILE_UNREADABLE',
  });
});
