import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { killRegistered, parseRegistry } from '../../../src/host/processes/process-registry.ts';
import { readProcess } from '../../../src/host/processes/process-table.ts';
import { cleanEnvironment, isRunning, processesWith } from '../../side/target/fixtures/target-fixture.ts';

const ownerPath = fileURLToPath(new URL('../../side/target/fixtures/registry-owner.ts', import.meta.url));

const registryPath = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'processes.jsonl');
};

/** Runs a process that starts a server and then ends in the way `how` says. Resolves with the server's pid. */
const abandon = (
  how: 'exit' | 'kill' | 'kill-all' | 'stop',
  registry: string,
  mode: string,
): Promise<number> =>
  new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [ownerPath, how, registry, mode],
      { env: cleanEnvironment() as NodeJS.ProcessEnv, timeout: 30_000 },
      (error, stdout, stderr) => {
        const pid = Number(/server (\d+)/.exec(stdout)?.[1]);
        if (Number.isNaN(pid)) reject(new Error(`${error}\n${stdout}\n${stderr}`));
        else resolve(pid);
      },
    );
  });

/** Waits while something is so, three seconds at most. */
const whileSo = async (isSo: () => boolean): Promise<void> => {
  for (let attempt = 0; attempt < 150 && isSo(); attempt += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
};

const dies = async (pid: number): Promise<void> => {
  await whileSo(() => isRunning(pid));
  assert.equal(isRunning(pid), false);
};

test('another process kills what one that was killed had left behind', async (t) => {
  const registry = registryPath(t);
  const pid = await abandon('kill-all', registry, 'detached');
  assert.equal(isRunning(pid), true);
  assert.ok(processesWith('tailgate-detached').length > 0);
  const killed = killRegistered(registry);
  assert.ok(
    killed.some((command) => command.includes('server.mjs')),
    killed.join(),
  );
  await dies(pid);
  assert.deepEqual(processesWith('tailgate-detached'), []);
  assert.equal(existsSync(registry), false);
  assert.deepEqual(killRegistered(registry), []);
});

test('the watchdog ends what a process that was killed had left behind, wherever it went', async (t) => {
  for (const mode of ['plain', 'ignore-sigterm', 'detached', 'clean-daemon']) {
    await dies(await abandon('kill', registryPath(t), mode));
    await whileSo(() => processesWith('tailgate-detached').length > 0);
    assert.deepEqual(processesWith('tailgate-detached'), [], mode);
  }
});

test('strays are found after the server itself is gone', async (t) => {
  const registry = registryPath(t);
  const pid = await abandon('kill-all', registry, 'detached');
  process.kill(pid, 'SIGKILL');
  await dies(pid);
  assert.ok(processesWith('tailgate-detached').length > 0);
  const strays = processesWith('tailgate-detached');
  killRegistered(registry);
  for (const stray of strays) await dies(stray);
  assert.deepEqual(processesWith('tailgate-detached'), []);
});

test('the last resort kills everything while the process exits', async (t) => {
  const registry = registryPath(t);
  const pid = await abandon('exit', registry, 'ignore-sigterm');
  await dies(pid);
  assert.deepEqual(parseRegistry(readFileSync(registry, 'utf8')), []);
});

test('what was stopped in order is not in the registry any more', async (t) => {
  const registry = registryPath(t);
  await dies(await abandon('stop', registry, 'plain'));
  assert.deepEqual(parseRegistry(readFileSync(registry, 'utf8')), []);
  assert.deepEqual(killRegistered(registry), []);
});

test('a process id that was given to somebody else is left alone', async (t) => {
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: 'ignore',
    detached: true,
  });
  t.after(() => bystander.kill('SIGKILL'));
  await new Promise((resolve) => bystander.once('spawn', resolve));
  const pid = bystander.pid ?? 0;
  const registry = registryPath(t);
  const line = { pid, pgid: pid, startTime: '1', marker: 'no-such-run' };
  writeFileSync(registry, `not json\n${JSON.stringify(line)}\n{"pid":1}\n`);
  assert.deepEqual(killRegistered(registry), []);
  assert.equal(isRunning(pid), true);
  const known = { ...line, startTime: readProcess(pid)?.startTime };
  writeFileSync(registry, `${JSON.stringify(known)}\n`);
  assert.equal(killRegistered(registry).length, 1);
  await dies(pid);
});
