import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { SaxesParser } from 'saxes';
import { parse } from 'yaml';
import { parseReport } from '../../src/report/parse-report.ts';
import { type Checkout, checkout, settings } from './fixture.ts';
import { root } from './runner.ts';

/** The example pipelines for GitLab and Jenkins: their very commands are run, with the variables that those set. */

const temp = mkdtempSync(path.join(os.tmpdir(), 'other-ci-'));
const users: Checkout[] = [];
after(() => {
  for (const user of users) user.remove();
  rmSync(temp, { recursive: true, force: true });
});

const gitConfig = path.join(temp, 'gitconfig');
const env = (more: Record<string, string>): Record<string, string> => ({
  PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ''}`,
  HOME: temp,
  GIT_CONFIG_GLOBAL: gitConfig,
  ...more,
});

before(() => {
  // The repository that the pipelines clone the program from, as a release has it.
  const release = path.join(temp, 'tailgate');
  mkdirSync(release);
  cpSync(path.join(root, 'dist'), path.join(release, 'dist'), { recursive: true });
  for (const file of ['package.json', 'examples/gitlab-comment.js'])
    cpSync(path.join(root, file), path.join(release, file));
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: release, env: env({}), stdio: 'ignore' });
  writeFileSync(
    gitConfig,
    `[user]\nname = Test\nemail = test@example.com\n[url "file://${release}"]\n  insteadOf = https://github.com/tailgate/tailgate.git\n`,
  );
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Release');
  git('tag', 'v0');
});

/** A branch with one commit on top of main, of a user whose settings have this limit, and load of this length. */
const branch = (limit: string, seconds: number): Checkout & { base: string } => {
  const user = checkout();
  users.push(user);
  const short = readFileSync(path.join(user.dir, 'chat.yml'), 'utf8').replace(
    'duration: 2',
    `duration: ${seconds}`,
  );
  user.write('chat.yml', short);
  user.write(
    'tailgate.yml',
    settings(`thresholds: ["${limit}", users.failed = 0]\n`)
      .replace('baseline: { mode: none }\n', 'explain: never\n')
      // A limit that holds, holds on a busy machine too.
      .replace('measure:\n', limit.endsWith('60s') ? 'measure:\n  arrivals: best-effort\n' : 'measure:\n')
      .replace(
        'verdict: { ',
        'verdict: { minPairs: 2, maxPairs: 2, slicesPerSide: 2, sliceMs: 500, warmUpMs: 500, ',
      ),
  );
  user.git('commit', '-qam', 'Settings');
  const base = user.git('rev-parse', 'HEAD');
  user.git('checkout', '-qb', 'topic');
  user.write('CHANGES.md', 'One');
  user.git('add', '-A');
  user.git('commit', '-qm', 'A change');
  return { ...user, base };
};

const reportIn = (dir: string) =>
  parseReport(readFileSync(path.join(dir, '.tailgate/report.json'), 'utf8'), 'report.json');

type Ended = { exitCode: number | null; log: string };
/** Runs a script in a shell; again where a busy machine delayed the load generator, which makes a run invalid. */
const run = (shell: string[], script: string, cwd: string, variables: Record<string, string>): Ended => {
  for (let attempt = 1; ; attempt += 1) {
    const ended = runOnce(shell, script, cwd, variables);
    if (attempt === 4 || !/GENERATOR_BOTTLENECK/.test(ended.log)) return ended;
  }
};

const runOnce = (shell: string[], script: string, cwd: string, variables: Record<string, string>): Ended => {
  const [command = '', ...flags] = shell;
  const { status, stdout, stderr } = spawnSync(command, [...flags, '-c', script], {
    cwd,
    env: env(variables),
    encoding: 'utf8',
    timeout: 240_000,
  });
  return { exitCode: status, log: `${stdout}\n${stderr}` };
};

