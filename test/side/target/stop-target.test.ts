import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isPortFree } from '../../../src/side/target/ports.ts';
import type { RunningTarget } from '../../../src/side/target/running-target.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { isRunning, processesWith, serverSettings, startOptions } from './fixtures/target-fixture.ts';

/** Starts and stops the fixture server in `mode`. Returns how long stopping took, in milliseconds. */
const stopTimeMs = async (
  t: Parameters<typeof startOptions>[0],
  mode: string,
  more: Record<string, unknown> = {},
  whileRunning: (target: RunningTarget) => Promise<void> | void = () => {},
  signal?: AbortController,
): Promise<number> => {
  const warnings: string[] = [];
  const target = await startTarget(
    serverSettings(mode, more),
    startOptions(t, { warn: (message) => warnings.push(message), signal: signal?.signal }),
  );
  await whileRunning(target);
  signal?.abort('SIGTERM');
  const startedAt = performance.now();
  await target[Symbol.asyncDispose]();
  const tookMs = performance.now() - startedAt;
  assert.equal(isRunning(target.pid ?? 0), false);
  assert.equal(await isPortFree(target.port ?? 0), true);
  assert.deepEqual(warnings, []);
  return tookMs;
};

const appears = async (text: string): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (processesWith(text).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${text} never started`);
};

test('a server that ends when told is not waited for', async (t) => {
  assert.ok((await stopTimeMs(t, 'plain', { stopTimeoutMs: 20_000 })) < 10_000);
});

test('a server that ignores SIGTERM is killed after the time given', async (t) => {
  const tookMs = await stopTimeMs(t, 'ignore-sigterm', { stopTimeoutMs: 400 });
  assert.ok(tookMs >= 400, `killed after ${tookMs} ms`);
});

test('with default settings everything is gone within 3 s', async (t) => {
  assert.ok((await stopTimeMs(t, 'ignore-sigterm')) < 3_000);
});

test('after a cancellation everything is gone within 3 s, whatever the settings say', async (t) => {
  const tookMs = await stopTimeMs(
    t,
    'ignore-sigterm',
    { stopTimeoutMs: 60_000 },
    () => {},
    new AbortController(),
  );
  assert.ok(tookMs < 3_000, `took ${tookMs} ms`);
});

test('grandchildren end with the server', async (t) => {
  await stopTimeMs(t, 'grandchild', { stopTimeoutMs: 500 }, async (target) => {
    while (!target.tail().includes('the grandchild runs'))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
  assert.deepEqual(processesWith('tailgate-grandchild'), []);
});

test('a child that left the group and the session is found', async (t) => {
  await stopTimeMs(t, 'detached', { stopTimeoutMs: 1_000 }, () => appears('tailgate-detached'));
  assert.deepEqual(processesWith('tailgate-detached'), []);
});

test('a child that left and holds the port is found, and the port is free again', async (t) => {
  await stopTimeMs(t, 'holder', { stopTimeoutMs: 1_000 }, async ({ pid }) => {
    await appears('tailgate-holder');
    assert.deepEqual([pid], processesWith('tailgate-holder'), 'it is what is sampled');
  });
  assert.deepEqual(processesWith('tailgate-holder'), []);
});

test('what a server leaves behind when it dies by itself is stopped when it is closed', async (t) => {
  const target = await startTarget(serverSettings('detached'), startOptions(t));
  await appears('tailgate-detached');
  await fetch(`${target.url}/exit`).catch(() => {});
  assert.equal((await target.died).code, 'TARGET_DIED');
  await target[Symbol.asyncDispose]();
  assert.deepEqual(processesWith('tailgate-detached'), []);
});

test('a start that fails leaves nothing behind', async (t) => {
  const settings = serverSettings('detached', {
    ready: { type: 'http', path: '/failing', timeoutMs: 1_500 },
  });
  await assert.rejects(startTarget(settings, startOptions(t)), { code: 'TARGET_NOT_READY' });
  assert.deepEqual(processesWith('tailgate-detached'), []);
});

test('a daemon with an emptied environment and a session of its own is ended, even one made on the way out', async (t) => {
  for (const mode of ['clean-daemon', 'late-clean-daemon']) {
    await stopTimeMs(t, mode);
    assert.deepEqual(processesWith('tailgate-detached'), [], mode);
  }
});

test('what a server prints while it is stopped is in its log', async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const options = startOptions(t);
    const target = await startTarget(serverSettings('last-words'), options);
    await target[Symbol.asyncDispose]();
    assert.match(readFileSync(options.logPath, 'utf8'), /the last word/);
  }
});
