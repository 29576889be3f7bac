import type { BaseCommit } from '../baseline/base-commit.ts';
import { GitCheckout } from '../baseline/git-checkout.ts';
import { type TailgateError, tailgateError } from '../errors.ts';
import type { GithubContext } from '../github/github-context.ts';
import { isCi } from '../host/is-ci.ts';
import type { Report } from '../report/report-model.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Which commit is measured, and in which run. Outside of a repository everything can be null. */
export type Provenance = {
  /** The commit that is checked out, as git says. */
  headSha: string | null;
  /** The head of the pull request, where `headSha` is its merge into the base; else null. */
  mergedSha: string | null;
  branch: string | null;
  onDefaultBranch: boolean;
  /** Whether the run is that of a pull request, by whatever name; these store nothing that branches share. */
  ofPullRequest: boolean;
  /** Whether a machine runs it, for everybody, and not somebody at a desk. */
  inCi: boolean;
  runUrl: string | null;
  /** Who started the run: the account on GitHub, or the committer that git is set up for. */
  actor: string | null;
  /** What the reader must know of the commit, a sentence; null when it is the one that everybody expects. */
  note: string | null;
  /** Why nothing of what the run is about can be measured here; null when it can. */
  problem: TailgateError | null;
};

/** The commits as a report names them. */
export const commitsOf = (
  { headSha, mergedSha }: Provenance,
  base: Pick<BaseCommit, 'sha'> | null,
  deployed: { baseSha: string | null } | undefined = undefined,
): Report['commits'] => ({
  head: headSha,
  base: deployed?.baseSha ?? base?.sha ?? null,
  ...(mergedSha === null ? {} : { merged: mergedSha }),
});

/**
 * The commit from git, and what it is to the event: the run of a push, a pull request, a schedule. Elsewhere what other
 * CI systems set stands for the event.
 */
export const findProvenance = (cwd: string, env: Env, github: GithubContext | null): Promise<Provenance> => {
  const checkout = checkoutOf(cwd, env);
  return github !== null && github.repository !== null && github.run !== null
    ? onGithub(checkout, github, env)
    : elsewhere(checkout, env);
};

function checkoutOf(cwd: string, env: Env): GitCheckout {
  return new GitCheckout({ cwd, env, serverUrl: null, token: null });
}

async function onGithub(checkout: GitCheckout, github: GithubContext, env: Env): Promise<Provenance> {
  const { headSha: wanted, checkoutSha, eventName } = github;
  const shared = {
    ofPullRequest: github.pullNumber !== null,
    inCi: isCi(env),
    runUrl: github.runUrl,
    actor: github.actor,
    note: null,
    problem: null,
  };
  const head = await checkout.commitOf('HEAD');
  if (head === null) {
    const merge = eventName === 'pull_request' ? checkoutSha : null;
    const stored = github.onDefaultBranch
      ? ' So it is not stored as a run of the default branch; "record-baseline: always" stores it all the same.'
      : '';
    return {
      ...shared,
      headSha: merge ?? wanted ?? checkoutSha,
      mergedSha: merge === null || merge === wanted ? null : wanted,
      branch: github.headBranch,
      onDefaultBranch: false,
      note: `Git cannot say which commit is checked out here, so the report names that of the event.${stored}`,
    };
  }
  const known = { ...shared, headSha: head, mergedSha: null, branch: github.headBranch };
  const parents = await checkout.parentsOf(head);
  if (wanted !== null && parents.length === 2 && parents[1] === wanted)
    return { ...known, mergedSha: wanted, onDefaultBranch: false };
  // Without the head in the payload, the run's own commit is all that there is to go by.
  if (head === wanted || (head === checkoutSha && eventName !== 'pull_request_target'))
    return { ...known, onDefaultBranch: github.onDefaultBranch };
  const other = { ...known, branch: null, onDefaultBranch: false, note: otherCommit(head, github) };
  const isBase = isPull(github) && (head === github.baseSha || head === checkoutSha);
  if (!isBase || wanted === null) return other;
  return {
    ...other,
    problem: tailgateError('PULL_REQUEST_NOT_CHECKED_OUT', { head: short(head), wanted: short(wanted) }),
  };
}

/** What else than the commit of the event is checked out: a sentence. */
function otherCommit(head: string, github: GithubContext): string {
  const { eventName, headSha, checkoutSha, onDefaultBranch, defaultBranch } = github;
  const expected = isPull(github)
    ? `neither the head of the pull request (${short(headSha)}) nor its merge into the base`
    : `not the commit of the event "${eventName}" (${short(headSha ?? checkoutSha)})`;
  const stored = onDefaultBranch
    ? ` It is not stored as a run of ${defaultBranch ?? 'the default branch'}.`
    : '';
  return `What is measured is the commit that is checked out, ${short(head)}, ${expected}.${stored}`;
}

function isPull({ eventName }: GithubContext): boolean {
  return eventName === 'pull_request' || eventName === 'pull_request_target';
}

function short(sha: string | null): string {
  return sha === null ? 'unknown' : sha.slice(0, 10);
}

async function elsewhere(checkout: GitCheckout, env: Env): Promise<Provenance> {
  const [branch, defaultBranch, head, actor] = await Promise.all([
    env.CI_COMMIT_BRANCH ?? env.BRANCH_NAME ?? checkout.ask(['symbolic-ref', '--short', 'HEAD']),
    env.CI_DEFAULT_BRANCH ?? defaultBranchOf(checkout),
    checkout.commitOf('HEAD'),
    env.GITLAB_USER_LOGIN ?? checkout.ask(['config', 'user.email']),
  ]);
  const told = env.CI_COMMIT_SHA ?? env.GIT_COMMIT ?? null;
  const isOther = head !== null && told !== null && head !== told;
  // Jenkins says it itself; its clones do not know the default branch of their origin.
  const onDefaultBranch = env.BRANCH_IS_PRIMARY === 'true' || (branch !== null && branch === defaultBranch);
  const stored = onDefaultBranch ? ' It is not stored as a run of the default branch.' : '';
  return {
    headSha: head ?? told,
    mergedSha: null,
    branch: isOther ? null : branch,
    onDefaultBranch: onDefaultBranch && !isOther,
    ofPullRequest: isPullRequest(env),
    inCi: isCi(env),
    runUrl: env.CI_JOB_URL ?? env.BUILD_URL ?? null,
    actor,
    note: isOther
      ? `What is measured is the commit that is checked out, ${short(head)}, not the one that the job is about (${short(told)}).${stored}`
      : null,
    problem: null,
  };
}

/** A merge request of GitLab, a change of Jenkins, or a pull request of GitHub where the step has no token. */
function isPullRequest(env: Env): boolean {
  return (
    [env.CI_MERGE_REQUEST_IID, env.CHANGE_ID].some((id) => (id ?? '') !== '') ||
    /^pull_request/.test(env.GITHUB_EVENT_NAME ?? '')
  );
}

/** The default branch of `origin` as far as this clone knows it. */
async function defaultBranchOf(checkout: GitCheckout): Promise<string | null> {
  return (
    (await checkout.ask(['symbolic-ref', '--short', 'refs/remotes/origin/HEAD']))?.replace(/^origin\//, '') ??
    null
  );
}
