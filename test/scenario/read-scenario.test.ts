import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type ErrorCode, TailgateError } from '../../src/errors.ts';
import type { ScenarioInputs } from '../../src/scenario/merge-script.ts';
import { type ReadScenario, readScenario } from '../../src/scenario/read-scenario.ts';
import { loadUserModule } from '../../src/scenario/user-module.ts';
import { folderWith } from '../generator/load-fixture.ts';

const nothing: ScenarioInputs = { environment: null, overrides: {}, variables: {} };

const read = async (
  text: string,
  inputs: Partial<ScenarioInputs> = {},
  files: Record<string, string> = {},
  name = 'scenario.yml',
): Promise<ReadScenario> => {
  await using folder = await folderWith({ [name]: text, ...files });
  return await readScenario(path.join(folder.path, name), { ...nothing, ...inputs });
};

const failure = async (work: Promise<unknown>): Promise<TailgateError> => {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TailgateError, String(error));
    return error;
  }
  assert.fail('it was accepted');
};

const chat = `config:
  target: http://127.0.0.1:3000
  phases:
    - { duration: 20, arrivalRate: 1, rampTo: 10 }
    - { duration: 10s, arrivalRate: 5 }
scenarios:
  - name: chat
    engine: socketio
    flow:
      - emit: { channel: join, data: { room: 1 } }
        acknowledge: {}
`;

