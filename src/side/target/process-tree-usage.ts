import { readdirSync, readFileSync, statSync } from 'node:fs';
import {
  descendantsOf,
  type ProcessEntry,
  readProcess,
  readProcesses,
} from '../../host/processes/process-table.ts';
import { openFileLimit } from './limits.ts';

/** Clock ticks per second in /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Resources of a process tree at one instant. */
export type TreeUsage = {
  /** CPU time of the tree since it started, with its ended children, seconds. */
  cpuSeconds: number;
  rssBytes: number;
  /** Open files of the process that has most of them, because the limit holds for each process by itself. */
  openFiles: number;
  /** Soft limit of that process; null if it cannot be read. */
  openFilesLimit: number | null;
  threads: number;
};

const childrenOf = (pid: number): number[] | null => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return null;
  }
};

/** The tree below `root`, by the kernel's lists of children, which cost far less than reading every process. */
const treeByChildren = (root: number): ProcessEntry[] | null => {
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
};

/** The process `root` and its descendants. */
export const readTree = (root: number): ProcessEntry[] =>
  treeByChildren(root) ?? descendantsOf(root, readProcesses());

const rssOf = (pid: number): number => {
  try {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
};

const openFilesOf = (pid: number): number => {
  const folder = `/proc/${pid}/fd`;
  try {
    // Since Linux 6.2 the size of the folder is the count, which spares listing ten thousand names.
    return statSync(folder).size || readdirSync(folder).length;
  } catch {
    return 0;
  }
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
  let openFiles = 0;
  let widest = root;
  for (const { pid } of tree) {
    const count = openFilesOf(pid);
    if (count > openFiles) {
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
