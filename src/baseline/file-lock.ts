import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { link, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcess } from '../host/processes/process-table.ts';

/** A holder touches its lock so often, milliseconds. */
const heartbeatMs = 1_000;

/** A lock that nobody touched for so long, by the clock of who waits for it, was left behind. */
const staleMs = 30_000;

const defaultTimeoutMs = 90_000;

/** What is seen of a lock; `beat` changes with every heartbeat of its holder. */
type Sight = { text: string; beat: number };

/** A claim is made in no time; one that names nobody yet after so long was left half, by the clock of who looks. */
const halfClaimMs = 2_000;

/** What a claim is written to before it is linked into its place, and the lock on breaking a lock. */
const claimName = /\.lock(\.break)?(\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/;

/** A lock that is held: `assertHeld` throws if somebody else broke it, for example while this process was stopped. */
export type HeldLock = AsyncDisposable & { assertHeld(): Promise<void> };

/** Somebody else took a lock that this process had not given back. */
export class LockLost extends Error {}

/**
 * Takes the lock `<file>.lock`, in a folder that exists; gives it back on dispose. It names the process, its namespace
 * and its host, and is touched while it is held: that of a dead process of ours is broken at once, any other once its
 * holder has not touched it for a while. Rejects after `timeoutMs`, and when `signal` fires.
 */
export const lockFile = async (
  file: string,
  { timeoutMs = defaultTimeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<HeldLock> => {
  const lockPath = `${file}.lock`;
  const text = JSON.stringify(ourselves());
  const deadline = performance.now() + timeoutMs;
  let last = null as Sight | null;
  let lastChangeAt = performance.now();
  while (!(await claim(lockPath, text))) {
    const seen = await look(lockPath);
    if (seen?.text !== last?.text || seen?.beat !== last?.beat) lastChangeAt = performance.now();
    last = seen;
    if (seen !== null) {
      const holder = parseHolder(seen.text);
      const gone = isGone(holder) ?? performance.now() - lastChangeAt > staleMs;
      if (gone) await breakStale(lockPath, seen, text);
      else if (performance.now() > deadline) throw new Error(`${lockPath} is held by ${describe(holder)}`);
    }
    signal?.throwIfAborted();
    await sleep(5 + Math.random() * 20);
  }
  return hold(lockPath, text);
};

/** Who holds a lock. Process ids mean something in one namespace of one host alone: a container has its own. */
type Holder = { host: string; namespace: string; pid: number; startTime: string; token: string };

function ourselves(): Holder {
  return {
    host: os.hostname(),
    namespace: namespace(),
    pid: process.pid,
    startTime: readProcess(process.pid)?.startTime ?? '',
    token: randomUUID(),
  };
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return process.platform;
  }
}

/** Makes the lock, whole at once, so that one process alone can; false when it is there already. */
async function claim(lockPath: string, text: string): Promise<boolean> {
  const temporary = `${lockPath}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await link(temporary, lockPath);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone: this process stood still for so long that another took its file for one that was left behind.
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error;
    // A file system without hard links.
    return await claimByName(lockPath, text);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function claimByName(lockPath: string, text: string): Promise<boolean> {
  try {
    const handle = await open(lockPath, 'wx');
    await handle.writeFile(text);
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function look(lockPath: string): Promise<Sight | null> {
  try {
    const text = await readFile(lockPath, 'utf8');
    return { text, beat: (await stat(lockPath)).mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The holder that a lock names; null for one that names none, because it is of another version or damaged. */
function parseHolder(text: string): Holder | null {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    return typeof holder?.pid === 'number' && typeof holder.token === 'string' ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

/** Whether a holder of this namespace of this host is gone; null when only its heartbeat can tell. */
function isGone(holder: Holder | null): boolean | null {
  if (holder === null || holder.host !== os.hostname() || holder.namespace !== namespace()) return null;
  const found = readProcess(holder.pid);
  if (found !== null) return found.startTime !== holder.startTime;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes a lock that was left behind. Whoever does so holds a lock on that, lest two remove one after the other. */
async function breakStale(lockPath: string, seen: Sight, text: string): Promise<void> {
  const breaker = `${lockPath}.break`;
  if (!(await claim(breaker, text))) {
    const other = await look(breaker);
    if (other !== null && isGone(parseHolder(other.text)) !== false && Date.now() - other.beat > staleMs)
      await rm(breaker, { force: true });
    return;
  }
  try {
    const now = await look(lockPath);
    if (now?.text === seen.text && now.beat === seen.beat) await rm(lockPath, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
}

function describe(holder: Holder | null): string {
  return holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}`;
}

function hold(lockPath: string, text: string): HeldLock {
  const beat = setInterval(() => {
    const now = new Date();
    utimes(lockPath, now, now).catch(() => {});
  }, heartbeatMs);
  beat.unref();
  const isHeld = async (): Promise<boolean> => (await look(lockPath))?.text === text;
  return {
    assertHeld: async () => {
      if (!(await isHeld())) throw new LockLost(`${lockPath} was taken over by another process`);
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(beat);
      await sweepClaims(lockPath);
      if (await isHeld()) await rm(lockPath, { force: true });
    },
  };
}

/** Removes what processes left that were killed while they claimed the lock, or broke it. */
async function sweepClaims(lockPath: string): Promise<void> {
  const folder = path.dirname(lockPath);
  for (const name of await readdir(folder).catch(() => [])) {
    const file = path.join(folder, name);
    if (!file.startsWith(`${lockPath}.`) || !claimName.test(name)) continue;
    const seen = await look(file).catch(() => null);
    if (seen === null) continue;
    const holder = parseHolder(seen.text);
    const gone = isGone(holder) ?? Date.now() - seen.beat > (holder === null ? halfClaimMs : staleMs);
    if (gone) await rm(file, { force: true }).catch(() => {});
  }
}