describe('reading a scenario', () => {
  test('gives its phases, their length and their users', async () => {
    const scenario = await read(chat);
    assert.equal(scenario.plannedMs, 30_000);
    assert.equal(scenario.plannedUsers, 110 + 50);
    assert.deepEqual(scenario.engines, ['socketio']);
  });

  test('without phases it starts one user, as Artillery does', async () => {
    const scenario = await read('config: {}\nscenarios: [{ flow: [{ get: { url: / } }] }]\n');
    assert.equal(scenario.plannedUsers, 1);
    assert.equal(scenario.plannedMs, 1_000);
  });

  test('reads JSON, and scripts written as code', async () => {
    const script = {
      config: { phases: [{ duration: 2, arrivalRate: 3 }] },
      scenarios: [{ flow: [{ get: { url: '/' } }] }],
    };
    assert.equal((await read(JSON.stringify(script), {}, {}, 'scenario.json')).plannedUsers, 6);
    assert.equal(
      (await read(`module.exports = ${JSON.stringify(script)};`, {}, {}, 'scenario.cjs')).plannedUsers,
      6,
    );
    const typed = `type Phase = { duration: number };\nexport const config = { phases: [{ duration: 2, arrivalRate: 3 } as Phase] };\nexport const scenarios = [{ flow: [{ get: { url: '/' } }] }];\n`;
    assert.equal((await read(typed, {}, {}, 'scenario.ts')).plannedUsers, 6);
  });

  test('merges an environment, overrides and variables, and resolves what is known', async () => {
    const text = `config:
  target: "http://{{ $environment }}.invalid/{{ host }}"
  phases: [{ duration: 5, arrivalRate: 1 }]
  environments:
    staging: { phases: [{ arrivalRate: 2 }] }
  socketio: { extraHeaders: { a: "{{ token }}", b: "{{ host }}-{{ token }}", c: "{{ host }}" } }
scenarios: [{ flow: [{ get: { url: / } }] }]
`;
    const scenario = await read(text, {
      environment: 'staging',
      overrides: { http: { timeout: 3 } },
      variables: { host: 'h' },
    });
    assert.equal(scenario.config.target, 'http://staging.invalid/h');
    assert.equal(scenario.plannedUsers, 10);
    assert.deepEqual(scenario.config.http, { timeout: 3 });
    // What only a virtual user knows is left for it.
    assert.deepEqual(scenario.config.socketio, {
      extraHeaders: { a: '{{ token }}', b: '{{ host }}-{{ token }}', c: 'h' },
    });
  });

  test('its hash tells what is run, whatever it looks like and wherever it runs', async () => {
    const { hash } = await read(chat);
    assert.equal((await read(`# a comment\n${chat.replace('3000', '4000')}`)).hash, hash);
    for (const other of [
      read(chat.replace('room: 1', 'room: 2')),
      read(chat, { variables: { a: 1 } }),
      read(chat, { overrides: { http: { timeout: 3 } } }),
    ])
      assert.notEqual((await other).hash, hash);
    const withFiles = chat.replace(
      'config:',
      'config:\n  processor: p.js\n  payload: { path: a.csv, fields: [a] }',
    );
    const files = { 'p.js': 'exports.a = 1;', 'a.csv': '1\n' };
    const first = await read(withFiles, {}, files);
    assert.equal((await read(withFiles, {}, files)).hash, first.hash);
    assert.notEqual((await read(withFiles, {}, { ...files, 'p.js': 'exports.a = 2;' })).hash, first.hash);
    assert.notEqual((await read(withFiles, {}, { ...files, 'a.csv': '2\n' })).hash, first.hash);
  });

  test('leaves nothing behind, also for a TypeScript processor', async () => {
    const { readdir } = await import('node:fs/promises');
    await using folder = await folderWith({
      'scenario.yml': chat.replace('config:', 'config:\n  processor: p.ts'),
      'p.ts': 'export const a = 1;',
    });
    await readScenario(path.join(folder.path, 'scenario.yml'), nothing);
    assert.deepEqual((await readdir(folder.path)).sort(), ['p.ts', 'scenario.yml']);
  });

  test('a processor may be a folder: its index, or what its package.json says', async () => {
    const text = 'export const a = 1;';
    const folders: Record<string, string>[] = [
      { 'index.mjs': text },
      { 'main.mjs': text, 'package.json': '{ "main": "main.mjs" }', 'index.mjs': 'export const b = 1;' },
    ];
    for (const files of folders) {
      await using folder = await folderWith({
        'scenario.yml': chat.replace('config:', 'config:\n  processor: ./functions'),
      });
      const functions = path.join(folder.path, 'functions');
      await mkdir(functions);
      for (const [name, content] of Object.entries(files))
        await writeFile(path.join(functions, name), content);
      const scenario = await readScenario(path.join(folder.path, 'scenario.yml'), nothing);
      assert.equal(scenario.processorText, text);
      assert.deepEqual(Object.keys(await loadUserModule(functions)), ['a']);
    }
  });

  const mistakes: [string, string, Partial<ScenarioInputs>, ErrorCode, number | undefined, RegExp][] = [
    ['YAML that is none', 'config:\n  a: [1\nb: 2\n', {}, 'SCENARIO_INVALID', 3, /not valid YAML/],
    ['a list', '- a\n', {}, 'SCENARIO_INVALID', undefined, /not a mapping/],
    ['no scenarios', 'config: {}\n', {}, 'SCENARIO_INVALID', 1, /"scenarios" is required/],
    ['empty scenarios', 'config: {}\nscenarios: []\n', {}, 'SCENARIO_INVALID', 2, /"scenarios" is empty/],
    [
      'a scenario without a flow',
      'config: {}\nscenarios:\n  - name: a\n',
      {},
      'SCENARIO_INVALID',
      3,
      /flow" is required/,
    ],
    [
      'a phase without an end',
      'config:\n  phases:\n    - { pause: 1 }\n    - { arrivalRate: 5 }\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
      {},
      'SCENARIO_INVALID',
      4,
      /phase 2 has no "duration"/,
    ],
    [
      'a rate that is no number',
      'config:\n  phases:\n    - duration: 1\n      arrivalRate: lots\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
      {},
      'SCENARIO_INVALID',
      4,
      /"arrivalRate: lots"/,
    ],
    [
      'a phase of the environment',
      'config:\n  phases: [{ duration: 1, arrivalRate: 1 }]\n  environments:\n    ci:\n      phases:\n        - duration: never\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
      { environment: 'ci' },
      'SCENARIO_INVALID',
      6,
      /"duration: never"/,
    ],
    [
      'an unknown environment',
      chat.replace('config:', 'config:\n  environments: { dev: {} }'),
      { environment: 'prod' },
      'SCENARIO_ENVIRONMENT_UNKNOWN',
      2,
      /no environment "prod"/,
    ],
    ['an unknown engine', chat.replace('socketio', 'sockets'), {}, 'SCENARIO_ENGINE_UNKNOWN', 8, /"sockets"/],
    [
      'a plugin that is not installed',
      chat.replace('config:', 'config:\n  plugins:\n    nowhere: {}'),
      {},
      'SCENARIO_PLUGIN_MISSING',
      3,
      /artillery-plugin-nowhere/,
    ],
    [
      'a processor that is not there',
      chat.replace('config:', 'config:\n  processor: ./p.js'),
      {},
      'SCENARIO_FILE_MISSING',
      2,
      /processor/,
    ],
    [
      'a payload file that is not there',
      chat.replace('config:', 'config:\n  payload:\n    - path: users.csv'),
      {},
      'SCENARIO_FILE_MISSING',
      3,
      /users\.csv/,
    ],
    [
      'a processor that is a folder without a module',
      chat.replace('config:', 'config:\n  processor: .'),
      {},
      'SCENARIO_FILE_MISSING',
      2,
      /processor .* is no file/,
    ],
    [
      'a payload that is a folder',
      chat.replace('config:', 'config:\n  payload:\n    - path: .'),
      {},
      'SCENARIO_FILE_MISSING',
      3,
      /payload file .* is no file/,
    ],
    [
      'a payload without a path',
      chat.replace('config:', 'config:\n  payload: { fields: [a] }'),
      {},
      'SCENARIO_INVALID',
      2,
      /no "path"/,
    ],
  ];
  for (const [what, text, inputs, code, line, message] of mistakes)
    test(`${what}: ${code}, with its line`, async () => {
      const error = await failure(read(text, inputs));
      assert.equal(error.code, code);
      assert.match(error.what, message);
      assert.equal(error.where.line, line);
      assert.equal(error.exit, 'usage');
    });

  test('a file that is not there', async () => {
    const error = await failure(readScenario('/nowhere/scenario.yml', nothing));
    assert.equal(error.code, 'SCENARIO_MISSING');
  });

  test('a plugin can be switched off from the settings', async () => {
    const text = chat.replace('config:', 'config:\n  plugins: { nowhere: {} }');
    await read(text, { overrides: { plugins: { nowhere: false } } });
  });
});

