import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf, TailgateErrors } from '../../src/errors.ts';
import { makePlan } from '../../src/settings/make-plan.ts';
import { load, problemsIn, withSettings } from './settings-fixture.ts';

const suites = 'suites: [{ name: chat, scenario: chat.yml }]\n';
const messages = async (...given: Parameters<typeof problemsIn>): Promise<string[]> =>
  (await problemsIn(...given)).map((problem) => problem.message);

test('every mistake in a file is named with its line, what was found and what to write', async () => {
  const settings = `suites:
  - name: chat
    scenario: chat.yml
    taget: { start: x }
  - name: second
    room:
      token: { evn: TOKEN }
      create: { event: createRoom, confirm: akc }
start: node server.js
target:
  port: "3000"
  ready: { type: htp, timeoutMs: 0 }
thresholds: lost = 0
comment: allways
room: { create: { evnt: createRoom }, headers: { a: 3 } }
maxMinutes:
`;
  assert.deepEqual(await messages(withSettings(settings)), [
    'tailgate.yml:4:5: Unknown setting "suites[0].taget".\nDid you mean "suites[0].target"?',
    'tailgate.yml:5:5: The setting "suites[1].scenario" is not valid: it is missing.\nAdd it: text.',
    'tailgate.yml:7:16: Unknown setting "suites[1].room.token.evn".\nDid you mean "suites[1].room.token.env"?',
    'tailgate.yml:8:45: The setting "suites[1].room.create.confirm" is not valid: got the text "akc".\nDid you mean "ack"? Write "ack" or "none" or a group with "event".',
    'tailgate.yml:9:1: Unknown setting "start".\nDid you mean "target.start"?',
    'tailgate.yml:11:10: The setting "target.port" is not valid: expected a number, got the text "3000".\nWrite it without quotes: 3000.',
    'tailgate.yml:12:18: The setting "target.ready.type" is not valid: got the text "htp".\nDid you mean "http"? It is one of "http", "tcp", "log", "socketio", "websocket".',
    'tailgate.yml:12:34: The setting "target.ready.timeoutMs" is not valid: got 0.\nWrite more than 0.',
    'tailgate.yml:13:13: The setting "thresholds" is not valid: expected a list, got the text "lost = 0".\nWrite a list: "- lost = 0".',
    'tailgate.yml:14:10: The setting "comment" is not valid: got the text "allways".\nDid you mean "always"? It is one of "always", "on-change", "on-fail", "never".',
    'tailgate.yml:15:19: Unknown setting "room.create.evnt".\nDid you mean "room.create.event"?',
    'tailgate.yml:15:53: The setting "room.headers.a" is not valid: got 3.\nWrite text or a group with "env".',
    'tailgate.yml:16:12: The setting "maxMinutes" is not valid: expected a number, got nothing (the value is empty).\nWrite a number.',
  ]);
});

test('an unknown setting that resembles none lists those that there are', async () => {
  assert.deepEqual(await messages(withSettings(`${suites}check: { label: x }`)), [
    'tailgate.yml:2:10: Unknown setting "check.label".\nKnown settings here: "kind", "name".',
  ]);
});

test('a file that is not YAML is one problem at its place', async () => {
  assert.deepEqual(await messages(withSettings('suites:\n\t- name: chat\n')), [
    'tailgate.yml:2:1: The settings file is not valid YAML: Tabs are not allowed as indentation.\nCorrect the line named here; YAML is indented with spaces, never tabs.',
  ]);
  assert.deepEqual(await messages(withSettings(`${suites}seed: 1\nseed: 2\n`)), [
    'tailgate.yml:3:1: The settings file is not valid YAML: Map keys must be unique.\nCorrect the line named here; YAML is indented with spaces, never tabs.',
  ]);
  const [problem] = await problemsIn(withSettings('- just\n- a list\n'));
  assert.equal(problem?.code, 'SETTINGS_NOT_YAML');
});

test('an alias bomb is refused, not expanded', async () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) =>
      `  l${level}: &l${level} [${Array(9)
        .fill(level === 0 ? '"x"' : `*l${level - 1}`)
        .join(', ')}]`,
  );
  const [problem] = await problemsIn(withSettings(`x-bomb:\n${levels.join('\n')}\n${suites}`));
  assert.equal(problem?.code, 'SETTINGS_NOT_YAML');
});

test('settings that contradict one another are refused', async () => {
  const table: [string, RegExp][] = [
    ['target: { ready: { type: log } }', /^tailgate\.yml:2:18: .*"target\.ready" .*needs "pattern"/],
    ['target: { start: x, ready: { type: log, pattern: "(" } }', /2:51: .*not a regular expression/],
    ['target: { ready: { type: tcp, status: 200 } }', /2:39: .*has no status/],
    ['target: { ready: { type: tcp, path: / } }', /2:37: .*has no path/],
    ['target: { ready: { type: http, pattern: x } }', /2:41: .*has no pattern/],
    ['target: { start: x, pid: 3 }', /2:26: .*does not start/],
    ['room: { token: abc, jwt: { secret: s } }', /2:26: .*a token is given as well/],
    ['room: { create: { event: e, data: 1, args: [1] } }', /2:44: .*"data" is given as well/],
    ['room: { capture: { id: room.id } }', /2:18: .*no answer to capture from/],
    ['measure: { custom: { timeoutMs: 5 } }', /2:20: .*"command" or a "url"/],
    ['measure: { custom: { command: c, url: u } }', /2:20: .*"command" or a "url"/],
    ['verdict: { minPairs: 9, maxPairs: 8 }', /2:22: .*more than "maxPairs"/],
  ];
  for (const [line, expected] of table) {
    const [first] = await messages(withSettings(`${suites}${line}\n`));
    assert.match(first ?? '', expected);
  }
});