/** Test cases of a JUnit file by outcome. */
const junitCases = (file: string): { name: string; failed: boolean }[] => {
  const cases: { name: string; failed: boolean }[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'testcase') cases.push({ name: String(attributes.name), failed: false });
    const last = cases.at(-1);
    if ((name === 'failure' || name === 'error') && last !== undefined) last.failed = true;
  });
  parser.write(readFileSync(file, 'utf8')).close();
  return cases;
};

type GitlabJob = {
  extends?: string;
  before_script?: string[];
  script: string[];
  rules: { if: string }[];
  allow_failure?: { exit_codes: number[] };
  artifacts?: { when: string; paths: string[]; reports: { junit: string } };
  cache?: { paths: string[] };
};
const gitlab = parse(readFileSync(path.join(root, 'examples/.gitlab-ci.yml'), 'utf8')) as Record<
  string,
  GitlabJob & string[]
>;
const gitlabJob = (name: string): GitlabJob => {
  const job = gitlab[name] as GitlabJob;
  return { ...gitlab[job.extends ?? ''], ...job } as GitlabJob;
};
const runGitlab = (job: GitlabJob, cwd: string, variables: Record<string, string>): Ended =>
  run(['bash', '-eo', 'pipefail'], [...(job.before_script ?? []), ...job.script].join('\n'), cwd, {
    CI: 'true',
    GITLAB_CI: 'true',
    CI_PROJECT_DIR: cwd,
    CI_DEFAULT_BRANCH: 'main',
    CI_JOB_URL: 'https://gitlab.example.com/octo/chat/-/jobs/7',
    ...variables,
  });

test('GitLab: a merge request is measured side by side with its base, and its reports are published', () => {
  const job = gitlabJob('performance-gate');
  assert.equal(job.rules[0]?.if, '$CI_PIPELINE_SOURCE == "merge_request_event"');
  const user = branch('chat.ack.p95 < 60s', 3);
  const { exitCode, log } = runGitlab(job, user.dir, {
    CI_PIPELINE_SOURCE: 'merge_request_event',
    CI_MERGE_REQUEST_DIFF_BASE_SHA: user.base,
    CI_COMMIT_SHA: user.git('rev-parse', 'HEAD'),
  });
  // Two pairs decide hardly anything: that is a warning of the job, and no failure.
  assert.ok(exitCode === 0 || job.allow_failure?.exit_codes.includes(exitCode ?? -1), log);
  const report = reportIn(user.dir);
  assert.deepEqual(report.commits, { head: user.git('rev-parse', 'HEAD'), base: user.base });
  assert.equal(report.suites[0]?.comparison, 'side-by-side');
  assert.equal(report.runUrl, 'https://gitlab.example.com/octo/chat/-/jobs/7');
  assert.equal(job.artifacts?.when, 'always');
  for (const file of job.artifacts?.paths ?? []) assert.ok(existsSync(path.join(user.dir, file)), file);
  const cases = junitCases(path.join(user.dir, job.artifacts?.reports.junit ?? ''));
  assert.ok(
    cases.some(({ name, failed }) => name === 'chat.ack p95 < 60s' && !failed),
    JSON.stringify(cases),
  );
});

test('GitLab: the default branch keeps a history in the cache, and is compared with it', () => {
  const job = gitlabJob('performance-history');
  const user = branch('chat.ack.p95 < 60s', 2);
  user.git('checkout', '-q', 'main');
  const variables = { CI_COMMIT_BRANCH: 'main', CI_COMMIT_SHA: user.base };
  const first = runGitlab(job, user.dir, variables);
  assert.equal(first.exitCode, 0, first.log);
  assert.equal(reportIn(user.dir).suites[0]?.comparison, 'none');
  const [cached = ''] = job.cache?.paths ?? [];
  const history = path.join(user.dir, cached, 'records.jsonl');
  assert.equal(readFileSync(history, 'utf8').trim().split('\n').length, 1);
  const second = runGitlab(job, user.dir, variables);
  assert.ok([0, 1, 3].includes(second.exitCode ?? -1), second.log);
  assert.equal(reportIn(user.dir).suites[0]?.comparison, 'single');
});

