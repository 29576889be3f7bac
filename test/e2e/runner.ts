import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';

/**
 * Runs an action's shipped bundle the way a GitHub Actions runner does: from action.yml, with inputs as `INPUT_*`,
 * the event payload, the command files, stdin closed, the cancellation ladder, and then the post step.
 */

export const root = path.resolve(import.meta.dirname, '../..');

export type StepRequest = {
  /** Folder of action.yml in the repository. */
  action?: string;
  /** Working directory of the job: the checkout. */
  workspace: string;
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  eventName?: string;
  event?: unknown;
  /** Cancels the job this long after the step began. */
  cancelAfterMs?: number;
  /** Kills the step without warning once the log contains this text, as a lost runner would. */
  killWhen?: string;
  /** Cancels the job once the log contains this text. */
  cancelWhen?: string;
  timeoutMs?: number;
};

export type StepResult = {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** Standard output and error, as the runner would read them. */
  log: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  summary: string;
  post: { exitCode: number | null; log: string } | null;
  durationMs: number;
  /** From the cancellation to the end of the step. */
  cancelMs: number | null;
};

type ActionFile = {
  inputs?: Record<string, { default?: string | boolean | number; required?: boolean }>;
  runs: { using: string; main: string; post?: string };
};

/** Reads `name<<delimiter` blocks of a command file. */
const parseCommandFile = (text: string): Record<string, string> => {
  const values: Record<string, string> = {};
  for (const match of text.matchAll(/^([^\n=<]+)<<(\S+)\n([\s\S]*?)\n\2$/gm))
    values[match[1] ?? ''] = match[3] ?? '';
  return values;
};

/** The few expressions that defaults of ours use. */
const evaluated = (text: string, token: string): string => {
  const expression = /^\$\{\{\s*(.*?)\s*\}\}$/.exec(text)?.[1];
  if (expression === undefined) return text;
  if (expression === 'github.token') return token;
  if (expression === 'toJSON(matrix)') return 'null';
  throw new Error(`The test runner does not know the expression "${expression}"`);
};

const processEnv = (): Record<string, string> => {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'LANG', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
};

export const runStep = async (request: StepRequest): Promise<StepResult> => {
  const actionDir = path.join(root, request.action ?? '.');
  const action = parse(await readFile(path.join(actionDir, 'action.yml'), 'utf8')) as ActionFile;
  const temp = await mkdtemp(path.join(os.tmpdir(), 'tailgate-runner-'));
  try {
    const files = { output: 'output', state: 'state', summary: 'summary', env: 'env', path: 'path' };
    for (const name of Object.values(files)) await writeFile(path.join(temp, name), '');
    await writeFile(path.join(temp, 'event.json'), JSON.stringify(request.event ?? {}));
    await mkdir(path.join(temp, 'runner-temp'));

    const inputs: Record<string, string> = {};
    for (const [name, input] of Object.entries(action.inputs ?? {})) {
      const given = request.inputs?.[name];
      const fallback = input.default === undefined ? '' : String(input.default);
      inputs[`INPUT_${name.replace(/ /g, '_').toUpperCase()}`] =
        given ?? evaluated(fallback, request.env?.GITHUB_TOKEN ?? '');
    }
    for (const name of Object.keys(request.inputs ?? {})) {
      if (action.inputs?.[name] === undefined) throw new Error(`action.yml has no input "${name}"`);
    }
    const env: Record<string, string> = {
      ...processEnv(),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: request.workspace,
      GITHUB_EVENT_NAME: request.eventName ?? 'workflow_dispatch',
      GITHUB_EVENT_PATH: path.join(temp, 'event.json'),
      GITHUB_OUTPUT: path.join(temp, files.output),
      GITHUB_STATE: path.join(temp, files.state),
      GITHUB_STEP_SUMMARY: path.join(temp, files.summary),
      GITHUB_ENV: path.join(temp, files.env),
      GITHUB_PATH: path.join(temp, files.path),
      GITHUB_REPOSITORY: 'octo/chat',
      GITHUB_REPOSITORY_OWNER: 'octo',
      GITHUB_SERVER_URL: 'https://github.com',
      // Nothing listens there: a test that means GitHub gives the address of its double.
      GITHUB_API_URL: 'http://127.0.0.1:9',
      GITHUB_GRAPHQL_URL: 'http://127.0.0.1:9/graphql',
      GITHUB_RUN_ID: '1001',
      GITHUB_RUN_NUMBER: '7',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_WORKFLOW: 'CI',
      GITHUB_JOB: 'gate',
      GITHUB_ACTOR: 'octocat',
      RUNNER_OS: 'Linux',
      RUNNER_ARCH: 'X64',
      RUNNER_TEMP: path.join(temp, 'runner-temp'),
      ...inputs,
      ...request.env,
    };
    // The token reaches an action only through its input.
    delete env.GITHUB_TOKEN;

    const started = performance.now();
    const main = await runNode(path.join(actionDir, action.runs.main), request.workspace, env, request);
    const durationMs = performance.now() - started;
    const state = parseCommandFile(await readFile(path.join(temp, files.state), 'utf8'));
    let post: StepResult['post'] = null;
    if (action.runs.post !== undefined) {
      const stateEnv = Object.fromEntries(
        Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]),
      );
      const ended = await runNode(
        path.join(actionDir, action.runs.post),
        request.workspace,
        { ...env, ...stateEnv },
        {},
      );
      post = { exitCode: ended.exitCode, log: ended.log };
    }
    return {
      ...main,
      outputs: parseCommandFile(await readFile(path.join(temp, files.output), 'utf8')),
      state,
      summary: await readFile(path.join(temp, files.summary), 'utf8'),
      post,
      durationMs,
    };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
};

