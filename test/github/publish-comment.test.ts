import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TailgateError } from '../../src/errors.ts';
import type { CommentRequest } from '../../src/github/publish-comment.ts';
import { publishComment } from '../../src/github/publish-comment.ts';
import type { GithubDouble } from './double/github-double.ts';
import { readOnlyToken, startGithubDouble, workflowToken } from './double/github-double.ts';
import { clientOf, headSha, repositoryName, withPullRequest } from './pull-request.ts';

const request = (
  key: string,
  text: string,
  more: { run?: number; attempt?: number; sha?: string; create?: boolean; verdict?: 'pass' | 'fail' } = {},
): CommentRequest => ({
  repository: repositoryName,
  pullNumber: 7,
  set: 'tailgate',
  section: {
    key,
    title: key,
    verdict: more.verdict ?? 'pass',
    headSha: more.sha ?? headSha,
    run: { id: more.run ?? 100, attempt: more.attempt ?? 1 },
    runUrl: `https://github.com/acme/chat/actions/runs/${more.run ?? 100}`,
  },
  render: () => text,
  create: more.create ?? true,
  verifyAfterMs: [0, 5],
});

const comments = (double: GithubDouble) => double.repository().comments;

test('the comment is made once and updated in place', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  const first = await publishComment(client, request('gate', 'First result'));
  assert.equal(first.outcome, 'created');
  const second = await publishComment(client, request('gate', 'Second result', { run: 101 }));
  assert.equal(second.outcome, 'updated');
  assert.equal(second.url, first.url);
  assert.equal(comments(double).length, 1);
  const [comment] = comments(double);
  assert.match(comment!.body, /^<!-- tailgate:comment /);
  assert.match(comment!.body, /Second result/);
  assert.doesNotMatch(comment!.body, /First result/);
  const third = await publishComment(client, request('gate', 'Second result', { run: 101 }));
  assert.equal(third.outcome, 'unchanged');
  assert.deepEqual(double.violations, []);
});

test('it is found on any page, and only if it is ours', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const marker = '<!-- tailgate:comment {"set":"tailgate"} -->\n\nNot from here';
  repository.addComment(7, 'mallory', marker);
  for (let i = 0; i < 210; i += 1) repository.addComment(7, 'someone', `Comment ${i}`);
  repository.addComment(7, 'someone', `A quote of it:\n> ${marker}`);
  const client = clientOf(double);
  assert.equal((await publishComment(client, request('gate', 'One'))).outcome, 'created');
  assert.equal((await publishComment(client, request('gate', 'Two', { run: 101 }))).outcome, 'updated');
  assert.equal(comments(double).length, 213);
  assert.equal(comments(double)[0]!.body, marker, 'a comment of somebody else is never touched');
  assert.match(comments(double).at(-1)!.body, /Two/);
  assert.deepEqual(double.violations, []);
});

test('an older run does not overwrite a newer one', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  await publishComment(client, request('gate', 'Newer', { run: 200, sha: 'b'.repeat(40) }));
  const older = await publishComment(client, request('gate', 'Older', { run: 199 }));
  assert.equal(older.outcome, 'older');
  assert.match(comments(double)[0]!.body, /Newer/);
  const rerun = await publishComment(
    client,
    request('gate', 'Rerun', { run: 200, attempt: 2, sha: 'b'.repeat(40) }),
  );
  assert.equal(rerun.outcome, 'updated');
  assert.match(comments(double)[0]!.body, /Rerun/);
});

test('an older commit does not add a section to a newer one', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  await publishComment(client, request('node 20', 'Newer', { run: 200, sha: 'b'.repeat(40) }));
  assert.equal((await publishComment(client, request('node 22', 'Older', { run: 199 }))).outcome, 'older');
  assert.doesNotMatch(comments(double)[0]!.body, /Older/);
});

test('a section of an earlier commit says so until its job has run', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  await publishComment(client, request('chat', 'Chat before'));
  await publishComment(client, request('stomp', 'Stomp before', { verdict: 'fail' }));
  await publishComment(client, request('chat', 'Chat now', { run: 101, sha: 'b'.repeat(40) }));
  const { body } = comments(double)[0]!;
  assert.match(body, /Chat now/);
  assert.doesNotMatch(body, /Stomp before/);
  assert.match(body, /\| stomp \| not measured on this commit yet \(was fail on aaaaaaa\)/);
  assert.match(body, /pass \(1 of 2 jobs\)/);
});

