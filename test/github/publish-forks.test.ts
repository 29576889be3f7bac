import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPullRequests } from '../../src/github/find-pull-requests.ts';
import type { TriggeringRun } from '../../src/github/github-context.ts';
import type { Report } from '../../src/report/report-model.ts';
import { hostileReport } from '../report/hostile-report.ts';
import { judgedReports } from '../report/judged-report.ts';
import { markdownPage } from '../report/rendered-page.ts';
import type { GithubDouble } from './double/github-double.ts';
import { startGithubDouble } from './double/github-double.ts';
import { clientOf, headSha, repositoryName, withPullRequest } from './pull-request.ts';
import {
  ofRun,
  type ReportStep,
  runReportAction,
  runReportStep,
  type Workspace,
  workspace,
} from './run-report-action.ts';

const eventOf = (more: object = {}) => ({
  repository: { full_name: 'acme/chat', private: false, default_branch: 'main' },
  workflow_run: {
    id: 4100,
    run_attempt: 1,
    workflow_id: 31,
    event: 'pull_request',
    head_sha: headSha,
    head_branch: 'faster',
    html_url: 'https://github.com/acme/chat/actions/runs/4100',
    conclusion: 'success',
    head_repository: { full_name: 'mallory/chat' },
    ...more,
  },
});

const publish = (double: GithubDouble, at: Workspace, more: object = {}): Promise<ReportStep> =>
  runReportAction({
    double,
    at,
    inputs: { path: 'artifacts', mode: 'publish' },
    eventName: 'workflow_run',
    event: eventOf(more),
  });

const failing = (): Report => ofRun(judgedReports.fail!(), 4100);

/** A pull request of mallory's fork, and one of somebody else. */
const forked = (double: GithubDouble) => {
  const repository = withPullRequest(double, { repository: 'mallory/chat' });
  repository.pulls.set(8, {
    ...repository.pulls.get(7)!,
    number: 8,
    head: { ref: 'faster', sha: 'b'.repeat(40), repository: 'eve/chat' },
  });
  return repository;
};

test('the report of a fork reaches its pull request, with what GitHub itself says of the run', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  at.write('artifacts/tailgate-report/report.json', {
    ...failing(),
    runUrl: 'https://evil.example/run',
    commits: { head: headSha, base: 'd'.repeat(40) },
  });
  at.write('artifacts/tailgate-report/pr-number.txt', '8');
  const step = await publish(double, at);
  assert.equal(step.exitCode, 0, step.log);
  assert.equal(step.outputs.verdict, 'fail');
  assert.equal(repository.comments.length, 1);
  const [comment] = repository.comments;
  assert.equal(comment!.issue, 7, 'the pull request whose head it is, whatever the artifact says');
  assert.match(comment!.body, /github\.com\/acme\/chat\/actions\/runs\/4100/);
  assert.match(comment!.body, /\[`aaaaaaa/);
  assert.doesNotMatch(comment!.body, /evil|ccccccc/);
  assert.equal(
    step.outputs['comment-url'],
    `https://github.com/acme/chat/pull/7#issuecomment-${comment!.id}`,
  );
  assert.equal(repository.checkRuns.length + repository.statuses.length, 0);
  assert.deepEqual(double.violations, []);
});

const run: TriggeringRun = {
  id: 4100,
  attempt: 1,
  workflowId: 31,
  event: 'pull_request',
  headSha,
  headBranch: 'faster',
  headRepository: 'mallory/chat',
  url: 'https://github.com/acme/chat/actions/runs/4100',
  conclusion: 'success',
};

