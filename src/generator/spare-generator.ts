import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Loading a generator takes as long as loading everything else. A command that will need one starts it first of all,
 * before its own modules are loaded, and the first round takes it over. Nothing heavy may be imported here.
 */

/** The bundled program beside this file; where the sources run unbundled, the one in `dist`. */
export const generatorProgram = (): string => {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const beside = path.join(here, 'load-worker.js');
  return existsSync(beside) ? beside : path.join(here, '..', '..', 'dist', 'load-worker.js');
};

/** How every generator is started, apart from its environment and its cores. */
export const generatorForkOptions = {
  execArgv: [] as string[],
  stdio: ['ignore', 'pipe', 'pipe', 'ipc'] as ('ignore' | 'pipe' | 'ipc')[],
  serialization: 'advanced' as const,
};

let spare: ChildProcess | null = null;

const streamsOf = ({ stdout, stderr }: ChildProcess): Socket[] =>
  [stdout, stderr].filter((stream) => stream instanceof Socket);

const killSpare = (): void => {
  spare?.kill('SIGKILL');
};

/** Starts a generator with this process's environment, on all cores. It keeps nothing waiting and ends with it. */
export const startSpareGenerator = (): void => {
  const child = fork(generatorProgram(), [], generatorForkOptions);
  child.on('error', () => {
    // Whoever needs a generator starts one of its own, and tells why that fails.
    spare = null;
  });
  child.unref();
  child.channel?.unref();
  for (const stream of streamsOf(child)) stream.unref();
  spare = child;
  process.on('exit', killSpare);
};

/** The spare generator, from now on the caller's; null when there is none, or it is gone. */
export const takeSpareGenerator = (): ChildProcess | null => {
  const child = spare;
  spare = null;
  process.off('exit', killSpare);
  if (child === null || !child.connected || child.exitCode !== null || child.signalCode !== null) return null;
  child.ref();
  child.channel?.ref();
  for (const stream of streamsOf(child)) stream.ref();
  return child;
};
