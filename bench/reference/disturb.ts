/**
 * Disturbs the core that it runs on until it is told to stop, or for as long as a job may last.
 *
 *     node bench/reference/disturb.ts cpu SHARE      uses this share of a core, in periods of 20 ms
 *     node bench/reference/disturb.ts memory MIB     streams through so much memory, with the lowest priority
 */
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const longestMs = 120_000;
const periodMs = 20;

const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** Counts its own CPU time, so that it takes its share also where others take theirs. */
const useCpu = async (share: number): Promise<void> => {
  const started = performance.now();
  for (let period = 1; performance.now() - started < longestMs; period += 1) {
    const enoughMs = ownCpuMs() + share * periodMs;
    const endsAt = started + period * periodMs;
    while (ownCpuMs() < enoughMs && performance.now() < endsAt);
    const restMs = endsAt - performance.now();
    if (restMs > 0) await delay(restMs);
    else period = Math.floor((performance.now() - started) / periodMs);
  }
};

const streamMemory = async (mebibytes: number): Promise<void> => {
  setPriority(19);
  const half = mebibytes * 2 ** 19;
  const [from, to] = [Buffer.alloc(half, 1), Buffer.alloc(half)];
  const started = performance.now();
  while (performance.now() - started < longestMs) {
    from.copy(to);
    await delay(0);
  }
};

process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
const [kind, amount] = process.argv.slice(2);
await (kind === 'memory' ? streamMemory(Number(amount)) : useCpu(Number(amount)));
