import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { actionMode } from '../../src/settings/action-mode.ts';
import { readActionInputs } from '../../src/settings/input-overlay.ts';
import { inputDefinitions, outputDefinitions } from '../../src/settings/inputs.ts';
import { schemaNodesAt } from '../../src/settings/schema-index.ts';
import { valueAt } from '../../src/settings/setting-path.ts';
import { readShardInputs } from '../../src/settings/shard-inputs.ts';
import { load, withSettings } from './settings-fixture.ts';

const inputNames = inputDefinitions.map(({ name }) => name);
const root = path.resolve(import.meta.dirname, '../..');
const action = parse(readFileSync(path.join(root, 'action.yml'), 'utf8'));

test('action.yml declares exactly the inputs that are read, and the outputs', () => {
  assert.deepEqual(Object.keys(action.inputs), inputNames);
  assert.deepEqual(
    Object.keys(action.outputs),
    outputDefinitions.map((output) => output.name),
  );
  assert.equal(action.inputs['github-token'].default, `\${{ github.token }}`);
  assert.deepEqual(action.runs, { using: 'node24', main: 'dist/action.js', post: 'dist/post.js' });
});

test('every input that overrides a setting names one that exists', () => {
  for (const { name, setting } of inputDefinitions)
    if (setting !== null) assert.ok(schemaNodesAt(setting).length > 0, `${name}: ${setting.join('.')}`);
});

/** For each input: a value, and what must have become of it. */
const effects: Record<string, [value: string, path: (string | number)[], expected: unknown]> = {
  scenario: ['other.yml', ['suites', 0, 'scenario'], '/project/other.yml'],
  environment: ['short', ['suites', 0, 'environment'], 'short'],
  variables: ['{ a: 1 }', ['suites', 0, 'variables'], { a: 1 }],
  target: ['http://h:1', ['target', 'url'], 'http://h:1'],
  build: ['make', ['target', 'build'], 'make'],
  start: ['run me', ['suites', 0, 'target', 'start'], 'run me'],
  ready: ['http:/up', ['target', 'ready', 'path'], '/up'],
  room: ['{ namespace: /n }', ['room', 'namespace'], '/n'],
  measure: ['{ raw: true }', ['measure', 'raw'], true],
  thresholds: ['lost = 0', ['thresholds'], ['lost = 0']],
  baseline: ['branch:perf', ['baseline', 'branch'], 'perf'],
  'base-ref': ['v1', ['baseline', 'ref'], 'v1'],
  'baseline-dir': ['old', ['baseline', 'dir'], '/project/old'],
  'require-baseline': ['true', ['baseline', 'require'], true],
  'record-baseline': ['always', ['baseline', 'record'], 'always'],
  confirm: ['fresh-job', ['baseline', 'confirm'], 'fresh-job'],
  'confirm-from': ['first/records.jsonl', ['baseline', 'confirmFrom'], '/project/first/records.jsonl'],
  capacity: ['{ from: 50 }', ['capacity', 'from'], 50],
  rounds: ['4', ['rounds'], 4],
  'max-minutes': ['2.5', ['maxMinutes'], 2.5],
  seed: ['-7', ['seed'], -7],
  'fail-on': ['fail, inconclusive', ['failOn'], ['fail', 'inconclusive']],
  comment: ['on-fail', ['comment'], 'on-fail'],
  explain: ['always', ['explain'], 'always'],
  'same-code': ['measure', ['sameCode'], 'measure'],
  check: ['commit-status', ['check', 'kind'], 'commit-status'],
  'report-dir': ['out', ['reportDir'], '/project/out'],
};

/** Inputs that are no setting; other tests of this folder and of the entry hold what they do. */
const elsewhere = [
  'mode',
  'config',
  'working-directory',
  'suite',
  'matrix',
  'github-token',
  'shard',
  'start-at',
  'rendezvous',
  'merge',
  'base-url',
];

