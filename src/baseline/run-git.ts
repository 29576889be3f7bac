import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { killFamily, markerVariable } from '../host/processes/process-family.ts';

export type GitEnv = Readonly<Record<string, string | undefined>>;

export type GitOptions = {
  cwd: string;
  env: GitEnv;
  /** Text for standard input. */
  input?: string;
  timeoutMs?: number;
  /** Ends git when aborted. */
  signal?: AbortSignal | undefined;
  /** Settings of git for this call only, for example `{ 'http.proxy': '...' }`; never in the command line. */
  config?: readonly (readonly [key: string, value: string])[];
};

/** `bytes` is standard output as it came, for what is not text. */
export type GitResult = { code: number; stdout: string; stderr: string; bytes: Buffer };

/** What `tryGit` says where git cannot be started. */
const notInstalled = 'git is not installed';

/** A git command that failed. `stderr` is git's own message. */
export class GitError extends Error {
  readonly stderr: string;

  constructor(args: readonly string[], result: GitResult) {
    const line = reasonIn(result.stderr);
    super(
      line === notInstalled
        ? line
        : `git ${commandIn(args)} ended with ${result.code}${line === '' ? '' : `: ${line}`}`,
    );
    this.name = 'GitError';
    this.stderr = result.stderr;
  }
}

/** Variables by which a surrounding git (a hook, say) would redirect ours. */
const redirecting = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_NAMESPACE',
];

/** Git has so long to end in order when the run is cancelled. */
const killAfterMs = 1_500;

/** What it printed is read at most so long after its end. */
const pipesMs = 2_000;

/** What to do about a failure of git, where that is not a matter of the place that asked; null elsewhere. */
export const gitAdvice = (failure: unknown): string | null => {
  const text = failure instanceof GitError ? `${failure.message}\n${failure.stderr}` : String(failure);
  if (text.includes(notInstalled))
    return 'Install git before this step; in a job with "container:", into its image (for example "apt-get install -y git").';
  if (/GH006|GH013|protected branch|rule violations|hook declined/i.test(text))
    return 'A rule or hook of the repository refused it: leave the branch of records out of the rule ("baseline.branch" names it), or let this account pass it.';
  if (
    /Authentication failed|could not read (Username|Password)|Permission denied|HTTP 40[13]|error: 40[13]|access rights/i.test(
      text,
    )
  )
    return 'Give git an account that may do this: the input "github-token" with the permission it needs, or credentials of the checkout.';
  return null;
};

/**
 * Runs git without a shell. Gives its exit code and output, whatever the code; code -1 when git is not installed, could
 * not be started or ran longer than `timeoutMs`, and then `stderr` says so.
 */
export const tryGit = (args: readonly string[], options: GitOptions): Promise<GitResult> =>
  new Promise((resolve) => {
    const timeoutMs = options.timeoutMs ?? 120_000;
    const marker = randomUUID();
    const child = spawn('git', args, {
      cwd: options.cwd,
      env: { ...environment(options), [markerVariable]: marker },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    /** With what it started: a helper for passwords, ssh, a hook. */
    const kill = (): void => {
      child.kill('SIGKILL');
      if (child.pid !== undefined) killFamily({ leaderPid: child.pid, marker, seen: new Map() });
    };
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    let killTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      // Git removes its locks on the way out; whoever it waits for may not be impressed.
      killTimer = setTimeout(kill, killAfterMs);
    };
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted === true) stop();
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // git may end before it has read everything; its exit code tells what happened.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    let isOver = false;
    const finish = (code: number, reason = '') => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', stop);
      // Git that is told to end leaves what it waited for.
      if (options.signal?.aborted === true) kill();
      const bytes = Buffer.concat(stdout);
      resolve({
        code,
        bytes,
        stdout: bytes.toString('utf8'),
        stderr: `${Buffer.concat(stderr).toString('utf8')}${reason}`,
      });
    };
    child.on('error', (error) => {
      // A folder that is gone is reported in the same words as a program that is not there.
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(options.cwd);
      finish(-1, isMissing ? notInstalled : error.message);
    });
    const ended = (code: number | null) => {
      if (timedOut) finish(-1, `it took longer than ${timeoutMs / 1000} s`);
      else finish(code ?? -1);
    };
    child.on('close', ended);
    // What it leaves running, as ssh does to share a connection, may keep its pipes for ever.
    child.on('exit', (code) =>
      setTimeout(() => {
        if (isOver) return;
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
        kill();
        ended(code);
      }, pipesMs).unref(),
    );
  });

/** Runs git and gives its standard output; rejects with a `GitError` when it fails. */
export const git = async (args: readonly string[], options: GitOptions): Promise<string> => {
  const result = await tryGit(args, options);
  if (result.code !== 0) throw new GitError(args, result);
  return result.stdout;
};

function environment({ env, config = [] }: GitOptions): Record<string, string | undefined> {
  const first = Number(env.GIT_CONFIG_COUNT ?? 0) || 0;
  const result: Record<string, string | undefined> = {
    ...env,
    LC_ALL: 'C',
    // Nobody is there to answer a question for a password.
    GIT_TERMINAL_PROMPT: '0',
    GCM_INTERACTIVE: 'never',
    GIT_CONFIG_COUNT: String(first + config.length),
  };
  for (const name of redirecting) delete result[name];
  config.forEach(([key, value], index) => {
    result[`GIT_CONFIG_KEY_${first + index}`] = key;
    result[`GIT_CONFIG_VALUE_${first + index}`] = value;
  });
  return result;
}

/**
 * Why git failed: what the server said, with git's own word for the refusal; else the first line that git marks as the
 * reason, or its last one; advice comes after the reason.
 */
function reasonIn(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const refusal = /\[(?:remote )?rejected\].*\(([^()]+)\)$/m.exec(lines.join('\n'))?.[1];
  const remote = remoteReason(lines);
  if (remote !== null) return refusal === undefined ? remote : `${remote} (${refusal})`;
  if (refusal !== undefined) return refusal;
  const line = lines.find((text) => /^(fatal|error): /.test(text)) ?? lines.at(-1) ?? '';
  return line.replace(/^(fatal|error): /, '').replace(/\.$/, '');
}

/** Lines in which a server says why it refused, in its own words, which git passes on behind "remote:". */
function remoteReason(lines: readonly string[]): string | null {
  const said = lines
    .filter((line) => /^remote:/.test(line))
    .map((line) => line.replace(/^remote:[\s-]*/, '').trim())
    .filter((line) => line !== '');
  const first = said.findIndex((line) => /^(error|fatal): |\bGH\d{3}\b/i.test(line));
  const reason = said.slice(Math.max(first, 0), Math.max(first, 0) + 3);
  if (reason.length === 0) return null;
  return reason.map((line) => line.replace(/^(error|fatal):\s*/i, '').replace(/[.:]?$/, '')).join('; ');
}

/** The command in the words of git: options before it, which may hold anything, are left out. */
function commandIn(args: readonly string[]): string {
  let at = 0;
  while (args[at] === '-c' || args[at] === '-C') at += 2;
  return args[at] ?? '';
}
