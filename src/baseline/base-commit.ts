import { existsSync } from 'node:fs';
import { lstat, mkdtemp, open, realpath, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tailgateError } from '../errors.ts';
import type { BaselineSettings } from '../settings/settings-schema.ts';
import { type BaseHints, findBase } from './find-base.ts';
import { type GitCheckout, jobCheckout } from './git-checkout.ts';
import { type GitEnv, gitAdvice } from './run-git.ts';

/** The base version in a folder of its own; dispose removes what was made for it. */
export type BaseCommit = AsyncDisposable & {
  /** The folder that stands for the working directory in the base version. */
  readonly dir: string;
  /** The commit; null for a folder that the user gave. */
  readonly sha: string | null;
  /** What disposing removes, which holds the worktree; null where nothing was made. */
  readonly made: string | null;
  /** What the reader should know of how it was had. */
  readonly notes: readonly string[];
  /** Of a base version that runs already: nothing was checked out for it, and `dir` is the working directory. */
  readonly deployed?: DeployedBase | undefined;
};

/** A base version that somebody else deployed, and what git knows of the commits that it could be. */
export type DeployedBase = {
  url: string;
  /** The commit that the run is to be compared with; null where git does not know it. */
  expected: string | null;
  /** Whether the user named it, so that no other will do. */
  named: boolean;
  /** The commit that an id stands for, if HEAD comes from it; else null. */
  ancestor: (id: string) => Promise<string | null>;
};

export type BaseCommitOptions = {
  cwd: string;
  env: GitEnv;
  /** What the event says, on GitHub. */
  context: (BaseHints & { serverUrl: string }) | null;
  signal?: AbortSignal;
};

/**
 * Makes the base version available for a side-by-side run: `baseline.url` or `baseline.dir` as it is, else the base commit in a git
 * worktree outside of the checkout. Shallow clones fetch what they lack; nothing that is checked out changes. Throws
 * BASE_COMMIT_UNAVAILABLE or BASE_ABSENT.
 */
export const openBaseCommit = async (
  settings: Pick<BaselineSettings, 'dir' | 'ref' | 'url'>,
  options: BaseCommitOptions,
): Promise<BaseCommit> => {
  const { cwd, env, context } = options;
  if (settings.dir !== undefined) return givenFolder(settings.dir, cwd);
  const checkout = jobCheckout(options, context?.serverUrl);
  if (settings.url !== undefined) return await deployedBase(settings.url, settings.ref, checkout, options);
  const wanted = settings.ref ?? context?.baseSha ?? 'HEAD';
  const top = await checkout.root();
  if ('reason' in top) throw unavailable(wanted, top.reason);
  const { root } = top;
  const found = await findBase(checkout, settings.ref, context, env);
  if ('absent' in found) throw tailgateError('BASE_ABSENT', { reason: found.absent });
  if ('reason' in found) throw unavailable(found.ref, found.reason, found);
  const base = await checkOut(checkout, root, found.sha, options);
  return { ...base, notes: [...found.notes, ...base.notes] };
};

/**
 * A commit that the clone has, in a git worktree of its own, whether or not it is checked out. Throws
 * BASE_COMMIT_UNAVAILABLE, or BASE_ABSENT where it lacks the folder.
 */
export const openCommit = async (
  sha: string,
  options: Omit<BaseCommitOptions, 'context'>,
): Promise<BaseCommit> => {
  const checkout = jobCheckout(options);
  const top = await checkout.root();
  if ('reason' in top) throw unavailable(sha, top.reason);
  return checkOut(checkout, top.root, sha, options);
};

/**
 * A commit that an earlier process left in `made` (`BaseCommit.made`) instead of disposing of it; null where it is no longer
 * there, is another commit, or belongs to somebody else. What is left of it then is removed.
 */
export const reopenCommit = async (
  sha: string,
  made: string,
  options: Omit<BaseCommitOptions, 'context'>,
): Promise<BaseCommit | null> => {
  const checkout = jobCheckout(options);
  const top = await checkout.root();
  const found = await lstat(made).catch(() => null);
  if ('reason' in top || !path.basename(made).startsWith(madeName)) return null;
  if (found?.isDirectory() !== true || found.uid !== (process.getuid?.() ?? found.uid)) return null;
  const worktree = path.join(made, path.basename(top.root));
  const inside = path.relative(await realpath(top.root), await realpath(options.cwd));
  const dir = path.join(worktree, inside);
  const remove = () => removeWorktree(checkout, made, worktree);
  const head = existsSync(dir) ? await checkout.ask(['-C', worktree, 'rev-parse', 'HEAD']) : null;
  if (head === sha) return { dir, sha, made, notes: [], [Symbol.asyncDispose]: remove };
  await remove();
  return null;
};

/** Begins the name of each folder that is made. */
const madeName = 'tailgate-base-';

async function givenFolder(folder: string, cwd: string): Promise<BaseCommit> {
  const dir = path.resolve(cwd, folder);
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory() !== true) throw unavailable(dir, 'there is no such folder ("baseline.dir")');
  return { dir, sha: null, made: null, notes: [], [Symbol.asyncDispose]: async () => {} };
}

function unavailable(ref: string, reason: string, more: { cause?: unknown; advice?: string } = {}) {
  return tailgateError(
    'BASE_COMMIT_UNAVAILABLE',
    { ref, reason, advice: more.advice ?? gitAdvice(more.cause ?? reason) ?? undefined },
    {},
    more.cause,
  );
}