test('names that suites cannot have are refused', async () => {
  const settings = `suites:
  - { name: chat, scenario: chat.yml, levels: [{ name: low }, { name: low }] }
  - { name: chat, scenario: chat.yml }
  - { name: "a/b", scenario: chat.yml }
`;
  const found = await messages(withSettings(settings));
  assert.equal(found.length, 3);
  assert.match(found[0]!, /^tailgate\.yml:2:71: .*"suites\[0\]\.levels\[1\]\.name".*used twice/);
  assert.match(found[1]!, /^tailgate\.yml:3:13: .*used twice/);
  assert.match(found[2]!, /^tailgate\.yml:4:14: .*slash/);
});

test('missing files and nothing to run', async () => {
  assert.deepEqual(await messages({}, { config: 'perf.yml' }), [
    'input "config": The settings file "perf.yml" does not exist.\nCreate it, or name another file with the input "config" (command line: --config FILE).',
  ]);
  assert.deepEqual(await messages({}, { config: 'perf.yml' }, 'cli'), [
    '--config: The settings file "perf.yml" does not exist.\nCreate it, or name another file with the input "config" (command line: --config FILE).',
  ]);
  assert.deepEqual(await messages({}), [
    'There is nothing to run: no suite and no scenario is set.\nSet the input "scenario" (command line: --scenario FILE), or list "suites:" in tailgate.yml.',
  ]);
  assert.deepEqual(await messages({ 'tailgate.yml': suites }), [
    'tailgate.yml:1:34: The scenario file "chat.yml" does not exist.\nCorrect the path; it is relative to the settings file, or to the working directory for an input.',
  ]);
  assert.deepEqual(await messages({}, { scenario: 'load/chat.yml' }), [
    'input "scenario": The scenario file "load/chat.yml" does not exist.\nCorrect the path; it is relative to the settings file, or to the working directory for an input.',
  ]);
});

test('a mistake in an input is named by the input, and those in the file beside it', async () => {
  const values = {
    scenario: 'chat.yml',
    rounds: 'many',
    ready: 'htp:/health',
    baseline: 'sidebyside',
    room: '{ creat: { event: x } }',
    'require-baseline': 'maybe',
    'fail-on': 'fail, inconclusiv',
    variables: '[1]',
  };
  assert.deepEqual(await messages(withSettings('comment: sometimes\n'), values), [
    'input "ready": The setting "ready" is not valid: got "htp:/health".\nDid you mean "http"? Write "tcp", "http:/health", "http://127.0.0.1:9000/health", "log:/listening/", "socketio" or "websocket:/path".',
    'input "baseline": The setting "baseline" is not valid: got "sidebyside".\nDid you mean "side-by-side"? Write "side-by-side", "branch", "branch:NAME", "file:PATH" or "none".',
    'input "require-baseline": The setting "require-baseline" is not valid: got "maybe".\nWrite "true" or "false".',
    'input "rounds": The setting "rounds" is not valid: got "many".\nWrite a whole number.',
    'input "variables": The setting "variables" is not valid: it is not a group of values.\nWrite for example "{ roomId: lobby }".',
    'input "room": Unknown setting "room.creat".\nDid you mean "room.create"?',
    'input "fail-on": The setting "failOn[1]" is not valid: got the text "inconclusiv".\nDid you mean "inconclusive"? It is one of "fail", "inconclusive", "invalid".',
    'tailgate.yml:1:10: The setting "comment" is not valid: got the text "sometimes".\nIt is one of "always", "on-change", "on-fail", "never".',
  ]);
});

test('bad thresholds and unknown suites are all named when the plan is made', async () => {
  const settings = `${suites}thresholds:
  - chat.ack.p95 < 200
  - "lost < 5ms"
`;
  const loaded = await load(withSettings(settings));
  const planned = (): unknown => makePlan(loaded.settings, loaded);
  assert.throws(planned, (error: unknown) => {
    assert.ok(error instanceof TailgateErrors);
    assert.equal(error.exit, 'usage');
    assert.deepEqual(
      problemsOf(error).map((problem) => problem.message),
      [
        'tailgate.yml:3:20: The threshold "chat.ack.p95 < 200" is not valid at column 16: the unit is missing.\nA limit on "chat.ack.p95" is a time, for example "200ms".',
        'tailgate.yml:4:13: The threshold "lost < 5ms" is not valid at column 8: "deliveries.lost" is not measured in that unit.\nA limit on "deliveries.lost" is a plain number, for example "0".',
      ],
    );
    return true;
  });

  const selected = await load(withSettings(suites), { suite: 'caht' });
  assert.throws(() => makePlan(selected.settings, selected), {
    code: 'SUITE_UNKNOWN',
    message: 'input "suite": There is no suite named "caht".\nSuites in the settings: "chat".',
  });
  const input = await load(withSettings(suites), { thresholds: 'lost = none' });
  assert.throws(() => makePlan(input.settings, input), {
    message: /^input "thresholds": The threshold "lost = none" is not valid at column 8/,
  });
});
