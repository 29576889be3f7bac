import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readReportInputs } from '../../src/run/report-inputs.ts';
import { judgedReports } from '../report/judged-report.ts';
import type { GithubDouble } from './double/github-double.ts';
import { startGithubDouble } from './double/github-double.ts';
import { headSha, withPullRequest } from './pull-request.ts';
import {
  ofRun,
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
  at.write('artifacts/tailgate-node-20/report.json', ofRun(judgedReports.pass!()));
  at.write('artifacts/tailgate-node-22/report.json', ofRun(judgedReports.fail!()));
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

test('files, summary and outputs are out before GitHub has answered', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  using at = workspace();
  at.write('artifacts/a/report.json', ofRun(judgedReports.pass!()));
  const report = path.join(at.dir, '.tailgate-report/report.json');
  const found: string[] = [];
  double.faults.add({ before: () => found.push(JSON.parse(readFileSync(report, 'utf8')).verdict) });
  double.faults.add({ text: '{}', times: 1_000 });
  const step = await merge(double, at);
  assert.deepEqual(found, ['pass']);
  assert.deepEqual([step.exitCode, step.outputs.verdict], [0, 'pass']);
  assert.deepEqual(Object.keys(step.outputs).at(-1), 'comment-url', 'the only output that waits for GitHub');
  assert.match(step.log, /an answer that cannot be read/);
});

test('in a workflow the problems of the parts are annotated where they are', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  using at = workspace();
  const invalid = ofRun(judgedReports.pass!());
  const problem = {
    code: 'ROOM_FAILED',
    what: 'The room is gone.',
    fix: 'Open it.',
    file: 'chat.yml',
    line: 3,
  };
  at.write('artifacts/a/report.json', {
    ...invalid,
    verdict: 'invalid',
    suites: [{ ...invalid.suites[0]!, verdict: 'invalid', problems: [problem] }],
  });
  const step = await merge(double, at, { check: 'check-run' });
  assert.match(step.log, /^The room is gone\.\nOpen it\. @chat\.yml:3$/m);
  assert.deepEqual(
    double.repository().checkRuns[0]!.annotations.map(({ path: file, start_line }) => [file, start_line]),
    [['chat.yml', 3]],
  );
});

test('a leg that left no report makes the verdict invalid', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  using at = workspace();
  at.write('artifacts/a/report.json', ofRun(judgedReports.pass!()));
  const few = await merge(double, at, { expected: '2' });
  assert.equal(few.exitCode, 4, few.log);
  assert.match(few.log, /1 of 2 reports are there/);
  assert.match(repository.comments[0]!.body, /1 of 2 reports are there/);
  const crashed = await merge(double, at, { result: 'failure', comment: 'never' });
  assert.equal(crashed.exitCode, 4);
  assert.match(crashed.log, /every report says pass, but the measuring jobs ended with "failure"/);
  const fine = await merge(double, at, { expected: '1', result: 'success', comment: 'never' });
  assert.equal(fine.exitCode, 0, fine.log);
  // What is undecided fails no job, unless its leg was told so.
  const undecided = ofRun(judgedReports.inconclusive!());
  for (const [failOn, exitCode] of [
    [['fail', 'invalid'], 4],
    [['fail', 'inconclusive'], 0],
  ] as const) {
    at.write('artifacts/a/report.json', { ...undecided, failOn });
    const step = await merge(double, at, { result: 'failure', comment: 'never' });
    assert.equal(step.exitCode, exitCode, step.log);
    assert.equal(/no report tells of what fails a job/.test(step.log), exitCode === 4);
  }
});

test('from a fork the verdict stands, and the comment is left to the other workflow', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double, { repository: 'mallory/chat' });
  using at = workspace();
  at.write('artifacts/a/report.json', ofRun(judgedReports.fail!()));
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
  at.write('artifacts/a/report.json', { ...ofRun(judgedReports.fail!()), failOn: [] });
  assert.equal((await merge(double, at, { comment: 'never' })).exitCode, 1);
  assert.equal((await merge(double, at, { comment: 'never', 'fail-on': 'none' })).exitCode, 0);
});

