import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { commandLine, hasProcessTable } from '../../host/processes/process-table.ts';

const listening = '0A';

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6 (proc_net_tcp). */
export const listeningInodes = (table: string, port: number): string[] => {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === listening && columns[1]?.endsWith(`:${wanted}`))
    .map((columns) => columns[9] ?? '')
    .filter((inode) => inode !== '' && inode !== '0');
};

const readTable = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** The process that listens on `port`; null if nothing does or it belongs to another user. */
export const portHolder = (port: number): { pid: number; description: string } | null => {
  if (!hasProcessTable) return null;
  const sockets = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((path) => listeningInodes(readTable(path), port))
      .map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return null;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    let descriptors: string[];
    try {
      descriptors = readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue;
    }
    for (const descriptor of descriptors) {
      try {
        if (sockets.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`)))
          return { pid: Number(pid), description: `process ${pid} (${commandLine(Number(pid))})` };
      } catch {
        // Closed in the meantime.
      }
    }
  }
  return null;
};
