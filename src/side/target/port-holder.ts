import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { commandLine, hasProcessTable } from '../../host/processes/process-table.ts';

const listening = '0A';

/** The process that listens on `port`; null if nothing does or it belongs to another user. */
export const portHolder = (port: number): { pid: number; description: string } | null => {
  if (!hasProcessTable) return null;
  const sockets = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((path) => listeningInodes(readTable(path), port))
      .map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return null;
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number))
    if (socketsOf(pid).some((socket) => sockets.has(socket)))
      return { pid, description: `process ${pid} (${commandLine(pid)})` };
  return null;
};

/** Ports that these processes listen on, in order, as far as this user may know. */
export const portsOf = (pids: readonly number[]): number[] => {
  if (!hasProcessTable) return [];
  const ports = new Map<string, number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'].map(readTable))
    for (const line of table.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[3] !== listening) continue;
      ports.set(`socket:[${columns[9]}]`, Number.parseInt(columns[1]?.split(':').at(-1) ?? '', 16));
    }
  const found = pids.flatMap((pid) => socketsOf(pid).flatMap((socket) => ports.get(socket) ?? []));
  return [...new Set(found)].sort((a, b) => a - b);
};

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6 (proc_net_tcp). */
function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === listening && columns[1]?.endsWith(`:${wanted}`))
    .map((columns) => columns[9] ?? '')
    .filter((inode) => inode !== '' && inode !== '0');
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        // Closed in the meantime.
        return [];
      }
    });
  } catch {
    // Ended, or of another user.
    return [];
  }
}
