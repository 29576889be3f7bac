import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';

const canPin = os.availableParallelism() >= 2 && spawnSync('taskset', ['-V']).status === 0;

/** Cores of a bench: the load on the first, the server alone on the second. */
export const generatorCore = 0;
const serverCore = 1;

/** Cores to which the generator of a load session is pinned; null where the machine does not allow that. */
export const generatorCpus: readonly number[] | null = canPin ? [generatorCore] : null;

type Start = {
  args?: readonly string[];
  nodeArgs?: readonly string[];
  env?: NodeJS.ProcessEnv;
  isSilent?: boolean;
};

/**
 * Starts a program, of this folder if its path is relative, on one core, with a channel to it. Needs two cores to keep
 * server and load apart.
 */
const start = (
  file: string,
  core: number,
  { args = [], nodeArgs = [], env = process.env, isSilent = false }: Start,
): ChildProcess => {
  const program = [process.execPath, ...nodeArgs, path.resolve(import.meta.dirname, file), ...args];
  const [command, ...rest] = canPin ? ['taskset', '-c', String(core), ...program] : program;
  return spawn(command!, rest, { stdio: ['ignore', isSilent ? 'ignore' : 'inherit', 'inherit', 'ipc'], env });
};

/** A program: each question gets one answer, and it ends when it is let go. */
export type Program = AsyncDisposable & {
  pid: number;
  ask<T>(question: unknown): Promise<T>;
};

const answerOf = async (child: ChildProcess, file: string): Promise<unknown> => {
  const ended = new AbortController();
  const exited = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  exited.catch(() => {});
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: ended.signal }), exited]);
    return (message as { value: unknown }).value;
  } finally {
    ended.abort();
  }
};

/** Starts a program that answers questions; `ready` is its first message, sent unasked. */
const startProgram = async <T>(
  file: string,
  core: number,
  how: Start = {},
): Promise<Program & { ready: T }> => {
  const child = start(file, core, how);
  const ready = (await answerOf(child, file)) as T;
  return {
    pid: child.pid!,
    ready,
    ask: async <A>(question: unknown) => {
      const answer = answerOf(child, file);
      child.send(question as object);
      return (await answer) as A;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
};

/** The server of the benches (see server.ts for what it can be asked), on the second core. */
export const startServer = async (): Promise<Program & { url: string }> => {
  const server = await startProgram<{ port: number }>('server.ts', serverCore);
  return { ...server, url: `http://127.0.0.1:${server.ready.port}` };
};

/** A server of somebody else on the second core, without what it prints: `preload`, loaded before it, answers for it. */
export const startServerWith = (preload: string, file: string, env: NodeJS.ProcessEnv): Promise<Program> =>
  startProgram(file, serverCore, {
    nodeArgs: ['--require', preload],
    env: { ...process.env, ...env },
    isSilent: true,
  });

/** Starts a generator that is asked questions, on the first core. */
export const startGenerator = async (file: string, request: unknown): Promise<Program> =>
  await startProgram(file, generatorCore, { args: [JSON.stringify(request)] });

/** Runs a generator on the first core to its end; gives what it sends as its result. */
export const runGenerator = async <T>(file: string, request: unknown): Promise<T> => {
  const child = start(file, generatorCore, { args: [JSON.stringify(request)] });
  let result: T | null = null;
  child.on('message', (message) => {
    result = message as T;
  });
  const [code] = await once(child, 'exit');
  if (code !== 0 || result === null) throw new Error(`${file} ${JSON.stringify(request)} ended with ${code}`);
  return result;
};
