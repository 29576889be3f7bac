import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, problemsIn } from './settings-fixture.ts';

const scenario = { 'chat.yml': 'scenarios: []' };
const own = 'extends: "@acme/tailgate"\nsuites:\n  - { name: chat, scenario: chat.yml }\n';
const defaults = `failOn: [fail, inconclusive, invalid]
maxMinutes: 9
verdict: { marginPercent: 5, maxPairs: 12 }
target: { ready: { type: http, path: /health } }
thresholds: ['p95 < +10%', 'lost = 0', 'errors.rate < 1%']
`;
const where = (problem: { where: object }) => problem.where;

test('settings of a package are gone over, key by key', async () => {
  const { settings, extended } = await load({
    ...scenario,
    'node_modules/@acme/tailgate/tailgate.yml': defaults,
    'tailgate.yml': `${own}maxMinutes: 4\nverdict: { maxPairs: 20 }\ntarget: { start: node . }\n`,
  });
  assert.deepEqual(extended, ['/project/node_modules/@acme/tailgate/tailgate.yml']);
  assert.deepEqual(settings.failOn, ['fail', 'inconclusive', 'invalid']);
  assert.equal(settings.maxMinutes, 4);
  assert.equal(settings.verdict.marginPercent, 5);
  assert.equal(settings.verdict.maxPairs, 20);
  const { target } = settings.suites[0]!;
  assert.deepEqual([target?.start, target?.ready.path], ['node .', '/health']);
});

test('limits are added, and replace those on the same metric, statistic and kind', async () => {
  const { settings, placeOf } = await load({
    ...scenario,
    'node_modules/@acme/tailgate/tailgate.yml': defaults,
    'tailgate.yml': `${own}thresholds:\n  - p95 < 200ms\n  - p95 < +5%\n`,
  });
  assert.deepEqual(settings.thresholds, ['lost = 0', 'errors.rate < 1%', 'p95 < 200ms', 'p95 < +5%']);
  assert.deepEqual(placeOf(['thresholds', 1]), {
    file: 'node_modules/@acme/tailgate/tailgate.yml',
    line: 5,
    column: 41,
  });
  assert.deepEqual(placeOf(['thresholds', 3]), { file: 'tailgate.yml', line: 6, column: 5 });
});

test('files are found beside the settings, above them, by name in a package, and through each other', async () => {
  const { settings, extended } = await load(
    {
      'services/chat/tailgate.yml': 'extends: [../defaults.yml, team/slow.yml]\nrounds: 2\n',
      'services/defaults.yml':
        'extends: ../org.yml\nmaxMinutes: 5\nseed: 5\nsuites: [{ name: shared, scenario: load.yml }]',
      'services/load.yml': 'scenarios: []',
      'org.yml': 'maxMinutes: 1\ncomment: never\n',
      'node_modules/team/slow.yml': 'seed: 7\n',
    },
    { 'working-directory': 'services/chat' },
  );
  assert.deepEqual(
    extended.map((file) => file.replace('/project/', '')),
    ['org.yml', 'services/defaults.yml', 'node_modules/team/slow.yml'],
  );
  assert.deepEqual(
    [settings.comment, settings.maxMinutes, settings.seed, settings.rounds],
    ['never', 5, 7, 2],
  );
  // A scenario stands beside the file that names it; folders are those of the project.
  assert.equal(settings.suites[0]?.scenario, '/project/services/load.yml');
  assert.equal(settings.reportDir, '/project/services/chat/.tailgate');
});

test('a mistake is told at its line, in the file that makes it', async () => {
  const project = (shared: string, more = '') => ({
    ...scenario,
    'shared.yml': shared,
    'tailgate.yml': `extends: ./shared.yml\nsuites:\n  - { name: chat, scenario: chat.yml }\n${more}`,
  });
  const [unknown] = await problemsIn(project('maxMinutes: 5\nverdict:\n  maxPears: 5\n'));
  assert.equal(unknown?.code, 'SETTINGS_UNKNOWN_KEY');
  assert.deepEqual(unknown && where(unknown), { file: 'shared.yml', line: 3, column: 3 });
  const [contradiction] = await problemsIn(
    project('verdict: { minPairs: 9 }\n', 'verdict: { maxPairs: 4 }\n'),
  );
  assert.deepEqual(contradiction && where(contradiction), { file: 'shared.yml', line: 1, column: 22 });
  const [hidden] = await problemsIn(project('suites:\n  - { name: a/b, scenario: x.yml }\n', 'seed: no\n'));
  assert.deepEqual(hidden && where(hidden), { file: 'tailgate.yml', line: 4, column: 7 });
  const [broken] = await problemsIn(project('a: [\n'));
  assert.equal(broken?.code, 'SETTINGS_NOT_YAML');
  assert.equal(broken?.where.file, 'shared.yml');
});

test('what cannot be found, and circles, are told at the line that names them', async () => {
  const [missing] = await problemsIn({ ...scenario, 'tailgate.yml': 'seed: 1\nextends: ["@acme/none"]\n' });
  assert.equal(missing?.code, 'EXTENDS_NOT_FOUND');
  assert.deepEqual(missing && where(missing), { file: 'tailgate.yml', line: 2, column: 12 });
  assert.match(missing?.fix ?? '', /npm ci/);
  const [path] = await problemsIn({ ...scenario, 'tailgate.yml': 'extends: ./none.yml\n' });
  assert.match(path?.fix ?? '', /relative to this file/);
  const [circle] = await problemsIn({
    ...scenario,
    'tailgate.yml': 'extends: ./a.yml\n',
    'a.yml': 'extends: ./b.yml\n',
    'b.yml': 'extends: ./a.yml\n',
  });
  assert.equal(circle?.what, 'These settings extend each other in a circle: a.yml -> b.yml -> a.yml.');
  assert.deepEqual(circle && where(circle), { file: 'b.yml', line: 1, column: 10 });
  const [type] = await problemsIn({ ...scenario, 'tailgate.yml': 'extends: { a: 1 }\n' });
  assert.equal(type?.code, 'SETTINGS_INVALID_VALUE');
});

test('the input for limits replaces those of every file', async () => {
  const { settings } = await load(
    { ...scenario, 'node_modules/@acme/tailgate/tailgate.yml': defaults, 'tailgate.yml': own },
    { thresholds: 'p99 < 1s' },
  );
  assert.deepEqual(settings.thresholds, ['p99 < 1s']);
});
