import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { type BaseCommitOptions, openBaseCommit } from '../../src/baseline/base-commit.ts';
import { TailgateError } from '../../src/errors.ts';
import { startGitHttpServer } from './git-http-server.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-base-commit-'));
after(() => rmSync(root, { recursive: true, force: true }));

const env = {
  ...process.env,
  RUNNER_TEMP: root,
  INPUT_TEST: undefined,
  // As at a desk, wherever the tests run.
  CI: undefined,
  GITHUB_ACTIONS: undefined,
  JENKINS_URL: undefined,
  BUILD_URL: undefined,
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'user.name',
  GIT_CONFIG_VALUE_0: 'Test',
  GIT_CONFIG_KEY_1: 'user.email',
  GIT_CONFIG_VALUE_1: 'test@example.com',
};
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

const commit = (cwd: string, text: string): string => {
  writeFileSync(path.join(cwd, 'server.js'), text);
  git(cwd, 'add', '.');
  git(cwd, 'commit', '--quiet', '-m', text);
  return git(cwd, 'rev-parse', 'HEAD');
};

type History = { bare: string; work: string; sha: Record<string, string> };

/** main: 1, 2, 3, then 40 more; topic left it at 2 and has two commits; `merge` merges topic into 3. */
const historyOf = (name: string): History => {
  const bare = path.join(root, `${name}.git`);
  const work = path.join(root, `${name}-work`);
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  mkdirSync(work);
  git(work, 'init', '--quiet', '--initial-branch=main');
  const sha: Record<string, string> = {};
  sha.one = commit(work, 'one');
  sha.two = commit(work, 'two');
  git(work, 'checkout', '--quiet', '-b', 'topic');
  writeFileSync(path.join(work, 'topic.js'), 'topic');
  sha.topic1 = commit(work, 'two');
  writeFileSync(path.join(work, 'topic.js'), 'topic again');
  sha.topic = commit(work, 'two');
  git(work, 'checkout', '--quiet', 'main');
  sha.three = commit(work, 'three');
  git(work, 'checkout', '--quiet', '-b', 'merged');
  git(work, 'merge', '--quiet', '--no-edit', 'topic');
  sha.merge = git(work, 'rev-parse', 'HEAD');
  git(work, 'checkout', '--quiet', 'main');
  sha.tip = commit(work, 'later');
  git(work, 'tag', 'v1', sha.one);
  git(work, 'push', '--quiet', '--tags', bare, 'main', 'topic', `${sha.merge}:refs/pull/7/merge`);
  git(bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  return { bare, work, sha };
};

/** What actions/checkout does: one commit, detached, with a shallow history. */
const shallowCheckout = (name: string, url: string, ref: string, depth = 1): string => {
  const dir = path.join(root, name);
  mkdirSync(dir);
  git(dir, 'init', '--quiet');
  git(dir, 'remote', 'add', 'origin', url);
  git(dir, 'fetch', '--quiet', '--no-tags', `--depth=${depth}`, 'origin', ref);
  git(dir, 'checkout', '--quiet', '--detach', 'FETCH_HEAD');
  return dir;
};

const hints = (eventName: string, more: Partial<NonNullable<BaseCommitOptions['context']>> = {}) => ({
  eventName,
  headSha: null,
  baseSha: null,
  baseBranch: 'main',
  defaultBranch: 'main',
  checkoutSha: null,
  serverUrl: 'https://github.example',
  ...more,
});

const baseOf = async (
  cwd: string,
  context: BaseCommitOptions['context'],
  settings: { ref?: string } = {},
): Promise<{ sha: string | null; text: string }> => {
  await using base = await openBaseCommit({ dir: undefined, ref: settings.ref }, { cwd, env, context });
  return { sha: base.sha, text: readFileSync(path.join(base.dir, 'server.js'), 'utf8') };
};

test('the merge commit of a pull request is compared with its first parent, from a shallow clone', async () => {
  const { bare, sha } = historyOf('merge');
  const url = `file://${bare}`;
  const cwd = shallowCheckout('merge-checkout', url, 'refs/pull/7/merge');
  const before = git(cwd, 'rev-parse', 'HEAD');
  writeFileSync(path.join(cwd, 'server.js'), 'edited');
  const context = hints('pull_request', { headSha: sha.topic!, baseSha: sha.tip! });
  let dir: string;
  {
    await using base = await openBaseCommit({}, { cwd, env, context });
    dir = base.dir;
    assert.equal(base.sha, sha.three, 'not the tip of main, which has moved on');
    assert.equal(readFileSync(path.join(dir, 'server.js'), 'utf8'), 'three');
    assert.equal(path.basename(dir), 'merge-checkout');
    assert.ok(!existsSync(path.join(dir, 'topic.js')));
  }
  assert.ok(!existsSync(dir), 'the worktree is removed');
  assert.equal(git(cwd, 'worktree', 'list').split('\n').length, 1);
  assert.equal(git(cwd, 'rev-parse', 'HEAD'), before);
  assert.equal(readFileSync(path.join(cwd, 'server.js'), 'utf8'), 'edited', 'the checkout is as it was');
});

test('the head of a pull request is compared with the merge base, deepening a shallow clone', async () => {
  const { bare, sha } = historyOf('head');
  const cwd = shallowCheckout('head-checkout', `file://${bare}`, 'topic');
  const context = hints('pull_request', { headSha: sha.topic!, baseSha: sha.tip! });
  assert.deepEqual(await baseOf(cwd, context), { sha: sha.two, text: 'two' });
});

test('a merge base is found however deep it lies', async () => {
  const { bare, work, sha } = historyOf('deep');
  git(work, 'checkout', '--quiet', 'topic');
  for (let i = 0; i < 60; i += 1) git(work, 'commit', '--quiet', '--allow-empty', '-m', String(i));
  git(work, 'push', '--quiet', bare, 'topic');
  const cwd = shallowCheckout('deep-checkout', `file://${bare}`, 'topic');
  const context = hints('pull_request', { headSha: git(work, 'rev-parse', 'topic'), baseSha: sha.tip! });
  assert.equal((await baseOf(cwd, context)).sha, sha.two);
});

test('a push is compared with the state before it, a merge group with its base', async () => {
  const { bare, sha } = historyOf('push');
  const cwd = shallowCheckout('push-checkout', `file://${bare}`, 'main');
  assert.equal((await baseOf(cwd, hints('push', { baseSha: sha.two! }))).sha, sha.two);
  assert.equal((await baseOf(cwd, hints('merge_group', { baseSha: sha.one! }))).sha, sha.one);
  const forced = hints('push', { baseSha: 'd'.repeat(40) });
  assert.equal((await baseOf(cwd, forced)).sha, sha.three, 'what nobody has gives way to the parent');
  assert.equal((await baseOf(cwd, hints('schedule'))).sha, sha.three);
});

test('a setting names a commit, a tag, or a branch at the point where HEAD left it', async () => {
  const { bare, sha } = historyOf('setting');
  const cwd = shallowCheckout('setting-checkout', `file://${bare}`, 'topic');
  for (const [ref, expected] of [
    [sha.one!, sha.one],
    ['v1', sha.one],
    ['refs/tags/v1', sha.one],
    ['main', sha.two],
    ['origin/main', sha.two],
  ] as const)
    assert.equal((await baseOf(cwd, null, { ref })).sha, expected, ref);
});

test('a full clone stays a full clone', async () => {
  const { bare, sha } = historyOf('full');
  const cwd = path.join(root, 'full-checkout');
  git(root, 'clone', '--quiet', '--branch', 'topic', '--single-branch', `file://${bare}`, cwd);
  const context = hints('pull_request', { headSha: sha.topic!, baseSha: sha.tip! });
  assert.equal((await baseOf(cwd, context)).sha, sha.two);
  assert.equal(git(cwd, 'rev-parse', '--is-shallow-repository'), 'false');
});

test('without an event: what is uncommitted, the branch, or the last commit is the change', async () => {
  const { work, sha } = historyOf('local');
  git(work, 'checkout', '--quiet', 'topic');
  assert.equal((await baseOf(work, null)).sha, sha.two, 'where the branch left main');
  git(work, 'checkout', '--quiet', 'main');
  assert.equal((await baseOf(work, null)).sha, sha.three, 'the commit before');
  writeFileSync(path.join(work, 'server.js'), 'edited');
  assert.equal((await baseOf(work, null)).sha, sha.tip, 'the commit that was edited');
});

test('the folder of the base version is the one that the run works in', async () => {
  const { work } = historyOf('nested');
  const inner = path.join(work, 'packages', 'chat');
  mkdirSync(inner, { recursive: true });
  writeFileSync(path.join(inner, 'package.json'), '{}');
  commit(work, 'nested');
  commit(work, 'again');
  await using base = await openBaseCommit({}, { cwd: inner, env, context: null });
  assert.ok(existsSync(path.join(base.dir, 'package.json')));
  await assert.rejects(
    openBaseCommit({ ref: 'v1' }, { cwd: inner, env, context: null }),
    /no base version .* yet: the base version \([0-9a-f]{10}\) has no folder "packages\/chat".*baseline\.require: false/s,
  );
});

test('a token helps where the checkout kept no credentials', async () => {
  const { bare, sha } = historyOf('token');
  const authorization = `basic ${Buffer.from('x-access-token:secret').toString('base64')}`;
  await using server = await startGitHttpServer(root, authorization);
  const cwd = shallowCheckout('token-checkout', `file://${bare}`, 'refs/pull/7/merge');
  git(cwd, 'remote', 'set-url', 'origin', `${server.url}/token.git`);
  const context = { ...hints('pull_request', { headSha: sha.topic! }), serverUrl: server.url };
  const open = (token: string) =>
    openBaseCommit({}, { cwd, env: { ...env, 'INPUT_GITHUB-TOKEN': token }, context });
  await assert.rejects(open('wrong'), (error) => {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'BASE_COMMIT_UNAVAILABLE');
    assert.doesNotMatch(error.message, /secret|wrong/);
    return true;
  });
  await using base = await open('secret');
  assert.equal(base.sha, sha.three);
});

