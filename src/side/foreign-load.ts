import { readFileSync } from 'node:fs';
import { treeCpuSeconds } from './target/process-tree-usage.ts';

/**
 * Cores that others kept busy since the last reading: what the machine did, less what our own processes did. The two
 * servers and their load are our own, so nothing that the head does moves it. Null where the machine does not tell.
 */
export class ForeignLoad {
  readonly #own: readonly number[];
  #last: { busySeconds: number; ownSeconds: number; atMs: number } | null;

  /** `own` are the roots of the process trees that belong to the measurement. */
  constructor(own: readonly number[]) {
    this.#own = own;
    this.#last = this.#read();
  }

  /** Cores, on average since the last lap (or since this was made); not below 0. */
  lap(): number | null {
    const before = this.#last;
    const now = this.#read();
    this.#last = now;
    if (before === null || now === null) return null;
    const seconds = (now.atMs - before.atMs) / 1_000;
    const foreign = now.busySeconds - before.busySeconds - (now.ownSeconds - before.ownSeconds);
    return seconds <= 0 ? null : Math.max(0, foreign / seconds);
  }

  #read() {
    const busySeconds = machineBusySeconds();
    if (busySeconds === null) return null;
    const usage = process.cpuUsage();
    const trees = this.#own.reduce((sum, pid) => sum + (treeCpuSeconds(pid) ?? 0), 0);
    return { busySeconds, ownSeconds: trees + (usage.user + usage.system) / 1e6, atMs: performance.now() };
  }
}

/**
 * CPU time of the whole machine since boot, seconds, without idle time and waiting for disks, and with what the
 * hypervisor gave to others (proc_stat(5)). Null without /proc.
 */
function machineBusySeconds(): number | null {
  try {
    const line = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    if (line === undefined) return null;
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(' ').map(Number);
    return (user + nice + system + irq + softirq + steal) / 100;
  } catch {
    return null;
  }
}
