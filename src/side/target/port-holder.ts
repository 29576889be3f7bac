import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { commandLine, hasProcessTable } from '../../host/processes/process-table.ts';

const listening = '0A';

/** The process that listens on `port`; null if nothing does or it belongs to another user. */
export const portHolder = (port: number): { pid: number; description: string } | null => {
  if (!hasProcessTable) return null;
  const sockets = listeningSockets();
  if (![...sockets.values()].includes(port)) return null;
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number))
    if (socketsOf(pid)?.some((socket) => sockets.get(socket) === port))
      return { pid, description: `process ${pid} (${commandLine(pid)})` };
  return null;
};

/** Ports that these processes listen on, in order, as far as this user may know. */
export const portsOf = (pids: readonly number[]): number[] => {
  if (!hasProcessTable) return [];
  const sockets = listeningSockets();
  const found = pids.flatMap((pid) => (socketsOf(pid) ?? []).flatMap((socket) => sockets.get(socket) ?? []));
  return [...new Set(found)].sort((a, b) => a - b);
};

/**
 * Whether none of these processes listens on `port`, though something answers there: a container, or what a launcher
 * handed over. False where this machine, or a process of another user, does not tell.
 */
export const isHeldByOthers = (port: number, pids: readonly number[]): boolean => {
  if (!hasProcessTable || pids.length === 0) return false;
  const sockets = listeningSockets();
  const own = pids.map(socketsOf);
  return own.every((each) => each?.every((socket) => sockets.get(socket) !== port) ?? false);
};

/** The sockets that listen on a port of TCP, with their ports, from /proc/net/tcp and tcp6 (proc_net_tcp). */
function listeningSockets(): Map<string, number> {
  const ports = new Map<string, number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'].map(readTable))
    for (const line of table.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (columns[3] !== listening || columns[9] === undefined || columns[9] === '0') continue;
      ports.set(`socket:[${columns[9]}]`, Number.parseInt(columns[1]?.split(':').at(-1) ?? '', 16));
    }
  return ports;
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** None of a process that ended; null where another user's does not tell. */
function socketsOf(pid: number): string[] | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        // Closed in the meantime.
        return [];
      }
    });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : null;
  }
}
