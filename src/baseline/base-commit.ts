import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tailgateError } from '../errors.ts';
import type { BaselineSettings } from '../settings/settings-schema.ts';
import { type BaseHints, findBase } from './find-base.ts';
import { GitCheckout } from './git-checkout.ts';
import { type GitEnv, GitError } from './run-git.ts';

/** The base version in a folder of its own; dispose removes what was made for it. */
export type BaseCommit = AsyncDisposable & {
  /** The folder that stands for the working directory in the base version. */
  readonly dir: string;
  /** The commit; null for a folder that the user gave. */
  readonly sha: string | null;
};

export type BaseCommitOptions = {
  cwd: string;
  env: GitEnv;
  /** What the event says, on GitHub. */
  context: (BaseHints & { serverUrl: string }) | null;
  signal?: AbortSignal;
};

const unavailable = (ref: string, reason: string, cause?: unknown) =>
  tailgateError('BASE_COMMIT_UNAVAILABLE', { ref, reason }, {}, cause);

const givenFolder = async (folder: string, cwd: string): Promise<BaseCommit> => {
  const dir = path.resolve(cwd, folder);
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory() !== true) throw unavailable(dir, 'there is no such folder ("baseline.dir")');
  return { dir, sha: null, [Symbol.asyncDispose]: async () => {} };
};

/** Submodules are part of the base version if the head has them checked out. */
const addSubmodules = async (checkout: GitCheckout, worktree: string): Promise<void> => {
  if (!existsSync(path.join(worktree, '.gitmodules'))) return;
  const status = (await checkout.ask(['submodule', 'status'])) ?? '';
  if (!status.split('\n').some((line) => line !== '' && !line.startsWith('-'))) return;
  const args = ['submodule', 'update', '--init', '--recursive', '--quiet'];
  const first = await checkout.try(args, { cwd: worktree });
  if (first.code === 0) return;
  const second = await checkout.try(args, { cwd: worktree, auth: true });
  if (second.code !== 0) throw new GitError(args, first);
};

const removeWorktree = async (checkout: GitCheckout, parent: string, worktree: string): Promise<void> => {
  await checkout.try(['worktree', 'remove', '--force', '--force', worktree]);
  await rm(parent, { recursive: true, force: true });
  await checkout.try(['worktree', 'prune']);
};

/** Checks `sha` out beside the checkout. The folder keeps the checkout's name, which some builds look at. */
const addWorktree = async (
  checkout: GitCheckout,
  root: string,
  sha: string,
  env: GitEnv,
): Promise<{ worktree: string; remove: () => Promise<void> }> => {
  const parent = await realpath(await mkdtemp(path.join(env.RUNNER_TEMP || os.tmpdir(), 'tailgate-base-')));
  const worktree = path.join(parent, path.basename(root));
  // Hooks are for people; files that filters make (LFS) are made all the same.
  const args = ['-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '--quiet', '--detach', worktree, sha];
  try {
    await checkout.run(args, { timeoutMs: 600_000 });
    await addSubmodules(checkout, worktree);
  } catch (error) {
    await removeWorktree(checkout, parent, worktree);
    throw error;
  }
  return { worktree, remove: () => removeWorktree(checkout, parent, worktree) };
};

/**
 * Makes the base version available for a side-by-side run: `baseline.dir` as it is, else the base commit in a git
 * worktree outside of the checkout. Shallow clones fetch what they lack; nothing that is checked out changes. Throws
 * BASE_COMMIT_UNAVAILABLE.
 */
export const openBaseCommit = async (
  settings: Pick<BaselineSettings, 'dir' | 'ref'>,
  options: BaseCommitOptions,
): Promise<BaseCommit> => {
  const { cwd, env, context } = options;
  if (settings.dir !== undefined) return givenFolder(settings.dir, cwd);
  const checkout = new GitCheckout({
    cwd,
    env,
    serverUrl: context?.serverUrl ?? null,
    token: env['INPUT_GITHUB-TOKEN'] || env.GITHUB_TOKEN || null,
    signal: options.signal,
  });
  const wanted = settings.ref ?? context?.baseSha ?? 'HEAD';
  const root = await checkout.root();
  if (root === null) throw unavailable(wanted, `${cwd} is not in a git repository`);
  const found = await findBase(checkout, settings.ref, context, env);
  if ('reason' in found) throw unavailable(found.ref, found.reason);
  const { sha } = found;
  const inside = path.relative(await realpath(root), await realpath(cwd));
  const { worktree, remove } = await addWorktree(checkout, root, sha, env).catch((error: unknown) => {
    throw unavailable(sha, error instanceof Error ? error.message : String(error), error);
  });
  const dir = path.join(worktree, inside);
  if (!existsSync(dir)) {
    await remove();
    throw unavailable(sha, `it has no folder "${inside}"`);
  }
  return { dir, sha, [Symbol.asyncDispose]: remove };
};
