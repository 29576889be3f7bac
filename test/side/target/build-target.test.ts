import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { targetSchema } from '../../../src/settings/settings-schema.ts';
import { buildTarget } from '../../../src/side/target/build-target.ts';
import { processesWith, startOptions } from './fixtures/target-fixture.ts';

const settings = (build: string | undefined, more: Record<string, unknown> = {}) =>
  targetSchema.parse({ build, ...more });

test('without a build command nothing is run', async (t) => {
  const options = startOptions(t);
  assert.equal(await buildTarget(settings(undefined), options), 0);
  assert.equal(existsSync(options.logPath), false);
});

test('the build runs in its folder with its environment', async (t) => {
  const options = startOptions(t);
  const tookMs = await buildTarget(settings('echo "$WHAT" > built.txt', { env: { WHAT: 'yes' } }), options);
  assert.ok(tookMs > 0);
  assert.equal(readFileSync(join(options.cwd, 'built.txt'), 'utf8'), 'yes\n');
});

test('a failing build shows its last lines', async (t) => {
  const options = startOptions(t, { secrets: ['npm_abcdef'] });
  const build = 'seq 1 500; echo "token npm_abcdef"; echo broken >&2; exit 4';
  await assert.rejects(buildTarget(settings(build), options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'BUILD_FAILED');
    assert.match(error.message, /exit code 4/);
    assert.match(error.message, /500\ntoken \*\*\*\nbroken|broken/);
    assert.doesNotMatch(error.message, /npm_abcdef|\n100\n/);
    return true;
  });
  assert.match(readFileSync(options.logPath, 'utf8'), /\n100\n/);
});

test('a build that takes too long, or is cancelled, is stopped', async (t) => {
  const build = 'sleep 876.543 & sleep 876.543';
  await assert.rejects(buildTarget(settings(build, { buildTimeoutMs: 300 }), startOptions(t)), {
    code: 'BUILD_FAILED',
    message: /a timeout after 300 ms/,
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort('SIGINT'), 200);
  await assert.rejects(buildTarget(settings(build), startOptions(t, { signal: controller.signal })), {
    code: 'CANCELLED',
  });
  assert.deepEqual(processesWith('sleep 876.543'), []);
});
