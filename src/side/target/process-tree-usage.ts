import { readdirSync, readFileSync, statSync } from 'node:fs';
import {
  descendantsOf,
  type ProcessEntry,
  readProcess,
  readProcesses,
} from '../../host/processes/process-table.ts';
import type { ServerWork } from '../../metrics/round-measurement.ts';
import { openFileLimit } from './limits.ts';

/** Clock ticks per second in /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Resources of a process tree, or of a server elsewhere, at one instant; null is what cannot be read. */
export type TreeUsage = {
  /** CPU time of the tree since it started, with its ended children, seconds. */
  cpuSeconds: number | null;
  rssBytes: number | null;
  /** Open files of the process that has most of them, because the limit holds for each process by itself. */
  openFiles: number | null;
  /** Soft limit of that process. */
  openFilesLimit: number | null;
  threads: number | null;
};

/** What one process has done since it started; null where the kernel does not tell. */
type ProcessWork = Record<KernelCount, number | null>;

type KernelCount = Exclude<keyof ServerWork, 'allocatedBytes' | 'collections' | 'calls'>;

/** What each process of a tree has done since it started, by its id and start time. */
export type TreeWork = ReadonlyMap<string, ProcessWork>;

const kernelCounts: readonly KernelCount[] = [
  'systemCalls',
  'bytesRead',
  'bytesWritten',
  'contextSwitches',
  'pageFaults',
  'userCpuSeconds',
  'systemCpuSeconds',
  'runQueueSeconds',
];

/** The process `root` and its descendants. */
export const readTree = (root: number): ProcessEntry[] =>
  treeByChildren(root) ?? descendantsOf(root, readProcesses());

/** Open files of all processes below `root` together; null if there are none, or this machine has no /proc. */
export const treeOpenFiles = (root: number): number | null => {
  const tree = readTree(root);
  const counts = tree.map(({ pid }) => openFilesOf(pid));
  return counts.length === 0 || counts.includes(null)
    ? null
    : counts.reduce<number>((sum, count) => sum + count!, 0);
};

/** Reads what the processes below `root` have done so far: a few files for each thread. */
export const readTreeWork = (root: number): TreeWork =>
  new Map(readTree(root).map(({ pid, startTime }) => [`${pid} ${startTime}`, processWork(pid)]));

/**
 * What a tree did from `before` to `after`. A process that started in between counts from its start; one that ended
 * in between is not counted.
 */
export const workBetween = (before: TreeWork, after: TreeWork): ProcessWork =>
  Object.fromEntries(
    kernelCounts.map((name) => {
      const differences = [...after].map(([key, work]) => {
        const earlier = before.get(key);
        const [from, to] = [earlier === undefined ? 0 : earlier[name], work[name]];
        return from === null || to === null ? null : to - from;
      });
      const known = differences.filter((value) => value !== null);
      return [
        name,
        known.length === 0 || known.length < differences.length
          ? null
          : known.reduce((sum, value) => sum + value, 0),
      ];
    }),
  ) as ProcessWork;

/** Native add-ons of Node that the processes below `root` have mapped. */
export const nativeFilesOf = (root: number): string[] => {
  const found = new Set<string>();
  for (const { pid } of readTree(root))
    for (const [, file] of fileText(`/proc/${pid}/maps`).matchAll(/ (\/[^\n]*\.node)$/gm)) found.add(file!);
  return [...found].sort();
};

/** CPU time of the tree below `root`, with its ended children, seconds; null if the process is not there. */
export const treeCpuSeconds = (root: number): number | null => {
  const tree = readTree(root);
  return tree.length === 0 ? null : tree.reduce((sum, entry) => sum + entry.cpuTicks, 0) / ticksPerSecond;
};

/** Resources of the tree below `root` now; null if the process is not there or this machine has no /proc. */
export const readTreeUsage = (root: number): TreeUsage | null => {
  const tree = readTree(root);
  if (tree.length === 0) return null;
  let openFiles: number | null = 0;
  let widest = root;
  for (const { pid } of tree) {
    const count = openFilesOf(pid);
    if (count === null || openFiles === null) openFiles = null;
    else if (count > openFiles) {
      openFiles = count;
      widest = pid;
    }
  }
  return {
    cpuSeconds: tree.reduce((sum, entry) => sum + entry.cpuTicks, 0) / ticksPerSecond,
    rssBytes: tree.reduce((sum, entry) => sum + rssOf(entry.pid), 0),
    openFiles,
    openFilesLimit: openFileLimit(widest)?.soft ?? null,
    threads: tree.reduce((sum, entry) => sum + entry.threads, 0),
  };
};

/** The tree below `root`, by the kernel's lists of children, which cost far less than reading every process. */
function treeByChildren(root: number): ProcessEntry[] | null {
  const found: ProcessEntry[] = [];
  const pids = [root];
  for (const pid of pids) {
    const entry = readProcess(pid);
    if (entry === null) continue;
    const children = childrenOf(pid);
    // Not compiled into this kernel (CONFIG_PROC_CHILDREN), unless the process has just ended.
    if (children === null && readProcess(pid) !== null) return null;
    found.push(entry);
    pids.push(...(children ?? []));
  }
  return found;
}

function childrenOf(pid: number): number[] | null {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return null;
  }
}

/** None of a process that has just ended; null where another user's does not tell. */
function openFilesOf(pid: number): number | null {
  const folder = `/proc/${pid}/fd`;
  try {
    // Since Linux 6.2 the size of the folder is the count, which spares listing ten thousand names.
    return statSync(folder).size || readdirSync(folder).length;
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? 0 : null;
  }
}

function processWork(pid: number): ProcessWork {
  const io = fileText(`/proc/${pid}/io`);
  const field = (text: string, name: string): number | null => {
    const value = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  const sum = (...values: (number | null)[]): number | null =>
    values.every((value) => value !== null) ? values.reduce((total, value) => total + value, 0) : null;
  const stat = fileText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number | null => (stat === '' ? null : Number(fields[index - 3]));
  const ticks = (index: number): number | null => {
    const value = at(index);
    return value === null ? null : value / ticksPerSecond;
  };
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has just ended.
  }
  const switches = threads.map((thread) => {
    const status = fileText(`/proc/${pid}/task/${thread}/status`);
    return sum(field(status, 'voluntary_ctxt_switches'), field(status, 'nonvoluntary_ctxt_switches')) ?? 0;
  });
  // Time on a core, time waiting for one (nanoseconds), and how often; a kernel without statistics has no file.
  const queues = threads.map((thread) => fileText(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[1]);
  return {
    systemCalls: sum(field(io, 'syscr'), field(io, 'syscw')),
    bytesRead: field(io, 'rchar'),
    bytesWritten: field(io, 'wchar'),
    contextSwitches: threads.length === 0 ? null : switches.reduce((total, value) => total + value, 0),
    pageFaults: sum(at(10), at(12)),
    userCpuSeconds: ticks(14),
    systemCpuSeconds: ticks(15),
    runQueueSeconds: queues.every((value) => value === undefined)
      ? null
      : queues.reduce((total, value) => total + Number(value ?? 0) / 1e9, 0),
  };
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function rssOf(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
