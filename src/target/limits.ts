import { readFileSync } from 'node:fs';

/** The largest limit of open files that Linux allows where no other is set (fs.nr_open). */
const kernelMaximum = 1_048_576;

export type OpenFileLimit = { soft: number; hard: number };

/** Parses /proc/PID/limits (proc_pid_limits(5)); null if it has no line for open files. */
export const parseOpenFileLimit = (text: string): OpenFileLimit | null => {
  const match = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text);
  if (match === null) return null;
  const number = (value: string): number => (value === 'unlimited' ? kernelMaximum : Number(value));
  return { soft: number(match[1]!), hard: number(match[2]!) };
};

/** The limit of open files of a process; null if it cannot be read. */
export const openFileLimit = (pid: number | 'self'): OpenFileLimit | null => {
  try {
    return parseOpenFileLimit(readFileSync(`/proc/${pid}/limits`, 'utf8'));
  } catch {
    return null;
  }
};

/** The open files that a process started by this one may be allowed; null where that is not known. */
export const hardOpenFileLimit = (): number | null => openFileLimit('self')?.hard ?? null;
