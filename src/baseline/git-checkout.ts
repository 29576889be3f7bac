import { type GitEnv, GitError, type GitResult, tryGit } from './run-git.ts';

export type GitCheckoutOptions = {
  cwd: string;
  env: GitEnv;
  /** Root of the server that `token` is for, for example `https://github.com`. */
  serverUrl: string | null;
  /** Tried when the checkout's own credentials do not do. */
  token: string | null;
  signal?: AbortSignal | undefined;
};

/** How far a shallow clone is deepened, step by step, before it is completed. */
const deepenings = [50, 250, 1_000];
const fetchTimeoutMs = 180_000;

const isAbsent = (stderr: string): boolean => /couldn't find remote ref|invalid refspec/.test(stderr);

/** Of two failures, without and with the token: that it was needed tells nothing. */
const moreTelling = (first: GitResult, second: GitResult): GitResult =>
  /could not read (Username|Password)/.test(first.stderr) ? second : first;

/**
 * The checkout that the run works in: asks it for commits, and fetches those that a shallow clone lacks. Nothing that
 * is checked out changes, and no branch moves.
 */
export class GitCheckout {
  readonly #options: GitCheckoutOptions;
  #remote: string | null | undefined;

  constructor(options: GitCheckoutOptions) {
    this.#options = options;
  }

  try(
    args: readonly string[],
    more: { cwd?: string; auth?: boolean; timeoutMs?: number; lfs?: boolean } = {},
  ): Promise<GitResult> {
    const { cwd, env, signal, serverUrl, token } = this.#options;
    // In a container the checkout may belong to another user; the commands of the settings run in it all the same.
    const config: [string, string][] = [['safe.directory', '*']];
    if (more.auth === true && token !== null && serverUrl !== null) {
      const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
      config.push([`http.${serverUrl}/.extraheader`, `AUTHORIZATION: basic ${basic}`]);
    }
    return tryGit(args, {
      cwd: more.cwd ?? cwd,
      env: more.lfs === false ? { ...env, GIT_LFS_SKIP_SMUDGE: '1' } : env,
      signal,
      config,
      ...(more.timeoutMs === undefined ? {} : { timeoutMs: more.timeoutMs }),
    });
  }

