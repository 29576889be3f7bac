import type { GitDataApi } from '../baseline/git-data-branch.ts';
import type { GithubClient } from './client.ts';
import type { RepositoryName } from './github-context.ts';
import { explainGithubError } from './github-errors.ts';

/** GitHub's Git Data interface for the baseline store, with errors of permission worded for the user. */
export const gitDataApi = (client: GithubClient, repository: RepositoryName): GitDataApi => ({
  ...repository,
  request: (route, parameters) => client.request(route, parameters),
  explain: (error, purpose) => {
    const explained = explainGithubError(error, purpose);
    // What is not about permission is an error of the store, which names itself around this reason.
    return explained.code === 'GITHUB_FAILED' ? new Error(explained.what, { cause: error }) : explained;
  },
});