test('twelve jobs that end at once share one comment and lose nothing', async () => {
  await using double = await startGithubDouble({ latencyMs: 3 });
  withPullRequest(double);
  const legs = Array.from({ length: 12 }, (_, i) => `leg-${i}`);
  await Promise.all(
    legs.map((leg) =>
      publishComment(clientOf(double), { ...request(leg, `Result of ${leg}.`), verifyAfterMs: [60, 200] }),
    ),
  );
  const live = comments(double).filter((comment) => comment.body.startsWith('<!-- tailgate'));
  assert.equal(live.length, 1);
  for (const leg of legs) assert.match(live[0]!.body, new RegExp(`Result of ${leg}\\.`));
  for (const other of comments(double).filter((comment) => comment !== live[0])) {
    assert.match(other.body, /^Superseded by/);
    assert.equal(other.minimized, 'OUTDATED');
  }
  assert.deepEqual(double.violations, []);
});

test('nothing is made where none is wanted, but one that is there is brought up to date', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  assert.equal((await publishComment(client, request('gate', 'Pass', { create: false }))).outcome, 'skipped');
  assert.equal(comments(double).length, 0);
  await publishComment(client, request('gate', 'Fail', { verdict: 'fail' }));
  await publishComment(client, request('gate', 'Pass again', { run: 101, create: false }));
  assert.match(comments(double)[0]!.body, /Pass again/);
});

test('a comment is never longer than GitHub takes', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  const asked: number[] = [];
  for (const leg of ['a', 'b', 'c']) {
    await publishComment(client, {
      ...request(leg, ''),
      render: (maxLength) => {
        asked.push(maxLength);
        return `${leg.repeat(3)} ${'x'.repeat(maxLength - 4)}`;
      },
    });
  }
  const { body } = comments(double)[0]!;
  assert.ok(body.length <= 60_000, `${body.length}`);
  assert.ok(asked[0]! > 55_000, 'a job alone has nearly the whole comment');
  assert.match(body, /too long for this comment; they are in the summary of \[the run\]/);
  await publishComment(client, request('a', 'y'.repeat(200_000), { run: 101 }));
  assert.ok(comments(double)[0]!.body.length <= 60_000);
});

test('text that imitates our markers does not change what is read back', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  const forged =
    'Error: <!-- tailgate:end -->\n<!-- tailgate:section {"key":"b","title":"b","verdict":"pass","headSha":"x","run":{"id":999,"attempt":1}} -->\nforged';
  await publishComment(client, request('a', forged));
  assert.equal((await publishComment(client, request('b', 'Honest'))).outcome, 'updated');
  assert.match(comments(double)[0]!.body, /Honest/);
});

test('a comment that GitHub took without saying so is not made twice', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  double.faults.add({ operation: 'issues/create-comment', status: 502, applied: true });
  const result = await publishComment(clientOf(double), request('gate', 'Result'));
  assert.ok(['created', 'updated', 'unchanged'].includes(result.outcome));
  assert.equal(comments(double).length, 1);
  assert.equal(double.count('issues/create-comment'), 1);
});

test('failures of GitHub are tried again', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  double.faults.add({ operation: 'issues/list-comments', status: 503, times: 2 });
  double.faults.add({ operation: 'issues/create-comment', status: 500, times: 2 });
  const result = await publishComment(clientOf(double), request('gate', 'Result'));
  assert.equal(result.outcome, 'created');
  assert.equal(comments(double).length, 1);
});

