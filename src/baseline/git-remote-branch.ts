import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { BranchChanges, BranchSnapshot, RecordBranch } from './record-branch.ts';
import { type GitEnv, GitError, type GitOptions, git, tryGit } from './run-git.ts';

export type GitRemoteOptions = {
  /** Name of a remote of the repository in `cwd`, or a URL or path; `origin`, which need not exist, if not given. */
  remote?: string | undefined;
  branch: string;
  cwd: string;
  env: GitEnv;
  /** Ends git when aborted. */
  signal?: AbortSignal | undefined;
};

/** Settings of the checkout by which its remotes are reached: tokens, helpers, proxies, keys, rewritten addresses. */
const reachSettings = '^(http|https|credential|url|core\\.sshcommand|protocol)\\b';

/** Answers of a server whose ref moved between our reading and our push. */
const moved =
  /\[rejected\]|cannot lock ref|failed to update ref|incorrect old value|already exists|stale info/i;

/** A lock that somebody else holds, or left behind. */
const lockFile = /Unable to create '[^']*\.lock': File exists/;

const lockPatienceMs = 15_000;

/** Answers of git where there is no repository, or no such remote in it. */
const noRemote = /not a git repository|No such remote/;

/** In a container the checkout may belong to another user; only its settings are read. */
const trusted = [['safe.directory', '*']] as const;

const localRef = 'refs/tailgate/head';

const nextRef = 'refs/tailgate/next';

type Opened = {
  dir: string;
  url: string;
  config: (readonly [string, string])[];
  /** Why there is no remote, as a clause; null when there is one. */
  absent: string | null;
};

const defaultRemote = 'origin';

/**
 * The branch through git itself, for any remote. Works in a temporary bare repository, so that neither the checkout,
 * its index nor its refs are touched; what the checkout knows of reaching the remote is used. Dispose removes it.
 */
export class GitRemoteBranch implements RecordBranch, AsyncDisposable {
  readonly where: string;
  readonly #options: GitRemoteOptions;
  #opened: Promise<Opened> | null = null;
  #lockedSince: number | null = null;

  constructor(options: GitRemoteOptions) {
    this.#options = options;
    this.where = `branch ${options.branch} of ${withoutCredentials(options.remote ?? defaultRemote)}`;
  }

