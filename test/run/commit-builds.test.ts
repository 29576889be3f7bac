import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../../src/host/host.ts';
import { CommitBuilds } from '../../src/run/commit-builds.ts';
import type { SuitePlan } from '../../src/settings/run-plan.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-builds-'));
after(() => rmSync(root, { recursive: true, force: true }));

const repo = path.join(root, 'repo');
const made = path.join(root, 'made');
const built = path.join(root, 'built.log');
const list = path.join(root, 'list.json');
const env = { ...process.env, RUNNER_TEMP: made };
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
    cwd: repo,
    encoding: 'utf8',
  }).trim();

mkdirSync(repo);
mkdirSync(made);
git('init', '-q');
const shas = Array.from({ length: 10 }, (_, index) => {
  writeFileSync(path.join(repo, 'server.js'), `${index}`);
  git('add', '-A');
  git('commit', '-qm', `${index}`);
  return git('rev-parse', 'HEAD');
});
const good = shas[0]!;

const suite = (build = `cat server.js >> ${built}; touch whole`): SuitePlan =>
  ({ target: { build, cwd: '.', env: {}, buildTimeoutMs: 60_000 } }) as unknown as SuitePlan;
const hostOf = (signal: AbortSignal): Host =>
  ({ env, signal, secrets: [], info: () => {} }) as unknown as Host;
const open = (of = suite(), { signal } = new AbortController()) =>
  CommitBuilds.open(of, good, { cwd: repo, host: hostOf(signal), logDir: root, list });
const builtSoFar = (): string => (existsSync(built) ? readFileSync(built, 'utf8') : '');

beforeEach(() => rmSync(built, { force: true }));

test('a search that goes on builds nothing again, and one that is over leaves nothing', async () => {
  {
    await using builds = await open();
    await builds.open(good);
    await builds.open(shas[3]!);
    await builds.open(good);
    builds.keep();
  }
  assert.equal(builtSoFar(), '03');
  {
    await using builds = await open();
    const again = await builds.open(shas[3]!);
    assert.equal(readFileSync(path.join(again.dir, 'server.js'), 'utf8'), '3');
    await builds.open(shas[4]!);
  }
  assert.equal(builtSoFar(), '034', 'the good commit was not needed, and is removed all the same');
  assert.deepEqual([readdirSync(made), existsSync(list)], [[], false]);
  assert.equal(git('worktree', 'list').split('\n').length, 1);
});

test('what is kept is bounded, and what another command built is not used', async () => {
  const folders = (): number => readdirSync(made).length;
  for (const some of [shas.slice(1, 6), shas.slice(6)]) {
    await using builds = await open();
    await builds.open(good);
    for (const sha of some) await builds.open(sha);
    builds.keep();
    assert.ok(folders() <= 8, `${folders()}`);
  }
  assert.equal(builtSoFar(), '0123456789');
  await using builds = await open(suite(`echo -n other >> ${built}`));
  assert.equal(folders(), 0);
  await builds.open(good);
  assert.equal(builtSoFar(), '0123456789other');
});

test('what was not built to its end is removed, whether the search was cancelled or killed', async () => {
  const slow = suite(`cat server.js >> ${built}; test -e ${root}/hurry || sleep 5; touch whole`);
  const cancelled = new AbortController();
  const isBuilding = async (log: string): Promise<void> => {
    while (builtSoFar() !== log) await delay(20);
  };
  {
    await using builds = await open(slow, cancelled);
    const building = builds.open(good);
    await isBuilding('0');
    cancelled.abort('SIGTERM');
    await assert.rejects(building, { code: 'CANCELLED' });
  }
  assert.deepEqual(readdirSync(made), []);
  const source = `
    import { CommitBuilds } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../src/run/commit-builds.ts'))};
    const { suite, good, options } = JSON.parse(process.argv[1]);
    const host = { env: process.env, signal: new AbortController().signal, secrets: [], info: () => {} };
    const builds = await CommitBuilds.open(suite, good, { ...options, host });
    await builds.open(good);`;
  const given = JSON.stringify({ suite: slow, good, options: { cwd: repo, logDir: root, list } });
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, given], {
    env,
    stdio: 'inherit',
  });
  await isBuilding('00');
  child.kill('SIGKILL');
  const [left] = readdirSync(made);
  assert.ok(left !== undefined);
  writeFileSync(path.join(root, 'hurry'), '');
  await using builds = await open(slow);
  assert.deepEqual(readdirSync(made), []);
  const { dir } = await builds.open(good);
  assert.ok(existsSync(path.join(dir, 'whole')));
  assert.equal(builtSoFar(), '000');
});