async function deployedBase(
  url: string,
  ref: string | undefined,
  checkout: GitCheckout,
  { cwd, context, env }: BaseCommitOptions,
): Promise<BaseCommit> {
  const hasGit = 'root' in (await checkout.root());
  const found = hasGit ? await findBase(checkout, ref, context, env) : null;
  if (ref !== undefined && (found === null || !('sha' in found)))
    throw unavailable(
      ref,
      found === null ? 'there is no git repository here' : 'absent' in found ? found.absent : found.reason,
    );
  return {
    dir: cwd,
    sha: null,
    made: null,
    notes: [],
    deployed: {
      url,
      expected: found !== null && 'sha' in found ? found.sha : null,
      named: ref !== undefined,
      ancestor: async (id) => {
        const sha = hasGit ? await checkout.commitInHistory(id) : null;
        return sha !== null && (await checkout.mergeBase(sha)) === sha ? sha : null;
      },
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function checkOut(
  checkout: GitCheckout,
  root: string,
  sha: string,
  { cwd, env }: Pick<BaseCommitOptions, 'cwd' | 'env'>,
): Promise<BaseCommit> {
  const inside = path.relative(await realpath(root), await realpath(cwd));
  const { parent, worktree, notes, remove } = await addWorktree(checkout, root, sha, env).catch(
    (cause: unknown) => {
      throw unavailable(sha, cause instanceof Error ? cause.message : String(cause), { cause });
    },
  );
  const dir = path.join(worktree, inside);
  if (!existsSync(dir)) {
    await remove();
    throw tailgateError('BASE_ABSENT', {
      reason: `the base version (${sha.slice(0, 10)}) has no folder "${inside}"`,
    });
  }
  return { dir, sha, made: parent, notes, [Symbol.asyncDispose]: remove };
}

/** Checks `sha` out beside the checkout. The folder keeps the checkout's name, which some builds look at. */
async function addWorktree(
  checkout: GitCheckout,
  root: string,
  sha: string,
  env: GitEnv,
): Promise<{ parent: string; worktree: string; notes: string[]; remove: () => Promise<void> }> {
  const parent = await realpath(await mkdtemp(path.join(env.RUNNER_TEMP || os.tmpdir(), madeName)));
  const worktree = path.join(parent, path.basename(root));
  // Hooks are for people; files that filters make (LFS) are made all the same.
  const args = ['-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '--quiet', '--detach', worktree, sha];
  try {
    await checkout.runFetching(args, {
      timeoutMs: 600_000,
      lfs: !(await leavesLfsOut(checkout, root)),
      again: () => removeWorktree(checkout, worktree, worktree),
    });
    const notes = await addSubmodules(checkout, worktree);
    return { parent, worktree, notes, remove: () => removeWorktree(checkout, parent, worktree) };
  } catch (error) {
    await removeWorktree(checkout, parent, worktree);
    throw error;
  }
}

/** Whether the head has files of Git LFS and left them as pointers, so that the base is to be left so too. */
async function leavesLfsOut(checkout: GitCheckout, root: string): Promise<boolean> {
  const listed = await checkout.ask(['-C', root, 'ls-files', '-z', ':(attr:filter=lfs)']);
  const files = (listed ?? '').split('\0').map((name) => path.join(root, name));
  // One that is there tells for all: they are fetched or left out together.
  const some = listed === null ? undefined : files.find((file) => existsSync(file));
  return some !== undefined && (await isPointer(some));
}

async function isPointer(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
  return buffer.toString('utf8', 0, bytesRead).startsWith('version https://git-lfs.github.com/');
}

async function removeWorktree(checkout: GitCheckout, parent: string, worktree: string): Promise<void> {
  await checkout.try(['worktree', 'remove', '--force', '--force', worktree]);
  await rm(parent, { recursive: true, force: true });
  await checkout.try(['worktree', 'prune']);
}

/**
 * Submodules are part of the base version if the head has its own checked out, or has none: then only the base can tell
 * whether it needs them, and does without those that cannot be had. Gives what the reader should know.
 */
async function addSubmodules(checkout: GitCheckout, worktree: string): Promise<string[]> {
  if (!existsSync(path.join(worktree, '.gitmodules'))) return [];
  const lines = ((await checkout.ask(['submodule', 'status'])) ?? '')
    .split('\n')
    .filter((line) => line !== '');
  if (lines.length > 0 && lines.every((line) => line.startsWith('-'))) return [];
  const known = await knownSubmodules(checkout);
  const args = ['submodule', 'update', '--init', '--recursive', '--quiet'];
  try {
    await checkout.runFetching(args, { cwd: worktree, timeoutMs: 600_000 });
    return [];
  } catch (failure) {
    if (lines.length > 0) throw failure;
    const reason = failure instanceof Error ? failure.message : String(failure);
    return [
      `The base version has submodules, which the head has not, and they could not be checked out (${reason}).`,
    ];
  } finally {
    // The configuration is that of the checkout, which keeps nothing of ours.
    for (const section of await knownSubmodules(checkout))
      if (!known.includes(section)) await checkout.try(['config', '--local', '--remove-section', section]);
  }
}

/** Names of the submodules that the configuration of the checkout knows. */
async function knownSubmodules(checkout: GitCheckout): Promise<string[]> {
  const listed = await checkout.ask(['config', '--local', '--name-only', '--get-regexp', '^submodule\\..*']);
  const names = (listed ?? '').split('\n').map((key) => key.slice(0, key.lastIndexOf('.')));
  return [...new Set(names)].filter((name) => name !== '');
}
