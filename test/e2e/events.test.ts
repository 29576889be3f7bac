import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parseReport } from '../../src/report/parse-report.ts';
import { type GithubDouble, startGithubDouble } from '../github/double/github-double.ts';
import { withPullRequest } from '../github/pull-request.ts';
import { checkout, settings } from './fixture.ts';
import { runStep } from './runner.ts';

/**
 * The rows of the table of events in docs/github.md, each with a real git server. The build fails on purpose: by then it
 * is settled what is checked out and what it is compared with.
 */

const user = checkout();
const origin = mkdtempSync(path.join(os.tmpdir(), 'tailgate-origin-'));
after(() => {
  user.remove();
  rmSync(origin, { recursive: true, force: true });
});
const commit = (name: string): string => {
  user.write(name, name);
  user.git('add', '-A');
  user.git('commit', '-qm', name);
  return user.git('rev-parse', 'HEAD');
};
user.write('tailgate.yml', settings().replace('{ mode: none }', '{ mode: side-by-side }'));
const fork = commit('one');
user.git('checkout', '-qb', 'topic');
commit('topic-1');
const topic = commit('topic-2');
user.git('checkout', '-q', 'main');
const before = commit('two');
const tip = commit('three');
user.git('checkout', '-q', '--detach');
user.git('merge', '-q', '--no-ff', '-m', 'merge', 'topic');
const merge = user.git('rev-parse', 'HEAD');
execFileSync('git', ['init', '-q', '--bare', '-b', 'main', origin]);
execFileSync('git', ['config', 'uploadpack.allowAnySHA1InWant', 'true'], { cwd: origin });
user.git('push', '-q', origin, 'main', 'topic', 'topic:refs/pull/7/head', `${merge}:refs/pull/7/merge`);

/** What actions/checkout does: one commit, detached. */
const workspaceAt = (ref: string): string => {
  const dir = path.join(mkdtempSync(path.join(origin, 'work-')), 'chat');
  mkdirSync(dir);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, stdio: 'ignore' });
  git('init', '-q');
  git('remote', 'add', 'origin', `file://${origin}`);
  git('fetch', '-q', '--no-tags', '--depth=1', 'origin', ref);
  git('checkout', '-q', '--detach', 'FETCH_HEAD');
  return dir;
};

const repository = { full_name: 'acme/chat', private: false, default_branch: 'main' };
const side = (ref: string, sha: string) => ({ ref, sha, repo: { full_name: 'acme/chat' } });
const pull = { repository, pull_request: { number: 7, head: side('topic', topic), base: side('main', tip) } };

const run = async (
  double: GithubDouble,
  eventName: string,
  event: object,
  workspace: string,
  env: Record<string, string>,
) => {
  const step = await runStep({
    workspace,
    eventName,
    event,
    inputs: { build: 'exit 3' },
    env: {
      GITHUB_API_URL: double.url,
      GITHUB_GRAPHQL_URL: `${double.url}/graphql`,
      GITHUB_REPOSITORY: 'acme/chat',
      GITHUB_TOKEN: 'token',
      ...env,
    },
  });
  assert.equal(step.exitCode, 4, step.log);
  const { commits } = parseReport(readFileSync(step.outputs['report-json']!, 'utf8'), 'report.json');
  return { ...commits, log: step.log };
};

type Row = {
  name: string;
  event: string;
  payload: object;
  ref: string;
  sha: string;
  gitRef: string;
  head: string;
  base: string | null;
  comments: number;
  merged?: string;
  says?: RegExp;
};

const main = 'refs/heads/main';
const rows: Row[] = [
  {
    name: 'pull_request',
    event: 'pull_request',
    payload: pull,
    ref: 'refs/pull/7/merge',
    sha: merge,
    gitRef: 'refs/pull/7/merge',
    head: merge,
    merged: topic,
    base: tip,
    comments: 1,
  },
  {
    name: 'pull_request, its head',
    event: 'pull_request',
    payload: pull,
    ref: 'refs/pull/7/head',
    sha: merge,
    gitRef: 'refs/pull/7/merge',
    head: topic,
    base: fork,
    comments: 1,
  },
  {
    name: 'pull_request_target as it is',
    event: 'pull_request_target',
    payload: pull,
    ref: main,
    sha: tip,
    gitRef: main,
    head: tip,
    base: null,
    comments: 1,
    says: /is the base branch, not the head of the pull request/,
  },
  {
    name: 'push',
    event: 'push',
    payload: { repository, before: fork, after: tip },
    ref: main,
    sha: tip,
    gitRef: main,
    head: tip,
    base: fork,
    comments: 0,
  },
  {
    name: 'merge_group',
    event: 'merge_group',
    payload: {
      repository,
      merge_group: { head_sha: merge, head_ref: 'refs/heads/queue', base_sha: tip, base_ref: main },
    },
    ref: 'refs/pull/7/merge',
    sha: merge,
    gitRef: 'refs/heads/queue',
    head: merge,
    base: tip,
    comments: 0,
  },
  {
    name: 'schedule',
    event: 'schedule',
    payload: { repository },
    ref: main,
    sha: tip,
    gitRef: main,
    head: tip,
    base: before,
    comments: 0,
  },
  {
    name: 'workflow_dispatch on a branch',
    event: 'workflow_dispatch',
    payload: { repository },
    ref: 'refs/heads/topic',
    sha: topic,
    gitRef: 'refs/heads/topic',
    head: topic,
    base: fork,
    comments: 0,
  },
  {
    name: 'workflow_dispatch, another ref',
    event: 'workflow_dispatch',
    payload: { repository },
    ref: 'refs/heads/topic',
    sha: tip,
    gitRef: main,
    head: topic,
    base: fork,
    comments: 0,
    says: /not the commit of the event "workflow_dispatch".*not stored/,
  },
  {
    name: 'issue_comment',
    event: 'issue_comment',
    payload: { repository, issue: { number: 7, pull_request: { url: 'x' } } },
    ref: 'refs/pull/7/head',
    sha: tip,
    gitRef: main,
    head: topic,
    base: fork,
    comments: 1,
  },
];

for (const row of rows) {
  test(`${row.name}: what is checked out, what it is compared with, and what is written`, async () => {
    await using double = await startGithubDouble();
    const github = withPullRequest(double, { sha: topic });
    const found = await run(double, row.event, row.payload, workspaceAt(row.ref), {
      GITHUB_SHA: row.sha,
      GITHUB_REF: row.gitRef,
    });
    assert.deepEqual([found.head, found.base, found.merged], [row.head, row.base, row.merged]);
    assert.equal(github.comments.length, row.comments, found.log);
    assert.equal(github.files('tailgate'), null, 'nothing is stored');
    if (row.says !== undefined) assert.match(found.log, row.says);
  });
}

test('a job that is run again compares the same commits and updates the same comment', async () => {
  await using double = await startGithubDouble();
  const github = withPullRequest(double, { sha: topic });
  const workspace = workspaceAt('refs/pull/7/merge');
  const env = { GITHUB_SHA: merge, GITHUB_REF: 'refs/pull/7/merge' };
  await run(double, 'pull_request', pull, workspace, env);
  const again = await run(double, 'pull_request', pull, workspace, { ...env, GITHUB_RUN_ATTEMPT: '2' });
  assert.deepEqual([again.head, again.base], [merge, tip]);
  assert.equal(github.comments.length, 1);
  assert.equal(github.comments[0]!.body.split('<!-- tailgate:section').length - 1, 1);
});