  async #open(): Promise<Opened> {
    const { cwd, env, remote = defaultRemote } = this.#options;
    const own = { cwd, env, config: trusted };
    const named = await tryGit(['remote', 'get-url', '--push', remote], own);
    const listed = await tryGit(
      ['config', '--local', '--includes', '--null', '--get-regexp', reachSettings],
      own,
    );
    const config = listed.stdout
      .split('\0')
      .filter((entry) => entry.includes('\n'))
      .map((entry) => {
        const end = entry.indexOf('\n');
        return [entry.slice(0, end), entry.slice(end + 1)] as const;
      });
    const dir = await mkdtemp(path.join(os.tmpdir(), 'tailgate-baseline-'));
    await git(['init', '--quiet', '--bare', dir], { cwd: dir, env });
    // A relative path is one from the checkout, not from here: that of a remote from its root, as git reads it.
    const given = named.code === 0 ? named.stdout.trim() : remote;
    const top = await tryGit(['rev-parse', '--show-toplevel'], own);
    const from = named.code === 0 && top.code === 0 ? top.stdout.trim() : cwd;
    const isPath = !/^[\w+.-]+:\/\//.test(given) && !/^[^/]+:/.test(given);
    // What was asked for by name must be there; and git that refuses to answer has not said no.
    const isAbsent = this.#options.remote === undefined && noRemote.test(named.stderr);
    const absent = isAbsent ? `git knows no remote "${remote}" in ${cwd}` : null;
    return { dir, url: isPath ? path.resolve(from, given) : given, config, absent };
  }

  async #repository(): Promise<Opened> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #git(args: readonly string[], more: Partial<GitOptions> = {}): Promise<string> {
    const { dir, config } = await this.#repository();
    const { env, signal } = this.#options;
    return git(args, { cwd: dir, env, config, signal, ...more });
  }

  async snapshot(): Promise<BranchSnapshot> {
    const { dir, url, config, absent } = await this.#repository();
    if (absent !== null) return { commit: null, absent, paths: [], read: async () => [] };
    const refs = `+refs/heads/${this.#options.branch}:${localRef}`;
    const args = ['fetch', '--quiet', '--no-tags', '--depth=1', url, refs];
    const { env, signal } = this.#options;
    const fetched = await tryGit(args, { cwd: dir, env, config, signal });
    if (/couldn't find remote ref/.test(fetched.stderr))
      return { commit: null, paths: [], read: async () => [] };
    if (fetched.code !== 0) throw new GitError(args, fetched);
    const commit = (await this.#git(['rev-parse', '--verify', `${localRef}^{commit}`])).trim();
    const tree = await this.#git(['ls-tree', '-r', '-z', '--name-only', commit]);
    return {
      commit,
      paths: tree
        .split('\0')
        .filter((name) => name !== '')
        .sort(),
      read: async (paths) => {
        if (paths.length === 0) return [];
        const args = ['cat-file', '--batch'];
        const input = paths.map((name) => `${commit}:${name}\n`).join('');
        const read = await tryGit(args, { cwd: dir, env: this.#options.env, input });
        if (read.code !== 0) throw new GitError(args, read);
        return batchTexts(read.bytes);
      },
    };
  }

  async commit(
    snapshot: BranchSnapshot,
    changes: BranchChanges,
    message: string,
  ): Promise<'done' | 'conflict'> {
    const { dir, url, config, absent } = await this.#repository();
    if (absent !== null) throw new Error(absent);
    await this.#git(['fast-import', '--quiet', '--force', '--date-format=now'], {
      input: importStream(snapshot.commit, changes, message),
    });
    const target = `${nextRef}:refs/heads/${this.#options.branch}`;
    const args = ['push', '--porcelain', url, target];
    const { env, signal } = this.#options;
    const pushed = await tryGit(args, { cwd: dir, env, config, signal });
    if (pushed.code === 0) return 'done';
    const answer = `${pushed.stdout}\n${pushed.stderr}`;
    const refusal = new GitError(args, { ...pushed, stderr: answer });
    if (lockFile.test(answer)) {
      // A writer holds its lock for a moment; one that was killed leaves it for ever.
      this.#lockedSince ??= performance.now();
      if (performance.now() - this.#lockedSince > lockPatienceMs) throw refusal;
      return 'conflict';
    }
    this.#lockedSince = null;
    if (moved.test(answer)) return 'conflict';
    throw refusal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    if (opened) await rm(opened.dir, { recursive: true, force: true });
  }
}

/** Passwords in an address must not reach messages. */
export function withoutCredentials(url: string): string {
  return url.replace(/^(\w+:\/\/)[^@/]*@/, '$1');
}

/** Texts of the objects in the output of `git cat-file --batch`: `<id> blob <bytes>`, the bytes, a line break. */
function batchTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    const size = Number(/ blob (\d+)$/.exec(bytes.toString('utf8', at, end))?.[1] ?? Number.NaN);
    if (!Number.isInteger(size)) throw new Error('git cat-file gave no object');
    texts.push(bytes.toString('utf8', end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return texts;
}

/** One commit on top of `parent` in the format of `git fast-import`, which needs neither index nor work tree. */
function importStream(parent: string | null, changes: BranchChanges, message: string): string {
  return [
    `commit ${nextRef}\n`,
    'committer Tailgate <tailgate@users.noreply.github.com> now\n',
    data(message),
    ...(parent === null ? [] : [`from ${parent}\n`]),
    ...[...changes].map(([name, text]) =>
      text === null ? `D ${name}\n` : `M 100644 inline ${name}\n${data(text)}`,
    ),
  ].join('');
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
