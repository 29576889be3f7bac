import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GithubContext } from '../github/github-context.ts';

/** Which commit is judged, and in which run. Outside of a repository everything can be null. */
export type Provenance = {
  headSha: string | null;
  branch: string | null;
  onDefaultBranch: boolean;
  runUrl: string | null;
  /** Who started the run: the account on GitHub, or the committer that git is set up for. */
  actor: string | null;
};

const run = promisify(execFile);

const git = async (cwd: string, ...args: string[]): Promise<string | null> => {
  try {
    const { stdout } = await run('git', args, { cwd, timeout: 10_000 });
    return stdout.trim() === '' ? null : stdout.trim();
  } catch {
    // No git, no repository, or no such ref: all of them mean that git cannot tell.
    return null;
  }
};

/** The default branch of `origin` as far as this clone knows it. */
const defaultBranchOf = async (cwd: string): Promise<string | null> =>
  (await git(cwd, 'symbolic-ref', '--short', 'refs/remotes/origin/HEAD'))?.replace(/^origin\//, '') ?? null;

/** From the event on GitHub, else from git, else from what other CI systems set. */
export const findProvenance = async (
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  github: GithubContext | null,
): Promise<Provenance> => {
  if (github !== null && github.repository !== null && github.run !== null) {
    return {
      headSha: github.headSha,
      branch: github.headBranch,
      onDefaultBranch: github.onDefaultBranch,
      runUrl: github.runUrl,
      actor: github.actor,
    };
  }
  const [branch, defaultBranch, headSha, actor] = await Promise.all([
    env.CI_COMMIT_BRANCH ?? env.BRANCH_NAME ?? git(cwd, 'symbolic-ref', '--short', 'HEAD'),
    env.CI_DEFAULT_BRANCH ?? defaultBranchOf(cwd),
    env.CI_COMMIT_SHA ?? env.GIT_COMMIT ?? git(cwd, 'rev-parse', 'HEAD'),
    env.GITLAB_USER_LOGIN ?? git(cwd, 'config', 'user.email'),
  ]);
  return {
    headSha,
    branch,
    // Jenkins says it itself; its clones do not know the default branch of their origin.
    onDefaultBranch: env.BRANCH_IS_PRIMARY === 'true' || (branch !== null && branch === defaultBranch),
    runUrl: env.CI_JOB_URL ?? env.BUILD_URL ?? null,
    actor,
  };
};