test('every input has an effect', async () => {
  assert.deepEqual([...Object.keys(effects), ...elsewhere].sort(), [...inputNames].sort());
  const project = {
    ...withSettings('suites: [{ name: a, scenario: chat.yml, environment: long }]'),
    'other.yml': '',
  };
  const plain = await load(project);
  for (const [name, [value, at, expected]] of Object.entries(effects)) {
    const { settings } = await load(project, { [name]: value });
    assert.deepEqual(valueAt(settings, at), expected, name);
    assert.notDeepEqual(valueAt(plain.settings, at), expected, `${name} has no effect`);
  }
});

test('the mode is one of those that there are', () => {
  const mode = (text?: string) =>
    actionMode({ source: 'action', values: text === undefined ? {} : { mode: text } });
  assert.deepEqual(mode(), { mode: 'gate', problems: [] });
  assert.deepEqual(mode('capacity'), { mode: 'capacity', problems: [] });
  const misspelt = mode('capasity');
  // So that the mistake is told where the search would have told its result.
  assert.equal(misspelt.mode, 'capacity');
  assert.equal(misspelt.problems[0]?.code, 'SETTINGS_INVALID_VALUE');
  assert.match(misspelt.problems[0].message, /input "mode".*got "capasity"[\s\S]*Did you mean "capacity"/);
  assert.equal(mode('nothing like it').mode, 'gate');
});

test('a search has no shards', () => {
  for (const name of ['shard', 'start-at', 'rendezvous', 'merge']) {
    const { mode, problems } = actionMode({
      source: 'action',
      values: { mode: 'capacity', [name]: '1/3' },
    });
    assert.equal(mode, 'capacity');
    assert.equal(problems[0]?.code, 'SETTINGS_INVALID_VALUE');
    assert.match(problems[0].message, new RegExp(`"${name}"[\\s\\S]*has no shards`));
  }
});

test('a shard is one of so many, and starts with the others', () => {
  const now = Date.parse('2030-01-31T11:55:00Z');
  const token = 'a-token-of-this-run';
  const env = { TAILGATE_RENDEZVOUS_TOKEN: token };
  const read = (values: Record<string, string>, variables: Record<string, string> = env) =>
    readShardInputs({ source: 'cli', values }, variables, now, '/project');
  assert.equal(read({}), null);
  const startAtMs = now + 300_000;
  for (const instant of ['2030-01-31T12:00:00Z', '2030-01-31T13:00:00+01:00', String(startAtMs / 1_000)])
    assert.deepEqual(read({ shard: '3/10', 'start-at': instant }), {
      number: 3,
      count: 10,
      start: { atMs: startAtMs },
    });
  for (const shard of ['0/3', '4/3', '3', '1/1001', 'a/b', '1/3/5', '-1/3'])
    assert.throws(
      () => read({ shard, 'start-at': '2030-01-31T12:00:00Z' }),
      /which shard of how many/,
      shard,
    );
  for (const instant of ['noon', '2030-01-31T12:00:00', '12:00', '2030-01-31'])
    assert.throws(() => read({ shard: '1/3', 'start-at': instant }), /an instant with its zone/, instant);
  assert.throws(
    () => read({ shard: '1/3', 'start-at': '2030-02-01T12:00:00Z' }),
    /more than six hours ahead/,
  );
  assert.throws(() => read({ shard: '1/3' }), /must start at one instant/);
  assert.throws(() => read({ 'start-at': '2030-01-31T12:00:00Z' }), /no shard is named/);

  const address = 'tcp://[fd00::5]:7400';
  assert.deepEqual(read({ shard: '3/10', rendezvous: `${address}?wait=90s` }), {
    number: 3,
    count: 10,
    start: { address, place: { host: 'fd00::5', port: 7_400 }, waitMs: 90_000, token },
  });
  for (const file of ['file:met', 'file:/project/met', 'file:///project/met'])
    assert.deepEqual(read({ shard: '1/2', rendezvous: file })!.start, {
      address: file,
      place: { file: '/project/met' },
      waitMs: 600_000,
      token,
    });
  const mistakes: [values: Record<string, string>, env: Record<string, string>, said: RegExp][] = [
    [{ rendezvous: address }, env, /no shard is named that would go there/],
    [{ shard: '1/1', rendezvous: address }, env, /meets nobody/],
    [{ shard: '1/3', rendezvous: address, 'start-at': '2030-01-31T12:00:00Z' }, env, /Take one of both out/],
    [{ shard: '1/3', rendezvous: '10.0.0.5:7400' }, env, /Write where all shards reach shard 1/],
    [{ shard: '1/3', rendezvous: 'file:' }, env, /Write where all shards reach shard 1/],
    [{ shard: '1/3', rendezvous: 'tcp://10.0.0.5' }, env, /Write where all shards reach shard 1/],
    [{ shard: '1/3', rendezvous: 'tcp://10.0.0.5:70000' }, env, /Write where all shards reach shard 1/],
    [{ shard: '1/3', rendezvous: `${address}?wait=7h` }, env, /at most six hours/],
    [{ shard: '1/3', rendezvous: `${address}?wait=10` }, env, /at most six hours/],
    [{ shard: '1/3', rendezvous: address }, {}, /is not set, so that anybody could join/],
    [{ shard: '1/3', rendezvous: address }, { TAILGATE_RENDEZVOUS_TOKEN: 'short' }, /has 5 characters/],
  ];
  for (const [values, variables, said] of mistakes) assert.throws(() => read(values, variables), said);
});

