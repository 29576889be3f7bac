import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { GithubContext } from '../../src/github/github-context.ts';
import { readGithubContext } from '../../src/github/github-context.ts';
import { findProvenance } from '../../src/run/provenance.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-provenance-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
    cwd: dir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
const commit = (message: string): string => {
  git('commit', '-q', '--allow-empty', '-m', message);
  return git('rev-parse', 'HEAD');
};

git('init', '-q', '-b', 'main');
const first = commit('one');
git('checkout', '-q', '-b', 'topic');
const topic = commit('topic');
git('checkout', '-q', 'main');
const tip = commit('two');
git('checkout', '-q', '--detach');
git('merge', '-q', '--no-ff', '-m', 'merge', 'topic');
const merge = git('rev-parse', 'HEAD');

const at = (sha: string): string => {
  git('checkout', '-q', '--detach', sha);
  return dir;
};
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
const contextOf = (eventName: string, more: Partial<GithubContext>): GithubContext => ({
  ...readGithubContext({
    GITHUB_REPOSITORY: 'acme/chat',
    GITHUB_RUN_ID: '1',
    GITHUB_EVENT_NAME: eventName,
    GITHUB_REF: 'refs/heads/main',
  }),
  defaultBranch: 'main',
  ...more,
});
const pull = (eventName: string, checkoutSha: string) =>
  contextOf(eventName, { headSha: topic, baseSha: tip, checkoutSha, pullNumber: 7 });

test('a pull request is measured at its head, or at its merge, which names the head too', async () => {
  const head = await findProvenance(at(topic), env, pull('pull_request', merge));
  assert.deepEqual([head.headSha, head.mergedSha, head.note, head.problem], [topic, null, null, null]);
  const merged = await findProvenance(at(merge), env, pull('pull_request', merge));
  assert.deepEqual([merged.headSha, merged.mergedSha, merged.note], [merge, topic, null]);
});

test('a pull request of which only the base is checked out is not measured', async () => {
  for (const event of ['pull_request', 'pull_request_target']) {
    const found = await findProvenance(at(tip), env, pull(event, event === 'pull_request' ? merge : tip));
    assert.equal(found.problem?.code, 'PULL_REQUEST_NOT_CHECKED_OUT', event);
    assert.match(found.problem?.what ?? '', new RegExp(`${tip.slice(0, 10)}.*${topic.slice(0, 10)}`));
  }
});

test('another commit than that of the event is named, and is no run of the default branch', async () => {
  const event = contextOf('workflow_dispatch', { headSha: tip, checkoutSha: tip, onDefaultBranch: true });
  const same = await findProvenance(at(tip), env, event);
  assert.deepEqual([same.headSha, same.branch, same.onDefaultBranch, same.note], [tip, 'main', true, null]);
  const other = await findProvenance(at(topic), env, event);
  assert.deepEqual([other.headSha, other.branch, other.onDefaultBranch], [topic, null, false]);
  assert.match(other.note ?? '', /checked out.*not the commit of the event "workflow_dispatch".* not stored/);
  const odd = await findProvenance(at(first), env, pull('pull_request', merge));
  assert.match(odd.note ?? '', /neither the head of the pull request .* nor its merge/);
  assert.equal(odd.problem, null);
});

test('where git cannot tell, the event is named, and nothing passes for the default branch', async () => {
  const outside = mkdtempSync(path.join(dir, 'outside-'));
  const alone = { ...env, GIT_CEILING_DIRECTORIES: dir };
  const event = contextOf('push', { headSha: tip, checkoutSha: tip, onDefaultBranch: true });
  const found = await findProvenance(outside, alone, event);
  assert.deepEqual([found.headSha, found.onDefaultBranch], [tip, false]);
  assert.match(found.note ?? '', /Git cannot say .* not stored/);
});

test('elsewhere git is believed before the variables of the CI system', async () => {
  const gitlab = {
    ...env,
    CI: 'true',
    CI_COMMIT_BRANCH: 'main',
    CI_DEFAULT_BRANCH: 'main',
    CI_COMMIT_SHA: tip,
  };
  const same = await findProvenance(at(tip), gitlab, null);
  assert.deepEqual([same.headSha, same.onDefaultBranch, same.inCi, same.note], [tip, true, true, null]);
  const other = await findProvenance(at(topic), gitlab, null);
  assert.deepEqual([other.headSha, other.branch, other.onDefaultBranch], [topic, null, false]);
  const desk = await findProvenance(at(tip), env, null);
  assert.deepEqual([desk.headSha, desk.inCi], [tip, false]);
});

test('a pull request is one by whatever name, with a token or without', async () => {
  const isOne = async (more: Record<string, string>, github: GithubContext | null = null) =>
    (await findProvenance(dir, { ...env, ...more }, github)).ofPullRequest;
  assert.ok(await isOne({ CI_MERGE_REQUEST_IID: '3' }));
  assert.ok(await isOne({ CHANGE_ID: '12' }));
  assert.ok(await isOne({ GITHUB_EVENT_NAME: 'pull_request' }));
  assert.ok(await isOne({}, pull('pull_request', merge)));
  assert.ok(!(await isOne({})));
  assert.ok(!(await isOne({ GITHUB_EVENT_NAME: 'push' })));
  assert.ok(!(await isOne({}, contextOf('push', { headSha: tip }))));
});
