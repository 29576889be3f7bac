import { tailgateError } from '../errors.ts';
import type { GitCheckout } from './git-checkout.ts';

/** A commit on the way from the good to the bad one. `files` are those it changed, from the root of the repository. */
export type RangeCommit = { sha: string; subject: string; files: readonly string[] };

export type CommitRange = { good: string; bad: string; commits: readonly RangeCommit[] };

/**
 * The commits after `good` up to `bad`, oldest first, along first parents: a merge is one step, with all that it brought.
 * Fetches what a shallow clone lacks. Throws BISECT_RANGE_INVALID.
 */
export const readCommitRange = async (
  checkout: GitCheckout,
  good: string,
  bad: string,
): Promise<CommitRange> => {
  const invalid = (reason: string) => tailgateError('BISECT_RANGE_INVALID', { good, bad, reason });
  const find = async (ref: string): Promise<string> => {
    const sha = await commitOf(checkout, ref);
    if (sha === null) throw invalid(`there is no commit "${ref}"`);
    return sha;
  };
  const top = await checkout.root();
  if ('reason' in top) throw invalid(top.reason);
  const [from, to] = [await find(good), await find(bad)];
  if (from === to) throw invalid('both are the same commit');
  if ((await checkout.try(['merge-base', '--is-ancestor', from, to])).code !== 0) {
    // A shallow clone may lack the way from one to the other.
    const depth = await checkout.commitInHistory(`${to}~1000000`);
    if (depth === null && (await checkout.try(['merge-base', '--is-ancestor', from, to])).code !== 0)
      throw invalid('the good commit is no ancestor of the bad one');
  }
  const listed = await checkout.try([
    ...['-c', 'core.quotePath=false', 'log', '--reverse', '--first-parent', '-m', '--no-renames'],
    ...['--name-only', '-z', '--format=%x01%H%x02%s%x03', `${from}..${to}`],
  ]);
  if (listed.code !== 0) throw invalid(listed.stderr.trim());
  const commits = listed.stdout
    .split('\x01')
    .slice(1)
    .map((text): RangeCommit => {
      const [head = '', files = ''] = text.split('\x03');
      const [sha = '', subject = ''] = head.split('\x02');
      return {
        sha,
        subject,
        files: files
          .split('\0')
          .map((name) => name.trim())
          .filter((name) => name !== ''),
      };
    });
  return { good: from, bad: to, commits };
};

async function commitOf(checkout: GitCheckout, ref: string): Promise<string | null> {
  const remote = await checkout.remote();
  const known =
    (await checkout.commitOf(ref)) ??
    (remote === null ? null : await checkout.commitOf(`refs/remotes/${remote}/${ref}`)) ??
    (await checkout.commitInHistory(ref));
  if (known !== null || remote === null) return known;
  for (const kind of ['heads', 'tags']) {
    const fetched = await checkout.fetchRef(`refs/${kind}/${ref}`);
    if ('sha' in fetched) return fetched.sha;
  }
  return null;
}
