import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { BranchStore } from '../../src/baseline/branch-store.ts';
import { GitRemoteBranch } from '../../src/baseline/git-remote-branch.ts';
import { openBaselineStore } from '../../src/baseline/open-baseline.ts';
import { TailgateError } from '../../src/errors.ts';
import { baselineSchema } from '../../src/settings/settings-schema.ts';
import { startGitHttpServer } from './git-http-server.ts';
import { commitOf, recordOf } from './records.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-git-remote-'));
after(() => rmSync(root, { recursive: true, force: true }));
// Temporary folders of the code under test are made in here, so that what it leaves behind is seen.
const temporary = path.join(root, 'tmp');
mkdirSync(temporary);
process.env.TMPDIR = temporary;

const run = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();

/** A bare repository on the server and a checkout of it with a change that is not committed. */
const repositoryOf = (name: string): { bare: string; checkout: string } => {
  const bare = path.join(root, `${name}.git`);
  const checkout = path.join(root, name);
  mkdirSync(checkout);
  run(root, 'init', '--quiet', '--bare', bare);
  run(bare, 'config', 'http.receivepack', 'true');
  run(checkout, 'init', '--quiet', '--initial-branch=main');
  run(checkout, 'config', 'user.email', 'test@example.com');
  run(checkout, 'config', 'user.name', 'Test');
  writeFileSync(path.join(checkout, 'README.md'), 'Chat\n');
  run(checkout, 'add', '.');
  run(checkout, 'commit', '--quiet', '-m', 'Begin');
  run(checkout, 'remote', 'add', 'origin', bare);
  run(checkout, 'push', '--quiet', 'origin', 'main');
  writeFileSync(path.join(checkout, 'README.md'), 'Edited\n');
  return { bare, checkout };
};

const branchOf = (checkout: string, remote = 'origin') =>
  new GitRemoteBranch({ remote, branch: 'tailgate', cwd: checkout, env: process.env });
const storeOf = (branch: GitRemoteBranch) =>
  new BranchStore(branch, {
    retention: { keep: 200, keepDays: 36_500 },
    backoffMs: 100,
    patienceMs: 240_000,
  });

test('records are kept on a branch of any remote, and the checkout is not touched', async () => {
  const { bare, checkout } = repositoryOf('first');
  const before = run(checkout, 'for-each-ref');
  {
    await using branch = branchOf(checkout);
    const store = storeOf(branch);
    assert.deepEqual(await store.read('chat'), { records: [], damaged: [] });
    await store.append([recordOf(1)]);
    await store.append([recordOf(2), recordOf(3, { suite: 'Zimmer öffnen/1' })]);
    assert.equal((await store.read('chat')).records.length, 2);
    assert.deepEqual((await store.read('Zimmer öffnen/1')).records, [
      recordOf(3, { suite: 'Zimmer öffnen/1' }),
    ]);
  }
  assert.equal(run(bare, 'rev-list', '--count', 'tailgate'), '2');
  assert.equal(run(bare, 'log', '-1', '--format=%an', 'tailgate'), 'Tailgate');
  assert.equal(run(checkout, 'for-each-ref'), before);
  assert.equal(run(checkout, 'status', '--porcelain'), 'M README.md');
  assert.deepEqual(readdirSync(temporary), [], 'the temporary repository is gone');
});

test('twenty writers at once over HTTP lose nothing', async () => {
  const { bare, checkout } = repositoryOf('many');
  await using server = await startGitHttpServer(root);
  run(checkout, 'remote', 'set-url', 'origin', `${server.url}/many.git`);
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await using branch = branchOf(checkout);
      await storeOf(branch).append([recordOf(i)]);
    }),
  );
  await using branch = branchOf(checkout);
  const { records, damaged } = await storeOf(branch).read('chat');
  assert.deepEqual(damaged, []);
  assert.deepEqual(
    records.map((record) => record.commit),
    Array.from({ length: 20 }, (_, i) => commitOf(i)),
  );
  assert.equal(run(bare, 'rev-list', '--count', 'tailgate'), '20');
});

test('what the checkout knows of reaching the remote is used', async () => {
  const { checkout } = repositoryOf('private');
  const authorization = `Basic ${Buffer.from('x-access-token:secret-token').toString('base64')}`;
  await using server = await startGitHttpServer(root, authorization);
  run(checkout, 'remote', 'set-url', 'origin', `${server.url}/private.git`);
  await using without = branchOf(checkout);
  await assert.rejects(storeOf(without).read('chat'), (error) => {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'BASELINE_UNREADABLE');
    return true;
  });
  // As actions/checkout stores its token.
  run(checkout, 'config', `http.${server.url}/.extraheader`, `AUTHORIZATION: ${authorization}`);
  await using branch = branchOf(checkout);
  const store = storeOf(branch);
  await store.append([recordOf(1)]);
  assert.equal((await store.read('chat')).records.length, 1);
});

