import { readdirSync, readFileSync } from 'node:fs';

/** One process as /proc tells it. `startTime` is in clock ticks since boot: with the pid it names one process for good. */
export type ProcessEntry = {
  pid: number;
  parentPid: number;
  groupId: number;
  sessionId: number;
  startTime: string;
  /** CPU time of the process and of its children that it waited for, clock ticks. */
  cpuTicks: number;
  threads: number;
  command: string;
  /** It stands still: a signal such as SIGSTOP, or a debugger, has stopped it. */
  isStopped: boolean;
};

/** Whether this machine has Linux's /proc; elsewhere the functions below find nothing. */
export const hasProcessTable = process.platform === 'linux';

/** The process with this id; null if there is none or it has ended. */
export const readProcess = (pid: number): ProcessEntry | null => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return null;
  }
};

/** Every process of this machine. */
export const readProcesses = (): ProcessEntry[] => {
  if (!hasProcessTable) return [];
  const processes: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const found = readProcess(Number(name));
    if (found !== null) processes.push(found);
  }
  return processes;
};

/** `root` and all its descendants among `processes`. */
export const descendantsOf = (root: number, processes: readonly ProcessEntry[]): ProcessEntry[] => {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of processes) {
    const siblings = children.get(entry.parentPid);
    if (siblings === undefined) children.set(entry.parentPid, [entry]);
    else siblings.push(entry);
  }
  const found = processes.filter((entry) => entry.pid === root);
  for (let index = found.length === 0 ? -1 : 0; index >= 0 && index < found.length; index += 1)
    found.push(...(children.get(found[index]!.pid) ?? []));
  return found;
};

/** Whether the environment that the process was started with has `NAME=value`. False for processes of other users. */
export const hasEnvironment = (pid: number, name: string, value: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${name}=${value}`);
  } catch {
    return false;
  }
};

/** Whether the soft limit of file locks of a process is `limit`. False for processes of other users. */
export const hasLockLimit = (pid: number, limit: number): boolean => {
  try {
    return new RegExp(`^Max file locks +${limit} `, 'm').test(readFileSync(`/proc/${pid}/limits`, 'utf8'));
  } catch {
    return false;
  }
};

/** The command line of a process, for messages; its bare name if it cannot be read. */
export const commandLine = (pid: number): string => {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    if (line !== '') return line.length > 120 ? `${line.slice(0, 120)}…` : line;
  } catch {
    // Fall through.
  }
  return readProcess(pid)?.command ?? '';
};

/**
 * Parses /proc/PID/stat (proc_pid_stat(5)); null for a process that has ended and waits to be collected, because
 * nothing is left of it to stop. The command stands in brackets and may hold spaces and brackets itself.
 */
function parseStat(text: string): ProcessEntry | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < 0) return null;
  const fields = text.slice(close + 2).split(' ');
  const at = (index: number): number => Number(fields[index - 3] ?? 0);
  const state = fields[0];
  if (state === 'Z' || state === 'X' || state === 'x') return null;
  return {
    pid: Number(text.slice(0, open)),
    parentPid: at(4),
    groupId: at(5),
    sessionId: at(6),
    cpuTicks: at(14) + at(15) + at(16) + at(17),
    threads: at(20),
    startTime: fields[19] ?? '',
    command: text.slice(open + 1, close),
    isStopped: state === 'T' || state === 't',
  };
}
