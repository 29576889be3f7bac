import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';

const canPin = os.availableParallelism() >= 2 && spawnSync('taskset', ['-V']).status === 0;

/** Starts a program of this folder on one core, with a channel to it. Needs two cores to keep server and load apart. */
const start = (file: string, core: number, args: readonly string[]): ChildProcess => {
  const program = [process.execPath, path.join(import.meta.dirname, file), ...args];
  const [command, ...rest] = canPin ? ['taskset', '-c', String(core), ...program] : program;
  return spawn(command!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
};

/** The server of the benches, on the second core. */
export const startServer = async (): Promise<AsyncDisposable & { url: string }> => {
  const child = start('server.ts', 1, []);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
};

/** Runs a generator on the first core to its end; gives what it sends as its result. */
export const runGenerator = async <T>(file: string, request: unknown): Promise<T> => {
  const child = start(file, 0, [JSON.stringify(request)]);
  let result: T | null = null;
  child.on('message', (message) => {
    result = message as T;
  });
  const [code] = await once(child, 'exit');
  if (code !== 0 || result === null) throw new Error(`${file} ${JSON.stringify(request)} ended with ${code}`);
  return result;
};