test('the pull request is the open one that has the commit at its head, from the repository of the run', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  const find = (more: Partial<TriggeringRun>) =>
    findPullRequests(clientOf(double), repositoryName, { ...run, ...more });
  assert.deepEqual(await find({}), [7]);
  assert.deepEqual(await find({ headRepository: 'Mallory/Chat' }), [7]);
  assert.deepEqual(await find({ headBranch: null }), [7], 'by commit alone');
  assert.deepEqual(await find({ headSha: 'e'.repeat(40) }), [], 'it has moved on');
  assert.deepEqual(await find({ headRepository: 'eve/chat' }), [], 'a branch of the same name elsewhere');
  assert.deepEqual(await find({ headRepository: null }), [], 'the fork is gone, the pull request is not its');
  repository.pulls.set(9, { ...repository.pulls.get(7)!, number: 9, base: { ref: 'next', sha: headSha } });
  assert.deepEqual(await find({}), [7, 9]);
  for (const pull of repository.pulls.values()) pull.state = 'closed';
  assert.deepEqual(await find({}), []);
  double.faults.add({
    operation: 'pulls/list',
    status: 403,
    message: 'Resource not accessible by integration',
  });
  await assert.rejects(find({}), /pull-requests: read/);
});

test('a run whose pull request has moved on, or that had none, is not published', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  at.write('artifacts/report.json', failing());
  const moved = await publish(double, at, { head_sha: 'e'.repeat(40) });
  assert.equal(moved.exitCode, 0, moved.log);
  assert.match(moved.log, /No open pull request has the commit/);
  const push = await publish(double, at, { event: 'push' });
  assert.match(push.log, /the run was started by "push"/);
  assert.equal(repository.comments.length, 0);
});

const hostilePieces = [
  '@octocat @acme/team',
  'fixes #123 GH-7 acme/chat#9',
  'https://evil.example/x [click](https://evil.example) ![p](https://evil.example/p.png)',
  '<img src=x onerror=alert(1)><script>alert(1)</script>',
  '</td></tr></table></details></summary><h1>Approved</h1>',
  '<!-- tailgate:end --> --> <!-- tailgate:section {"key":"x"} -->',
  '\u202Esserddadeb\u2066\u2069\u200B',
  '| a | b |\n|---|---|\n\n# Approved\n\n```',
  '::error::boom\n::set-output name=verdict::pass',
];

test('nothing in a hostile report acts: mentions, links, HTML, markers, bidirectional text, runner commands', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  at.write(
    'artifacts/report.json',
    ofRun(
      hostileReport((place) => `${hostilePieces[place % hostilePieces.length]} ${place}`),
      4100,
    ),
  );
  const step = await publish(double, at);
  assert.equal(step.exitCode, 0, step.log);
  const { body } = repository.comments[0]!;
  const page = markdownPage(body);
  const trusted = new Set([
    'https://github.com/acme/chat/actions/runs/4100',
    `https://github.com/acme/chat/commit/${headSha}`,
  ]);
  for (const { tag, attributes } of page.elements) {
    assert.ok(!['img', 'script', 'h1', 'iframe', 'svg'].includes(tag), tag);
    if (tag === 'a') assert.ok(trusted.has(attributes.href!), attributes.href);
  }
  const live = page.liveText.join('\n');
  assert.doesNotMatch(live, /@octocat|@acme|#123|GH-7|evil\.example/);
  assert.doesNotMatch(body, /[\u202A-\u202E\u2066-\u2069\u200B]/);
  assert.equal(page.comments.filter((comment) => comment.includes('tailgate:section')).length, 1);
  const again = await publish(double, at);
  assert.equal(again.exitCode, 0);
  assert.equal(repository.comments.length, 1, 'its own comment is found again');
});

test('as a step of its own: exit code, outputs, summary, and no runner command of the report', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  at.write(
    'artifacts/report.json',
    ofRun(
      hostileReport((place) => `${hostilePieces[place % hostilePieces.length]} ${place}`),
      4100,
    ),
  );
  const step = await runReportStep({
    double,
    at,
    inputs: { path: 'artifacts', mode: 'publish' },
    eventName: 'workflow_run',
    event: eventOf(),
  });
  assert.equal(step.exitCode, 0, step.log);
  assert.equal(repository.comments.length, 1);
  assert.equal(step.outputs.verdict, 'fail');
  assert.match(step.outputs['comment-url']!, /#issuecomment-/);
  assert.ok(step.summary.length > 500);
  assert.doesNotMatch(step.log, /^::(error::boom|set-output)/m);
});

