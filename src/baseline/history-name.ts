import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { BaselineRecord } from './baseline-record.ts';
import { GitCheckout } from './git-checkout.ts';
import type { GitEnv } from './run-git.ts';

/**
 * Under which name the history of a suite is kept: the suite's own, behind the key of its service. The key is empty for
 * settings at the root of a repository, and for records of versions that knew none.
 */
export const historyName = (key: string, suite: string): string => (key === '' ? suite : `${key}: ${suite}`);

/**
 * Where the searches for the capacity of a suite are kept: beside its runs, which are compared with each other, by any
 * version of Tailgate. Given a history it names the one beside it.
 */
export const capacityHistory = (suite: string): string => `${suite} (capacity)`;

/** The history that a record belongs to. */
export const historyOf = (record: Pick<BaselineRecord, 'key' | 'suite'>): string =>
  historyName(record.key ?? '', record.suite);

/**
 * The key of the settings, where none is set: the folder of the settings file and the working directory in the
 * repository, so that two services whose suites have the same name never share a history. The root, and `.github` in
 * it, are empty.
 */
export const folderKey = async (
  settings: { file: string | null; cwd: string },
  env: GitEnv,
): Promise<string> => {
  const { file, cwd } = settings;
  const checkout = new GitCheckout({ cwd, env, serverUrl: null, token: null });
  const top = await checkout.root();
  const root = await real('root' in top ? top.root : (env.GITHUB_WORKSPACE ?? cwd));
  const folders = await Promise.all(
    [cwd, file === null ? cwd : path.dirname(file)].map(async (folder) =>
      path
        .relative(root, await real(folder))
        .split(path.sep)
        .join('/')
        .replace(/(^|\/)\.github$/, ''),
    ),
  );
  return [...new Set(folders)].filter((folder) => folder !== '' && !folder.startsWith('..')).join(' + ');
};

function real(folder: string): Promise<string> {
  return realpath(folder).catch(() => folder);
}
