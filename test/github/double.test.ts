import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startGithubDouble, workflowToken } from './double/github-double.ts';
import { clientOf, headSha, repositoryName, withPullRequest } from './pull-request.ts';

/** The double must be as strict as GitHub, or a test against it proves nothing. */

const statusOf = async (work: Promise<unknown>): Promise<number> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return (error as { status?: number } | null)?.status ?? 200;
};

test('a request outside of the description is refused and noted', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  assert.equal(await statusOf(client.request('GET /repos/acme/chat/nonsense')), 404);
  assert.equal(await statusOf(client.request('POST /repos/acme/chat/git/refs', { ref: 5 })), 422);
  assert.equal(double.violations.length, 2);
});

test('tokens: none, unknown, and without the permission', async () => {
  await using double = await startGithubDouble({ tokens: { token: workflowToken({ checks: 'read' }) } });
  withPullRequest(double);
  assert.equal((await fetch(`${double.url}/repos/acme/chat`)).status, 401);
  assert.equal(await statusOf(clientOf(double, { token: 'other' }).rest.repos.get(repositoryName)), 401);
  const comment = { ...repositoryName, issue_number: 7, body: 'Hello' };
  assert.equal(await statusOf(clientOf(double).rest.issues.createComment(comment)), 403);
  assert.equal(await statusOf(clientOf(double).rest.users.getAuthenticated()), 403);
  const elsewhere = { owner: 'acme', repo: 'other' };
  assert.equal(await statusOf(clientOf(double).rest.repos.get(elsewhere)), 404);
});

test('lists come in pages with links, comments have a limit', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  for (let i = 0; i < 45; i += 1) repository.addComment(7, 'someone', `Comment ${i}`);
  const client = clientOf(double);
  const first = await client.rest.issues.listComments({ ...repositoryName, issue_number: 7 });
  assert.equal(first.data.length, 30);
  assert.match(first.headers.link!, /[?&]page=2>; rel="next", .*rel="last"/);
  const many = await client.rest.issues.listComments({ ...repositoryName, issue_number: 7, per_page: 100 });
  assert.equal(many.data.length, 45);
  assert.equal(many.headers.link, undefined);
  const comment = (length: number) =>
    client.rest.issues.createComment({ ...repositoryName, issue_number: 7, body: 'x'.repeat(length) });
  assert.equal(await statusOf(comment(65_536)), 200);
  assert.equal(await statusOf(comment(65_537)), 422);
  assert.deepEqual(double.violations, []);
});

test('refs move only forward, and only to commits that are there', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const first = repository.commit('data', { a: '1' });
  const second = repository.commit('data', { a: '2' });
  const client = clientOf(double);
  const move = (sha: string, force = false) =>
    statusOf(client.rest.git.updateRef({ ...repositoryName, ref: 'heads/data', sha, force }));
  assert.equal(await move(first), 422);
  assert.equal(await move('f'.repeat(40)), 422);
  assert.equal(await move(second), 200);
  assert.equal(await move(first, true), 200);
  const create = (ref: string, sha: string) =>
    statusOf(client.rest.git.createRef({ ...repositoryName, ref, sha }));
  assert.equal(await create('refs/heads/data', first), 422);
  assert.equal(await create('data', first), 422);
  assert.equal(await create('refs/heads/new', first), 200);
});

test('its objects have the ids that git gives them', async () => {
  await using double = await startGithubDouble();
  const repository = double.repository();
  const files = { 'README.md': 'Chat\n', 'a/b.txt': 'b\n', 'a.txt': 'a\n', 'a/c/d.txt': 'd\n' };
  const sha = repository.commit('main', files);
  const tree = repository.objects.commits.get(sha)!.tree;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-double-'));
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
    git('init', '--quiet');
    for (const [name, text] of Object.entries(files)) {
      execFileSync('mkdir', ['-p', path.dirname(path.join(folder, name))]);
      writeFileSync(path.join(folder, name), text);
    }
    git('add', '.');
    assert.equal(git('write-tree'), tree);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('artifacts are listed and lead to their bytes', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  repository.artifacts.push({ id: 5, runId: 9, name: 'report', zip: Buffer.from('zip'), expired: false });
  const client = clientOf(double);
  const { data } = await client.rest.actions.listWorkflowRunArtifacts({ ...repositoryName, run_id: 9 });
  assert.deepEqual(
    data.artifacts.map((artifact) => artifact.name),
    ['report'],
  );
  const answer = await fetch(`${double.url}/repos/acme/chat/actions/artifacts/5/zip`, {
    headers: { authorization: 'token token' },
  });
  assert.equal(await answer.text(), 'zip');
});

test('a pull request is found by its commit and by its branch', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double, { repository: 'mallory/chat' });
  const client = clientOf(double);
  const byCommit = await client.rest.repos.listPullRequestsAssociatedWithCommit({
    ...repositoryName,
    commit_sha: headSha,
  });
  const byBranch = await client.rest.pulls.list({ ...repositoryName, head: 'mallory:faster' });
  assert.deepEqual([byCommit.data[0]!.number, byBranch.data[0]!.number], [7, 7]);
  assert.deepEqual(double.violations, []);
});