test('in CI, files that the build changed are not the change: it is what the branch added', async () => {
  const { work, sha } = historyOf('edited');
  git(work, 'checkout', '--quiet', 'topic');
  writeFileSync(path.join(work, 'server.js'), 'edited');
  const baseWith = async (more: Record<string, string | undefined>) => {
    await using base = await openBaseCommit({}, { cwd: work, env: { ...env, ...more }, context: null });
    return base.sha;
  };
  assert.equal(await baseWith({}), sha.topic);
  assert.equal(await baseWith({ CI: 'true' }), sha.two);
  assert.equal(await baseWith({ CHANGE_TARGET: 'main' }), sha.two);
  // Systems that do not set CI, and somebody who says that this is none.
  assert.equal(await baseWith({ JENKINS_URL: 'http://jenkins/' }), sha.two);
  assert.equal(await baseWith({ TF_BUILD: 'True' }), sha.two);
  assert.equal(await baseWith({ CI: 'false' }), sha.topic);
  assert.equal(await baseWith({ CI: 'true', CI_MERGE_REQUEST_DIFF_BASE_SHA: sha.one }), sha.one);
});

test('a folder that the user gives is taken as it is', async () => {
  const given = path.join(root, 'given');
  mkdirSync(given);
  {
    await using base = await openBaseCommit({ dir: 'given' }, { cwd: root, env, context: null });
    assert.deepEqual([base.dir, base.sha], [given, null]);
  }
  assert.ok(existsSync(given), 'and left in place');
  await assert.rejects(
    openBaseCommit({ dir: 'absent' }, { cwd: root, env, context: null }),
    /BASE_COMMIT|no such folder/,
  );
});

