import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tailgateError } from '../../errors.ts';
import { atMost } from '../at-most.ts';
import { OutputLog } from './output-log.ts';
import { familyMembers, markedCommand, markerVariable, stopFamily } from './process-family.ts';
import { announceProcess, registerProcess, unregisterProcess } from './process-registry.ts';

export type ShellOptions = {
  command: string;
  cwd: string;
  env: Record<string, string>;
  logPath: string;
  /** Heads the command's lines in the log, for example `head`. */
  label: string;
  maskSecrets: (text: string) => string;
  /** Cores to run on; null for any. */
  cpus: readonly number[] | null;
  /** Soft limit of open files to set, never above the hard one; null to leave it. */
  openFiles: number | null;
};

/** How a command ended: `exit code 3` or `signal SIGKILL`. */
export type ShellExit = { code: number | null; description: string };

/** A command of the user that runs in its own process group. */
export type ShellProcess = {
  readonly pid: number;
  readonly log: OutputLog;
  /** Resolves when the command's own process ended and its output was read; never rejects. */
  readonly exited: Promise<ShellExit>;
  /** Remembers the descendants there are now, so that `stop` finds them wherever they go. Gives their ids. */
  note(): number[];
  /** Ends everything that came out of the command. Returns descriptions of what would not die. */
  stop(signal: NodeJS.Signals, timeoutMs: number): Promise<string[]>;
};

const outputGraceMs = 300;

/**
 * Starts `options.command` in a shell, as leader of its own process group and session, with its output going to a
 * log. Throws SETTINGS_INVALID_VALUE if the working folder does not exist.
 */
export const startShell = async (options: ShellOptions): Promise<ShellProcess> => {
  if (!existsSync(options.cwd)) {
    throw tailgateError('SETTINGS_INVALID_VALUE', {
      key: 'target.cwd',
      problem: `the folder "${options.cwd}" does not exist`,
      expected: 'Give an existing folder; it is relative to the settings file.',
    });
  }
  const marker = announceProcess();
  const log = new OutputLog(options.logPath, options.maskSecrets);
  log.heading(`[${options.label}] ${options.command}`);
  const [program, args] = commandLineOf(options, marker);
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...options.env, [markerVariable]: marker },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    windowsVerbatimArguments: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(tailgateError('INTERNAL', { reason: `${program}: ${error.message}` }, {}, error)),
    );
  });
  const family = registerProcess(child.pid!, marker);
  log.attach(child.stdout);
  log.attach(child.stderr);

  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exited = new Promise<ShellExit>((resolve) => {
    child.once('exit', (code, signal) => {
      const exit = { code, description: signal === null ? `exit code ${code}` : `signal ${signal}` };
      // A descendant may hold the pipes for ever, so the end of the output is not waited for without limit.
      void atMost(closed, outputGraceMs).then(() => resolve(exit));
    });
  });

  let stopping: Promise<string[]> | null = null;
  const stop = async (signal: NodeJS.Signals, timeoutMs: number): Promise<string[]> => {
    const left = await stopFamily(family, signal, timeoutMs);
    if (left.length === 0) unregisterProcess(family);
    // Its last words may still be in the pipes.
    await atMost(closed, outputGraceMs);
    child.stdout.destroy();
    child.stderr.destroy();
    await log.close();
    return left.map((entry) => `process ${entry.pid} (${entry.command})`);
  };
  return {
    pid: child.pid!,
    log,
    exited,
    note: () => familyMembers(family).map(({ pid }) => pid),
    stop: (signal, timeoutMs) => {
      stopping ??= stop(signal, timeoutMs);
      return stopping;
    },
  };
};

/**
 * The program and arguments that run `command` in a shell, with the limits and cores asked for. As Node does it for `shell: true`:
 * cmd.exe takes off the outer quotes of what it is given, and nothing must be escaped within.
 */
function commandLineOf(options: ShellOptions, marker: string): [string, string[]] {
  if (process.platform === 'win32')
    return [process.env.ComSpec ?? 'cmd.exe', ['/d', '/s', '/c', `"${options.command}"`]];
  const run = ['/bin/sh', '-c', options.command] as const;
  const raise = options.openFiles === null ? undefined : `ulimit -Sn ${options.openFiles} 2>/dev/null`;
  return markedCommand(
    marker,
    options.cpus === null ? [...run] : ['taskset', '-c', options.cpus.join(','), ...run],
    raise,
  );
}