test('two merges of one job have a section each, by the names that they are given', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  using at = workspace();
  at.write('artifacts/a/report.json', ofRun(judgedReports.pass!()));
  for (const suite of ['chat', 'queue']) await merge(double, at, { suite });
  const titles = [...repository.comments[0]!.body.matchAll(/"title":"([^"]*)"/g)].map(([, title]) => title);
  assert.equal(repository.comments.length, 1);
  assert.deepEqual(titles, ['report chat', 'report queue']);
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
    suite: null,
    reportDir: '/job/.tailgate-report',
  });
  const given = (more: object) => readReportInputs({ ...defaults, INPUT_PATH: 'a', ...more }, '/job');
  assert.deepEqual(given({ 'INPUT_FAIL-ON': 'none' }).failOn, []);
  for (const text of ['none, fail', 'fail, none'])
    assert.throws(() => given({ 'INPUT_FAIL-ON': text }), /fail-on".*or "none" alone/s);
  for (const name of ['CHECK', 'RESULT', 'SUITE'])
    assert.throws(
      () => given({ INPUT_MODE: 'publish', [`INPUT_${name}`]: name === 'CHECK' ? 'check-run' : 'success' }),
      new RegExp(`input "${name.toLowerCase()}".*it is for "mode: merge"`, 's'),
    );
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

test('a report of another run or commit, or one that is there twice, is refused', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const pass = ofRun(judgedReports.pass!());
  const refusals = async (reports: Record<string, object>, inputs: Record<string, string> = {}) => {
    using at = workspace();
    for (const [folder, report] of Object.entries(reports))
      at.write(`artifacts/${folder}/report.json`, report);
    const step = await merge(double, at, inputs);
    assert.equal(step.outputs.verdict, 'invalid', step.log);
    assert.equal(step.exitCode, 4);
    return step.log;
  };
  assert.match(
    await refusals({ old: ofRun(judgedReports.pass!(), 4999) }),
    /The report "old" was refused: it is of run 4999, and this is run 5000/,
  );
  assert.match(repository.comments[0]!.body, /it is of run 4999/, 'the comment does not keep what it said');
  assert.match(
    await refusals({ a: pass, b: pass }, { expected: '2' }),
    /"b" was refused: it is the same report as "a".*1 of 2 reports are there/s,
  );
  assert.match(
    await refusals({ a: pass, b: { ...pass, commits: { ...pass.commits, head: 'c'.repeat(40) } } }),
    /they are of different commits \(aaaaaaaaaa, cccccccccc\)/,
  );
  const deep = `b/${'deeper/'.repeat(6)}c`;
  assert.match(await refusals({ a: pass, [deep]: pass }), /it lies in more than 5 folders/);
  using nothing = workspace();
  const none = await merge(double, nothing);
  assert.deepEqual([none.outputs.verdict, none.exitCode], ['invalid', 4]);
  assert.match(repository.comments[0]!.body, /no report to publish/);
});

test('a verdict is never better than the worst of its parts', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  using at = workspace();
  const pass = ofRun(judgedReports.pass!());
  const verdictOf = async (report: object) => {
    at.write('artifacts/a/report.json', report);
    return (await merge(double, at, { comment: 'never' })).outputs.verdict;
  };
  assert.equal(await verdictOf(pass), 'pass');
  assert.equal(await verdictOf({ ...pass, suites: [] }), 'invalid');
  assert.equal(await verdictOf({ ...pass, suites: [{ ...pass.suites[0]!, metrics: [] }] }), 'invalid');
  const [suite] = ofRun(judgedReports.fail!()).suites;
  assert.equal(await verdictOf({ ...pass, suites: [{ ...suite!, verdict: 'fail' }] }), 'fail');
  const many = Array.from({ length: 61 }, (_, index) => ({
    ...pass.suites[0]!,
    name: `suite ${index}`,
    verdict: index === 60 ? 'fail' : 'pass',
  }));
  assert.equal(await verdictOf({ ...pass, suites: many }), 'fail');
});

test('of a job that was run again its last report counts', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  using at = workspace();
  const of = (verdict: 'pass' | 'fail', runAttempt: number) => ({
    ...ofRun(judgedReports[verdict]!()),
    madeBy: { runId: 5000, runAttempt, job: 'measure', leg: '24', settings: '', key: 'measure/24' },
  });
  at.write('artifacts/first/report.json', of('fail', 1));
  at.write('artifacts/again/report.json', of('pass', 2));
  const step = await merge(double, at, { expected: '1', comment: 'never' });
  assert.equal(step.outputs.verdict, 'pass', step.log);
  assert.match(step.log, /"first" is of attempt 1, which a later one replaced/);
});

test('the summary has at most as many bytes as GitHub shows', async () => {
  await using double = await startGithubDouble();
  withPullRequest(double);
  using at = workspace();
  const report = ofRun(judgedReports.fail!());
  const [suite] = report.suites;
  const text = '방에 들어갈 수 없습니다. '.repeat(60);
  for (let leg = 0; leg < 8; leg += 1) {
    const suites = Array.from({ length: 12 }, (_, index) => ({
      ...suite!,
      name: `채팅 ${leg}/${index}`,
      reason: text,
      warnings: Array.from({ length: 6 }, (_, number) => `${number} ${text}`),
    }));
    at.write(`artifacts/leg-${leg}/report.json`, { ...report, suites });
  }
  const step = await merge(double, at, { comment: 'never' });
  const bytes = Buffer.byteLength(step.summary);
  assert.ok(bytes > 500_000 && bytes <= 1024 * 1024, String(bytes));
});
