import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commentPolicy } from '../../src/github/comment-policy.ts';
import type { GithubContext } from '../../src/github/github-context.ts';
import { readGithubContext } from '../../src/github/github-context.ts';
import { type PublishRequest, publishReport, sectionOf } from '../../src/github/publish-report.ts';
import { judgedReports } from '../report/judged-report.ts';
import { readOnlyToken, startGithubDouble, workflowToken } from './double/github-double.ts';
import { clientOf, headSha, repositoryName, withPullRequest } from './pull-request.ts';

const contextOf = (more: Partial<GithubContext> = {}): GithubContext => ({
  ...readGithubContext({}),
  eventName: 'pull_request',
  repository: repositoryName,
  headSha,
  pullNumber: 7,
  run: { id: 100, attempt: 1 },
  runUrl: 'https://github.com/acme/chat/actions/runs/100',
  workflow: 'CI',
  job: 'gate',
  ...more,
});

const commentingToken = workflowToken({ 'pull-requests': 'write', checks: 'write' });

const request = (more: Partial<PublishRequest> = {}): PublishRequest => ({
  context: contextOf(),
  report: judgedReports.fail!(),
  comment: 'always',
  check: { kind: 'check-run', name: 'tailgate' },
  section: { key: 'gate', title: 'gate' },
  headline: 'It got slower',
  renderMarkdown: () => 'The report',
  root: '/checkout',
  verifyAfterMs: [0],
  ...more,
});

test('the comment and the check of a judged report are published', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const result = await publishReport(clientOf(double), request());
  assert.equal(result.comment?.outcome, 'created');
  assert.equal(repository.checkRuns[0]!.conclusion, 'failure');
  assert.equal(repository.checkRuns[0]!.title, 'It got slower');
  assert.deepEqual([result.problems, result.notes], [[], []]);
});

test('what cannot be published is a problem, never an exception, and does not stop the rest', async () => {
  await using double = await startGithubDouble({ tokens: { token: readOnlyToken } });
  withPullRequest(double);
  const result = await publishReport(clientOf(double), request());
  assert.deepEqual(
    result.problems.map((problem) => problem.code),
    ['GITHUB_PERMISSION', 'GITHUB_PERMISSION'],
  );
  assert.match(result.problems[0]!.fix, /pull-requests: write/);
  assert.match(result.problems[1]!.fix, /checks: write/);
  assert.equal(result.comment, null);
});

test('a GitHub that is down costs the comment, not the verdict', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  double.faults.add({ status: 503, times: 1_000 });
  const result = await publishReport(clientOf(double), request());
  assert.deepEqual(
    result.problems.map((problem) => problem.code),
    ['GITHUB_FAILED', 'GITHUB_FAILED'],
  );
});

test('an answer that says nothing, or does not end, is no answer, and is told in a sentence', async () => {
  for (const fault of [{ text: '{}' }, { text: '<html>' }, { endless: true }]) {
    await using double = await startGithubDouble();
    const repository = withPullRequest(double);
    double.faults.add({ ...fault, times: 1_000 });
    const { problems } = await publishReport(clientOf(double), request());
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['GITHUB_FAILED', 'GITHUB_FAILED'],
    );
    for (const { what } of problems)
      assert.match(what, /^GitHub did not .*: an answer that cannot be read\.$/);
    assert.deepEqual([repository.comments.length, double.requests.length], [0, 2], 'asked once each');
  }
});

test('for a fork nothing is tried, and the log says where the comment comes from', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const context = contextOf({ fork: true, tokenAccess: 'read-only' });
  const result = await publishReport(clientOf(double), request({ context }));
  assert.equal(double.requests.length, 0);
  assert.match(result.notes.join(), /fork/);
  const silent = await publishReport(
    clientOf(double),
    request({ context, comment: 'never', check: { kind: 'none', name: '' } }),
  );
  assert.deepEqual(silent.notes, []);
});

