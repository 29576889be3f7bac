import { spawn } from 'node:child_process';

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

/** Why git failed: the first line that it marks as the reason, or else its last one; advice comes after the reason. */
const reasonIn = (stderr: string): string => {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => /^(fatal|error): /.test(text)) ?? lines.at(-1) ?? '';
  return line
    .trim()
    .replace(/^(fatal|error): /, '')
    .replace(/\.$/, '');
};

/** A git command that failed. `stderr` is git's own message. */
export class GitError extends Error {
  readonly stderr: string;

  constructor(args: readonly string[], result: GitResult) {
    const line = reasonIn(result.stderr);
    super(`git ${args[0]} ended with ${result.code}${line === '' ? '' : `: ${line}`}`);
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

const environment = ({ env, config = [] }: GitOptions): Record<string, string | undefined> => {
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
};

/**
 * Runs git without a shell. Gives its exit code and output, whatever the code; code -1 when git is not installed, could
 * not be started or ran longer than `timeoutMs`, and then `stderr` says so.
 */
export const tryGit = (args: readonly string[], options: GitOptions): Promise<GitResult> =>
  new Promise((resolve) => {
    const timeoutMs = options.timeoutMs ?? 120_000;
    const child = spawn('git', args, {
      cwd: options.cwd,
      env: environment(options),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const stop = () => child.kill('SIGTERM');
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted === true) stop();
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // git may end before it has read everything; its exit code tells what happened.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const finish = (code: number, reason = '') => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', stop);
      const bytes = Buffer.concat(stdout);
      resolve({
        code,
        bytes,
        stdout: bytes.toString('utf8'),
        stderr: `${Buffer.concat(stderr).toString('utf8')}${reason}`,
      });
    };
    child.on('error', (error) => finish(-1, error.message));
    child.on('close', (code) => {
      if (timedOut) finish(-1, `it took longer than ${timeoutMs} ms`);
      else finish(code ?? -1);
    });
  });

/** Runs git and gives its standard output; rejects with a `GitError` when it fails. */
export const git = async (args: readonly string[], options: GitOptions): Promise<string> => {
  const result = await tryGit(args, options);
  if (result.code !== 0) throw new GitError(args, result);
  return result.stdout;
};