describe('what cannot be read says what to write', () => {
  const cases: [string, string, RegExp, number | undefined][] = [
    ['nothing', '# later\n', /it is empty/, undefined],
    [
      'a template without quotes',
      'config: {}\nscenarios:\n  - flow:\n      - think: {{ $randomNumber(1, 2) }}s\n',
      /not valid YAML .*: a template needs quotes, "\{\{ \$randomNumber\(1, 2\) \}\}s"/,
      4,
    ],
    [
      'keys of one level in two columns',
      '  config: {}\n scenarios: []\n',
      /not valid YAML .*keys of one level begin in the same column/,
      2,
    ],
    [
      'a step that is only a word',
      'config: {}\nscenarios:\n  - engine: ws\n    flow:\n      - send: a\n      - disconnect\n',
      /"- disconnect" is no step by itself: write "- close: true"/,
      6,
    ],
    [
      'one in a nested list',
      'config: {}\nscenarios:\n  - engine: socketio\n    flow:\n      - [{ emit: [a] }, close]\n',
      /"- close" is no step by itself: write "- disconnect: true"/,
      5,
    ],
    [
      'any other word',
      'config: {}\nscenarios:\n  - engine: socketio\n    flow:\n      - think\n',
      /must be a mapping with the key of a step/,
      5,
    ],
    [
      'a payload file that is not there, with its own line',
      'config:\n  payload:\n    path: users.csv\n    fields: [a]\nscenarios: [{ flow: [{ get: { url: / } }] }]\n',
      /payload file .* does not exist/,
      3,
    ],
  ];
  for (const [name, text, says, line] of cases)
    test(name, async () => {
      const { what, where } = await failure(read(text));
      assert.match(what, says);
      assert.equal(where.line, line);
    });
});
