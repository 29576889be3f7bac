import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readReportInputs } from '../../src/run/report-inputs.ts';
import { judgedReports } from '../report/judged-report.ts';
import type { GithubDouble } from './double/github-double.ts';
import { startGithubDouble } from './double/github-double.ts';
import { headSha, withPullRequest } from './pull-request.ts';
import {
  type ReportStep,
  reportActionFile,
  runReportAction,
  type Workspace,
  workspace,
} from './run-report-action.ts';

const event = (head = 'acme/chat') => ({
  repository: { full_name: 'acme/chat', private: false, default_branch: 'main' },
  pull_request: {
    number: 7,
    head: { ref: 'faster', sha: headSha, repo: { full_name: head } },
    base: { ref: 'main', sha: 'b'.repeat(40), repo: { full_name: 'acme/chat' } },
  },
});

const merge = (
  double: GithubDouble,
  at: Workspace,
  inputs: Record<string, string> = {},
  head?: string,
): Promise<ReportStep> =>
  runReportAction({
    double,
    at,
    inputs: { path: 'artifacts', ...inputs },
    eventName: 'pull_request',
    event: event(head),
  });

test('the legs of a matrix become one comment, one check, one verdict and one exit code', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  using at = workspace();
  at.write('artifacts/tailgate-node-20/report.json', judgedReports.pass!());
  at.write('artifacts/tailgate-node-22/report.json', judgedReports.fail!());
  at.write('artifacts/tailgate-node-22/logs/server.log', 'not a report');
  const step = await merge(double, at, { expected: '2', result: 'failure', check: 'check-run' });
  assert.equal(step.exitCode, 1, step.log);
  assert.equal(step.outputs.verdict, 'fail');
  assert.equal(repository.comments.length, 1);
  const { body } = repository.comments[0]!;
  assert.match(body, /tailgate-node-20: chat-room/);
  assert.match(body, /tailgate-node-22: chat-room/);
  assert.match(body, /actions\/runs\/5000/);
  assert.match(step.summary, /tailgate-node-22: chat-room/);
  const merged = JSON.parse(readFileSync(step.outputs['report-json']!, 'utf8'));
  assert.equal(merged.suites.length, 2);
  assert.equal(merged.commits.head, headSha);
  const [check] = repository.checkRuns;
  assert.deepEqual([check!.name, check!.conclusion, check!.headSha], ['tailgate', 'failure', headSha]);
  assert.deepEqual(double.violations, []);
});

test('a leg that left no report makes the verdict invalid', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  using at = workspace();
  at.write('artifacts/a/report.json', judgedReports.pass!());
  const few = await merge(double, at, { expected: '2' });
  assert.equal(few.exitCode, 4, few.log);
  assert.match(few.log, /1 of 2 reports are there/);
  assert.match(repository.comments[0]!.body, /1 of 2 reports are there/);
  const crashed = await merge(double, at, { result: 'failure', comment: 'never' });
  assert.equal(crashed.exitCode, 4);
  assert.match(crashed.log, /every report says pass, but the measuring jobs ended with "failure"/);
  const fine = await merge(double, at, { expected: '1', result: 'success', comment: 'never' });
  assert.equal(fine.exitCode, 0, fine.log);
});

test('from a fork the verdict stands, and the comment is left to the other workflow', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double, { repository: 'mallory/chat' });
  using at = workspace();
  at.write('artifacts/a/report.json', judgedReports.fail!());
  const step = await merge(double, at, {}, 'mallory/chat');
  assert.equal(step.exitCode, 1);
  assert.match(step.log, /may only read\. The comment is left to the workflow/);
  assert.equal(repository.comments.length, 0);
  assert.ok(!double.requests.some((request) => request.method !== 'GET'), 'writing was not even tried');
});

test('which verdicts fail the step is the input of the merge, not of the legs', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  using at = workspace();
  at.write('artifacts/a/report.json', { ...judgedReports.fail!(), failOn: [] });
  assert.equal((await merge(double, at, { comment: 'never' })).exitCode, 1);
  assert.equal((await merge(double, at, { comment: 'never', 'fail-on': 'none' })).exitCode, 0);
});

test('inputs that cannot be read are named, all at once', async () => {
  const { inputs } = reportActionFile();
  const defaults = Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [`INPUT_${name.toUpperCase()}`, input.default ?? '']),
  );
  const read = readReportInputs({ ...defaults, INPUT_PATH: 'artifacts' }, '/job');
  assert.deepEqual(read, {
    mode: 'merge',
    path: '/job/artifacts',
    comment: 'always',
    check: { kind: 'none', name: 'tailgate' },
    failOn: ['fail', 'invalid'],
    expected: null,
    result: null,
    reportDir: '/job/.tailgate-report',
    suite: null,
  });
  const wrong = {
    ...defaults,
    INPUT_MODE: 'join',
    INPUT_COMMENT: 'often',
    'INPUT_FAIL-ON': 'fail, sometimes',
    INPUT_EXPECTED: 'two',
  };
  assert.throws(
    () => readReportInputs(wrong, '/job'),
    (error: Error) => {
      for (const name of ['path', 'mode', 'comment', 'fail-on', 'expected'])
        assert.match(error.message, new RegExp(`input "${name}"`));
      return true;
    },
  );
});
