import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TailgateError } from '../../src/errors.ts';
import { type CheckRequest, publishCheck } from '../../src/github/publish-check.ts';
import { annotationsOf } from '../../src/github/report-annotations.ts';
import { reportOf, suiteWith } from '../report/judged-report.ts';
import { readOnlyToken, startGithubDouble } from './double/github-double.ts';
import { clientOf, headSha, repositoryName, withPullRequest } from './pull-request.ts';

const request = (more: Partial<CheckRequest> = {}): CheckRequest => ({
  repository: repositoryName,
  headSha,
  kind: 'check-run',
  name: 'tailgate',
  verdict: 'pass',
  failing: false,
  title: 'Nothing got slower',
  summary: 'All limits held.',
  annotations: [],
  run: { id: 100, attempt: 1 },
  section: 'gate',
  detailsUrl: 'https://github.com/acme/chat/actions/runs/100',
  ...more,
});

const annotation = (line: number) => ({
  path: 'tailgate.yml',
  line,
  level: 'failure' as const,
  title: 'chat.ack p95',
  message: `Limit ${line}`,
});

test('a verdict becomes a conclusion; what was chosen not to fail is neutral', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const client = clientOf(double);
  const cases = [
    ['pass', false, 'success'],
    ['fail', true, 'failure'],
    ['invalid', true, 'failure'],
    ['inconclusive', true, 'failure'],
    ['inconclusive', false, 'neutral'],
    ['invalid', false, 'neutral'],
  ] as const;
  for (const [index, [verdict, failing, conclusion]] of cases.entries()) {
    await publishCheck(client, request({ verdict, failing, run: { id: 100 + index, attempt: 1 } }));
    assert.equal(repository.checkRuns.at(-1)!.conclusion, conclusion, `${verdict} ${failing}`);
    assert.equal(repository.checkRuns.at(-1)!.headSha, headSha);
  }
  assert.deepEqual(double.violations, []);
});

test('the same run updates its check, a later one makes its own, an earlier one changes nothing', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const client = clientOf(double);
  const make = (id: number, attempt: number, title: string) =>
    publishCheck(client, request({ run: { id, attempt }, title, annotations: [annotation(1)] }));
  assert.equal((await make(100, 1, 'First')).outcome, 'created');
  assert.equal((await make(100, 1, 'First again')).outcome, 'updated');
  assert.equal(repository.checkRuns.length, 1);
  assert.equal(repository.checkRuns[0]!.annotations.length, 1, 'annotations are not doubled');
  assert.equal((await make(100, 2, 'Second attempt')).outcome, 'created');
  assert.equal((await make(99, 3, 'Too late')).outcome, 'older');
  assert.deepEqual(
    repository.checkRuns.map((run) => run.title),
    ['First again', 'Second attempt'],
  );
});

for (const kind of ['check-run', 'commit-status'] as const)
  test(`of jobs of one run that set the same ${kind}, the worst stands`, async () => {
    await using double = await startGithubDouble();
    const repository = withPullRequest(double);
    const client = clientOf(double);
    const leg = (section: string, failing: boolean, attempt = 1) =>
      publishCheck(
        client,
        request({
          kind,
          section,
          failing,
          verdict: failing ? 'fail' : 'pass',
          title: `${section} ${failing}`,
          run: { id: 100, attempt },
        }),
      );
    const shown = () => {
      const [check, status] = [repository.checkRuns.at(-1), repository.statuses.at(-1)];
      return kind === 'check-run' ? [check!.conclusion, check!.title] : [status!.state, status!.description];
    };
    await leg('node 20', true);
    const { standing } = await leg('node 22', false);
    assert.equal(standing, 'node 20 true');
    assert.deepEqual(shown(), ['failure', 'node 20 true']);
    // Started again, one job speaks for itself alone.
    assert.equal((await leg('node 22', false, 2)).standing, 'node 20 true');
    assert.deepEqual(shown(), ['failure', 'node 20 true']);
    assert.equal((await leg('node 20', false, 2)).standing, undefined);
    assert.equal(shown()[0], 'success');
    await leg('node 22', true, 2);
    assert.deepEqual(shown(), ['failure', 'node 22 true']);
    assert.deepEqual(double.violations, []);
  });

