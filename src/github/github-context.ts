import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** A field that is missing or of another kind is null: each falls back to another source by itself. */
const text = z.string().min(1).nullish().catch(null);

const wholeNumber = z.number().int().nullish().catch(null);

const sideSchema = fields({ ref: text, sha: text, repo: fields({ full_name: text }) });

const payloadSchema = z.looseObject({
  repository: fields({ full_name: text, private: z.boolean().nullish().catch(null), default_branch: text }),
  pull_request: fields({ number: wholeNumber, head: sideSchema, base: sideSchema }),
  /** Of an `issue_comment`: `pull_request` is there when the comment is on one. */
  issue: fields({ number: wholeNumber, pull_request: fields({}) }),
  before: text,
  after: text,
  merge_group: fields({ head_sha: text, head_ref: text, base_sha: text, base_ref: text }),
  workflow_run: fields({
    id: wholeNumber,
    run_attempt: wholeNumber,
    workflow_id: wholeNumber,
    event: text,
    head_sha: text,
    head_branch: text,
    html_url: text,
    conclusion: text,
    head_repository: fields({ full_name: text }),
  }),
});

export type RepositoryName = { owner: string; repo: string };

/** A run and its attempt: later runs have larger ids, and a re-run keeps the id. */
export type RunNumber = { id: number; attempt: number };

/** The finished run that a `workflow_run` event is about. */
export type TriggeringRun = RunNumber & {
  /** Tells workflows apart; their names can be changed by whoever opens a pull request. */
  workflowId: number;
  event: string;
  headSha: string;
  headBranch: string | null;
  /** `owner/name` of the repository that the commit came from; null when it was deleted. */
  headRepository: string | null;
  url: string;
  conclusion: string | null;
};

/** What is known of the event, the commits and the run. Everything can be missing outside of GitHub. */
export type GithubContext = {
  eventName: string;
  apiUrl: string;
  serverUrl: string;
  repository: RepositoryName | null;
  defaultBranch: string | null;
  /** The commit that is judged: the pull request's head, not the merge commit that the runner checks out. */
  headSha: string | null;
  /** Branch of `headSha`; null for tags and unknown. */
  headBranch: string | null;
  baseBranch: string | null;
  /** Commit to compare with as far as the event names one: base of the pull request or queue, state before a push. */
  baseSha: string | null;
  /** The commit that the runner checks out (`GITHUB_SHA`): for a pull request the merge commit. */
  checkoutSha: string | null;
  pullNumber: number | null;
  /** The pull request comes from another repository. */
  fork: boolean;
  dependabot: boolean;
  /** `read-only`: known to be, so that writing is not even tried. `unknown`: the answer to the first write tells. */
  tokenAccess: 'read-only' | 'unknown';
  /** The run judges the default branch itself. */
  onDefaultBranch: boolean;
  run: RunNumber | null;
  runUrl: string | null;
  workflow: string | null;
  job: string | null;
  actor: string | null;
  triggeringRun: TriggeringRun | null;
  /** What is odd about the environment, for the log. */
  warnings: string[];
};

type Env = Readonly<Record<string, string | undefined>>;

const noCommit = /^0+$/;

/**
 * Reads what GitHub Actions tells a step: the `GITHUB_*` variables and the event payload. Works for `pull_request`,
 * `pull_request_target`, `push`, `merge_group`, `schedule`, `workflow_dispatch` and `workflow_run`, on github.com and
 * GHES; a missing payload (a local run) leaves what it would have told empty.
 */
export const readGithubContext = (env: Env): GithubContext => {
  const warnings: string[] = [];
  const payload = readPayload(env.GITHUB_EVENT_PATH, warnings);
  const eventName = env.GITHUB_EVENT_NAME ?? '';
  const fullName = env.GITHUB_REPOSITORY || payload.repository?.full_name || undefined;
  const repository = repositoryOf(fullName);
  const serverUrl = env.GITHUB_SERVER_URL || 'https://github.com';
  const { pull_request: pull } = payload;
  // A head without a repository is that of a fork which was deleted; a payload without a head says nothing.
  const headName = pull?.head?.repo?.full_name?.toLowerCase();
  const baseName = (pull?.base?.repo?.full_name ?? fullName)?.toLowerCase();
  const fork = pull?.head?.sha ? headName !== baseName : false;
  const dependabot = env.GITHUB_ACTOR === 'dependabot[bot]';
  const runId = integer(env.GITHUB_RUN_ID);
  const attempt = integer(env.GITHUB_RUN_ATTEMPT) ?? 1;
  const commits = commitsOf(payload, env);
  const defaultBranch = payload.repository?.default_branch ?? null;
  const runUrl =
    runId === null || repository === null
      ? null
      : `${serverUrl}/${repository.owner}/${repository.repo}/actions/runs/${runId}${attempt > 1 ? `/attempts/${attempt}` : ''}`;
  return {
    eventName,
    apiUrl: env.GITHUB_API_URL || 'https://api.github.com',
    serverUrl,
    repository,
    defaultBranch,
    ...commits,
    checkoutSha: commitOrNull(env.GITHUB_SHA),
    fork,
    dependabot,
    // A private repository can be set to give forks a writing token; Dependabot's depends on `permissions:`.
    tokenAccess:
      fork && eventName !== 'pull_request_target' && payload.repository?.private !== true
        ? 'read-only'
        : 'unknown',
    onDefaultBranch:
      eventName === 'schedule' ||
      (['push', 'workflow_dispatch', 'repository_dispatch'].includes(eventName) &&
        defaultBranch !== null &&
        commits.headBranch === defaultBranch),
    run: runId === null ? null : { id: runId, attempt },
    runUrl,
    workflow: env.GITHUB_WORKFLOW || null,
    job: env.GITHUB_JOB || null,
    actor: env.GITHUB_ACTOR || null,
    triggeringRun: triggeringRunOf(payload),
    warnings,
  };
};