test('a push that the server forbids, and a remote that is not there, are explained', async () => {
  const { bare, checkout } = repositoryOf('strict');
  writeFileSync(path.join(bare, 'hooks', 'pre-receive'), '#!/bin/sh\necho "no robots here" >&2\nexit 1\n', {
    mode: 0o755,
  });
  await using branch = branchOf(checkout);
  await assert.rejects(storeOf(branch).append([recordOf(1)]), (error) => {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'BASELINE_WRITE_FAILED');
    assert.match(error.message, /no robots here \(pre-receive hook declined\)\.\nA rule or hook/);
    return true;
  });
  writeFileSync(
    path.join(bare, 'hooks', 'pre-receive'),
    '#!/bin/sh\nprintf "error: GH006: Protected branch update failed for refs/heads/tailgate.\\n- Changes must be made through a pull request.\\n" >&2\nexit 1\n',
  );
  await assert.rejects(
    storeOf(branch).append([recordOf(1)]),
    /git push ended with 1: GH006: Protected branch update failed for refs\/heads\/tailgate; Changes must be made/,
  );
  await using absent = branchOf(checkout, 'http://user:hunter2@127.0.0.1:9/nothing.git');
  await assert.rejects(storeOf(absent).read('chat'), (error) => {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'BASELINE_UNREADABLE');
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
});

test('the settings choose the store', async () => {
  const { checkout } = repositoryOf('chosen');
  const context = { cwd: checkout, env: process.env, github: null };
  const open = (settings: object) => openBaselineStore(baselineSchema.parse(settings), context);
  await using none = open({ mode: 'none' });
  await none.append([recordOf(1)]);
  assert.deepEqual(await none.read('chat'), { records: [], damaged: [] });
  await using file = open({ mode: 'file' });
  assert.equal(file.where, `file ${path.join(checkout, '.tailgate/baseline.jsonl')}`);
  await using branch = open({ mode: 'branch' });
  assert.equal(branch.where, 'branch tailgate of origin');
  await branch.append([recordOf(1)]);
  await using other = open({ mode: 'side-by-side', remote: path.join(root, 'chosen.git'), branch: 'perf' });
  assert.deepEqual((await other.read('chat')).records, []);
});

test('where there is no remote there is no baseline, said so; one that was asked for must be there', async () => {
  const lonely = path.join(root, 'lonely');
  mkdirSync(lonely);
  const settings = baselineSchema.parse({ mode: 'branch' });
  const context = { cwd: lonely, env: process.env, github: null };
  for (const setUp of [() => {}, () => run(lonely, 'init', '--quiet')]) {
    setUp();
    await using store = openBaselineStore(settings, context);
    assert.match((await store.read('chat')).absent ?? '', /git knows no remote "origin" in .*lonely/);
    await assert.rejects(store.append([recordOf(1)]), /BASELINE|git knows no remote "origin"/);
  }
  await using asked = openBaselineStore({ ...settings, remote: 'upstream' }, context);
  await assert.rejects(asked.read('chat'), (error) => {
    assert.ok(error instanceof TailgateError);
    // The reason, and not the advice that git ends with.
    assert.match(error.what, /cannot be read: git fetch ended with 128: '.*upstream' does not appear to be/);
    assert.doesNotMatch(error.what, /\.\.$/);
    return true;
  });
});

test('a remote at a relative path is found from any folder of the checkout', async () => {
  const { bare, checkout } = repositoryOf('relative');
  run(checkout, 'remote', 'set-url', 'origin', path.relative(checkout, bare));
  const inner = path.join(checkout, 'services/chat');
  mkdirSync(inner, { recursive: true });
  await using branch = branchOf(inner);
  await storeOf(branch).append([recordOf(1)]);
  assert.equal(run(bare, 'rev-list', '--count', 'tailgate'), '1');
});

test('a cancelled run does not wait for other writers', async () => {
  const { bare, checkout } = repositoryOf('locked');
  mkdirSync(path.join(bare, 'refs/heads'), { recursive: true });
  writeFileSync(path.join(bare, 'refs/heads/tailgate.lock'), '');
  const cancelled = new AbortController();
  await using branch = branchOf(checkout);
  const store = new BranchStore(branch, {
    retention: { keep: 200, keepDays: 365 },
    signal: cancelled.signal,
    backoffMs: 60_000,
  });
  setTimeout(() => cancelled.abort('SIGINT'), 1_000);
  await assert.rejects(store.append([recordOf(1)]), /The run was cancelled \(SIGINT\)/);
});
