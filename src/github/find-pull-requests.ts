import type { GithubClient } from './client.ts';
import type { RepositoryName, TriggeringRun } from './github-context.ts';
import { explainGithubError } from './github-errors.ts';

type Pull = {
  number: number;
  state: string;
  head: { sha: string; repo: { full_name: string } | null };
};

/** A branch can have a pull request into each of a few branches; more is not meant. */
const maxPulls = 5;

/**
 * Open pull requests whose head is the commit of a finished run, from the repository that the run names, lowest number
 * first. `workflow_run` lists none for forks, and what an artifact says of its pull request is worth nothing: GitHub
 * itself is asked by branch, and then by commit. Rejects with a `TailgateError`.
 */
export const findPullRequests = async (
  client: GithubClient,
  repository: RepositoryName,
  run: TriggeringRun,
): Promise<number[]> => {
  const isIts = (pull: Pull): boolean =>
    pull.state === 'open' &&
    pull.head.sha === run.headSha &&
    (pull.head.repo?.full_name ?? null)?.toLowerCase() === run.headRepository?.toLowerCase();
  const numbers = (pulls: readonly Pull[]) =>
    pulls
      .filter(isIts)
      .map((pull) => pull.number)
      .sort((a, b) => a - b)
      .slice(0, maxPulls);
  try {
    const owner = run.headRepository?.split('/')[0];
    if (owner !== undefined && run.headBranch !== null) {
      const pulls = await client.paginate(client.rest.pulls.list, {
        ...repository,
        state: 'open',
        head: `${owner}:${run.headBranch}`,
        per_page: 100,
      });
      const found = numbers(pulls);
      if (found.length > 0) return found;
    }
    const { data } = await client.rest.repos.listPullRequestsAssociatedWithCommit({
      ...repository,
      commit_sha: run.headSha,
      per_page: 100,
    });
    return numbers(data);
  } catch (error) {
    throw explainGithubError(error, 'find-pull');
  }
};

/** The head of a pull request and its merge into the base, as GitHub has them now. Rejects with a `TailgateError`. */
export const pullHead = async (
  client: GithubClient,
  repository: RepositoryName,
  pullNumber: number,
): Promise<{ headSha: string; mergeSha: string | null }> => {
  try {
    const { data } = await client.rest.pulls.get({ ...repository, pull_number: pullNumber });
    return { headSha: data.head.sha, mergeSha: data.merge_commit_sha };
  } catch (error) {
    throw explainGithubError(error, 'find-pull');
  }
};
