import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CorePinning } from '../../src/host/processes/core-pinning.ts';

/** What is done to the machine while a job is measured. */
export type Condition = {
  name: string;
  /** Conditions of one family disturb in the same way, more or less. */
  family: 'none' | 'competing load' | 'one core' | 'CPU limit' | 'memory';
  /** Share of the servers' core that a competing process uses. */
  load?: number;
  /** Server and generator share the servers' core. */
  oneCore?: true;
  /** CPU time that the servers get in each period, milliseconds. */
  limit?: { quotaMs: number; periodMs: number };
  /** Memory that a process on the generators' core streams through, MiB. */
  memoryMiB?: number;
};

export const conditions: readonly Condition[] = [
  { name: 'none', family: 'none' },
  { name: 'load 15%', family: 'competing load', load: 0.15 },
  { name: 'load 30%', family: 'competing load', load: 0.3 },
  { name: 'load 45%', family: 'competing load', load: 0.45 },
  { name: 'one core', family: 'one core', oneCore: true },
  { name: 'CPU limit', family: 'CPU limit', limit: { quotaMs: 4, periodMs: 10 } },
  { name: 'memory', family: 'memory', memoryMiB: 512 },
];

/** Each job has its own cores, unless the condition is that they are one. */
export const pinningOf = ({ oneCore }: Condition): CorePinning => ({
  server: [0],
  generator: [oneCore === true ? 0 : 1],
});

const disturb = (core: number, kind: string, amount: number): AsyncDisposable => {
  const file = path.join(import.meta.dirname, 'disturb.ts');
  const args = ['-c', String(core), process.execPath, file, kind, String(amount)];
  const child: ChildProcess = spawn('taskset', args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
};

/** Folder of the CPU controller of control groups, version 1; null where there is none that may be written. */
export const cpuController = (): string | null => {
  const folder = '/sys/fs/cgroup/cpu';
  try {
    accessSync(path.join(folder, 'cpu.cfs_quota_us'), constants.W_OK);
    return folder;
  } catch {
    return null;
  }
};

/** Puts processes into a control group of their own, whose CPU time the kernel limits. */
const limitCpu = (pids: readonly number[], limit: NonNullable<Condition['limit']>): AsyncDisposable => {
  const parent = cpuController();
  if (parent === null) throw new Error('no control group for CPU time can be made here');
  const group = path.join(parent, `tailgate-bench-${process.pid}`);
  const inGroup = (file: string) => path.join(group, file);
  if (!readdirSync(parent).includes(path.basename(group))) mkdirSync(group);
  writeFileSync(inGroup('cpu.cfs_period_us'), String(limit.periodMs * 1_000));
  writeFileSync(inGroup('cpu.cfs_quota_us'), String(limit.quotaMs * 1_000));
  for (const pid of pids) writeFileSync(inGroup('cgroup.procs'), String(pid));
  return {
    [Symbol.asyncDispose]: async () => {
      // Its processes have ended by now, or go back to where they came from.
      for (const pid of pids)
        try {
          writeFileSync(path.join(parent, 'cgroup.procs'), String(pid));
        } catch {}
      rmdirSync(group);
    },
  };
};

/** Begins to disturb the servers `pids` as the condition says; closing it ends that. */
export const beginDisturbance = (condition: Condition, pids: readonly number[]): AsyncDisposable => {
  const { load, limit, memoryMiB } = condition;
  const { server } = pinningOf(condition);
  if (load !== undefined) return disturb(server[0]!, 'cpu', load);
  if (memoryMiB !== undefined) return disturb(1, 'memory', memoryMiB);
  if (limit !== undefined) return limitCpu(pids, limit);
  return { [Symbol.asyncDispose]: async () => {} };
};