test('a check of the same name that is not ours is left alone', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const client = clientOf(double);
  await client.rest.checks.create({
    ...repositoryName,
    name: 'tailgate',
    head_sha: headSha,
    external_id: 'somebody-else',
    status: 'in_progress',
  });
  await publishCheck(client, request());
  assert.equal(repository.checkRuns.length, 2);
  assert.equal(repository.checkRuns[0]!.status, 'in_progress');
});

test('annotations go in requests of fifty, texts within the limits of GitHub', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const annotations = Array.from({ length: 120 }, (_, i) => annotation(i + 1));
  await publishCheck(
    clientOf(double),
    request({ annotations, summary: 'ü'.repeat(80_000), title: 't'.repeat(400) }),
  );
  assert.equal(repository.checkRuns[0]!.annotations.length, 120);
  assert.equal(double.count('checks/update'), 2);
  assert.ok(Buffer.byteLength(repository.checkRuns[0]!.summary!) <= 65_535);
  assert.equal(repository.checkRuns[0]!.title!.length, 255);
  assert.deepEqual(double.violations, []);
});

test('a commit status stands for the check where that is wanted', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const client = clientOf(double);
  const status = (id: number, failing: boolean, attempt = 1) =>
    publishCheck(
      client,
      request({
        kind: 'commit-status',
        failing,
        title: 'A title that is far too long for a status '.repeat(5),
        run: { id, attempt },
        detailsUrl: `https://github.com/acme/chat/actions/runs/${id}${attempt > 1 ? `/attempts/${attempt}` : ''}`,
      }),
    );
  assert.equal((await status(100, true)).outcome, 'created');
  assert.equal((await status(101, false, 2)).outcome, 'updated');
  assert.equal((await status(101, true, 1)).outcome, 'older');
  assert.deepEqual(
    repository.statuses.map(({ context, state, sha }) => [context, state, sha]),
    [
      ['tailgate', 'failure', headSha],
      ['tailgate', 'success', headSha],
    ],
  );
  assert.deepEqual(double.violations, []);
});

test('a missing permission names its line', async () => {
  await using double = await startGithubDouble({ tokens: { token: readOnlyToken } });
  withPullRequest(double);
  for (const [kind, line] of [
    ['check-run', 'checks: write'],
    ['commit-status', 'statuses: write'],
  ] as const) {
    await assert.rejects(publishCheck(clientOf(double), request({ kind })), (error) => {
      assert.ok(error instanceof TailgateError);
      assert.equal(error.code, 'GITHUB_PERMISSION');
      assert.match(error.fix, new RegExp(`\\n {2}${line}$`));
      return true;
    });
  }
});

test('a failed limit and a problem are annotated on their line, if the file is in the repository', () => {
  const report = reportOf([suiteWith('fail')]);
  const [suite] = report.suites;
  const metric = suite!.metrics.find((one) => one.limit.some((limit) => limit.verdict === 'fail'))!;
  metric.limit = metric.limit.map((limit) => ({ ...limit, file: 'config/tailgate.yml', line: 12 }));
  suite!.problems = [
    { code: 'ROOM_LOST', what: 'The room was lost.', fix: 'Look.', file: '/checkout/chat.yml', line: 3 },
    { code: 'BUILD_FAILED', what: 'No.', fix: 'Look.', file: '/etc/passwd', line: 1 },
    { code: 'BUILD_FAILED', what: 'No.', fix: 'Look.', file: '../other/tailgate.yml', line: 1 },
    { code: 'BUILD_FAILED', what: 'No place.', fix: 'Look.', file: null, line: null },
  ];
  const annotations = annotationsOf(report, '/checkout');
  const places = annotations.map(({ path, line, level }) => `${path}:${line} ${level}`);
  assert.equal(places[0], 'chat.yml:3 failure');
  assert.ok(places.length > 1);
  assert.deepEqual([...new Set(places.slice(1))], ['config/tailgate.yml:12 failure']);
});
