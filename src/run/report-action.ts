import { environmentFingerprint } from '../baseline/fingerprint.ts';
import { exitCodes, problemsOf, type TailgateError, tailgateError } from '../errors.ts';
import { collectReports } from '../github/collect-reports.ts';
import type { CommentWhen } from '../github/comment-policy.ts';
import { findPullRequests } from '../github/find-pull-requests.ts';
import type { GithubContext, TriggeringRun } from '../github/github-context.ts';
import type { CheckRequest } from '../github/publish-check.ts';
import { sectionOf } from '../github/publish-report.ts';
import type { Host } from '../host/host.ts';
import { buildReport } from '../report/build-report.ts';
import { mergeReports } from '../report/merge-reports.ts';
import { problemReport, verdictWith } from '../report/problem-report.ts';
import type { Report } from '../report/report-model.ts';
import { type Delivery, deliver, type GithubAccess, showProblems, type Target } from './deliver.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import { type ExpectedRun, sortReports } from './own-reports.ts';

/** The inputs of `report/action.yml`, read. */
export type ReportActionInputs = {
  /**
   * `merge`: reports of jobs of this run, with a verdict and an exit code. `publish`: reports of the finished run that a
   * `workflow_run` event is about, which may hold anything; the comment is all that comes of them.
   */
  mode: 'merge' | 'publish';
  /** Folder of the downloaded artifacts, absolute. */
  path: string;
  comment: CommentWhen;
  /** Only for `merge`: a check that a foreign report could turn green would be a hole in branch protection. */
  check: { kind: 'none' | CheckRequest['kind']; name: string };
  failOn: Report['failOn'];
  /** Reports that must be there; null for any number. */
  expected: number | null;
  /** `needs.<job>.result` of the jobs that made the reports; null when not given. */
  result: string | null;
  /** Tells its section of the comment from that of another merge in the same job; null for none. */
  suite: string | null;
  /** Folder for the merged report, absolute. */
  reportDir: string;
};

export type ReportAction = {
  host: Host;
  github: GithubAccess;
  inputs: ReportActionInputs;
  /** How often and how late the comment is looked at again after writing, milliseconds; chosen if not given. */
  verifyAfterMs?: readonly number[];
};

/** The action in `report/`, from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const reportAction = async (action: ReportAction): Promise<number> => {
  try {
    return action.inputs.mode === 'merge' ? await merge(action) : await publishForRun(action);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(action.host, problems);
    action.host.output('verdict', 'invalid');
    return exitCodeOfProblems(problems);
  }
};

/** Joins the reports of a matrix into one comment and one verdict, and gives its exit code. */
async function merge(action: ReportAction): Promise<number> {
  const { github, inputs } = action;
  const context = github?.context ?? null;
  const { report, settings } = await mergedReport(action, {
    headSha: context?.headSha ?? null,
    runUrl: context?.runUrl ?? null,
    result: inputs.result,
    expected: {
      runId: context?.run?.id ?? null,
      commits: context === null ? [] : commitsOf(context),
    },
  });
  const measuredSha = report.commits.merged ?? report.commits.head;
  const isChosen = context?.eventName === 'issue_comment' || context?.pullNumber == null;
  const targets =
    context === null
      ? []
      : [
          {
            context,
            section: sectionOf(context, { settings, suite: inputs.suite }),
            ...(isChosen ? { measuredSha } : {}),
          },
        ];
  await deliverTo(action, report, targets, inputs.check);
  return exitCodeOf(report);
}

/** What the caller knows better than the reports do. */
type Trusted = {
  /** The commit that is judged; null where only the reports can tell. */
  headSha: string | null;
  runUrl: string | null;
  result: string | null;
  expected: ExpectedRun;
};

/** The reports as one, and where their settings are. */
async function mergedReport(
  action: ReportAction,
  trusted: Trusted,
): Promise<{ report: Report; settings: string }> {
  const { host, inputs } = action;
  const isOwn = inputs.mode === 'merge';
  const collected = await collectReports(inputs.path, { places: isOwn }).catch((failure: unknown) => {
    // Another run may have left none on purpose; the jobs of this one were to leave theirs.
    if (!isOwn) throw failure;
    return { reports: [], problems: [...problemsOf(failure)] };
  });
  const { reports, problems, notes } = sortReports(collected.reports, trusted.expected);
  for (const note of notes) host.info(note);
  const [refused] = [...collected.problems, ...problems];
  if (!isOwn && reports.length === 0 && refused !== undefined) throw refused;
  const merged = reports.length === 0 ? emptyReport(trusted) : mergeReports(reports);
  const reason = incompleteness(
    reports.map(({ report }) => report),
    { ...inputs, result: trusted.result },
  );
  const found: TailgateError[] = [
    ...collected.problems,
    ...problems,
    ...(reason === null ? [] : [tailgateError('REPORTS_INCOMPLETE', { reason })]),
  ];
  const { head, base, merged: pullHead } = merged.commits;
  const settings = new Set(reports.map(({ report }) => report.madeBy?.settings ?? ''));
  return {
    report: {
      ...merged,
      failOn: inputs.failOn,
      verdict: verdictWith(merged.verdict, found),
      problems: [...merged.problems, ...found.map(problemReport)],
      commits: isOwn
        ? { head: head ?? trusted.headSha, base, ...(pullHead === undefined ? {} : { merged: pullHead }) }
        : { head: trusted.headSha, base },
      runUrl: trusted.runUrl,
    },
    settings: [...settings].filter((place) => place !== '').join(' + '),
  };
}

