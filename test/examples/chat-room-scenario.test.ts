// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { buildBundle } from '../../scripts/build.ts';
import type { LoadRequest } from '../../src/generator/load-session.ts';
import { startLoadSession } from '../../src/generator/start-load-session.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { resolveSecret } from '../../src/settings/secrets.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';
import { engineSettingsOf } from '../../src/side/engine-settings-of.ts';
import { openRoom } from '../../src/side/room/open-room.ts';
import { buildTarget } from '../../src/side/target/build-target.ts';
import { startTarget } from '../../src/side/target/start-target.ts';
import { cleanEnvironment } from '../side/target/fixtures/target-fixture.ts';
import { tokenFor } from './chat-client.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(root, 'examples');

/** The generator runs only as a bundle; this one is of the sources as they are now. */
const bundle = mkdtempSync(join(tmpdir(), 'chat-room-bundle-'));
before(() => buildBundle(bundle, ['load-worker']));
after(() => rmSync(bundle, { recursive: true, force: true }));

/** Runs the suite of a settings file of the example on the example server, with a short load. */
const runSuite = async (
  t: TestContext,
  file: string,
  env: Record<string, string>,
  more: Partial<LoadRequest> = {},
): Promise<RoundMeasurement> => {
  const folder = mkdtempSync(join(tmpdir(), 'chat-room-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const settings = settingsSchema.parse(parse(readFileSync(join(examples, file), 'utf8')));
  const suite = settings.suites[0];
  assert.ok(suite !== undefined && settings.room !== undefined && settings.room !== false);
  const environment = { ...cleanEnvironment(), ...env };
  const build = { cwd: root, logPath: join(folder, 'build.log'), label: 'head', env: environment };
  await buildTarget(settings.target, build);
  await using target = await startTarget(
    { ...settings.target, start: `"${process.execPath}" ${settings.target.start?.replace('node ', '')}` },
    { cwd: root, logPath: join(folder, 'server.log'), label: 'head', env: environment },
  );
  await using room = await openRoom(settings.room, { url: target.url, env: environment });
  await using load = await startLoadSession(
    {
      scenarioPath: resolve(examples, dirname(file), suite.scenario),
      environment: suite.environment ?? null,
      overrides: {},
      variables: room.variables,
      targetUrl: target.url,
      engine: engineSettingsOf(
        settings.measure,
        settings.room.failureEvents,
        { seed: 1, shard: { index: 0, count: 1 } },
        (secret, key) => resolveSecret(secret, environment, key),
      ),
      rawPath: null,
      ...more,
    },
    {
      logPath: join(folder, 'load.log'),
      cpus: null,
      env: environment,
      workerPath: join(bundle, 'load-worker.js'),
    },
  );
  await load.resume();
  await load.finished;
  const measured = await load.collect();
  await target.assertAlive();
  return measured;
};

const phases = [{ duration: 2, arrivalRate: 4 }];

const assertWhole = (measured: RoundMeasurement, users: number): void => {
  const { counters, errors } = measured;
  assert.deepEqual(errors, []);
  assert.equal(counters['users.created'], users);
  assert.equal(counters['users.completed'], users);
  assert.equal(counters['users.failed'], 0);
  assert.equal(counters['messages.sent'], users * 7);
  assert.equal(counters['deliveries.lost'], 0);
  assert.equal(counters['deliveries.duplicated'], 0);
  assert.ok((counters['deliveries.expected'] ?? 0) > users, JSON.stringify(counters));
  assert.equal(counters['deliveries.received'], counters['deliveries.expected']);
  assert.equal(measured.metrics['chat.ack']?.count, users * 5);
  assert.equal(measured.metrics['chat.delivery']?.count, counters['deliveries.received']);
  assert.deepEqual(measured.unmeasured, []);
};

// A user's session takes 7 s whatever happens, so they run at the same time.
describe('scenarios of the chat room', { concurrency: true }, () => {
  test('chat-room: every message is acknowledged and reaches every member', async (t) => {
    assertWhole(await runSuite(t, 'chat-server/tailgate.yml', {}, { overrides: { phases } }), 8);
  });

  test('chat-room, environment full: the whole ramp, with users at many tables', async (t) => {
    const { config } = parse(readFileSync(join(root, 'scenarios/chat-room.yml'), 'utf8')) as {
      config: { environments: { full: { phases: { duration: number }[] } } };
    };
    const full = config.environments.full.phases;
    assert.equal(
      full.reduce((sum, phase) => sum + phase.duration, 0),
      170,
    );
    const measured = await runSuite(
      t,
      'chat-server/tailgate.yml',
      {},
      { environment: 'full', overrides: { phases } },
    );
    const { counters } = measured;
    assert.deepEqual(measured.errors, []);
    assert.equal(counters['users.completed'], 8);
    // At one table there would be 5 chats of 8 users to 7 others, less those that come and go in between.
    assert.ok((counters['deliveries.expected'] ?? 0) < 150, JSON.stringify(counters));
    assert.equal(counters['deliveries.received'], counters['deliveries.expected']);
  });

  test('nest-chat-room: built, started and measured as its settings say', async (t) => {
    assertWhole(await runSuite(t, 'nest-chat-server/tailgate.yml', {}, { overrides: { phases } }), 8);
  });

  test('chat-room-classic: the same true numbers by settings alone', async (t) => {
    const env = { ROOM_ID: 'lobby', ACCESS_TOKEN: await tokenFor('classic') };
    assertWhole(await runSuite(t, 'chat-server/tailgate-classic.yml', env, { overrides: { phases } }), 8);
  });
});
