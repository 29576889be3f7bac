import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  type GithubDouble,
  readOnlyToken,
  startGithubDouble,
  workflowToken,
} from '../github/double/github-double.ts';
import { withPullRequest } from '../github/pull-request.ts';
import { type Checkout, checkout, settings } from './fixture.ts';
import { runStep, type StepRequest } from './runner.ts';

let repo: Checkout;
before(() => {
  repo = checkout();
});
after(() => repo.remove());

const headSha = 'a'.repeat(40);
const side = (ref: string, sha: string, fullName: string) => ({ ref, sha, repo: { full_name: fullName } });
const pullRequest = (headRepository = 'acme/chat') => ({
  repository: { full_name: 'acme/chat', private: false, default_branch: 'main' },
  pull_request: {
    number: 7,
    head: side('faster', headSha, headRepository),
    base: side('main', 'b'.repeat(40), 'acme/chat'),
  },
});

const onPullRequest = (double: GithubDouble, more: Partial<StepRequest> = {}): StepRequest => ({
  workspace: repo.dir,
  eventName: 'pull_request',
  event: pullRequest(),
  ...more,
  env: {
    GITHUB_API_URL: double.url,
    GITHUB_GRAPHQL_URL: `${double.url}/graphql`,
    GITHUB_REPOSITORY: 'acme/chat',
    GITHUB_TOKEN: 'token',
    ...more.env,
  },
});

test('one comment is written on the pull request, and brought up to date by the next run', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const first = await runStep(
    onPullRequest(double, { inputs: { thresholds: 'chat.ack.p50 < 5s', 'fail-on': 'fail' } }),
  );
  assert.equal(first.exitCode, 0, first.log);
  assert.equal(repository.comments.length, 1, first.log);
  assert.match(repository.comments[0]?.body ?? '', /chat\.ack/);
  assert.match(first.outputs['comment-url'] ?? '', /issuecomment|comments/);
  const second = await runStep(
    onPullRequest(double, {
      inputs: { thresholds: 'chat.ack.p50 < 1us', 'fail-on': 'fail' },
      env: { GITHUB_RUN_ID: '1002' },
    }),
  );
  assert.equal(repository.comments.length, 1);
  if (second.outputs.verdict === 'fail') assert.equal(second.exitCode, 1, second.log);
  assert.match(repository.comments[0]?.body ?? '', /1us|invalid|trusted/);
  // A mistake leaves no earlier result standing, and no check that is waited for.
  const mistake = await runStep(
    onPullRequest(double, {
      inputs: { thresholds: 'chat.nothing < 1s', 'fail-on': 'fail', check: 'check-run' },
      env: { GITHUB_RUN_ID: '1003' },
    }),
  );
  assert.equal(mistake.exitCode, 2, mistake.log);
  assert.match(repository.comments[0]?.body ?? '', /chat\.nothing/);
  assert.deepEqual(
    repository.checkRuns.map(({ headSha: sha, conclusion }) => [sha, conclusion]),
    [[headSha, 'failure']],
    mistake.log,
  );
  assert.deepEqual(double.violations, []);
});

test('a mistake replaces what the job said before, a search as well, and whatever the mistake is in', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const mistakes: [inputs: Record<string, string>, says: RegExp][] = [
    [
      { mode: 'capacity', thresholds: 'chat.ack.p50 < +10%', check: 'check-run' },
      /Capacity unknown: nothing was measured[\s\S]*no absolute limit/,
    ],
    [{ mode: 'capasity' }, /Capacity unknown: nothing was measured[\s\S]*got "capasity"/],
    [{ mode: 'capacity', shard: '1/2' }, /a search for the capacity has no shards/],
  ];
  for (const [index, [inputs, says]] of mistakes.entries()) {
    const result = await runStep(
      onPullRequest(double, { inputs, env: { GITHUB_RUN_ID: `${1001 + index}` } }),
    );
    assert.equal(result.exitCode, 2, result.log);
    assert.equal(repository.comments.length, 1, result.log);
    assert.match(repository.comments[0]?.body ?? '', says);
    assert.match(result.outputs['report-json'] ?? '', /capacity\.json$/);
    assert.equal(JSON.parse(readFileSync(result.outputs['report-json']!, 'utf8')).verdict, 'invalid');
  }
  assert.deepEqual(
    repository.checkRuns.map(({ headSha: sha, conclusion }) => [sha, conclusion]),
    [[headSha, 'failure']],
  );
  assert.deepEqual(double.violations, []);
});