/** A report of what could not be had, where no report could. */
function emptyReport(trusted: Trusted): Report {
  return buildReport({
    suites: [],
    failOn: [],
    problems: [],
    environment: { ...environmentFingerprint(), pinning: null },
    commits: { head: trusted.headSha, base: null },
    runUrl: trusted.runUrl,
    startedAt: new Date().toISOString(),
    durations: { totalMs: 0, buildMs: 0, loadMs: 0 },
  });
}

/** What tells that the reports are not the whole story: jobs that failed while none of them says why. */
function incompleteness(reports: readonly Report[], inputs: ReportActionInputs): string | null {
  const { expected, result } = inputs;
  if (expected !== null && reports.length < expected)
    return `${reports.length} of ${expected} reports are there`;
  const saysWhy = reports.some(
    ({ verdict, failOn }) =>
      verdict === 'fail' || verdict === 'invalid' || (verdict === 'inconclusive' && failOn.includes(verdict)),
  );
  if (reports.length === 0 || result === null || result === 'success' || saysWhy) return null;
  const said = reports.every(({ verdict }) => verdict === 'pass')
    ? 'every report says pass'
    : 'no report tells of what fails a job';
  return `${said}, but the measuring jobs ended with "${result.slice(0, 40)}"`;
}

/** The commits that jobs of this run check out; none where a workflow may choose. */
function commitsOf({ eventName, headSha, checkoutSha }: GithubContext): string[] {
  const own = [headSha, ...(eventName === 'pull_request_target' ? [] : [checkoutSha])];
  return ['pull_request', 'pull_request_target', 'push', 'merge_group'].includes(eventName) &&
    checkoutSha !== null
    ? own.filter((sha) => sha !== null)
    : [];
}

/** Brings the report to its readers, on these pull requests. */
function deliverTo(
  action: ReportAction,
  report: Report,
  targets: readonly Target[],
  check: Delivery['check'],
): Promise<void> {
  const { host, github, inputs } = action;
  return deliver(report, {
    host,
    reportDir: inputs.reportDir,
    wanted: {},
    failOn: report.failOn,
    client: github?.client ?? null,
    targets,
    comment: inputs.comment,
    check,
    links: {
      run: report.runUrl,
      repository: github === null ? null : repositoryUrl(github.context),
    },
    root: host.cwd,
    outputs: { verdict: report.verdict },
    print: null,
    tell: inputs.mode === 'merge' ? 'error' : 'warn',
    verifyAfterMs: action.verifyAfterMs,
  });
}

function repositoryUrl(context: GithubContext): string | null {
  return context.repository === null
    ? null
    : `${context.serverUrl}/${context.repository.owner}/${context.repository.repo}`;
}

/** Publishes what a run with a read-only token could not. Its verdict is that run's own: it does not fail this one. */
async function publishForRun(action: ReportAction): Promise<number> {
  const { host, github } = action;
  const run = github?.context.triggeringRun ?? null;
  if (github === null || run === null || github.context.repository === null)
    throw tailgateError('SETTINGS_INVALID_VALUE', {
      key: 'mode',
      problem: '"publish" is for workflows that a "workflow_run" event starts, and needs a token',
      expected: 'Start the workflow by "on: workflow_run", or set "mode: merge" (see docs/github.md).',
    });
  if (run.event !== 'pull_request' && run.event !== 'pull_request_target') {
    host.info(`Nothing is published: the run was started by "${run.event}", not by a pull request.`);
    return exitCodes.pass;
  }
  const { context, client } = github;
  const pulls = await findPullRequests(client, github.context.repository, run);
  if (pulls.length === 0) {
    // Nothing is wrong: the pull request was closed, or moved on while it was measured.
    host.warn(tailgateError('PULL_REQUEST_UNKNOWN', { headSha: run.headSha }).message);
    return exitCodes.pass;
  }
  // The run may have failed for reasons of its other jobs, so its conclusion says nothing of these reports.
  const { report } = await mergedReport(action, {
    headSha: run.headSha,
    runUrl: run.url,
    result: null,
    expected: { runId: run.id, commits: [run.headSha] },
  });
  const section = { key: `run-of-${run.workflowId}`, title: 'tailgate' };
  const targets = pulls.map((pull) => ({
    context: contextOfRun(context, run, pull),
    section,
    by: 'publish',
  }));
  await deliverTo(action, report, targets, { ...action.inputs.check, kind: 'none' });
  return exitCodes.pass;
}

/**
 * The context in which a finished run is commented on: its commit and number, not those of the run that publishes. Its
 * token can write, whatever that run's could.
 */
function contextOfRun(context: GithubContext, run: TriggeringRun, pullNumber: number | null): GithubContext {
  return {
    ...context,
    headSha: run.headSha,
    headBranch: run.headBranch,
    pullNumber,
    run: { id: run.id, attempt: run.attempt },
    runUrl: run.url,
    fork: false,
    dependabot: false,
    tokenAccess: 'unknown',
  };
}
