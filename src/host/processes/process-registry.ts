import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { killFamily, markerVariable, type ProcessFamily } from './process-family.ts';
import {
  commandLine,
  hasEnvironment,
  type ProcessEntry,
  readProcess,
  readProcesses,
} from './process-table.ts';

/** One line of the registry file: a process that was started, or (with `ended`) that is gone. */
export type RegistryLine = {
  pid: number;
  /** Clock ticks since boot, from /proc/PID/stat; with the pid it names one process for good. */
  startTime: string;
  pgid: number;
  marker: string;
  ended?: true;
};

const started = new Map<number, ProcessFamily>();
let filePath: string | null = null;

const append = (line: RegistryLine): void => {
  if (filePath === null) return;
  try {
    appendFileSync(filePath, `${JSON.stringify(line)}\n`);
  } catch {
    // The registry is the second backstop; a full disk must not keep the first from working.
  }
};

/** From now on, what this process starts is also written to `path`, for `killRegistered` in another process. */
export const persistRegistry = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  filePath = path;
};

/** Remembers a process that we started as leader of its own group. */
export const registerProcess = (family: ProcessFamily): void => {
  started.set(family.leaderPid, family);
  append({
    pid: family.leaderPid,
    pgid: family.leaderPid,
    startTime: readProcess(family.leaderPid)?.startTime ?? '',
    marker: family.marker,
  });
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

/** Members of a registered family that still run. A process id that was given to somebody else is not one. */
const remaining = (line: RegistryLine, processes: readonly ProcessEntry[]): ProcessEntry[] => {
  const leaderLives = processes.some(
    (entry) => entry.pid === line.pid && entry.startTime === line.startTime && line.startTime !== '',
  );
  return processes.filter(
    (entry) =>
      (leaderLives && (entry.groupId === line.pgid || entry.sessionId === line.pgid)) ||
      hasEnvironment(entry.pid, markerVariable, line.marker),
  );
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
  const killed = new Map<number, string>();
  const lines = parseRegistry(text);
  // Twice, because a process may start another one while it is being killed.
  for (let pass = 0; pass < 2 && lines.length > 0; pass += 1) {
    const processes = readProcesses();
    for (const entry of lines.flatMap((line) => remaining(line, processes))) {
      if (entry.pid === process.pid) continue;
      const command = commandLine(entry.pid);
      try {
        process.kill(entry.pid, 'SIGKILL');
        killed.set(entry.pid, command);
      } catch {
        // It ended by itself.
      }
    }
  }
  rmSync(path, { force: true });
  return [...killed.values()];
};
