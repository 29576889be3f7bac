import { isCi } from '../host/is-ci.ts';
import type { GitCheckout } from './git-checkout.ts';

/** What the event says of the commits; everything is null outside of GitHub. */
export type BaseHints = {
  eventName: string;
  headSha: string | null;
  baseSha: string | null;
  baseBranch: string | null;
  defaultBranch: string | null;
  /** The commit of the run itself (`GITHUB_SHA`): for a pull request its merge commit. */
  checkoutSha: string | null;
};

type Unfound =
  | { ref: string; reason: string; advice?: string }
  /** There is no such commit yet, and this is why. */
  | { absent: string };

/** `notes`: what the reader should know of how the commit was found. `advice`: instead of the usual one. */
export type FoundBase = { sha: string; notes: string[] } | Unfound;

type Search = { checkout: GitCheckout; head: string; inCi: boolean; notes: string[] };

/**
 * The commit that the head is compared with: `ref` if it is set, else what the event says, else where HEAD left the
 * default branch. Never the tip of a branch as it happens to be now, and never the commit that is measured.
 */
export const findBase = async (
  checkout: GitCheckout,
  ref: string | undefined,
  hints: BaseHints | null,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundBase> => {
  const head = await checkout.commitOf('HEAD');
  if (head === null) return { absent: 'there is no commit yet' };
  const inCi = (hints?.eventName ?? '') !== '' || env.CHANGE_TARGET !== undefined || isCi(env);
  const search: Search = { checkout, head, inCi, notes: [] };
  const set = ref === undefined ? null : await fromSetting(search, ref);
  const found = set ?? (await fromEvent(search, hints, env));
  return 'sha' in found ? { sha: found.sha, notes: search.notes } : found;
};

type Found = { sha: string } | Unfound;

/**
 * `baseline.ref`: a commit or tag as it is; a branch at the point where HEAD left it, because its tip moves. `null` when
 * HEAD is on that branch, so that the setting names no other commit than the one that is measured.
 */
async function fromSetting(search: Search, ref: string): Promise<Found | null> {
  const { checkout, head, inCi } = search;
  const isItself = async (found: Found): Promise<Found> =>
    'sha' in found && found.sha === head && (inCi || !(await checkout.isDirty()))
      ? nothingToCompare(
          ref,
          `it is the commit that is checked out (${head.slice(0, 10)}), so there is nothing to compare`,
          'Name another commit, or leave "baseline.ref" (input "base-ref") out: the base is then found from the event.',
        )
      : found;
  if (isSha(ref)) return isItself(await available(search, ref));
  if (/[~^:]|@\{|^@$/.test(ref) || ref === 'HEAD')
    return isItself(await fromExpression(search, ref === 'HEAD' || ref === '@' ? 'HEAD~0' : ref));
  const plain = await withoutPrefix(search, ref);
  const tip = ref.startsWith('refs/tags/') ? null : await branchTip(search, plain);
  if (tip !== null) {
    const left = await forkPoint(search, tip);
    return 'sha' in left && left.sha === head ? null : left;
  }
  const known = await checkout.commitOf(ref);
  if (known !== null) return isItself({ sha: known });
  const found = await tagCommit(search, plain);
  if ('sha' in found) return isItself(found);
  return /^[0-9a-f]{4,39}$/.test(ref) ? isItself(await fromShortId(search, ref)) : found;
}

function nothingToCompare(ref: string, reason: string, advice: string): Found {
  return { ref, reason, advice };
}

function isSha(text: string): boolean {
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);
}

async function available({ checkout }: Search, sha: string): Promise<Found> {
  const reason = await checkout.ensure(sha);
  return reason === null ? { sha } : { ref: sha, reason };
}

/** `HEAD~2`, `main~1`, `v1^{commit}`: a commit as it is, however deep it lies in a shallow clone. */
async function fromExpression(search: Search, ref: string): Promise<Found> {
  const [, name = '', path = ''] = /^([^~^@:]+|@)([~^@:].*)$/.exec(ref) ?? [];
  const start = name === 'HEAD' || name === '@' ? { sha: search.head } : await namedCommit(search, name);
  if (!('sha' in start)) return { ...start, ref };
  const sha = await search.checkout.commitInHistory(`${start.sha}${path}`);
  return sha === null ? { ref, reason: `the history of ${name} has no such commit` } : { sha };
}

/** Where a name stands: a branch at its tip, a tag, or what else this clone knows by it. */
async function namedCommit(search: Search, name: string): Promise<Found> {
  if (isSha(name)) return available(search, name);
  const plain = await withoutPrefix(search, name);
  const tip = name.startsWith('refs/tags/') ? null : await branchTip(search, plain);
  if (tip !== null) return { sha: tip };
  const known = await search.checkout.commitOf(name);
  return known === null ? tagCommit(search, plain) : { sha: known };
}

async function withoutPrefix({ checkout }: Search, ref: string): Promise<string> {
  const remote = (await checkout.remote()) ?? 'origin';
  return ref.replace(/^refs\/(heads|tags)\//, '').replace(new RegExp(`^(refs/remotes/)?${remote}/`), '');
}

/**
 * Commit at the tip of a branch of the remote; null when there is no such branch. In CI the remote is asked, because a
 * workspace that is kept remembers the branch as it was then; at a desk, and where the remote does not answer, what the
 * clone knows will do.
 */
async function branchTip({ checkout, inCi, notes }: Search, branch: string): Promise<string | null> {
  const remote = await checkout.remote();
  const local = () => checkout.commitOf(`refs/heads/${branch}`);
  if (remote === null) return local();
  const known = await checkout.commitOf(`refs/remotes/${remote}/${branch}`);
  if (known !== null && !inCi) return known;
  const fetched = await checkout.fetchRef(`refs/heads/${branch}`);
  if ('sha' in fetched) return fetched.sha;
  const fallback = known ?? (await local());
  if (fallback !== null && inCi && !fetched.absent)
    notes.push(
      `The branch ${branch} could not be fetched (${fetched.reason}), so the base is where HEAD left it as this clone knows it.`,
    );
  return fallback;
}

async function tagCommit({ checkout }: Search, tag: string): Promise<Found> {
  const known = await checkout.commitOf(`refs/tags/${tag}`);
  if (known !== null) return { sha: known };
  const fetched = await checkout.fetchRef(`refs/tags/${tag}`);
  if ('sha' in fetched) return fetched;
  const remote = await checkout.remote();
  return {
    ref: tag,
    reason: fetched.absent
      ? `${remote} has no branch or tag of this name, and it is no commit`
      : fetched.reason,
  };
}

/** The commit at which HEAD left `tip`: what the branch has gained since is not this change's doing. */
async function forkPoint({ checkout }: Search, tip: string): Promise<Found> {
  const reason = await checkout.ensure(tip);
  if (reason !== null) return { ref: tip, reason };
  const sha = await checkout.mergeBase(tip);
  return sha === null ? { ref: tip, reason: 'it has no common ancestor with HEAD' } : { sha };
}

/** A short id cannot be asked for by name; it is found where it lies in the history of what is checked out. */
async function fromShortId(search: Search, id: string): Promise<Found> {
  const sha = await search.checkout.commitInHistory(id);
  return sha === null
    ? {
        ref: id,
        reason:
          'the history of HEAD has no commit that begins so, and no other can be asked for by a short id',
        advice: 'Write all 40 characters of the id, or a branch or tag.',
      }
    : { sha };
}

async function fromEvent(
  search: Search,
  hints: BaseHints | null,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Found> {
  const { checkout, head } = search;
  const event = hints?.eventName ?? '';
  if (hints !== null && (event === 'pull_request' || event === 'pull_request_target'))
    return fromPullRequest(search, hints);
  if (event === 'merge_group' && hints?.baseSha) return available(search, hints.baseSha);
  if (event === 'push' && hints?.baseSha && hints.baseSha !== head) {
    const before = await available(search, hints.baseSha);
    // A forced push can leave a commit behind that nobody has any more.
    return 'sha' in before ? before : firstParent(search);
  }
  if (event === '') {
    const { CI_MERGE_REQUEST_DIFF_BASE_SHA: gitlab, CHANGE_TARGET: jenkins } = env;
    if (gitlab !== undefined && isSha(gitlab)) return available(search, gitlab);
    return fromBranch(search, jenkins ?? (await defaultBranchOf(checkout)));
  }
  const branch = hints?.baseBranch ?? hints?.defaultBranch ?? (await defaultBranchOf(checkout));
  return fromBranch(search, branch);
}

async function fromPullRequest(search: Search, hints: BaseHints): Promise<Found> {
  const { checkout, head } = search;
  const { headSha, baseSha, baseBranch, checkoutSha, eventName } = hints;
  const parents = await checkout.parentsOf(head);
  // The runner checks out the merge of the pull request into its base: the first parent is that base.
  const isMerge =
    parents.length === 2 &&
    (headSha === null ? eventName === 'pull_request' && head === checkoutSha : parents[1] === headSha);
  if (isMerge) return available(search, parents[0]!);
  const tip = baseSha ?? (baseBranch === null ? null : await branchTip(search, baseBranch));
  if (tip === null) return firstParent(search);
  const left = await forkPoint(search, tip);
  if (!('sha' in left) || left.sha !== head) return left;
  return nothingToCompare(
    left.sha,
    'it is the commit that is checked out, which is on the base branch: nothing of the pull request is there to compare',
    'Check out the pull request: leave "ref" of actions/checkout out under "on: pull_request".',
  );
}

async function firstParent(search: Search): Promise<Found> {
  const [parent] = await search.checkout.parentsOf(search.head);
  return parent === undefined ? { absent: 'HEAD is the first commit' } : available(search, parent);
}

async function fromBranch(search: Search, branch: string | null): Promise<Found> {
  // At a desk, what is not committed yet is the change, if there is such; in CI it is what the build left behind.
  if (!search.inCi && (await search.checkout.isDirty())) return { sha: search.head };
  const tip = branch === null ? null : await branchTip(search, branch);
  const left = tip === null ? null : await forkPoint(search, tip);
  if (left !== null && 'sha' in left && left.sha !== search.head) return left;
  return firstParent(search);
}

async function defaultBranchOf(checkout: GitCheckout): Promise<string | null> {
  const remote = await checkout.remote();
  const head = await checkout.ask(['symbolic-ref', '--quiet', `refs/remotes/${remote}/HEAD`]);
  if (head !== null) return head.replace(`refs/remotes/${remote}/`, '');
  for (const name of ['main', 'master']) {
    const known =
      (await checkout.commitOf(`refs/remotes/${remote}/${name}`)) ?? (await checkout.commitOf(name));
    if (known !== null) return name;
  }
  return null;
}