test('the short forms of a readiness probe', async () => {
  const table: [string, object][] = [
    ['tcp', { type: 'tcp' }],
    ['http', { type: 'http' }],
    ['http:/health', { type: 'http', path: '/health' }],
    ['http://127.0.0.1:9000/health', { type: 'http', path: 'http://127.0.0.1:9000/health' }],
    ['https://localhost/up', { type: 'http', path: 'https://localhost/up' }],
    ['ws://127.0.0.1:9000/ws', { type: 'websocket', path: 'http://127.0.0.1:9000/ws' }],
    ['log:/listening on \\d+/', { type: 'log', pattern: 'listening on \\d+' }],
    ['log:ready', { type: 'log', pattern: 'ready' }],
    ['socketio', { type: 'socketio' }],
    ['socketio:/io/', { type: 'socketio', path: '/io/' }],
    ['websocket:/ws', { type: 'websocket', path: '/ws' }],
  ];
  for (const [ready, expected] of table) {
    const { settings } = await load({ 'a.yml': '' }, { scenario: 'a.yml', start: 'node .', ready });
    assert.deepEqual(settings.target.ready, { ...expected, timeoutMs: 30_000, intervalMs: 100 }, ready);
  }
  for (const ready of ['log:', 'http:health', 'tcp:3000', 'http://', 'soon'])
    await assert.rejects(load({ 'a.yml': '' }, { scenario: 'a.yml', ready }), {
      code: 'SETTINGS_INVALID_VALUE',
    });
});

test('the forms of a baseline', async () => {
  const table: [string, object][] = [
    ['side-by-side', { mode: 'side-by-side' }],
    ['none', { mode: 'none' }],
    ['branch', { mode: 'branch', branch: 'tailgate' }],
    ['branch:perf/data', { mode: 'branch', branch: 'perf/data' }],
    ['file:base', { mode: 'file', path: '/project/base' }],
    ['perf/base.jsonl', { mode: 'file', path: '/project/perf/base.jsonl' }],
  ];
  for (const [baseline, expected] of table) {
    const { settings } = await load({ 'a.yml': '' }, { scenario: 'a.yml', baseline });
    assert.partialDeepStrictEqual(settings.baseline, expected, baseline);
  }
});

test('"none" means that no verdict fails the step', async () => {
  const { settings } = await load({ 'a.yml': '' }, { scenario: 'a.yml', 'fail-on': 'none' });
  assert.deepEqual(settings.failOn, []);
});

test('the inputs of the action come from its environment, a misspelt one is an error', () => {
  const env = {
    INPUT_SCENARIO: 'chat.yml',
    'INPUT_MAX-MINUTES': '5',
    INPUT_TRESHOLDS: 'lost = 0',
    INPUT_COMENT: '',
    INPUT_WHATEVER: 'something else',
    PATH: '/bin',
  };
  const { inputs, problems } = readActionInputs(env);
  assert.deepEqual(inputs, { source: 'action', values: { scenario: 'chat.yml', 'max-minutes': '5' } });
  assert.deepEqual(
    problems.map((problem) => problem.message),
    ['There is no input "tresholds".\nDid you mean "thresholds"?'],
  );
});