test("Dependabot's token may be either: refused, it is a note", async () => {
  await using double = await startGithubDouble({ tokens: { token: readOnlyToken, writer: commentingToken } });
  const repository = withPullRequest(double);
  const context = contextOf({ dependabot: true });
  const refused = await publishReport(clientOf(double), request({ context }));
  assert.deepEqual(refused.problems, []);
  assert.match(refused.notes[0]!, /Dependabot/);
  const allowed = await publishReport(clientOf(double, { token: 'writer' }), request({ context }));
  assert.equal(allowed.comment?.outcome, 'created');
  assert.equal(repository.comments.length, 1);
});

test('outside of a pull request there is no comment; outside of Actions there is nothing', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  const pushed = await publishReport(clientOf(double), request({ context: contextOf({ pullNumber: null }) }));
  assert.equal(pushed.comment, null);
  assert.notEqual(pushed.checkUrl, null);
  const local = await publishReport(clientOf(double), request({ context: readGithubContext({}) }));
  assert.match(local.notes.join(), /not a run of GitHub Actions/);
});

test('a command on a pull request comments on it if that is what was measured', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const context = contextOf({ eventName: 'issue_comment', headSha: 'e'.repeat(40) });
  const other = await publishReport(clientOf(double), request({ context, measuredSha: 'd'.repeat(40) }));
  assert.match(other.notes.join(), /what is checked out \(dddddddddd\) is neither its head nor its merge/);
  assert.equal(repository.comments.length, 0);
  const right = await publishReport(clientOf(double), request({ context, measuredSha: headSha }));
  assert.equal(right.comment?.outcome, 'created');
  assert.equal(repository.checkRuns.at(-1)?.headSha, headSha);
});

test('a check is set on the commit that was measured', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const context = contextOf({ eventName: 'workflow_dispatch', pullNumber: null });
  await publishReport(clientOf(double), request({ context, measuredSha: 'd'.repeat(40) }));
  assert.equal(repository.checkRuns[0]?.headSha, 'd'.repeat(40));
});

test('when to comment', () => {
  const policy = (when: PublishRequest['comment'], name: string) => {
    const { publish, create } = commentPolicy(when, judgedReports[name]!());
    return `${publish}/${create}`;
  };
  assert.equal(policy('never', 'fail'), 'false/false');
  assert.equal(policy('always', 'pass'), 'true/true');
  assert.equal(policy('on-fail', 'pass'), 'true/false');
  assert.equal(policy('on-fail', 'fail'), 'true/true');
  assert.equal(policy('on-fail', 'invalid'), 'true/true');
  assert.equal(policy('on-fail', 'inconclusive'), 'true/false');
  assert.equal(policy('on-change', 'inconclusive'), 'true/true');
  assert.equal(policy('on-change', 'fail'), 'true/true');
  assert.equal(policy('on-change', 'pass'), 'true/false');
  const faster = judgedReports.pass!();
  const gated = faster.suites[0]!.metrics.find((metric) => metric.limit.length > 0)!;
  gated.change = [{ ...gated.change[0]!, relative: -0.2, low: -0.25, high: -0.15 }];
  assert.deepEqual(commentPolicy('on-change', faster), { publish: true, create: true });
});

test('jobs, legs, suites and steps have sections of their own, the same in every run', () => {
  const context = contextOf();
  const key = (parts: Parameters<typeof sectionOf>[1], of = context) => sectionOf(of, parts).key;
  const keys = [
    key({}),
    key({}, contextOf({ job: 'other' })),
    key({}, contextOf({ workflow: 'Nightly' })),
    key({ matrix: '{"node":20}' }),
    key({ matrix: '{"node":22}' }),
    key({ suite: 'chat' }),
    key({ settings: 'services/chat' }),
    key({ settings: 'services/orders' }),
    key({ step: '__acme_tailgate_2' }),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(key({ matrix: 'null' }), key({}));
  assert.equal(key({}, contextOf({ run: { id: 7, attempt: 3 }, headSha: 'x' })), key({}));
  assert.equal(
    sectionOf(context, { matrix: '{"node":20,"os":"ubuntu"}', suite: 'chat' }).title,
    'gate (20, ubuntu) chat',
  );
});