test('a token that may not comment is told which permission is missing, and the verdict stands', async () => {
  await using double = await startGithubDouble({
    tokens: { token: workflowToken({ contents: 'read', 'pull-requests': 'read' }) },
  });
  const repository = withPullRequest(double);
  const result = await runStep(
    onPullRequest(double, { inputs: { thresholds: 'errors = 0', 'fail-on': 'fail' } }),
  );
  assert.equal(result.exitCode, 0, result.log);
  assert.equal(repository.comments.length, 0);
  assert.match(result.log, /pull-requests: write/);
  assert.match(result.summary, /chat\.ack/);
});

test('the pull request of a fork is judged without an attempt to write', async () => {
  await using double = await startGithubDouble({ tokens: { token: readOnlyToken } });
  withPullRequest(double, { repository: 'mallory/chat' });
  const result = await runStep(
    onPullRequest(double, {
      event: pullRequest('mallory/chat'),
      inputs: { thresholds: 'chat.ack.p50 < 1us', 'fail-on': 'fail' },
    }),
  );
  assert.match(result.log, /fork/);
  assert.deepEqual(
    double.requests.filter((request) => request.method !== 'GET'),
    [],
  );
  if (result.outputs.verdict === 'fail') assert.equal(result.exitCode, 1);
});

test('the default branch records a baseline on a branch of its own, and a pull request is compared with it', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const user = checkout();
  try {
    user.write('tailgate.yml', settings().replace('{ mode: none }', '{ mode: branch }'));
    const pushed = user.git('rev-parse', 'HEAD');
    const push = {
      workspace: user.dir,
      eventName: 'push',
      event: {
        repository: { full_name: 'acme/chat', default_branch: 'main' },
        after: pushed,
        before: 'b'.repeat(40),
      },
      env: { GITHUB_REF: 'refs/heads/main', GITHUB_SHA: pushed },
      inputs: { 'fail-on': 'fail' },
    };
    for (let tries = 0; tries < 4 && repository.files('tailgate') === null; tries += 1) {
      const recorded = await runStep(onPullRequest(double, push));
      assert.equal(recorded.exitCode, 0, recorded.log);
    }
    const files = repository.files('tailgate');
    assert.ok(files !== null && files.size > 0, 'the branch was made');
    const compared = await runStep(
      onPullRequest(double, {
        workspace: user.dir,
        inputs: {
          'fail-on': 'fail',
          'record-baseline': 'always',
          // One short run is no measure of chance: only a collapse fails here.
          thresholds: ['p50', 'p95', 'p99'].map((each) => `chat.ack.${each} < +900% and +500ms`).join('\n'),
        },
      }),
    );
    assert.equal(compared.exitCode, 0, compared.log);
    assert.match(compared.summary, /chat\.ack/);
    assert.doesNotMatch(compared.summary, /No baseline/);
    assert.equal(repository.files('tailgate')?.size, files.size, 'a pull request only reads');
    assert.deepEqual(double.violations, []);
  } finally {
    user.remove();
  }
});

test('GitHub out of order costs the comment, not the verdict', async () => {
  const result = await runStep({
    ...onPullRequest({ url: 'http://127.0.0.1:9' } as GithubDouble, { inputs: { 'fail-on': 'fail' } }),
    timeoutMs: 120_000,
  });
  assert.equal(result.exitCode, 0, result.log);
  assert.match(result.summary, /chat\.ack/);
});

test('the legs of a matrix keep sections of their own in one comment', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  for (const node of ['20', '24']) {
    const leg = await runStep(
      onPullRequest(double, {
        inputs: { thresholds: 'errors = 0', 'fail-on': 'fail', matrix: JSON.stringify({ node }) },
      }),
    );
    assert.equal(leg.exitCode, 0, leg.log);
  }
  assert.equal(repository.comments.length, 1);
  const body = repository.comments[0]?.body ?? '';
  assert.match(body, /\(20\)/);
  assert.match(body, /\(24\)/);
});
