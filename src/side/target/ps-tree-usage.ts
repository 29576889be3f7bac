import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TreeUsage } from './process-tree-usage.ts';

const run = promisify(execFile);

/** CPU time as ps writes it, `[[dd-]hh:]mm:ss[.cc]`, in seconds. */
export const parsePsTime = (text: string): number => {
  const [days, clock] = text.includes('-') ? text.split('-') : ['0', text];
  return (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
};

/**
 * Resources of the tree below `root`, from the output of `ps -axo pid=,ppid=,rss=,time=`: what every Unix tells. Open
 * files and threads are not in it. Null if the process is not there.
 */
export const usageFromPs = (table: string, root: number): TreeUsage | null => {
  const rows = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length === 4)
    .map(([pid, parent, rss, time]) => ({
      pid: Number(pid),
      parent: Number(parent),
      rssBytes: Number(rss) * 1024,
      cpuSeconds: parsePsTime(time!),
    }));
  const tree = rows.filter((row) => row.pid === root);
  if (tree.length === 0) return null;
  for (const member of tree)
    tree.push(...rows.filter((row) => row.parent === member.pid && row.pid !== root));
  return {
    cpuSeconds: tree.reduce((sum, row) => sum + row.cpuSeconds, 0),
    rssBytes: tree.reduce((sum, row) => sum + row.rssBytes, 0),
    openFiles: null,
    openFilesLimit: null,
    threads: null,
  };
};

/** As `usageFromPs`, of this machine now. */
export const readPsUsage = async (root: number): Promise<TreeUsage | null> => {
  try {
    return usageFromPs((await run('ps', ['-axo', 'pid=,ppid=,rss=,time='])).stdout, root);
  } catch {
    return null;
  }
};
