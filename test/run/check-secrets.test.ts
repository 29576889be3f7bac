import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { problemsOf, TailgateError } from '../../src/errors.ts';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import { checkSecrets } from '../../src/run/check-secrets.ts';
import { showProblems } from '../../src/run/deliver.ts';
import { contextOf, prepareRun } from '../../src/run/prepare-run.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { makePlan } from '../../src/settings/make-plan.ts';
import { load } from '../settings/settings-fixture.ts';

const settings = `target:
  url: http://127.0.0.1:3000
  resources: { url: /metrics, headers: { authorization: { env: METRICS_AUTH } } }
room:
  jwt: { secret: { env: OWNER_SECRET } }
  headers:
    x-key:
      env: API_KEY
  auth: { session: { id: { env: SESSION_ID } } }
  create: { event: open, data: { key: { env: ROOM_KEY } } }
  delete:
    event: close
    args:
      - room
      - { env: CLOSING_KEY }
suites:
  - { name: a, scenario: chat.yml }
  - name: b
    scenario: chat.yml
    measure:
      jwt:
        secret: { env: USER_SECRET }
  - { name: c, scenario: chat.yml, levels: [{ name: low }, { name: high }] }
`;

const problemsWith = async (env: Record<string, string>): Promise<readonly TailgateError[]> => {
  const loaded = await load({ 'tailgate.yml': settings, 'chat.yml': '' });
  try {
    checkSecrets(makePlan(loaded.settings, loaded), env, loaded);
    return [];
  } catch (failure) {
    return problemsOf(failure);
  }
};

test('a secret that is not set is named once, at its line, whichever suites use it', async () => {
  const found = await problemsWith({});
  const places = found.map(({ code, what, where }) => [code, /variable (\w+)/.exec(what)?.[1], where.line]);
  assert.deepEqual(places, [
    ['SECRET_MISSING', 'OWNER_SECRET', 5],
    ['SECRET_MISSING', 'API_KEY', 8],
    ['SECRET_MISSING', 'METRICS_AUTH', 3],
    ['SECRET_MISSING', 'SESSION_ID', 9],
    ['SECRET_MISSING', 'ROOM_KEY', 10],
    ['SECRET_MISSING', 'CLOSING_KEY', 15],
    ['SECRET_MISSING', 'USER_SECRET', 22],
  ]);
  for (const { where } of found) assert.equal(where.file, 'tailgate.yml');
});

test('secrets that are set are no problem', async () => {
  const env = {
    OWNER_SECRET: 'a',
    API_KEY: 'b',
    SESSION_ID: 'c',
    USER_SECRET: 'd',
    METRICS_AUTH: 'e',
    ROOM_KEY: 'f',
    CLOSING_KEY: 'g',
  };
  assert.deepEqual(await problemsWith(env), []);
  assert.equal((await problemsWith({ ...env, API_KEY: '' })).length, 1);
});

test('a terminal shows problems at their place: file, line and column, or the flag', async () => {
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream;
  const signal = new AbortController().signal;
  const host = createTerminalHost({
    env: {},
    cwd: '/',
    signal,
    stderr,
    stdout: stderr,
    live: createLiveLine(stderr),
  });
  const [problem] = await problemsWith({});
  const flag = new TailgateError('INTERNAL', 'It is not.', 'Fix it.', 'usage', { key: '--seed' });
  showProblems(host, [problem!, flag]);
  const text = String((stderr as unknown as PassThrough).read());
  assert.match(text, /^Error: tailgate\.yml:5:\d+: The setting "room\.jwt\.secret" takes/m);
  assert.match(text, /^Error: --seed: It is not\.\nFix it\.$/m);
});

test('what helps depends on where the run is: a terminal, a workflow, or a fork, which has no secrets', async () => {
  const fixIn = async (env: Record<string, string>) => {
    const [problem] = await problemsWith(env);
    return problem!.message;
  };
  assert.match(await fixIn({}), /"OWNER_SECRET=\.\.\. tailgate run"/);
  const workflow = await fixIn({ GITHUB_ACTIONS: 'true' });
  assert.match(workflow, /env: \{ OWNER_SECRET: \$\{\{ secrets\.OWNER_SECRET \}\} \}/);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-fork-'));
  try {
    const event = path.join(folder, 'event.json');
    const side = (name: string) => ({ ref: 'x', sha: 'a'.repeat(40), repo: { full_name: name } });
    writeFileSync(
      event,
      JSON.stringify({ pull_request: { number: 7, head: side('mallory/chat'), base: side('acme/chat') } }),
    );
    const fork = await fixIn({
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_EVENT_PATH: event,
    });
    assert.match(fork, /forks and of Dependabot have no secrets/);
    assert.match(fork, /"OWNER_SECRET: test-secret" under "target\.env"/);
    assert.doesNotMatch(fork, /\$\{\{/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a variable that a scenario names in its config is a secret by itself, though the config is resolved when it is read', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-secrets-'));
  try {
    writeFileSync(
      path.join(folder, 'tailgate.yml'),
      "suites: [{ name: chat, scenario: chat.yml, overrides: { socketio: { query: { more: '{{ $env.MORE_TOKEN }}' } } } }]\ntarget: { url: http://127.0.0.1:1 }\nthresholds: ['users.failed = 0']\n",
    );
    writeFileSync(
      path.join(folder, 'chat.yml'),
      `config:
  target: 'http://127.0.0.1:1'
  phases: [{ duration: 1, arrivalRate: 1 }]
  socketio:
    extraHeaders: { authorization: 'Bearer {{ $env.JWT }}', x-api: '{{ $processEnvironment.API_TOKEN }}' }
scenarios:
  - engine: socketio
    flow: [{ emit: { channel: hello }, acknowledge: { data: ok } }]
`,
    );
    const stderr = new PassThrough() as unknown as NodeJS.WriteStream;
    const host = createTerminalHost({
      env: { JWT: 'first-secret', API_TOKEN: 'second-secret', MORE_TOKEN: 'third-secret' },
      cwd: folder,
      signal: new AbortController().signal,
      stderr,
      stdout: stderr,
      live: createLiveLine(stderr),
    });
    const loaded = await loadSettings({ cwd: folder, inputs: { source: 'cli', values: {} } });
    const stage = await prepareRun(loaded, host);
    assert.equal(host.mask('first-secret second-secret third-secret'), '*** *** ***');
    // Commands of the settings run in the working directory, wherever the step was started.
    const [suite] = stage.plan.suites;
    assert.equal(contextOf(stage, suite!, { ...host, cwd: '/' }).host.cwd, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
