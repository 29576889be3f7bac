import path from 'node:path';
import type { BaselineSettings } from '../settings/settings-schema.ts';
import type { BaselineStore } from './baseline-record.ts';
import { BranchStore } from './branch-store.ts';
import { FileStore } from './file-store.ts';
import { type GitDataApi, GitDataBranch } from './git-data-branch.ts';
import { GitRemoteBranch } from './git-remote-branch.ts';
import type { GitEnv } from './run-git.ts';

export type BaselineContext = {
  /** Folder that `baseline.path` is relative to and whose git remotes are meant. */
  cwd: string;
  env: GitEnv;
  /** The Git Data interface of the repository on GitHub; null elsewhere. */
  github: GitDataApi | null;
  /** Ends what the store waits for. */
  signal?: AbortSignal | undefined;
};

/** A store, and what it holds open while it is used. */
export type OpenBaseline = BaselineStore & AsyncDisposable;

/** Keeps nothing: `baseline.mode: none`. */
const noStore: OpenBaseline = {
  where: 'nowhere',
  read: async () => ({ records: [], damaged: [] }),
  append: nothing,
  [Symbol.asyncDispose]: nothing,
};

/**
 * The store of the settings. A branch is reached through GitHub's interface where there is one and no other remote is
 * named, else through git. `side-by-side` keeps its history on the branch as well.
 */
export const openBaselineStore = (settings: BaselineSettings, context: BaselineContext): OpenBaseline => {
  const { signal } = context;
  const retention = { keep: settings.keep, keepDays: settings.keepDays };
  switch (settings.mode) {
    case 'none':
      return noStore;
    case 'file':
      return disposable(new FileStore(path.resolve(context.cwd, settings.path), retention, { signal }), null);
    case 'branch':
    case 'side-by-side': {
      const { branch, remote } = settings;
      const { cwd, env } = context;
      if (context.github !== null && remote === undefined)
        return disposable(
          new BranchStore(new GitDataBranch(context.github, branch), { retention, signal }),
          null,
        );
      const gitBranch = new GitRemoteBranch({ remote, branch, cwd, env, signal });
      return disposable(new BranchStore(gitBranch, { retention, signal }), gitBranch);
    }
  }
};

function disposable(store: BaselineStore, held: AsyncDisposable | null): OpenBaseline {
  return {
    where: store.where,
    read: (suite) => store.read(suite),
    append: (records) => store.append(records),
    [Symbol.asyncDispose]: async () => held?.[Symbol.asyncDispose](),
  };
}

async function nothing(): Promise<void> {}
