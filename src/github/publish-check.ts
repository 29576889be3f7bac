import type { Verdict } from '../verdict/verdict.ts';
import type { GithubClient } from './client.ts';
import { compareRuns } from './comment-document.ts';
import type { RepositoryName, RunNumber } from './github-context.ts';
import { explainGithubError } from './github-errors.ts';

/** A line of a file that a failure concerns. `path` is relative to the root of the repository. */
export type CheckAnnotation = {
  path: string;
  line: number;
  level: 'failure' | 'warning';
  title: string;
  message: string;
};

export type CheckRequest = {
  repository: RepositoryName;
  /** The pull request's head, never the merge commit: branch protection looks at the head. */
  headSha: string;
  kind: 'check-run' | 'commit-status';
  /** The fixed name by which branch protection or a ruleset requires it. */
  name: string;
  verdict: Verdict;
  /** The verdict fails the step, as set by `failOn`. */
  failing: boolean;
  /** One line. */
  title: string;
  /** Markdown, shown by a check run. */
  summary: string;
  annotations: readonly CheckAnnotation[];
  run: RunNumber;
  detailsUrl: string | null;
};

export type CheckResult = { outcome: 'created' | 'updated' | 'older'; url: string | null };

/** GitHub's limits: annotations in one request, bytes of a summary, characters of a status's description. */
const maxAnnotations = 50;

const maxSummaryBytes = 65_000;

const maxDescription = 140;

/**
 * Sets a check run or a commit status with a fixed name on the head commit, beside the job's own result. An older run
 * never replaces the result of a newer one. Rejects with a `TailgateError` that says what GitHub refused.
 */
export const publishCheck = async (client: GithubClient, request: CheckRequest): Promise<CheckResult> => {
  try {
    return request.kind === 'check-run'
      ? await publishCheckRun(client, request)
      : await publishStatus(client, request);
  } catch (error) {
    throw explainGithubError(error, request.kind);
  }
};

async function publishCheckRun(client: GithubClient, request: CheckRequest): Promise<CheckResult> {
  const { repository, headSha, name, run } = request;
  const { data: listed } = await client.rest.checks.listForRef({
    ...repository,
    ref: headSha,
    check_name: name,
    filter: 'latest',
    per_page: 100,
  });
  // A name can be used by others too; only a run of ours carries such an id.
  const existing = listed.check_runs.find((candidate) => candidate.external_id?.startsWith('tailgate-run-'));
  const known = runOf(existing?.external_id);
  if (isOlder(run, known)) return { outcome: 'older', url: existing?.html_url ?? null };
  const same = existing !== undefined && known !== null && compareRuns(run, known) === 0;
  const chunks: CheckAnnotation[][] = [];
  for (let at = 0; at < request.annotations.length; at += maxAnnotations)
    chunks.push(request.annotations.slice(at, at + maxAnnotations));
  const output = (chunk: readonly CheckAnnotation[]) => ({
    title: clipped(request.title, 255),
    summary: clippedBytes(request.summary, maxSummaryBytes),
    annotations: chunk.map((annotation) => ({
      path: annotation.path,
      start_line: annotation.line,
      end_line: annotation.line,
      annotation_level: annotation.level,
      title: clipped(annotation.title, 255),
      message: clippedBytes(annotation.message, maxSummaryBytes),
    })),
  });
  const shared = {
    ...repository,
    status: 'completed' as const,
    conclusion: conclusionOf(request),
    external_id: externalId(run),
    ...(request.detailsUrl === null ? {} : { details_url: request.detailsUrl }),
  };
  const first = output(chunks[0] ?? []);
  const { data } = same
    ? await client.rest.checks.update({
        ...shared,
        check_run_id: existing.id,
        name,
        output: { ...first, annotations: [] },
      })
    : await client.rest.checks.create({ ...shared, name, head_sha: headSha, output: first });
  // Further requests add their annotations to those that are there.
  if (!same) {
    for (const chunk of chunks.slice(1))
      await client.rest.checks.update({ ...repository, check_run_id: data.id, output: output(chunk) });
  }
  return { outcome: same ? 'updated' : 'created', url: data.html_url };
}

function runOf(text: string | null | undefined): RunNumber | null {
  const match = /(?:tailgate-run-|\/actions\/runs\/)(\d+)(?:(?:-|\/attempts\/)(\d+))?/.exec(text ?? '');
  return match === null ? null : { id: Number(match[1]), attempt: Number(match[2] ?? 1) };
}

function isOlder(run: RunNumber, other: RunNumber | null): boolean {
  return other !== null && compareRuns(run, other) < 0;
}

function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function clippedBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return `${bytes
    .subarray(0, maxBytes)
    .toString('utf8')
    .replace(/\uFFFD$/, '')
    .replace(/\n[^\n]*$/, '')}\n\n…`;
}

/**
 * `neutral` lets a required check pass, so it stands only for verdicts that the user chose not to fail on. An
 * `invalid` verdict that does not fail the step is still no success.
 */
function conclusionOf(request: CheckRequest): 'success' | 'failure' | 'neutral' {
  if (request.failing) return 'failure';
  return request.verdict === 'pass' ? 'success' : 'neutral';
}

function externalId(run: RunNumber): string {
  return `tailgate-run-${run.id}-${run.attempt}`;
}

async function publishStatus(client: GithubClient, request: CheckRequest): Promise<CheckResult> {
  const { repository, headSha, name, run } = request;
  const { data: statuses } = await client.rest.repos.listCommitStatusesForRef({
    ...repository,
    ref: headSha,
    per_page: 100,
  });
  const known = statuses.find((status) => status.context === name);
  if (isOlder(run, runOf(known?.target_url))) return { outcome: 'older', url: known?.target_url ?? null };
  // A status knows no neutral: what does not fail the step does not block.
  await client.rest.repos.createCommitStatus({
    ...repository,
    sha: headSha,
    context: name,
    state: request.failing ? 'failure' : 'success',
    description: clipped(request.title, maxDescription),
    ...(request.detailsUrl === null ? {} : { target_url: request.detailsUrl }),
  });
  return { outcome: known === undefined ? 'created' : 'updated', url: request.detailsUrl };
}
