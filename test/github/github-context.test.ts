import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { readGithubContext } from '../../src/github/github-context.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-context-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let events = 0;
const eventFile = (payload: unknown): string => {
  events += 1;
  const file = path.join(folder, `${events}.json`);
  writeFileSync(file, typeof payload === 'string' ? payload : JSON.stringify(payload));
  return file;
};

const sha = (letter: string) => letter.repeat(40);
const repository = { full_name: 'acme/chat', private: false, default_branch: 'main' };
const base = {
  GITHUB_REPOSITORY: 'acme/chat',
  GITHUB_RUN_ID: '4200',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_SHA: sha('e'),
  GITHUB_REF: 'refs/heads/main',
};
const contextOf = (eventName: string, payload: unknown, env: Record<string, string> = {}) =>
  readGithubContext({
    ...base,
    GITHUB_EVENT_NAME: eventName,
    GITHUB_EVENT_PATH: eventFile(payload),
    ...env,
  });

const pull = (headRepository: string | null) => ({
  repository,
  pull_request: {
    number: 7,
    head: {
      ref: 'faster',
      sha: sha('a'),
      repo: headRepository === null ? null : { full_name: headRepository },
    },
    base: { ref: 'main', sha: sha('b'), repo: { full_name: 'acme/chat' } },
  },
});

test('a pull request is judged at its head, not at the merge commit', () => {
  const context = contextOf('pull_request', pull('acme/chat'), { GITHUB_REF: 'refs/pull/7/merge' });
  assert.equal(context.headSha, sha('a'));
  assert.equal(context.checkoutSha, sha('e'));
  assert.equal(context.baseSha, sha('b'));
  assert.equal(context.baseBranch, 'main');
  assert.equal(context.pullNumber, 7);
  assert.equal(context.fork, false);
  assert.equal(context.tokenAccess, 'unknown');
  assert.equal(context.onDefaultBranch, false);
  assert.equal(context.runUrl, 'https://github.com/acme/chat/actions/runs/4200');
});

test('a fork has a read-only token, also when the fork is gone', () => {
  for (const head of ['mallory/chat', null]) {
    const context = contextOf('pull_request', pull(head));
    assert.equal(context.fork, true, String(head));
    assert.equal(context.tokenAccess, 'read-only');
  }
  assert.equal(contextOf('pull_request_target', pull('mallory/chat')).tokenAccess, 'unknown');
  const inPrivate = { ...pull('mallory/chat'), repository: { ...repository, private: true } };
  assert.equal(contextOf('pull_request', inPrivate).tokenAccess, 'unknown');
});

test('a repository name differs only in case: not a fork', () => {
  assert.equal(contextOf('pull_request', pull('Acme/Chat')).fork, false);
});

test('Dependabot is known', () => {
  const context = contextOf('pull_request', pull('acme/chat'), { GITHUB_ACTOR: 'dependabot[bot]' });
  assert.equal(context.dependabot, true);
});

test('a push to the default branch is compared with the state before it', () => {
  const context = contextOf('push', { repository, before: sha('c'), after: sha('d') });
  assert.deepEqual(
    [context.headSha, context.baseSha, context.onDefaultBranch, context.pullNumber],
    [sha('d'), sha('c'), true, null],
  );
});

test('a push of a new branch has no state before it', () => {
  const context = contextOf(
    'push',
    { repository, before: sha('0'), after: sha('d') },
    { GITHUB_REF: 'refs/heads/topic' },
  );
  assert.equal(context.baseSha, null);
  assert.equal(context.onDefaultBranch, false);
});

test('a tag is no branch', () => {
  const context = contextOf(
    'push',
    { repository, before: sha('0'), after: sha('d') },
    { GITHUB_REF: 'refs/tags/v1' },
  );
  assert.equal(context.headBranch, null);
  assert.equal(context.onDefaultBranch, false);
});

test('a merge queue names both commits', () => {
  const context = contextOf('merge_group', {
    repository,
    merge_group: {
      head_sha: sha('a'),
      head_ref: 'refs/heads/gh-readonly-queue/main/pr-7-abc',
      base_sha: sha('b'),
      base_ref: 'refs/heads/main',
    },
  });
  assert.deepEqual([context.headSha, context.baseSha, context.baseBranch], [sha('a'), sha('b'), 'main']);
  assert.equal(context.pullNumber, null);
});

