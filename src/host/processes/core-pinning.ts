import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { readProcess } from './process-table.ts';

const run = promisify(execFile);

/** Which cores the server and the load generator run on; they share none. */
export type CorePinning = { server: number[]; generator: number[] };

/** What was done about cores, and the sentence about it for the report. */
export type PinningDecision = { pinning: CorePinning | null; description: string };

/**
 * Splits `cores` cores between server and generator: the lower half for the server, which gets the odd one, because
 * neighbours in numbering often are two threads of one physical core. Null for one core: there is nothing to split.
 */
export const planPinning = (cores: number): CorePinning | null => {
  if (cores < 2) return null;
  const all = Array.from({ length: cores }, (_, index) => index);
  const middle = Math.ceil(cores / 2);
  return { server: all.slice(0, middle), generator: all.slice(middle) };
};

/** Parses a list of cores as the kernel writes it, for example `0-3,6`. */
export const parseCpuList = (text: string): number[] =>
  text
    .trim()
    .split(',')
    .filter((part) => /^\d+(-\d+)?$/.test(part))
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });

/** The cores that this process may run on; a container often has fewer than the machine. */
export const availableCores = (): number[] => {
  try {
    const line = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    const listed = parseCpuList(line?.[1] ?? '');
    if (listed.length > 0) return listed;
  } catch {
    // Not Linux.
  }
  return cpus().map((_, index) => index);
};

/** Restricts a running process, with all its threads, to `cores`. False if the machine does not allow it. */
export const pinProcess = async (pid: number, cores: readonly number[]): Promise<boolean> => {
  // With -a, taskset succeeds for a process that is not there.
  if (readProcess(pid) === null) return false;
  try {
    await run('taskset', ['-a', '-c', '-p', cores.join(','), String(pid)]);
    return true;
  } catch {
    return false;
  }
};

/** Decides on which cores server and generator run; `obstacle` is why they are not to be pinned at all. */
export const decidePinning = async (obstacle: string | null): Promise<PinningDecision> => {
  const not = (why: string): PinningDecision => ({ pinning: null, description: `not pinned: ${why}` });
  if (obstacle !== null) return not(obstacle);
  if (process.platform !== 'linux') return not(`there is no taskset on ${process.platform}`);
  const cores = availableCores();
  const plan = planPinning(cores.length);
  if (plan === null) return not('there is only one core, which server and generator share');
  if (!(await hasTaskset())) return not('taskset (util-linux) is not installed');
  const pinning = {
    server: plan.server.map((index) => cores[index]!),
    generator: plan.generator.map((index) => cores[index]!),
  };
  // The server is started with the same command; if it fails there, the server would not start at all.
  const allowed = await run('taskset', ['-c', pinning.server.join(','), 'true']).then(
    () => true,
    () => false,
  );
  if (!allowed) return not('this machine does not allow it');
  return {
    pinning,
    description: `server on ${inWords(pinning.server)}, generator on ${inWords(pinning.generator)}`,
  };
};

async function hasTaskset(): Promise<boolean> {
  try {
    await run('taskset', ['-V']);
    return true;
  } catch {
    return false;
  }
}

function inWords(cores: readonly number[]): string {
  return `${cores.length === 1 ? 'core' : 'cores'} ${cores.join(', ')}`;
}
