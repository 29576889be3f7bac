import { randomUUID } from 'node:crypto';
import { TailgateError, tailgateError } from '../errors.ts';
import type { Report } from '../report/report-model.ts';
import type { GithubClient } from './client.ts';
import { type CommentWhen, commentPolicy } from './comment-policy.ts';
import { pullHead } from './find-pull-requests.ts';
import type { GithubContext } from './github-context.ts';
import { type CheckRequest, publishCheck } from './publish-check.ts';
import { type CommentResult, publishComment } from './publish-comment.ts';
import { annotationsOf } from './report-annotations.ts';

export type PublishRequest = {
  context: GithubContext;
  report: Pick<Report, 'verdict' | 'failOn' | 'suites' | 'problems'>;
  comment: CommentWhen;
  check: { kind: 'none' | CheckRequest['kind']; name: string };
  /** Which job of the comment this is: see `sectionOf`. */
  section: { key: string; title: string };
  /** Tells this publisher from others of the run; the same where one may publish the same report again. */
  by?: string;
  /** The commit that was measured, where that is not the one of the event: the check is set on it. */
  measuredSha?: string | null;
  /** One line for the check: the headline. */
  headline: string;
  /** The report as markdown in at most so many characters. */
  renderMarkdown: (maxLength: number) => string;
  /** Folder of the checkout. */
  root: string;
  /** Waits of the comment's verification; for tests. */
  verifyAfterMs?: readonly number[];
};

export type PublishResult = {
  comment: CommentResult | null;
  checkUrl: string | null;
  /** What could not be published, and why: for warnings and for the report. Never a reason to lose the verdict. */
  problems: TailgateError[];
  /** What was left out on purpose: for the log. */
  notes: string[];
};

/** One comment of Tailgate on a pull request, whichever workflows write into it. */
const commentSet = 'tailgate';

const forkNote =
  'This pull request comes from a fork, so the token of this run may only read. The comment is left to the workflow that publishes reports of forks (docs/github.md); the verdict, the summary and the report files are complete.';

const dependabotNote =
  'This run was started by Dependabot, whose token may only read unless the workflow says otherwise. The comment is left to the workflow that publishes reports of forks (docs/github.md).';

/**
 * Publishes a judged report: the comment on the pull request and, if set, the check. Nothing here throws: the verdict
 * stands whatever GitHub answers, and what could not be published is in `problems`.
 */
export const publishReport = async (
  client: GithubClient,
  request: PublishRequest,
): Promise<PublishResult> => {
  const { context, report, section } = request;
  const result: PublishResult = { comment: null, checkUrl: null, problems: [], notes: [] };
  const { repository, headSha, run } = context;
  if (repository === null || headSha === null || run === null) {
    result.notes.push('Nothing is published: this is not a run of GitHub Actions.');
    return result;
  }
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const problem = asProblem(error);
      if (context.dependabot && problem.code === 'GITHUB_PERMISSION') result.notes.push(dependabotNote);
      else result.problems.push(problem);
    }
  };
  const policy = commentPolicy(request.comment, report);
  const wantsCheck = request.check.kind !== 'none';
  if (context.tokenAccess === 'read-only') {
    if (policy.publish || wantsCheck) result.notes.push(forkNote);
    return result;
  }
  const pullNumber = context.pullNumber;
  const measuredSha = request.measuredSha ?? headSha;
  let judgedSha = headSha;
  if (policy.publish && pullNumber !== null) {
    await attempt(async () => {
      // The event of a comment is on the default branch: GitHub tells whether what was measured is this pull request.
      if (context.eventName === 'issue_comment') {
        const pull = await pullHead(client, repository, pullNumber);
        if (measuredSha !== pull.headSha && measuredSha !== pull.mergeSha) {
          result.notes.push(
            `No comment is written on pull request ${pullNumber}: what is checked out (${measuredSha.slice(0, 10)}) is neither its head nor its merge into the base.`,
          );
          return;
        }
        judgedSha = pull.headSha;
      }
      result.comment = await publishComment(client, {
        repository,
        pullNumber,
        set: commentSet,
        section: {
          ...section,
          verdict: report.verdict,
          headSha: judgedSha,
          run,
          runUrl: context.runUrl,
          by: request.by ?? randomUUID(),
        },
        render: request.renderMarkdown,
        create: policy.create,
        ...(request.verifyAfterMs === undefined ? {} : { verifyAfterMs: request.verifyAfterMs }),
      });
    });
  }
  if (request.check.kind !== 'none') {
    const { kind, name } = request.check;
    await attempt(async () => {
      const published = await publishCheck(client, {
        repository,
        headSha: context.eventName === 'issue_comment' ? judgedSha : measuredSha,
        kind,
        name,
        verdict: report.verdict,
        failing: report.verdict !== 'pass' && report.failOn.includes(report.verdict),
        title: request.headline,
        summary: request.renderMarkdown(60_000),
        annotations: annotationsOf(report, request.root),
        run,
        section: section.key,
        detailsUrl: context.runUrl,
      });
      result.checkUrl = published.url;
      if (published.standing !== undefined)
        result.notes.push(
          `The check "${name}" stays as another job of this run set it: ${published.standing}`,
        );
    });
  }
  return result;
};

/**
 * Which section of the shared comment a job writes: the same in every run of it, and different for each workflow,
 * job, leg of a matrix (`matrix`: its values as JSON), settings, selected suite and step.
 */
export const sectionOf = (
  context: GithubContext,
  parts: {
    suite?: string | null;
    matrix?: string | null;
    step?: string | null;
    /** Which settings, where they are not those of the working directory: see `settingsPlace`. */
    settings?: string | null;
  },
): { key: string; title: string } => {
  const leg = legTitle(parts.matrix ?? null);
  const job = context.job ?? 'tailgate';
  const settings = parts.settings ?? '';
  const names = [job, leg === '' ? '' : `(${leg})`, settings, parts.suite ?? ''];
  const key = [context.workflow ?? '', job, leg, parts.suite ?? '', parts.step ?? ''];
  return {
    key: [...key, ...(settings === '' ? [] : [settings])].join('/'),
    title: names.filter((name) => name !== '').join(' '),
  };
};

/** Which job made a report, for whoever joins several; undefined outside of a run on GitHub. */
export const madeByOf = (context: GithubContext, parts: Parameters<typeof sectionOf>[1]): Report['madeBy'] =>
  context.run === null
    ? undefined
    : {
        runId: context.run.id,
        runAttempt: context.run.attempt,
        job: context.job ?? '',
        leg: legTitle(parts.matrix ?? null),
        settings: parts.settings ?? '',
        key: sectionOf(context, parts).key,
      };

function asProblem(error: unknown): TailgateError {
  return error instanceof TailgateError
    ? error
    : tailgateError(
        'GITHUB_FAILED',
        { action: 'publish the report', reason: error instanceof Error ? error.message : String(error) },
        {},
        error,
      );
}

/** The parts of a leg's matrix values, as `${{ toJSON(matrix) }}` gives them: `{"node":20}` is "20". */
function legTitle(matrix: string | null): string {
  if (matrix === null || matrix.trim() === '') return '';
  try {
    const values: unknown = JSON.parse(matrix);
    if (values === null || typeof values !== 'object') return '';
    return Object.values(values)
      .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
      .join(', ');
  } catch {
    return matrix;
  }
}