test('what cannot be had is explained', async () => {
  const { bare, work } = historyOf('wrong');
  const codeOf = async (cwd: string, ref?: string) => {
    const error: unknown = await openBaseCommit({ ref }, { cwd, env, context: null }).then(
      () => assert.fail('it must not succeed'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof TailgateError, String(error));
    return `${error.code} ${error.what}`;
  };
  assert.match(await codeOf(root), /BASE_COMMIT_UNAVAILABLE .*not in a git repository/);
  assert.match(await codeOf(work, 'nowhere'), /BASE_COMMIT_UNAVAILABLE .*nowhere/);
  assert.match(await codeOf(work, '--upload-pack=touch /tmp/never'), /BASE_COMMIT_UNAVAILABLE/);
  const cwd = shallowCheckout('wrong-checkout', `file://${bare}`, 'main');
  assert.match(await codeOf(cwd, 'e'.repeat(40)), /BASE_COMMIT_UNAVAILABLE The base commit e+ /);
  const empty = path.join(root, 'empty');
  mkdirSync(empty);
  git(empty, 'init', '--quiet');
  assert.match(await codeOf(empty), /there is no commit yet/);
  writeFileSync(path.join(empty, 'server.js'), '');
  commit(empty, 'first');
  assert.match(await codeOf(empty), /HEAD is the first commit/);
});

const refusal = async (
  cwd: string,
  context: BaseCommitOptions['context'],
  settings: { ref?: string } = {},
  more: Record<string, string> = {},
): Promise<string> => {
  const opened = openBaseCommit(settings, { cwd, env: { ...env, ...more }, context });
  const error: unknown = await opened.then(
    async (base) => {
      await base[Symbol.asyncDispose]();
      return assert.fail(`${base.sha} is no base`);
    },
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TailgateError, String(error));
  return error.message;
};

test('the commit that is measured is never its own base', async () => {
  const { bare, sha } = historyOf('itself');
  const cwd = shallowCheckout('itself-checkout', `file://${bare}`, 'main');
  const push = hints('push', { headSha: sha.tip!, baseSha: sha.two! });
  assert.equal(
    (await baseOf(cwd, push, { ref: 'main' })).sha,
    sha.two,
    'on main itself, what was before the push',
  );
  assert.equal((await baseOf(cwd, hints('schedule'), { ref: 'main' })).sha, sha.three, 'or the parent');
  for (const ref of [sha.tip!, 'HEAD'])
    assert.match(
      await refusal(cwd, push, { ref }),
      /is the commit that is checked out .* nothing to compare/,
      ref,
    );
  // At a desk the change is what is not committed yet.
  writeFileSync(path.join(cwd, 'server.js'), 'edited');
  assert.equal((await baseOf(cwd, null, { ref: 'HEAD' })).sha, sha.tip);
});

test('a pull request of which nothing is checked out has nothing to compare', async () => {
  const { bare, sha } = historyOf('target');
  const cwd = shallowCheckout('target-checkout', `file://${bare}`, 'main');
  const target = { headSha: sha.topic!, baseSha: sha.tip!, checkoutSha: sha.tip! };
  assert.match(
    await refusal(cwd, hints('pull_request_target', target)),
    /on the base branch: nothing of the pull request is there to compare/,
  );
});

test('a branch that a kept workspace remembers is asked for again', async () => {
  const { bare, sha } = historyOf('stale');
  const cwd = shallowCheckout('stale-checkout', `file://${bare}`, 'topic');
  git(cwd, 'fetch', '--quiet', 'origin', `+${sha.one}:refs/remotes/origin/main`);
  assert.equal((await baseOf(cwd, hints('workflow_dispatch'))).sha, sha.two);
  assert.equal((await baseOf(cwd, hints('workflow_dispatch'), { ref: 'main' })).sha, sha.two);
  assert.equal(git(cwd, 'rev-parse', 'origin/main'), sha.one, 'and stays as it was');
  git(cwd, 'remote', 'set-url', 'origin', 'file:///nowhere');
  await using base = await openBaseCommit({}, { cwd, env, context: hints('workflow_dispatch') });
  assert.equal(base.sha, sha.one, 'what the clone knows will do where the remote is away');
  assert.match(base.notes.join(), /could not be fetched/);
});

test('what an event leaves out is taken from elsewhere', async () => {
  const { bare, sha } = historyOf('act');
  const cwd = shallowCheckout('act-checkout', `file://${bare}`, 'topic', 3);
  assert.equal((await baseOf(cwd, hints('pull_request', { headSha: sha.topic! }))).sha, sha.two);
  assert.equal(
    (await baseOf(cwd, hints('pull_request'))).sha,
    sha.two,
    'the first commit of two is not the base',
  );
  const merge = shallowCheckout('act-merge', `file://${bare}`, 'refs/pull/7/merge');
  assert.equal((await baseOf(merge, hints('pull_request', { checkoutSha: sha.merge! }))).sha, sha.three);
});

test('an expression is a commit as it is, a short id is looked for in the history', async () => {
  const { bare, sha } = historyOf('forms');
  const cwd = shallowCheckout('forms-checkout', `file://${bare}`, 'topic');
  for (const [ref, expected] of [
    ['HEAD~2', sha.two],
    ['HEAD^', sha.topic1],
    ['main~2', sha.two],
    ['v1^{commit}', sha.one],
    [sha.two!.slice(0, 8), sha.two],
  ] as const)
    assert.equal((await baseOf(cwd, null, { ref })).sha, expected, ref);
  assert.match(
    await refusal(cwd, null, { ref: 'nowhere' }),
    /no branch or tag of this name, and it is no commit/,
  );
  assert.match(await refusal(cwd, null, { ref: 'HEAD~900' }), /the history of HEAD has no such commit/);
  assert.match(await refusal(cwd, null, { ref: '0123abcd' }), /by a short id\.\nWrite all 40 characters/);
});

test('files that the clone left out are fetched with the token, which is written nowhere', async () => {
  const { bare, sha } = historyOf('partial');
  git(bare, 'config', 'uploadpack.allowFilter', 'true');
  const authorization = `basic ${Buffer.from('x-access-token:secret').toString('base64')}`;
  await using server = await startGitHttpServer(root, authorization);
  const cwd = path.join(root, 'partial-checkout');
  mkdirSync(cwd);
  git(cwd, 'init', '--quiet');
  git(cwd, 'remote', 'add', 'origin', `${server.url}/partial.git`);
  // As actions/checkout does, with a header that it takes away again.
  const fetched = spawn(
    'git',
    ['-c', `http.${server.url}/.extraheader=AUTHORIZATION: ${authorization}`].concat([
      'fetch',
      '--quiet',
      '--depth=1',
      '--filter=blob:none',
      'origin',
      'refs/pull/7/merge',
    ]),
    { cwd, env, stdio: 'ignore' },
  );
  await once(fetched, 'close');
  const checkedOut = spawn(
    'git',
    ['-c', `http.${server.url}/.extraheader=AUTHORIZATION: ${authorization}`].concat([
      'checkout',
      '--quiet',
      '--detach',
      'FETCH_HEAD',
    ]),
    { cwd, env, stdio: 'ignore' },
  );
  await once(checkedOut, 'close');
  const context = { ...hints('pull_request', { headSha: sha.topic! }), serverUrl: server.url };
  await using base = await openBaseCommit(
    {},
    {
      cwd,
      env: { ...env, 'INPUT_GITHUB-TOKEN': 'secret' },
      context,
    },
  );
  assert.equal(readFileSync(path.join(base.dir, 'server.js'), 'utf8'), 'three');
  assert.doesNotMatch(readFileSync(path.join(cwd, '.git/config'), 'utf8'), /extraheader|secret/i);
});

test('a submodule that only the base has is checked out, and nothing of it is kept', async () => {
  const { work } = historyOf('vendored');
  const library = path.join(root, 'library');
  mkdirSync(library);
  git(library, 'init', '--quiet', '--initial-branch=main');
  commit(library, 'library');
  const allowFile = {
    GIT_CONFIG_COUNT: '3',
    GIT_CONFIG_KEY_2: 'protocol.file.allow',
    GIT_CONFIG_VALUE_2: 'always',
  };
  execFileSync('git', ['submodule', '--quiet', 'add', `file://${library}`, 'lib'], {
    cwd: work,
    env: { ...env, ...allowFile },
    stdio: 'ignore',
  });
  commit(work, 'a submodule');
  git(work, 'rm', '-q', '-f', 'lib');
  git(work, 'config', '--remove-section', 'submodule.lib');
  rmSync(path.join(work, '.git/modules'), { recursive: true, force: true });
  mkdirSync(path.join(work, 'lib'));
  writeFileSync(path.join(work, 'lib/server.js'), 'vendored');
  commit(work, 'its files');
  const before = readFileSync(path.join(work, '.git/config'), 'utf8');
  const opened = (more: Record<string, string>) =>
    openBaseCommit({}, { cwd: work, env: { ...env, ...more }, context: null });
  {
    await using base = await opened(allowFile);
    assert.equal(readFileSync(path.join(base.dir, 'lib/server.js'), 'utf8'), 'library');
  }
  assert.equal(readFileSync(path.join(work, '.git/config'), 'utf8'), before);
  // The base may not need what cannot be had; but the reader is told.
  await using without = await opened({});
  assert.match(without.notes.join(), /submodules, which the head has not/);
});

test('files of LFS are as the head has them: files, or pointers', async (t) => {
  if (spawnSync('git', ['lfs', 'version']).status !== 0) return t.skip('git lfs is not installed');
  const work = path.join(root, 'lfs-work');
  mkdirSync(work);
  git(work, 'init', '--quiet', '--initial-branch=main');
  git(work, 'lfs', 'install', '--local');
  writeFileSync(path.join(work, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  writeFileSync(path.join(work, 'rooms.bin'), 'the rooms');
  commit(work, 'one');
  commit(work, 'two');
  const textOf = async () => {
    await using base = await openBaseCommit({}, { cwd: work, env, context: null });
    return readFileSync(path.join(base.dir, 'rooms.bin'), 'utf8');
  };
  assert.equal(await textOf(), 'the rooms');
  writeFileSync(path.join(work, 'rooms.bin'), git(work, 'cat-file', '-p', 'HEAD:rooms.bin').concat('\n'));
  assert.match(await textOf(), /^version https:\/\/git-lfs/);
});

test('files of LFS that only a private server has are fetched with the token', async (t) => {
  if (spawnSync('git', ['lfs', 'version']).status !== 0) return t.skip('git lfs is not installed');
  const work = path.join(root, 'private-lfs');
  const bare = `${work}.git`;
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  mkdirSync(work);
  git(work, 'init', '--quiet', '--initial-branch=main');
  git(work, 'lfs', 'install', '--local');
  writeFileSync(path.join(work, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  for (const version of ['one', 'two']) {
    writeFileSync(path.join(work, 'rooms.bin'), `the rooms of ${version}`);
    commit(work, version);
  }
  git(work, 'remote', 'add', 'origin', `file://${bare}`);
  git(work, 'push', '--quiet', 'origin', 'main');
  const authorization = `basic ${Buffer.from('x-access-token:secret').toString('base64')}`;
  await using server = await startGitHttpServer(root, authorization);
  git(work, 'remote', 'set-url', 'origin', `${server.url}/private-lfs.git`);
  // The checkout has the file of its own version alone, as "lfs: true" of actions/checkout leaves it.
  const [, oid = ''] = /oid sha256:(\w+)/.exec(git(work, 'cat-file', '-p', 'HEAD~1:rooms.bin'))!;
  rmSync(path.join(work, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid));
  const context = { ...hints('schedule'), serverUrl: server.url };
  const textWith = async (token: string) => {
    const given = { ...env, 'INPUT_GITHUB-TOKEN': token };
    await using base = await openBaseCommit({}, { cwd: work, env: given, context });
    return readFileSync(path.join(base.dir, 'rooms.bin'), 'utf8');
  };
  assert.equal(await textWith('secret'), 'the rooms of one');
  rmSync(path.join(work, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid));
  await assert.rejects(textWith(''), /BASE_COMMIT_UNAVAILABLE|cannot be|could not/i);
  assert.doesNotMatch(readFileSync(path.join(work, '.git/config'), 'utf8'), /extraheader|secret/i);
});

test('git that is not there is named, with what to do', async () => {
  const cwd = path.join(root, 'nogit');
  mkdirSync(cwd);
  assert.match(
    await refusal(cwd, null, {}, { PATH: cwd }),
    /git is not installed\.\nInstall git before this step/,
  );
});