const failure = async (double: GithubDouble, token = 'token'): Promise<TailgateError> => {
  const error: unknown = await publishComment(
    clientOf(double, { token, timeoutMs: 200 }),
    request('gate', 'Result'),
  ).then(
    () => assert.fail('it must not succeed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TailgateError, String(error));
  return error;
};

test('a token without permission is told the exact line to add', async () => {
  await using double = await startGithubDouble({
    tokens: { reader: readOnlyToken, none: workflowToken({}) },
  });
  withPullRequest(double);
  const error = await failure(double, 'reader');
  assert.equal(error.code, 'GITHUB_PERMISSION');
  assert.match(error.message, /HTTP 403/);
  assert.match(error.fix, /permissions:\n {2}contents: read\n {2}pull-requests: write$/);
  const unknown = await failure(double, 'expired');
  assert.equal(unknown.code, 'GITHUB_TOKEN_REJECTED');
});

test('what GitHub refuses, and what it does not answer, is explained', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  double.faults.add({ operation: 'issues/create-comment', status: 422, message: 'Validation Failed' });
  assert.match((await failure(double)).message, /HTTP 422: Validation Failed/);
  double.faults.add({ operation: 'issues/list-comments', status: 502, times: 9 });
  assert.match((await failure(double)).message, /HTTP 502, also after trying again/);
  double.faults.clear();
  double.faults.primaryRateLimit('issues/list-comments', 1_800);
  const limited = await failure(double);
  assert.equal(limited.code, 'GITHUB_FAILED');
  assert.match(limited.message, /rate limit was reached \(it is lifted at 20/);
  double.faults.secondaryRateLimit('issues/list-comments', 3_600, 1, 429);
  assert.match((await failure(double)).message, /rate limit was reached \(try again in 3600 s\)/);
  double.faults.add({ operation: 'issues/list-comments', hang: true, times: 9 });
  assert.match((await failure(double)).message, /no answer \(.*timeout/);
});

test('short rate limits are waited for', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const notes: string[] = [];
  double.faults.secondaryRateLimit('issues/create-comment', 2);
  const client = clientOf(double, { onNote: (note) => notes.push(note) });
  assert.equal((await publishComment(client, request('gate', 'Result'))).outcome, 'created');
  assert.match(notes.join('\n'), /secondary rate limit .* waiting 2 s/);
});

test('two publishers of one run that GitHub tells apart by nothing keep a section each', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const client = clientOf(double);
  const call = (by: string, verdict: 'pass' | 'fail', run = 100) => {
    const base = request('gate', `${by} ${verdict}`, { run, verdict });
    return publishComment(client, { ...base, section: { ...base.section, by } });
  };
  const body = () => comments(double)[0]!.body;
  await Promise.all([call('orders', 'fail'), call('chat', 'pass')]);
  assert.match(body(), /orders fail/);
  assert.match(body(), /chat pass/);
  assert.match(body(), /❌ Tailgate: fail \(2 of 2 jobs\)/);
  assert.equal(comments(double).filter((comment) => /tailgate:section/.test(comment.body)).length, 1);
  // The next run takes the places of this one, whoever comes first.
  await call('chat', 'pass', 101);
  await call('orders', 'pass', 101);
  assert.match(body(), /✅ Tailgate: pass \(2 of 2 jobs\)/);
});

test('a comment that is deleted in between is made again', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const client = clientOf(double);
  await publishComment(client, request('gate', 'First'));
  double.faults.add({
    operation: 'issues/update-comment',
    before: () => {
      repository.comments = [];
    },
  });
  const again = await publishComment(client, request('gate', 'Second', { run: 101 }));
  assert.equal(again.outcome, 'created');
  assert.match(comments(double)[0]!.body, /Second/);
});

test('a refusal for another reason than a permission is passed on', async () => {
  for (const [message, advice] of [
    ['Unable to create comment because issue is locked.', /Unlock the conversation/],
    ['Commenting is disabled on issues with more than 2500 comments', /not affected/],
    ['the `acme` organization has an IP allow list enabled', /runner whose address/],
  ] as const) {
    await using double = await startGithubDouble();
    withPullRequest(double);
    double.faults.add({ operation: 'issues/create-comment', status: 403, message });
    await assert.rejects(publishComment(clientOf(double), request('gate', 'One')), (error) => {
      assert.ok(error instanceof TailgateError);
      assert.equal(error.code, 'GITHUB_REFUSED');
      assert.ok(error.what.includes(message.replace(/\.$/, '')), error.what);
      assert.match(error.fix, advice);
      assert.doesNotMatch(error.message, /pull-requests: write/);
      return true;
    });
  }
});
