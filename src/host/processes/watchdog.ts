import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * A process that is killed with SIGKILL ends nothing that it started. So a second one, in a session of its own, reads
 * from a pipe what was started and what has ended; when the pipe closes, it kills what is left, and ends.
 */

/** The bundled program beside this file; where the sources run unbundled, the one in `dist`. */
const watchdogProgram = (): string => {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const beside = path.join(here, 'watchdog.js');
  return existsSync(beside) ? beside : path.join(here, '../../../dist/watchdog.js');
};

let watchdog: ChildProcess | null = null;

const start = (): ChildProcess => {
  const child = spawn(process.execPath, [watchdogProgram()], {
    // Neither the terminal's signals nor our secrets are any of its business, and it keeps no folder in use.
    detached: true,
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    windowsHide: true,
  });
  // Where it cannot be started, the exit handlers and the post step are left.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as Socket).unref();
  return child;
};

/** Tells the watchdog, which is started by the first call, a line of the registry. */
export const tellWatchdog = (line: string): void => {
  if (process.platform === 'win32') return;
  watchdog ??= start();
  watchdog.stdin?.write(line);
};