const jenkinsfile = readFileSync(path.join(root, 'examples/Jenkinsfile'), 'utf8');
const jenkinsScript = /sh\(returnStatus: true, script: '''([\s\S]*?)'''\)/.exec(jenkinsfile)?.[1] ?? '';
const runJenkins = (cwd: string, variables: Record<string, string>): Ended =>
  run(['sh', '-xe'], jenkinsScript, cwd, {
    CI: 'true',
    JENKINS_URL: 'https://jenkins.example.com/',
    BUILD_URL: 'https://jenkins.example.com/job/chat/7/',
    WORKSPACE: cwd,
    WORKSPACE_TMP: `${cwd}@tmp`,
    ...variables,
  });

test('Jenkins: a pull request that misses a limit fails, with the limit in the test results', () => {
  const user = branch('chat.ack.p95 < 1us', 3);
  const { exitCode, log } = runJenkins(user.dir, {
    JOB_NAME: 'chat/PR-7',
    BRANCH_NAME: 'PR-7',
    CHANGE_TARGET: 'main',
    GIT_COMMIT: user.git('rev-parse', 'HEAD'),
  });
  rmSync(`${user.dir}@tmp`, { recursive: true, force: true });
  assert.equal(exitCode, 1, log);
  const report = reportIn(user.dir);
  assert.equal(report.commits.base, user.base);
  assert.equal(report.suites[0]?.comparison, 'side-by-side');
  const [, results] = /junit testResults: '([^']+)'/.exec(jenkinsfile) ?? [];
  const failed = junitCases(path.join(user.dir, results ?? '')).filter((each) => each.failed);
  assert.ok(
    failed.some(({ name }) => name === 'chat.ack p95 < 1us'),
    JSON.stringify(failed),
  );
});

test('Jenkins: the default branch is recorded in a file on the agent', () => {
  const user = branch('chat.ack.p95 < 60s', 2);
  user.git('checkout', '-q', 'main');
  const variables = {
    JOB_NAME: 'folder/chat/main',
    BRANCH_NAME: 'main',
    BRANCH_IS_PRIMARY: 'true',
    GIT_COMMIT: user.base,
  };
  const { exitCode, log } = runJenkins(user.dir, variables);
  rmSync(`${user.dir}@tmp`, { recursive: true, force: true });
  assert.equal(exitCode, 0, log);
  const history = readFileSync(path.join(temp, 'tailgate-history/folder/chat.jsonl'), 'utf8');
  const record = JSON.parse(history) as { commit: string; branch: string; runUrl: string };
  assert.deepEqual(
    [record.commit, record.branch, record.runUrl],
    [user.base, 'main', 'https://jenkins.example.com/job/chat/7/'],
  );
});

test('the pipelines handle every exit code, and leave the report of a failed job', () => {
  assert.deepEqual(gitlab['.tailgate']?.allow_failure, { exit_codes: [3] });
  assert.match(jenkinsfile, /exitCode == 3\) \{\s*unstable\(/);
  assert.match(jenkinsfile, /exitCode != 0\) \{\s*error\(/);
  assert.match(
    jenkinsfile,
    /post \{\s*always \{\s*junit .*\n\s*archiveArtifacts artifacts: '\.tailgate\/\*\*'/,
  );
  // What a linter would see first.
  for (const [open, close] of ['{}', '()', '[]'].map((pair) => pair.split('')))
    assert.equal(
      jenkinsfile.split(open ?? '').length,
      jenkinsfile.split(close ?? '').length,
      `${open} ${close}`,
    );
  for (const name of Object.keys(gitlab)) {
    if (name === 'stages') continue;
    const job = gitlabJob(name);
    assert.ok(Array.isArray(job.before_script), name);
    assert.ok(name.startsWith('.') || Array.isArray(job.script), name);
  }
});