type Payload = z.output<typeof payloadSchema>;

function readPayload(path: string | undefined, warnings: string[]): Partial<Payload> {
  if (path === undefined || path === '') return {};
  try {
    const parsed = payloadSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
    warnings.push(
      'The event payload is no JSON object, so the commits are taken from the environment and from git.',
    );
  } catch (error) {
    warnings.push(`The event payload cannot be read (${error instanceof Error ? error.message : error}).`);
  }
  return {};
}

function repositoryOf(fullName: string | undefined): RepositoryName | null {
  const [owner, repo, ...rest] = fullName?.split('/') ?? [];
  return owner && repo && rest.length === 0 ? { owner, repo } : null;
}

function integer(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

type Commits = Pick<GithubContext, 'headSha' | 'headBranch' | 'baseBranch' | 'baseSha' | 'pullNumber'>;

function commitsOf(payload: Partial<Payload>, env: Env): Commits {
  const { pull_request: pull, merge_group: group, workflow_run: triggering, issue } = payload;
  const nothing = { baseBranch: null, baseSha: null, pullNumber: null };
  const event = env.GITHUB_EVENT_NAME ?? '';
  if (pull || event === 'pull_request' || event === 'pull_request_target')
    return {
      headSha: commitOrNull(pull?.head?.sha),
      headBranch: pull?.head?.ref ?? (env.GITHUB_HEAD_REF || null),
      baseBranch: pull?.base?.ref ?? (env.GITHUB_BASE_REF || null),
      baseSha: commitOrNull(pull?.base?.sha),
      pullNumber: pull?.number ?? pullOfRef(env.GITHUB_REF),
    };
  if (group)
    return {
      headSha: commitOrNull(group.head_sha) ?? commitOrNull(env.GITHUB_SHA),
      headBranch: branchOf(group.head_ref ?? env.GITHUB_REF),
      baseBranch: branchOf(group.base_ref),
      baseSha: commitOrNull(group.base_sha),
      pullNumber: null,
    };
  if (triggering)
    return {
      ...nothing,
      headSha: commitOrNull(triggering.head_sha),
      headBranch: triggering.head_branch ?? null,
    };
  return {
    ...nothing,
    headSha: commitOrNull(event === 'push' ? (payload.after ?? env.GITHUB_SHA) : env.GITHUB_SHA),
    headBranch: branchOf(env.GITHUB_REF),
    baseSha: event === 'push' ? commitOrNull(payload.before) : null,
    // The event is on the default branch; only the checkout tells whether it is about this pull request.
    pullNumber: issue?.pull_request ? (issue.number ?? null) : null,
  };
}

function commitOrNull(sha: string | null | undefined): string | null {
  return sha === undefined || sha === null || sha === '' || noCommit.test(sha) ? null : sha;
}

/** `refs/pull/7/merge` is 7. */
function pullOfRef(ref: string | undefined): number | null {
  return integer(/^refs\/pull\/(\d+)\//.exec(ref ?? '')?.[1]);
}

function branchOf(ref: string | null | undefined): string | null {
  return ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
}

/** The finished run, as far as it can be told from others. */
function triggeringRunOf({ workflow_run: run }: Partial<Payload>): TriggeringRun | null {
  if (!run?.id || !run.head_sha || !run.event || !run.html_url) return null;
  return {
    id: run.id,
    attempt: run.run_attempt ?? 1,
    workflowId: run.workflow_id ?? 0,
    event: run.event,
    headSha: run.head_sha,
    headBranch: run.head_branch ?? null,
    headRepository: run.head_repository?.full_name ?? null,
    url: run.html_url,
    conclusion: run.conclusion ?? null,
  };
}

function fields<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.looseObject(shape).nullish().catch(null);
}
