import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../host/processes/child-environment.ts';
import { markedCommand, markerVariable, type ProcessFamily } from '../host/processes/process-family.ts';
import { announceProcess, registerProcess, unregisterProcess } from '../host/processes/process-registry.ts';

/** A generator process, and all that the scenario's own code may start in it. */
export type OwnedGenerator = { child: ChildProcess; family: ProcessFamily };

let spare: OwnedGenerator | null = null;

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

/**
 * Starts a generator in a process group of its own: what ends a terminal's group is for us alone, who then read out what
 * was measured. `command` begins with what runs before node, such as taskset. It does not see what belongs to the action.
 */
export const forkGenerator = (
  program: string,
  env: Readonly<Record<string, string | undefined>>,
  before: readonly string[] = [],
): OwnedGenerator => {
  const marker = announceProcess();
  const [first = process.execPath, ...rest] = [...before, process.execPath];
  const [execPath, execArgv] = markedCommand(marker, [first, ...rest]);
  const child = fork(program, [], {
    execPath,
    execArgv,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: childEnvironment(env, { [markerVariable]: marker }),
  });
  return { child, family: registerProcess(child.pid ?? -1, marker) };
};

/** Starts a generator with this process's environment, on all cores. It keeps nothing waiting and ends with it. */
export const startSpareGenerator = (): void => {
  const owned = forkGenerator(generatorProgram(), process.env);
  const { child } = owned;
  child.on('error', () => {
    // Whoever needs a generator starts one of its own, and tells why that fails.
    spare = null;
  });
  child.unref();
  child.channel?.unref();
  for (const stream of streamsOf(child)) stream.unref();
  spare = owned;
};

/** The spare generator, from now on the caller's; null when there is none, or it is gone. */
export const takeSpareGenerator = (): OwnedGenerator | null => {
  const owned = spare;
  spare = null;
  if (owned === null) return null;
  const { child, family } = owned;
  if (!child.connected || child.exitCode !== null || child.signalCode !== null) {
    unregisterProcess(family);
    return null;
  }
  child.ref();
  child.channel?.ref();
  for (const stream of streamsOf(child)) stream.ref();
  return owned;
};

function streamsOf({ stdout, stderr }: ChildProcess): Socket[] {
  return [stdout, stderr].filter((stream) => stream instanceof Socket);
}
