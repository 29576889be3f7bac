import {
  descendantsOf,
  hasEnvironment,
  hasLockLimit,
  hasProcessTable,
  type ProcessEntry,
  readProcesses,
} from './process-table.ts';

/**
 * Environment variable that marks everything a start command starts, so that a descendant is found even when it
 * left the process group, the session and its parent.
 */
export const markerVariable = 'TAILGATE_RUN';

/** A process that we started as the leader of its own group and session, and all that came out of it. */
export type ProcessFamily = {
  leaderPid: number;
  marker: string;
  /** Descendants seen while it ran, by process id, with their start time: some may have left every tie since. */
  seen: Map<number, string>;
};

const strayGraceMs = 250;

const killTimeoutMs = 1_000;

/** Whether a process carries the mark of a family, in its environment or in its limits. */
export const isMarked = (pid: number, marker: string): boolean =>
  hasEnvironment(pid, markerVariable, marker) || hasLockLimit(pid, markLimit(marker));

/**
 * The program and arguments that run `command` with the mark of `marker` in its limits; `first` is shell code that runs
 * before. Only where there is a /proc in which the mark can be found again.
 */
export const markedCommand = (
  marker: string,
  command: readonly [string, ...string[]],
  first = ':',
): [string, string[]] => {
  if (!hasProcessTable) return [command[0], command.slice(1)];
  const limit = markLimit(marker);
  // The letter is the shell's: -w in dash and busybox, -x in bash.
  const mark = `ulimit -S -w ${limit} 2>/dev/null || ulimit -S -x ${limit} 2>/dev/null`;
  return ['/bin/sh', ['-c', `${first}; ${mark}; exec "$@"`, 'tailgate', ...command]];
};

/** The living members of the family: descendants, group, session, marked processes, and those seen before. */
export const familyMembers = (family: ProcessFamily): ProcessEntry[] => {
  const processes = readProcesses();
  const tree = new Set(descendantsOf(family.leaderPid, processes).map((entry) => entry.pid));
  const members = processes.filter(
    (entry) =>
      tree.has(entry.pid) ||
      entry.groupId === family.leaderPid ||
      entry.sessionId === family.leaderPid ||
      family.seen.get(entry.pid) === entry.startTime ||
      isMarked(entry.pid, family.marker),
  );
  for (const entry of members) family.seen.set(entry.pid, entry.startTime);
  return members;
};

/** Kills every member at once, wherever it went. Synchronous, so that it also works while the process exits. */
export const killFamily = (family: ProcessFamily): void => {
  signalGroup(family, 'SIGKILL');
  for (const entry of familyMembers(family)) signalProcess(entry.pid, 'SIGKILL');
};

/**
 * Ends the family: `signal` to its group, `timeoutMs` to end in an orderly way, then SIGKILL to all that is left.
 * Members outside of the group get the signal too once the leader is gone, because nobody else tells them.
 * Resolves with the members that would not die (none, short of a process stuck in the kernel).
 */
export const stopFamily = async (
  family: ProcessFamily,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<ProcessEntry[]> => {
  const deadline = performance.now() + timeoutMs;
  familyMembers(family);
  signalGroup(family, signal);
  while (performance.now() < deadline) {
    const members = familyMembers(family);
    if (!hasProcessTable ? !groupExists(family.leaderPid) : members.length === 0) return [];
    const outside = members.filter((entry) => entry.groupId !== family.leaderPid);
    if (hasProcessTable && outside.length === members.length) {
      for (const entry of outside) signalProcess(entry.pid, signal);
      if (await becomesEmpty(family, Math.min(strayGraceMs, deadline - performance.now()))) return [];
      break;
    }
    await pause(20);
  }
  const killDeadline = performance.now() + killTimeoutMs;
  do {
    killFamily(family);
    if (await becomesEmpty(family, 50)) return [];
  } while (performance.now() < killDeadline);
  return familyMembers(family);
};

/**
 * The same mark as a number that a daemon with an emptied environment keeps: the soft limit of file locks, which Linux
 * has not enforced since 2.4, and which is inherited through every fork, exec, new session and `env -i`.
 */
function markLimit(marker: string): number {
  return 2 ** 40 + Number.parseInt(marker.slice(0, 8), 16);
}

/** Sends `signal` to the whole process group, as a terminal would. */
function signalGroup(family: ProcessFamily, signal: NodeJS.Signals): void {
  // Windows has no groups: the leader is all that can be told to end.
  signalProcess(process.platform === 'win32' ? family.leaderPid : -family.leaderPid, signal);
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

function groupExists(leaderPid: number): boolean {
  try {
    process.kill(-leaderPid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function becomesEmpty(family: ProcessFamily, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (!familyIsAlive(family)) return true;
    if (performance.now() >= deadline) return false;
    await pause(20);
  }
}

/** Whether anything of the family still runs. */
function familyIsAlive(family: ProcessFamily): boolean {
  return hasProcessTable ? familyMembers(family).length > 0 : groupExists(family.leaderPid);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
