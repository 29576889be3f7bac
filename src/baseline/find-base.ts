import type { GitCheckout } from './git-checkout.ts';

/** What the event says of the commits; everything is null outside of GitHub. */
export type BaseHints = {
  eventName: string;
  headSha: string | null;
  baseSha: string | null;
  baseBranch: string | null;
  defaultBranch: string | null;
};

export type FoundBase = { sha: string } | { ref: string; reason: string };

const isSha = (text: string): boolean => /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);

const available = async (checkout: GitCheckout, sha: string): Promise<FoundBase> => {
  const reason = await checkout.ensure(sha);
  return reason === null ? { sha } : { ref: sha, reason };
};

const firstParent = async (checkout: GitCheckout, head: string): Promise<FoundBase> => {
  const [parent] = await checkout.parentsOf(head);
  if (parent === undefined) return { ref: 'before HEAD', reason: 'HEAD is the first commit' };
  return available(checkout, parent);
};

/** The commit at which HEAD left `tip`: what the branch has gained since is not this change's doing. */
const forkPoint = async (checkout: GitCheckout, tip: string): Promise<FoundBase> => {
  const reason = await checkout.ensure(tip);
  if (reason !== null) return { ref: tip, reason };
  const sha = await checkout.mergeBase(tip);
  return sha === null ? { ref: tip, reason: 'it has no common ancestor with HEAD' } : { sha };
};

/** Commit at the tip of a branch of the remote, fetched if this clone has not got it. */
const branchTip = async (checkout: GitCheckout, branch: string): Promise<string | null> => {
  const remote = await checkout.remote();
  const tracked = `refs/remotes/${remote}/${branch}`;
  const local = () => checkout.commitOf(`refs/heads/${branch}`);
  if (remote === null) return local();
  const known = await checkout.commitOf(tracked);
  if (known !== null) return known;
  await checkout.fetchOne(`+refs/heads/${branch}:${tracked}`);
  return (await checkout.commitOf(tracked)) ?? (await local());
};

/** `baseline.ref`: a commit or tag as it is; a branch at the point where HEAD left it, because its tip moves. */
const fromSetting = async (checkout: GitCheckout, ref: string): Promise<FoundBase> => {
  if (isSha(ref)) return available(checkout, ref);
  const remote = (await checkout.remote()) ?? 'origin';
  const branch = ref.replace(/^refs\/heads\//, '').replace(new RegExp(`^(refs/remotes/)?${remote}/`), '');
  const tip = await branchTip(checkout, branch);
  if (tip !== null) return forkPoint(checkout, tip);
  const known = await checkout.commitOf(ref);
  if (known !== null) return { sha: known };
  const tag = ref.replace(/^refs\/tags\//, '');
  const reason = await checkout.fetchOne(`+refs/tags/${tag}:refs/tags/${tag}`);
  const fetched = await checkout.commitOf(`refs/tags/${tag}`);
  return fetched === null ? { ref, reason: reason ?? 'it is no commit, branch or tag' } : { sha: fetched };
};

const fromPullRequest = async (checkout: GitCheckout, head: string, hints: BaseHints): Promise<FoundBase> => {
  const parents = await checkout.parentsOf(head);
  // The runner checks out the merge of the pull request into its base: the first parent is that base.
  if (parents.length === 2 && (hints.headSha === null || parents[1] === hints.headSha))
    return available(checkout, parents[0]!);
  if (hints.baseSha !== null) return forkPoint(checkout, hints.baseSha);
  return firstParent(checkout, head);
};

const fromBranch = async (
  checkout: GitCheckout,
  head: string,
  branch: string | null,
  inCi: boolean,
): Promise<FoundBase> => {
  // At a desk, what is not committed yet is the change, if there is such; in CI it is what the build left behind.
  if (!inCi && (await checkout.isDirty())) return { sha: head };
  const tip = branch === null ? null : await branchTip(checkout, branch);
  const left = tip === null ? null : await forkPoint(checkout, tip);
  if (left !== null && 'sha' in left && left.sha !== head) return left;
  return firstParent(checkout, head);
};

const defaultBranchOf = async (checkout: GitCheckout): Promise<string | null> => {
  const remote = await checkout.remote();
  const head = await checkout.ask(['symbolic-ref', '--quiet', `refs/remotes/${remote}/HEAD`]);
  if (head !== null) return head.replace(`refs/remotes/${remote}/`, '');
  for (const name of ['main', 'master']) {
    const known =
      (await checkout.commitOf(`refs/remotes/${remote}/${name}`)) ?? (await checkout.commitOf(name));
    if (known !== null) return name;
  }
  return null;
};

/**
 * The commit that the head is compared with: `ref` if it is set, else what the event says, else where HEAD left the
 * default branch. Never the tip of a branch as it happens to be now.
 */
export const findBase = async (
  checkout: GitCheckout,
  ref: string | undefined,
  hints: BaseHints | null,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundBase> => {
  const head = await checkout.commitOf('HEAD');
  if (head === null) return { ref: ref ?? 'HEAD', reason: 'there is no commit yet' };
  if (ref !== undefined) return fromSetting(checkout, ref);
  const event = hints?.eventName ?? '';
  if (hints !== null && (event === 'pull_request' || event === 'pull_request_target'))
    return fromPullRequest(checkout, head, hints);
  if (event === 'merge_group' && hints?.baseSha) return available(checkout, hints.baseSha);
  if (event === 'push' && hints?.baseSha) {
    const before = await available(checkout, hints.baseSha);
    // A forced push can leave a commit behind that nobody has any more.
    return 'sha' in before ? before : firstParent(checkout, head);
  }
  if (event === '') {
    const { CI_MERGE_REQUEST_DIFF_BASE_SHA: gitlab, CHANGE_TARGET: jenkins } = env;
    if (gitlab !== undefined && isSha(gitlab)) return available(checkout, gitlab);
    const inCi = jenkins !== undefined || (env.CI ?? '') !== '';
    return fromBranch(checkout, head, jenkins ?? (await defaultBranchOf(checkout)), inCi);
  }
  return fromBranch(checkout, head, hints?.defaultBranch ?? (await defaultBranchOf(checkout)), true);
};
