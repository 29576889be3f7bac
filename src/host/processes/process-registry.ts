import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import path, { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMarked, killFamily, type ProcessFamily } from './process-family.ts';
import {
  commandLine,
  hasProcessTable,
  type ProcessEntry,
  readProcess,
  readProcesses,
} from './process-table.ts';

/** One line of the registry: a process that is started, or (with `ended`) that is gone. */
export type RegistryLine = {
  /** 0 while it is being started: its mark is all that is known of it. */
  pid: number;
  /** Clock ticks since boot, from /proc/PID/stat; with the pid it names one process for good. */
  startTime: string;
  pgid: number;
  marker: string;
  ended?: true;
};

const started = new Map<number, ProcessFamily>();

let filePath: string | null = null;

let watchdog: ChildProcess | null = null;

/** What this process starts is also written to `path`, for `killRegistered` in another process. */
export const persistRegistry = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  filePath = path;
  for (const family of started.values()) append(lineOf(family));
};

/** The mark of a process that is about to be started; known to the watchdog from now on, should we be killed. */
export const announceProcess = (): string => {
  const marker = randomUUID();
  append({ pid: 0, pgid: 0, startTime: '', marker });
  return marker;
};

/** Remembers a process that we started as leader of its own group, with the mark that was announced. */
export const registerProcess = (leaderPid: number, marker: string): ProcessFamily => {
  const family: ProcessFamily = { leaderPid, marker, seen: new Map() };
  started.set(leaderPid, family);
  append(lineOf(family));
  return family;
};

/** Forgets a process that is gone with all its descendants. */
export const unregisterProcess = (family: ProcessFamily): void => {
  if (!started.delete(family.leaderPid)) return;
  append({
    pid: family.leaderPid,
    pgid: family.leaderPid,
    startTime: '',
    marker: family.marker,
    ended: true,
  });
};

/**
 * Kills everything this process started and did not stop. Synchronous: for `process.on('exit')` and for a second
 * signal, where nothing can be awaited.
 */
export const killAllStarted = (): void => {
  for (const family of started.values()) {
    killFamily(family);
    unregisterProcess(family);
  }
};

/** The processes that a registry file says were started and not stopped. Damaged lines are left out. */
export const parseRegistry = (text: string): RegistryLine[] => {
  const open = new Map<string, RegistryLine>();
  for (const source of text.split('\n')) {
    let line: RegistryLine;
    try {
      line = JSON.parse(source) as RegistryLine;
    } catch {
      continue;
    }
    if (typeof line?.pid !== 'number' || typeof line.marker !== 'string' || line.marker === '') continue;
    if (line.ended === true) open.delete(line.marker);
    else open.set(line.marker, line);
  }
  return [...open.values()];
};

/** Kills, once, what is left of registered processes of another process. Gives the command line of each by its pid. */
export const killRemaining = (lines: readonly RegistryLine[]): Map<number, string> => {
  const killed = new Map<number, string>();
  if (!hasProcessTable) {
    for (const { pgid } of lines) if (pgid > 0) kill(-pgid);
    return killed;
  }
  const processes = readProcesses();
  for (const entry of lines.flatMap((line) => remaining(line, processes))) {
    if (entry.pid === process.pid) continue;
    const command = commandLine(entry.pid);
    if (kill(entry.pid)) killed.set(entry.pid, command);
  }
  return killed;
};

/**
 * Kills what the registry file `path` still names, from another process than the one that started it, and removes
 * the file. Returns the command line of each process it killed; none if the file does not exist.
 */
export const killRegistered = (path: string): string[] => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  const lines = parseRegistry(text);
  // Twice, because a process may start another one while it is being killed.
  const killed = lines.length === 0 ? [] : [...killRemaining(lines), ...killRemaining(lines)];
  rmSync(path, { force: true });
  return [...new Map(killed).values()];
};

function append(line: RegistryLine): void {
  const text = `${JSON.stringify(line)}\n`;
  tellWatchdog(text);
  if (filePath === null) return;
  try {
    appendFileSync(filePath, text);
  } catch {
    // The registry is the second backstop; a full disk must not keep the first from working.
  }
}

/** Tells the watchdog, which is started by the first call, a line of the registry. */
function tellWatchdog(line: string): void {
  if (process.platform === 'win32') return;
  watchdog ??= start();
  watchdog.stdin?.write(line);
}

function start(): ChildProcess {
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
}

/*
 * A process that is killed with SIGKILL ends nothing that it started. So a second one, in a session of its own, reads
 * from a pipe what was started and what has ended; when the pipe closes, it kills what is left, and ends.
 */

/** The bundled program beside this file; where the sources run unbundled, the one in `dist`. */
function watchdogProgram(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const beside = path.join(here, 'watchdog.js');
  return existsSync(beside) ? beside : path.join(here, '../../../dist/watchdog.js');
}

function lineOf({ leaderPid, marker }: ProcessFamily): RegistryLine {
  return {
    pid: leaderPid,
    pgid: leaderPid,
    startTime: readProcess(leaderPid)?.startTime ?? '',
    marker,
  };
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    // It ended by itself.
    return false;
  }
}

/** Members of a registered family that still run. A process id that was given to somebody else is not one. */
function remaining(line: RegistryLine, processes: readonly ProcessEntry[]): ProcessEntry[] {
  const leaderLives = processes.some(
    (entry) => entry.pid === line.pid && entry.startTime === line.startTime && line.startTime !== '',
  );
  return processes.filter(
    (entry) =>
      (leaderLives && (entry.groupId === line.pgid || entry.sessionId === line.pgid)) ||
      isMarked(entry.pid, line.marker),
  );
}