  /**
   * Runs what may have to fetch (files of a partial clone, LFS, submodules): with the checkout's own credentials, then
   * with the token. `again` clears up between the two. Rejects with a `GitError`.
   */
  async runFetching(
    args: readonly string[],
    more: { cwd?: string; timeoutMs?: number; lfs?: boolean; again?: () => Promise<unknown> } = {},
  ): Promise<void> {
    const first = await this.try(args, more);
    if (first.code === 0) return;
    if (this.#options.token === null) throw new GitError(args, first);
    await more.again?.();
    const second = await this.try(args, { ...more, auth: true });
    if (second.code !== 0) throw new GitError(args, moreTelling(first, second));
  }

  /** Output of a command that may have none to give: null when it fails. */
  async ask(args: readonly string[]): Promise<string | null> {
    const result = await this.try(args);
    const text = result.stdout.trim();
    return result.code === 0 && text !== '' ? text : null;
  }

  /** Root folder of the work tree; outside of one, why there is none. */
  async root(): Promise<{ root: string } | { reason: string }> {
    const args = ['rev-parse', '--show-toplevel'];
    const result = await this.try(args);
    const root = result.stdout.trim();
    if (result.code === 0 && root !== '') return { root };
    const { message } = new GitError(args, result);
    const isOutside = /not a git repository/.test(result.stderr);
    return {
      reason: isOutside || result.code === 0 ? `${this.#options.cwd} is not in a git repository` : message,
    };
  }

  /** The commit that a name stands for in this clone; null when it does not know it. */
  commitOf(name: string): Promise<string | null> {
    return this.ask(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  }

  /** Parents as the commit itself names them: a shallow clone hides those that it lacks from `rev-parse`. */
  async parentsOf(commit: string): Promise<string[]> {
    const text = (await this.ask(['cat-file', 'commit', commit])) ?? '';
    const [head = ''] = text.split('\n\n');
    return [...head.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1]!);
  }

  async isDirty(): Promise<boolean> {
    return (await this.ask(['status', '--porcelain', '--untracked-files=no'])) !== null;
  }

  async remote(): Promise<string | null> {
    if (this.#remote === undefined) {
      const names = ((await this.ask(['remote'])) ?? '').split('\n').filter((name) => name !== '');
      this.#remote = names.includes('origin') ? 'origin' : (names[0] ?? null);
    }
    return this.#remote;
  }

  /** Fetches with the checkout's own credentials, then with the token. Null when it worked, else git's reason. */
  async fetch(...args: string[]): Promise<string | null> {
    const remote = await this.remote();
    if (remote === null) return 'this clone has no remote to fetch it from';
    const command = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', ...args];
    const at = command.findIndex((part, index) => index > 0 && !part.startsWith('-'));
    command.splice(at === -1 ? command.length : at, 0, remote);
    const first = await this.try(command, { timeoutMs: fetchTimeoutMs });
    if (first.code === 0) return null;
    if (this.#options.token === null || isAbsent(first.stderr)) return new GitError(command, first).message;
    const second = await this.try(command, { auth: true, timeoutMs: fetchTimeoutMs });
    return second.code === 0 ? null : new GitError(command, moreTelling(first, second)).message;
  }

  async #isShallow(): Promise<boolean> {
    return (await this.ask(['rev-parse', '--is-shallow-repository'])) === 'true';
  }

  /** Fetches a commit or a refspec, and no more history than the clone has: a full clone must not become shallow. */
  async fetchOne(wanted: string, ...options: string[]): Promise<string | null> {
    return (await this.#isShallow())
      ? this.fetch(...options, '--depth=1', wanted)
      : this.fetch(...options, wanted);
  }

  /**
   * Resolves what `find` looks for, deepening a shallow clone from HEAD and `tips` as far as it takes; null when it is
   * nowhere.
   */
  async #deepening(find: () => Promise<string | null>, tips: readonly string[]): Promise<string | null> {
    let found = await find();
    for (const depth of deepenings) {
      if (found !== null || !(await this.#isShallow())) return found;
      if ((await this.fetch(`--deepen=${depth}`, ...tips)) !== null) break;
      found = await find();
    }
    if (found === null && (await this.#isShallow()) && (await this.fetch('--unshallow')) === null)
      found = await find();
    return found;
  }

  /** The commit that an expression over history stands for, such as `<sha>~2` or a short id; null when there is none. */
  async commitInHistory(expression: string): Promise<string | null> {
    const head = await this.commitOf('HEAD');
    return this.#deepening(() => this.commitOf(expression), head === null ? [] : [head]);
  }

  /**
   * Fetches what a refspec of the remote stands for, without touching any ref of the clone. Gives the commit, or why
   * there is none; `absent` when the remote was asked and has no such ref.
   */
  async fetchRef(ref: string): Promise<{ sha: string } | { absent: boolean; reason: string }> {
    const own = `refs/tailgate/fetched-${process.pid}`;
    // An empty refmap keeps git from moving the remote-tracking branch as well.
    const reason = await this.fetchOne(`+${ref}:${own}`, '--refmap=');
    if (reason !== null) return { absent: isAbsent(reason), reason };
    const sha = await this.commitOf(own);
    await this.try(['update-ref', '-d', own]);
    return sha === null ? { absent: true, reason: `${ref} is no commit` } : { sha };
  }

  /** Makes a commit available. Null when it is, else the reason. */
  async ensure(commit: string): Promise<string | null> {
    if ((await this.commitOf(commit)) !== null) return null;
    const reason = await this.fetchOne(commit);
    if (reason !== null) return reason;
    return (await this.commitOf(commit)) === null ? 'the server does not have it' : null;
  }

  /** The merge base of HEAD and a commit, deepening a shallow clone as far as it takes; null when there is none. */
  async mergeBase(commit: string): Promise<string | null> {
    const head = await this.commitOf('HEAD');
    const find = () => this.ask(['merge-base', 'HEAD', commit]);
    return head === null ? null : this.#deepening(find, [head, commit]);
  }
}

/**
 * The checkout of a job: what its own credentials cannot fetch, the token of the job may, from the server `serverUrl` that
 * the token is for.
 */
export function jobCheckout(
  { cwd, env, signal }: Pick<GitCheckoutOptions, 'cwd' | 'env' | 'signal'>,
  serverUrl: string | null = env.GITHUB_SERVER_URL || null,
): GitCheckout {
  const token = env['INPUT_GITHUB-TOKEN'] || env.GITHUB_TOKEN || null;
  return new GitCheckout({ cwd, env, serverUrl, token, signal });
}