test('schedules and manual runs judge the commit they check out', () => {
  const scheduled = contextOf('schedule', { schedule: '0 3 * * *' });
  assert.deepEqual([scheduled.headSha, scheduled.onDefaultBranch], [sha('e'), true]);
  const manual = contextOf('workflow_dispatch', { repository }, { GITHUB_REF: 'refs/heads/topic' });
  assert.deepEqual([manual.headSha, manual.onDefaultBranch], [sha('e'), false]);
  assert.equal(contextOf('workflow_dispatch', { repository }).onDefaultBranch, true);
});

test('a finished run tells of itself', () => {
  const context = contextOf('workflow_run', {
    repository,
    workflow_run: {
      id: 99,
      run_attempt: 2,
      workflow_id: 31,
      event: 'pull_request',
      head_sha: sha('a'),
      head_branch: 'faster',
      html_url: 'https://github.com/acme/chat/actions/runs/99',
      conclusion: 'failure',
      head_repository: { full_name: 'mallory/chat' },
    },
  });
  assert.deepEqual(context.triggeringRun, {
    id: 99,
    attempt: 2,
    workflowId: 31,
    event: 'pull_request',
    headSha: sha('a'),
    headBranch: 'faster',
    headRepository: 'mallory/chat',
    url: 'https://github.com/acme/chat/actions/runs/99',
    conclusion: 'failure',
  });
  assert.equal(context.headSha, sha('a'));
});

test('an enterprise server and a re-run stand in the address of the run', () => {
  const context = contextOf('pull_request', pull('acme/chat'), {
    GITHUB_SERVER_URL: 'https://ghes.example',
    GITHUB_API_URL: 'https://ghes.example/api/v3',
    GITHUB_RUN_ATTEMPT: '3',
  });
  assert.equal(context.apiUrl, 'https://ghes.example/api/v3');
  assert.equal(context.runUrl, 'https://ghes.example/acme/chat/actions/runs/4200/attempts/3');
  assert.deepEqual(context.run, { id: 4200, attempt: 3 });
});

test('outside of GitHub everything is empty, and nothing is odd', () => {
  const context = readGithubContext({});
  assert.equal(context.repository, null);
  assert.equal(context.headSha, null);
  assert.equal(context.run, null);
  assert.equal(context.runUrl, null);
  assert.deepEqual(context.warnings, []);
});

test('a payload that is missing, broken or of another form is a warning', () => {
  const missing = readGithubContext({ ...base, GITHUB_EVENT_PATH: path.join(folder, 'absent.json') });
  assert.match(missing.warnings.join(), /cannot be read/);
  assert.equal(missing.headSha, sha('e'));
  assert.match(contextOf('push', '{').warnings.join(), /cannot be read/);
});

test('fields that are missing fall back to other sources, each by itself', () => {
  // The event of act, which names branches alone.
  const local = contextOf(
    'pull_request',
    { pull_request: { number: 'seven', head: { ref: 'faster' }, base: { ref: 'main' } } },
    { GITHUB_REF: 'refs/pull/7/merge' },
  );
  assert.deepEqual(
    [local.headSha, local.headBranch, local.baseBranch, local.pullNumber, local.fork, local.warnings],
    [null, 'faster', 'main', 7, false, []],
  );
  const bare = contextOf('pull_request', {}, { GITHUB_BASE_REF: 'release', GITHUB_HEAD_REF: 'faster' });
  assert.deepEqual([bare.baseBranch, bare.headBranch, bare.pullNumber], ['release', 'faster', null]);
  const group = contextOf('merge_group', { merge_group: { base_sha: sha('b') } });
  assert.deepEqual([group.headSha, group.baseSha], [sha('e'), sha('b')]);
});

test('a comment on a pull request names it, one on an issue does not', () => {
  const event = (issue: object) => ({ repository, action: 'created', issue, comment: { body: '/bench' } });
  const onPull = contextOf('issue_comment', event({ number: 7, pull_request: { url: 'x' } }));
  assert.deepEqual([onPull.pullNumber, onPull.headSha, onPull.onDefaultBranch], [7, sha('e'), false]);
  assert.equal(contextOf('issue_comment', event({ number: 8 })).pullNumber, null);
});
