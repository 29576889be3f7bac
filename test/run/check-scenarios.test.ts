import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { problemsOf } from '../../src/errors.ts';
import { checkScenarios } from '../../src/run/check-scenarios.ts';
import { makePlan } from '../../src/settings/make-plan.ts';
import { load } from '../settings/settings-fixture.ts';

test('a file with a mistake shows its warnings too, which may say where the mistake comes from', async (t) => {
  const cwd = await mkdtemp(path.join(tmpdir(), 'scenarios-'));
  t.after(() => rm(cwd, { recursive: true }));
  await writeFile(
    path.join(cwd, 'chat.yml'),
    `config: { target: "http://127.0.0.1:3000" }
scenarios:
  - engine: socketio
    payload: { words: [a, b] }
    flow: [{ emit: { channel: say, data: "{{ words }}" }, acknowledge: {} }]
`,
  );
  const loaded = await load({
    'tailgate.yml': 'target: { start: node server.js }\nsuites: [{ name: a, scenario: chat.yml }]\n',
    'chat.yml': '',
  });
  const plan = makePlan(loaded.settings, loaded);
  const suites = plan.suites.map((suite) => ({ ...suite, scenarioPath: path.join(cwd, 'chat.yml') }));
  const warned: string[] = [];
  const host = {
    cwd,
    env: {},
    warn: (text: string, { file, line }: { file?: string | undefined; line?: number | undefined } = {}) =>
      void warned.push(`${file}:${line} ${text}`),
  };
  const failure = await checkScenarios({ ...plan, suites }, host).catch((error: unknown) => error);
  assert.deepEqual(
    problemsOf(failure).map(({ code, where }) => [code, where.line]),
    [['SCENARIO_TEMPLATE_EMPTY', 5]],
  );
  assert.equal(warned.length, 1);
  assert.match(warned[0]!, /^chat\.yml:4 "payload" means nothing in a scenario/);
});