type NodeRun = {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  log: string;
  cancelMs: number | null;
};

const runNode = async (
  script: string,
  cwd: string,
  env: Record<string, string>,
  request: Pick<StepRequest, 'cancelAfterMs' | 'cancelWhen' | 'killWhen' | 'timeoutMs'>,
): Promise<NodeRun> => {
  const child = spawn(process.execPath, [script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let cancelledAt: number | null = null;
  const exited = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const alive = () => child.exitCode === null && child.signalCode === null;
  /** SIGINT, 7.5 s, SIGTERM, 2.5 s, kill: to our process alone, as the runner does. */
  const cancel = async (): Promise<void> => {
    if (cancelledAt !== null) return;
    cancelledAt = performance.now();
    child.kill('SIGINT');
    await Promise.race([exited, delay(7_500)]);
    if (alive()) child.kill('SIGTERM');
    await Promise.race([exited, delay(2_500)]);
    if (alive()) child.kill('SIGKILL');
  };
  const read = (chunk: Buffer): void => {
    log += chunk.toString('utf8');
    if (request.cancelWhen !== undefined && log.includes(request.cancelWhen)) void cancel();
    if (request.killWhen !== undefined && log.includes(request.killWhen)) child.kill('SIGKILL');
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const timers: NodeJS.Timeout[] = [];
  if (request.cancelAfterMs !== undefined)
    timers.push(setTimeout(() => void cancel(), request.cancelAfterMs));
  timers.push(setTimeout(() => child.kill('SIGKILL'), request.timeoutMs ?? 180_000));
  const { exitCode, signal } = await exited;
  for (const timer of timers) clearTimeout(timer);
  return { exitCode, signal, log, cancelMs: cancelledAt === null ? null : performance.now() - cancelledAt };
};

export type TailgateRun = { exitCode: number | null; stdout: string; stderr: string };

/** A run of the command line that goes on: what it has said so far, and how it ends. */
export type StartedTailgate = {
  child: ChildProcess;
  /** Standard output and error. */
  log(): string;
  ended: Promise<TailgateRun>;
};

/**
 * Starts the shipped command line in a folder, as at somebody's desk: in CI a change is a commit, and runs are stored. What
 * a home directory says of git is the folder's own.
 */
export const startTailgate = (
  cwd: string,
  args: readonly string[],
  {
    env = {},
    node = [process.execPath],
    timeoutMs = 180_000,
  }: {
    env?: Record<string, string>;
    /** What the program is started with. */
    node?: readonly string[];
    timeoutMs?: number;
  } = {},
): StartedTailgate => {
  const [program = '', ...before] = node;
  const child = spawn(program, [...before, path.join(root, 'dist/cli.js'), ...args], {
    cwd,
    env: { ...processEnv(), HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  });
  let [stdout, stderr, log] = ['', '', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    log += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    log += text;
  });
  const ended = new Promise<TailgateRun>((resolve) =>
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr })),
  );
  return { child, log: () => log, ended };
};

export const runTailgate = (...started: Parameters<typeof startTailgate>): Promise<TailgateRun> =>
  startTailgate(...started).ended;

/** Command lines of running processes that name `text`. */
export const processesNaming = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(text) ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
