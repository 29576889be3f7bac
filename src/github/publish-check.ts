import { createHash } from 'node:crypto';
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
  /** Tells the jobs of a run apart that set the same check, such as the legs of a matrix: the worst of them stands. */
  section: string;
  detailsUrl: string | null;
};

export type CheckResult = {
  outcome: 'created' | 'updated' | 'older';
  url: string | null;
  /** What another job of the same run found that sets this check too, and that is worse: then that stands. */
  standing?: string;
};

/** GitHub's limits: annotations in one request, bytes of a summary, characters of a status's description. */
const maxAnnotations = 50;

const maxSummaryBytes = 65_000;

const maxDescription = 140;

/**
 * Sets a check run or a commit status with a fixed name on the head commit, beside the job's own result. An older run
 * never replaces the result of a newer one, nor a job that of another of the same run that is worse. Rejects with a
 * `TailgateError` that says what GitHub refused.
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
  const by = sectionId(request.section);
  const ours = async () => {
    const { data } = await client.rest.checks.listForRef({
      ...repository,
      ref: headSha,
      check_name: name,
      filter: 'all',
      per_page: 100,
    });
    // A name can be used by others too; only a run of ours carries such an id.
    return data.check_runs
      .flatMap((found) => {
        const author = authorOf(found.external_id);
        return author === null ? [] : [{ ...found, ...author }];
      })
      .sort((a, b) => b.id - a.id);
  };
  const before = await ours();
  const newer = before.find((found) => compareRuns(run, found.run) < 0);
  if (newer !== undefined) return { outcome: 'older', url: newer.html_url };
  const existing = before.find((found) => compareRuns(run, found.run) === 0 && found.by === by);
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
  const conclusion = conclusionOf(request);
  const shared = {
    ...repository,
    status: 'completed' as const,
    conclusion,
    external_id: authorId(run, by, conclusion),
    ...(request.detailsUrl === null ? {} : { details_url: request.detailsUrl }),
  };
  const first = output(chunks[0] ?? []);
  const { data } =
    existing === undefined
      ? await client.rest.checks.create({ ...shared, name, head_sha: headSha, output: first })
      : await client.rest.checks.update({
          ...shared,
          check_run_id: existing.id,
          name,
          output: { ...first, annotations: [] },
        });
  // Further requests add their annotations to those that are there.
  if (existing === undefined) {
    for (const chunk of chunks.slice(1))
      await client.rest.checks.update({ ...repository, check_run_id: data.id, output: output(chunk) });
  }
  const result = { outcome: existing === undefined ? 'created' : 'updated', url: data.html_url } as const;
  // Branch protection looks at the newest of a name. Who looks last sees what all have found.
  const [newest, ...others] = lastOfEach(await ours(), run);
  if (newest === undefined) return result;
  const worst = worstOf([newest, ...others]);
  if (newest.conclusion !== worst.found)
    await client.rest.checks.update({
      ...repository,
      check_run_id: newest.id,
      conclusion: worst.found,
      output: { title: worst.output.title ?? request.title, summary: worst.output.summary ?? '' },
    });
  return worst.found === conclusion ? result : { ...result, standing: worst.output.title ?? worst.found };
}

type Conclusion = 'success' | 'neutral' | 'failure';

/** Which job of which run set a check, and what it found itself. */
type Author = { run: RunNumber; by: string; found: Conclusion };

const severity: Readonly<Record<Conclusion, number>> = { success: 0, neutral: 1, failure: 2 };

const worstOf = <T extends Author>(authors: readonly [T, ...T[]]): T =>
  authors.reduce((worst, one) => (severity[one.found] > severity[worst.found] ? one : worst));

/** What each job of the run said last, newest first: one that was started again does not speak for the others. */
function lastOfEach<T extends Author>(newestFirst: readonly T[], { id }: RunNumber): T[] {
  const told = new Set<string>();
  return newestFirst.filter(({ run, by }) => {
    if (run.id !== id || told.has(by)) return false;
    told.add(by);
    return true;
  });
}

const authorId = ({ id, attempt }: RunNumber, by: string, found: Conclusion): string =>
  `tailgate-run-${id}-${attempt}-${by}-${found}`;

/** Null for what is none of ours; of an earlier version nobody knows which job it was. */
function authorOf(text: string | null | undefined): Author | null {
  const match = /tailgate-run-(\d+)-(\d+)(?:-(\w+)-(success|neutral|failure))?$/.exec(text ?? '');
  if (match === null) return null;
  const [, id, attempt, by = '', found = 'success'] = match;
  return { run: { id: Number(id), attempt: Number(attempt) }, by, found: found as Conclusion };
}

const sectionId = (section: string): string =>
  createHash('sha256').update(section).digest('hex').slice(0, 12);

function runOf(text: string | null | undefined): RunNumber | null {
  const match = /\/actions\/runs\/(\d+)(?:\/attempts\/(\d+))?/.exec(text ?? '');
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

async function publishStatus(client: GithubClient, request: CheckRequest): Promise<CheckResult> {
  const { repository, headSha, name, run, detailsUrl } = request;
  const list = async () => {
    const { data } = await client.rest.repos.listCommitStatusesForRef({
      ...repository,
      ref: headSha,
      per_page: 100,
    });
    return data.filter((status) => status.context === name);
  };
  const [known] = await list();
  if (isOlder(run, runOf(known?.target_url))) return { outcome: 'older', url: known?.target_url ?? null };
  const set = (state: 'failure' | 'success', description: string, url: string | null) =>
    client.rest.repos.createCommitStatus({
      ...repository,
      sha: headSha,
      context: name,
      state,
      description,
      ...(url === null ? {} : { target_url: url }),
    });
  // A status knows no neutral: what does not fail the step does not block.
  const state = request.failing ? 'failure' : 'success';
  // It has no place for who set it but its link, of which a browser ignores this part.
  const own = `#${authorId(run, sectionId(request.section), state)}`;
  await set(
    state,
    clipped(request.title, maxDescription),
    detailsUrl === null ? null : `${detailsUrl}${own}`,
  );
  const result = { outcome: known === undefined ? 'created' : 'updated', url: detailsUrl } as const;
  const [newest, ...others] = lastOfEach(
    (await list()).flatMap((status) => {
      const author = authorOf(status.target_url);
      return author === null ? [] : [{ ...status, ...author }];
    }),
    run,
  );
  if (newest === undefined) return result;
  const worst = worstOf([newest, ...others]);
  if (worst.found === newest.found) return result;
  await set('failure', worst.description ?? '', worst.target_url ?? null);
  return { ...result, standing: worst.description ?? worst.found };
}
