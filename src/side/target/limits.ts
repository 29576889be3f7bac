import { readFileSync } from 'node:fs';
import { loopbackAddressesOf } from '../../engines/core/local-address.ts';
import { tailgateError } from '../../errors.ts';
import { ephemeralPortRange } from './ports.ts';

/** The largest limit of open files that Linux allows where no other is set (fs.nr_open). */
const kernelMaximum = 1_048_576;

/** Limit of open files of one process: the one in force, and the one up to which it may be raised. */
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

/** More than most servers ever need; some programs set up a table as large as the limit, so that a million is no gift. */
const usualOpenFiles = 65_536;

/**
 * The soft limit of open files to start a server with: at least `needed`, never above the hard limit nor below what
 * is in force. Null where the limits are not known.
 */
export const openFilesToSet = (limit: OpenFileLimit | null, needed: number): number | null =>
  limit === null ? null : Math.max(limit.soft, Math.min(limit.hard, Math.max(usualOpenFiles, needed)));

/** What a load asks of the machine at its highest point, for one generator process and one server. */
export type LoadDemand = {
  /** Connections open at the same time. */
  connections: number;
  /** Connections opened in a second. */
  connectionsPerSecond: number;
  targetUrl: string;
};

/** What the machine has. */
export type MachineLimits = {
  openFiles: OpenFileLimit | null;
  /** Ports for outgoing connections, both ends included. */
  ephemeralPorts: readonly [number, number];
};

/** How the load is to be driven within the limits. */
export type LimitPlan = {
  /** Soft limit of open files that server and generator need. */
  openFilesNeeded: number;
  /** Source addresses for the connections; none means that the system chooses, which is enough. */
  localAddresses: string[];
  /** What had to be done, for the report. */
  notes: string[];
};

/** Files that a process has open besides its connections: libraries, logs, epoll, pipes. */
const otherFiles = 256;
/**
 * How long a port stays taken after its connection closed: on loopback Linux takes it again after a second
 * (net.ipv4.tcp_tw_reuse = 2, the default since 4.19); elsewhere TIME_WAIT lasts a minute.
 */
const loopbackReuseSeconds = 1;
const timeWaitSeconds = 60;
/** The kernel looks for a free port by trying; near the end of the range that gets slow. */
const usableShare = 0.9;
const loopbackAddresses = 200;

/**
 * Compares what a load asks with what the machine has. Open files: a connection is one file at each end. Ports: a
 * connection needs one that no other connection from the same address to the same server has, so that loopback
 * servers can be reached from several loopback addresses when one is not enough. Throws LIMIT_TOO_LOW.
 */
export const planLimits = (demand: LoadDemand, machine: MachineLimits): LimitPlan => {
  const notes: string[] = [];
  const openFilesNeeded = Math.ceil(demand.connections) + otherFiles;
  const { openFiles, ephemeralPorts } = machine;
  if (openFiles !== null && openFilesNeeded > openFiles.hard) {
    throw tailgateError('LIMIT_TOO_LOW', {
      limit: 'open files in one process',
      needed: openFilesNeeded,
      allowed: openFiles.hard,
      how: `Lower the load, or raise the limit before the step: "sudo prlimit --pid $$ --nofile=${openFilesNeeded}:${openFilesNeeded}".`,
    });
  }
  if (openFiles !== null && openFilesNeeded > openFiles.soft) {
    notes.push(
      `The limit of open files was raised from ${openFiles.soft} to ${openFilesToSet(openFiles, openFilesNeeded)}.`,
    );
  }
  const [low, high] = ephemeralPorts;
  const portsAnAddress = Math.floor((high - low + 1) * usableShare);
  const loopback = loopbackAddressesOf(demand.targetUrl);
  const lingering =
    demand.connectionsPerSecond * (loopback === null ? timeWaitSeconds : loopbackReuseSeconds);
  const portsNeeded = Math.ceil(demand.connections + lingering);
  const addresses = Math.ceil(portsNeeded / portsAnAddress);
  if (addresses <= 1) return { openFilesNeeded, localAddresses: [], notes };
  const usable = loopback === 'many' ? loopbackAddresses : 1;
  if (addresses > usable) {
    const elsewhere = loopback === 'one' ? 'reach the server at 127.0.0.1, which has more addresses, ' : '';
    throw tailgateError('LIMIT_TOO_LOW', {
      limit: 'ports for outgoing connections',
      needed: portsNeeded,
      allowed: portsAnAddress * usable,
      how: `Lower the load, ${elsewhere}or widen the range before the step: "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'" (now ${low} to ${high}).`,
    });
  }
  notes.push(
    `${addresses} loopback addresses are used, because one has only ${portsAnAddress} ports for ${portsNeeded} connections.`,
  );
  return {
    openFilesNeeded,
    localAddresses: Array.from({ length: addresses }, (_, index) => `127.0.0.${index + 1}`),
    notes,
  };
};

/** The limits of this machine. */
export const machineLimits = (): MachineLimits => ({
  openFiles: openFileLimit('self'),
  ephemeralPorts: ephemeralPortRange(),
});
