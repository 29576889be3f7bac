import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parseReport } from '../../src/report/parse-report.ts';
import { startGitHttpServer } from '../baseline/git-http-server.ts';
import { type GithubDouble, startGithubDouble } from '../github/double/github-double.ts';
import { withPullRequest } from '../github/pull-request.ts';
import { checkout, settings } from './fixture.ts';
import { root, runStep, type StepRequest, type StepResult } from './runner.ts';

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
/** Settings with this baseline, whose counts are judged on a busy machine too. */
const settingsWith = (baseline: string): string =>
  settings().replace('{ mode: none }', baseline).replace('measure:\n', 'measure:\n  arrivals: best-effort\n');
user.write('tailgate.yml', settingsWith('{ mode: side-by-side }'));
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

const githubEnv = (double: GithubDouble): Record<string, string> => ({
  GITHUB_API_URL: double.url,
  GITHUB_GRAPHQL_URL: `${double.url}/graphql`,
  GITHUB_REPOSITORY: 'acme/chat',
  GITHUB_TOKEN: 'token',
});

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
    env: { ...githubEnv(double), ...env },
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

test('a job in a container, whose checkout belongs to another user, is compared like any other', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double, { sha: topic });
  // A path would be read by a git of the server's, which minds whose it is too.
  await using server = await startGitHttpServer(path.dirname(origin));
  const workspace = workspaceAt('refs/pull/7/merge');
  const url = `${server.url}/${path.basename(origin)}`;
  execFileSync('git', ['remote', 'set-url', 'origin', url], { cwd: workspace });
  const isRoot = process.getuid?.() === 0;
  const strangerEnv = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...(isRoot ? {} : { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' }),
  };
  if (isRoot) execFileSync('chown', ['-R', '12345:12345', workspace]);
  const mine = spawnSync('git', ['status'], {
    cwd: workspace,
    env: { ...process.env, ...strangerEnv },
    encoding: 'utf8',
  });
  assert.match(mine.stderr, /dubious ownership/, 'git by itself refuses');
  const found = await run(double, 'pull_request', pull, workspace, {
    GITHUB_SHA: merge,
    GITHUB_REF: 'refs/pull/7/merge',
    ...strangerEnv,
  });
  assert.deepEqual([found.head, found.base, found.merged], [merge, tip, topic], found.log);
});

/** A run with load; again where a busy machine delayed the generator, which makes it invalid. */
const measuredStep = async (request: StepRequest): Promise<StepResult> => {
  for (let attempt = 1; ; attempt += 1) {
    const step = await runStep(request);
    if (attempt === 4 || !/GENERATOR_BOTTLENECK|generator was the bottleneck/.test(step.log)) return step;
  }
};

test('a run of the default branch is stored, of a schedule and of a workflow_dispatch', async () => {
  user.git('checkout', '-q', 'main');
  for (const eventName of ['schedule', 'workflow_dispatch']) {
    await using double = await startGithubDouble();
    const github = withPullRequest(double);
    const step = await measuredStep({
      workspace: workspaceAt(main),
      eventName,
      event: { repository },
      inputs: { baseline: 'branch', thresholds: 'users.failed = 0' },
      env: { ...githubEnv(double), GITHUB_SHA: tip, GITHUB_REF: main },
    });
    assert.equal(step.exitCode, 0, step.log);
    const records = [...(github.files('tailgate') ?? [])].filter(([name]) => name.endsWith('.jsonl'));
    assert.equal(records.length, 1, step.log);
    assert.match(String(records[0]![1]), new RegExp(tip));
  }
});

test('"baseline.require: false": the absolute limits decide alone where the base cannot be built, or is not there yet', async () => {
  const service = checkout();
  try {
    service.write('tailgate.yml', settingsWith('{ mode: side-by-side, require: false }'));
    service.git('commit', '-qa', '--amend', '-m', 'A new service');
    const gate = (thresholds: string, build: string) =>
      measuredStep({ workspace: service.dir, inputs: { thresholds, build } });
    const first = await gate('users.failed > 3', 'true');
    assert.equal(first.exitCode, 1, first.log);
    service.write('built', 'yes');
    service.git('add', '-A');
    service.git('commit', '-qm', 'The part that makes it build');
    const unbuilt = await gate('users.failed = 0', 'test -f built');
    assert.equal(unbuilt.exitCode, 0, unbuilt.log);
    for (const { summary } of [first, unbuilt])
      assert.match(summary, /No baseline: the absolute limits decide alone/);
    assert.match(unbuilt.summary, /base/);
  } finally {
    service.remove();
  }
});

test('outside of CI nothing is stored at a remote unless it is told so, and validate says where it would be', () => {
  const desk = checkout();
  const remote = mkdtempSync(path.join(origin, 'desk-'));
  const tailgate = (...words: string[]): string => {
    const ended = spawnSync(process.execPath, [path.join(root, 'dist/cli.js'), ...words], {
      cwd: desk.dir,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      encoding: 'utf8',
    });
    return ended.stdout + ended.stderr;
  };
  const run = (...flags: string[]): string => {
    for (let attempt = 1; ; attempt += 1) {
      const log = tailgate('run', '--thresholds', 'users.failed = 0', ...flags);
      if (attempt === 4 || !/GENERATOR_BOTTLENECK/.test(log)) return log;
    }
  };
  const stored = () => desk.git('ls-remote', remote).includes('refs/heads/tailgate');
  try {
    execFileSync('git', ['init', '-q', '--bare', remote]);
    desk.git('remote', 'add', 'origin', `file://${remote}`);
    desk.write('tailgate.yml', settingsWith('{ mode: branch, record: always }'));
    assert.match(
      tailgate('validate'),
      /Stored: every run in CI that does not fail, in the branch "tailgate[^"]*" of origin/,
    );
    assert.match(run(), /Not stored in branch tailgate\S* of origin: outside of CI/);
    assert.equal(stored(), false);
    const asked = run('--record-baseline', 'always');
    assert.match(asked, /Stored as a baseline in branch/);
    assert.equal(stored(), true, asked);
  } finally {
    desk.remove();
  }
});
