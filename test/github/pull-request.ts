import type { GithubClient } from '../../src/github/client.ts';
import { createGithubClient } from '../../src/github/client.ts';
import type { DoubleRepository } from './double/double-state.ts';
import type { GithubDouble } from './double/github-double.ts';

export const repositoryName = { owner: 'acme', repo: 'chat' };
export const headSha = 'a'.repeat(40);

/** A repository with a commit on main and pull request 7, whose head is `headSha`. */
export const withPullRequest = (
  double: GithubDouble,
  head: { repository?: string; sha?: string } = {},
): DoubleRepository => {
  const repository = double.repository();
  const base = repository.commit('main', { 'README.md': 'Chat\n' });
  repository.pulls.set(7, {
    number: 7,
    state: 'open',
    title: 'Faster',
    head: { ref: 'faster', sha: head.sha ?? headSha, repository: head.repository ?? 'acme/chat' },
    base: { ref: 'main', sha: base },
  });
  return repository;
};

/** A client of the double whose waits are short. */
export const clientOf = (
  double: GithubDouble,
  options: { token?: string; timeoutMs?: number; onNote?: (note: string) => void } = {},
): GithubClient =>
  createGithubClient({ token: 'token', apiUrl: double.url, paced: false, retryBaseMs: 5, ...options });
