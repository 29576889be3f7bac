import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparableRecords, incomparabilities } from '../../src/baseline/comparability.ts';
import { environmentFingerprint, settingsHash } from '../../src/baseline/fingerprint.ts';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import type { SuitePlan } from '../../src/settings/run-plan.ts';
import { measureSchema, roomSchema, targetSchema } from '../../src/settings/settings-schema.ts';
import { recordOf } from './records.ts';

const current = recordOf(0).fingerprint;
const withEnvironment = (more: Partial<typeof current.environment>) =>
  recordOf(1, { fingerprint: { ...current, environment: { ...current.environment, ...more } } });

test('the same scenario, settings and class of machine compare', () => {
  assert.deepEqual(incomparabilities(recordOf(1), current), []);
  const alike = [
    withEnvironment({ memoryGiB: 7.8 }),
    withEnvironment({ node: '24.9.0' }),
    withEnvironment({ tailgate: '0.1.9' }),
    withEnvironment({ os: 'linux 6 x64 20260105.1' }),
  ];
  for (const record of alike) assert.deepEqual(incomparabilities(record, current), []);
});

test('each difference that matters is named', () => {
  const cases: [ReturnType<typeof recordOf>, RegExp][] = [
    [recordOf(1, { fingerprint: { ...current, scenarioHash: 'x' } }), /^another scenario$/],
    [recordOf(1, { fingerprint: { ...current, settingsHash: 'x' } }), /^other settings$/],
    [withEnvironment({ cpuModel: 'Other CPU' }), /^another processor \(Other CPU\)$/],
    [withEnvironment({ cores: 4 }), /^4 cores instead of 2$/],
    [withEnvironment({ memoryGiB: 16 }), /^16 GiB of memory instead of 8$/],
    [withEnvironment({ os: 'darwin arm64 24' }), /^another system/],
    [withEnvironment({ node: '22.1.0' }), /^Node 22$/],
    [withEnvironment({ tailgate: '0.2.0' }), /^Tailgate 0\.2\.0$/],
    [withEnvironment({ artillery: '2.0.35' }), /^Artillery 2\.0\.35$/],
    [recordOf(1, { verdict: 'fail' }), /^a verdict of fail that nobody accepted$/],
    [recordOf(1, { verdict: 'invalid' }), /^a verdict of invalid that nobody accepted$/],
  ];
  for (const [record, expected] of cases) assert.match(incomparabilities(record, current).join(), expected);
});

test('records that do not compare are counted by reason', () => {
  const other = { fingerprint: { ...current, scenarioHash: 'x' } };
  const { comparable, reasons } = comparableRecords(
    [recordOf(1, other), recordOf(2, other), recordOf(3), withEnvironment({ cores: 64 })],
    current,
  );
  assert.equal(comparable.length, 1);
  assert.deepEqual(reasons, [
    '2 stored runs are shown but not compared with: they have another scenario.',
    '1 stored run is shown but not compared with: it has 64 cores instead of 2.',
  ]);
});

test('an accepted change begins a new history', () => {
  const accepted = { by: 'kim', why: 'The new codec is slower on purpose', at: '2026-01-01T00:05:00Z' };
  const records = [recordOf(1), recordOf(2), recordOf(3, { verdict: 'fail', accepted }), recordOf(4)];
  const { comparable, reasons } = comparableRecords(records, current);
  assert.deepEqual(comparable, records.slice(2));
  assert.deepEqual(reasons, []);
});

const suiteOf = (more: { room?: object | null; measure?: object; target?: object } = {}): SuitePlan => ({
  name: 'chat',
  scenarioPath: '/chat.yml',
  environment: null,
  overrides: {},
  variables: {},
  target: targetSchema.parse(more.target ?? {}),
  room: more.room === null ? null : roomSchema.parse(more.room ?? {}),
  measure: measureSchema.parse(more.measure ?? {}),
  thresholds: [],
});

test('the settings hash follows what is measured, not the server, its secrets or the order of keys', () => {
  const plain = settingsHash(suiteOf());
  const same = [
    suiteOf({ target: { start: 'node faster.js', env: { MODE: 'x' }, cwd: 'app' } }),
    suiteOf({ room: { namespace: '/', token: 'abc' } }),
    suiteOf({ room: { timeoutMs: 1_000 } }),
    suiteOf({ measure: { main: 'chat.ack', raw: true } }),
  ];
  for (const suite of same) assert.equal(settingsHash(suite), plain);
  const limited = { ...suiteOf(), thresholds: [parseThreshold('server.loopDelay < 200ms')] };
  assert.equal(settingsHash(limited), plain);
  const jwt = (secret: string) => suiteOf({ room: { jwt: { secret, claims: { sub: 'owner' } } } });
  assert.equal(settingsHash(jwt('one')), settingsHash(jwt('two')));
  const header = (value: string) => suiteOf({ room: { headers: { authorization: value } } });
  assert.equal(settingsHash(header('Bearer one')), settingsHash(header('Bearer two')));
  const create = (data: object) => suiteOf({ room: { create: { event: 'createRoom', data } } });
  assert.equal(settingsHash(create({ a: 1, b: 2 })), settingsHash(create({ b: 2, a: 1 })));
  const different = [
    suiteOf({ room: null }),
    suiteOf({ room: { namespace: '/chat' } }),
    suiteOf({ measure: { acknowledgements: 'all' } }),
    suiteOf({ target: { nodePreload: false } }),
    header('x'),
    create({ a: 1 }),
    create({ a: 2 }),
    { ...suiteOf(), thresholds: [parseThreshold('server.loopDelay < +20%')] },
  ].map(settingsHash);
  assert.equal(new Set([plain, ...different]).size, different.length + 1);
});

test('the environment names the machine and the versions', () => {
  const environment = environmentFingerprint({ ImageOS: 'ubuntu24', ImageVersion: '20260105.1' });
  assert.match(environment.os, /^\w+ \w+ ubuntu24 20260105\.1$/);
  assert.ok(environment.cores >= 1 && environment.memoryGiB > 0);
  assert.match(environment.tailgate, /^\d+\.\d+\.\d+/);
  assert.match(environment.artillery, /^2\./);
  assert.match(environmentFingerprint({}).os, /^\w+ \w+ \S+$/);
});