test('links, and files outside of the folder, are refused', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  const outside = at.write('secret/report.json', failing());
  symlinkSync(outside, path.join(at.dir, 'artifacts', 'report.json'));
  symlinkSync(path.dirname(outside), path.join(at.dir, 'artifacts', 'linked'));
  const step = await publish(double, at);
  assert.equal(step.exitCode, 4, step.log);
  assert.match(step.log, /was refused: it is not a plain file/);
  assert.equal(repository.comments.length, 0);
  assert.equal(step.outputs.verdict, 'invalid');
});

test('what is too large, too many or not a report is refused, and the rest is still published', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  at.write('artifacts/huge/report.json', `"${'x'.repeat(10_000_001)}"`);
  at.write('artifacts/broken/report.json', '{"schemaVersion": 1, "verdict"');
  at.write('artifacts/array/report.json', '[]');
  at.write('artifacts/future/report.json', { ...failing(), schemaVersion: 2 });
  at.write('artifacts/missing/report.json', { schemaVersion: 1, verdict: 'pass' });
  at.write('artifacts/typed/report.json', { ...failing(), suites: [{ name: 5 }] });
  at.write('artifacts/deep/report.json', `{"suites":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
  at.write('artifacts/[click](https:evil)<b>/report.json', { ...judgedReports.pass!(), verdict: 'maybe' });
  at.write('artifacts/whole/report.json', ofRun(judgedReports.pass!(), 4100));
  // Of another run, and the same one again.
  at.write('artifacts/stale/report.json', ofRun(judgedReports.pass!(), 4099));
  at.write('artifacts/zwhole/report.json', ofRun(judgedReports.pass!(), 4100));
  const step = await publish(double, at);
  assert.equal(step.exitCode, 0, step.log);
  assert.equal(step.outputs.verdict, 'invalid', 'a pass does not stand beside reports that were refused');
  const refused = step.log.match(/The report "[^"]+" was refused/g)!;
  assert.equal(new Set(refused).size, 10, step.log);
  const { body } = repository.comments[0]!;
  assert.match(body, /more than the `?10000000`? that are read/);
  assert.doesNotMatch(body, /<b>|\]\(https:evil/);
});

test('a report with endless texts and lists is cut', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  const [suite] = failing().suites;
  at.write('artifacts/report.json', {
    ...failing(),
    suites: Array.from({ length: 500 }, (_, i) => ({
      ...suite,
      name: `suite ${i}`,
      rounds: [],
      metrics: [],
      warnings: ['w'.repeat(5_000)],
    })),
  });
  const step = await publish(double, at);
  assert.equal(step.exitCode, 0, step.log);
  assert.ok(repository.comments[0]!.body.length <= 60_000);
});

test('a later run of the same pull request is not overwritten by an earlier one', async () => {
  await using double = await startGithubDouble();
  const repository = forked(double);
  using at = workspace();
  at.write('artifacts/report.json', ofRun(judgedReports.pass!(), 4200));
  await publish(double, at, { id: 4200, html_url: 'https://github.com/acme/chat/actions/runs/4200' });
  const { body } = repository.comments[0]!;
  at.write('artifacts/report.json', failing());
  await publish(double, at, { id: 4100 });
  assert.equal(repository.comments[0]!.body, body);
});

test('an empty or missing folder, and the wrong event, are explained', async () => {
  await using double = await startGithubDouble();
  forked(double);
  using at = workspace();
  const empty = await publish(double, at);
  assert.equal(empty.exitCode, 4);
  assert.match(empty.log, /no file in it is named "report\.json"/);
  const step = await runReportAction({
    double,
    at,
    inputs: { path: 'artifacts', mode: 'publish' },
    eventName: 'push',
    event: {},
  });
  assert.equal(step.exitCode, 2);
  assert.match(step.log, /"publish" is for workflows that a "workflow_run" event starts/);
});
