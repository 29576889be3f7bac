import { readFileSync } from 'node:fs';
import { z } from 'zod';

const repositorySchema = z.looseObject({
  full_name: z.string(),
  private: z.boolean().optional(),
  default_branch: z.string().optional(),
});
const sideSchema = z.looseObject({
  ref: z.string(),
  sha: z.string(),
  /** Null when the fork was deleted. */
  repo: z.looseObject({ full_name: z.string() }).nullable(),
});
const payloadSchema = z.looseObject({
  repository: repositorySchema.optional(),
  pull_request: z.looseObject({ number: z.number().int(), head: sideSchema, base: sideSchema }).optional(),
  before: z.string().optional(),
  after: z.string().nullish(),
  merge_group: z
    .looseObject({ head_sha: z.string(), head_ref: z.string(), base_sha: z.string(), base_ref: z.string() })
    .optional(),
  workflow_run: z
    .looseObject({
      id: z.number().int(),
      run_attempt: z.number().int().default(1),
      workflow_id: z.number().int().default(0),
      event: z.string(),
      head_sha: z.string(),
      head_branch: z.string().nullish(),
      html_url: z.string(),
      conclusion: z.string().nullish(),
      head_repository: z.looseObject({ full_name: z.string() }).nullable(),
    })
    .optional(),
});
type Payload = z.output<typeof payloadSchema>;

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

const readPayload = (path: string | undefined, warnings: string[]): Payload => {
  if (path === undefined || path === '') return {};
  try {
    const parsed = payloadSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    warnings.push(`The event payload is not as expected (${issue?.path.join('.')}: ${issue?.message}).`);
  } catch (error) {
    warnings.push(`The event payload cannot be read (${error instanceof Error ? error.message : error}).`);
  }
  return {};
};

const noCommit = /^0+$/;
const commitOrNull = (sha: string | null | undefined): string | null =>
  sha === undefined || sha === null || sha === '' || noCommit.test(sha) ? null : sha;

const branchOf = (ref: string | null | undefined): string | null =>
  ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;

const repositoryOf = (fullName: string | undefined): RepositoryName | null => {
  const [owner, repo, ...rest] = fullName?.split('/') ?? [];
  return owner && repo && rest.length === 0 ? { owner, repo } : null;
};

const integer = (text: string | undefined): number | null =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : null;

type Commits = Pick<GithubContext, 'headSha' | 'headBranch' | 'baseBranch' | 'baseSha' | 'pullNumber'>;

const commitsOf = (payload: Payload, env: Env): Commits => {
  const { pull_request: pull, merge_group: group, workflow_run: triggering } = payload;
  const nothing = { baseBranch: null, baseSha: null, pullNumber: null };
  if (pull !== undefined)
    return {
      headSha: commitOrNull(pull.head.sha),
      headBranch: pull.head.ref,
      baseBranch: pull.base.ref,
      baseSha: commitOrNull(pull.base.sha),
      pullNumber: pull.number,
    };
  if (group !== undefined)
    return {
      headSha: commitOrNull(group.head_sha),
      headBranch: branchOf(group.head_ref),
      baseBranch: branchOf(group.base_ref),
      baseSha: commitOrNull(group.base_sha),
      pullNumber: null,
    };
  if (triggering !== undefined)
    return { ...nothing, headSha: triggering.head_sha, headBranch: triggering.head_branch ?? null };
  return {
    ...nothing,
    headSha: commitOrNull(
      env.GITHUB_EVENT_NAME === 'push' ? (payload.after ?? env.GITHUB_SHA) : env.GITHUB_SHA,
    ),
    headBranch: branchOf(env.GITHUB_REF),
    baseSha: env.GITHUB_EVENT_NAME === 'push' ? commitOrNull(payload.before) : null,
  };
};

/**
 * Reads what GitHub Actions tells a step: the `GITHUB_*` variables and the event payload. Works for `pull_request`,
 * `pull_request_target`, `push`, `merge_group`, `schedule`, `workflow_dispatch` and `workflow_run`, on github.com and
 * GHES; a missing payload (a local run) leaves what it would have told empty.
 */
export const readGithubContext = (env: Env): GithubContext => {
  const warnings: string[] = [];
  const payload = readPayload(env.GITHUB_EVENT_PATH, warnings);
  const eventName = env.GITHUB_EVENT_NAME ?? '';
  const fullName = env.GITHUB_REPOSITORY || payload.repository?.full_name;
  const repository = repositoryOf(fullName);
  const serverUrl = env.GITHUB_SERVER_URL || 'https://github.com';
  const { pull_request: pull, workflow_run: triggering } = payload;
  const fork =
    pull !== undefined && pull.head.repo?.full_name.toLowerCase() !== pull.base.repo?.full_name.toLowerCase();
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
    triggeringRun:
      triggering === undefined
        ? null
        : {
            id: triggering.id,
            attempt: triggering.run_attempt,
            workflowId: triggering.workflow_id,
            event: triggering.event,
            headSha: triggering.head_sha,
            headBranch: triggering.head_branch ?? null,
            headRepository: triggering.head_repository?.full_name ?? null,
            url: triggering.html_url,
            conclusion: triggering.conclusion ?? null,
          },
    warnings,
  };
};
