import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock this old was left behind, even if its process id lives: ids are used again, and may be another host's. */
const staleMs = 300_000;

const holderIsGone = async (lockPath: string): Promise<boolean> => {
  try {
    const pid = Number(await readFile(lockPath, 'utf8'));
    const { mtimeMs } = await stat(lockPath);
    if (Date.now() - mtimeMs > staleMs) return true;
    if (!Number.isInteger(pid) || pid <= 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
};

/** Makes the file with O_EXCL, so that one process alone can; false when it is there already. */
const claim = async (lockPath: string): Promise<boolean> => {
  try {
    const handle = await open(lockPath, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};

/** Removes the lock of a dead process. Whoever does so holds a lock on that, lest two remove one after the other. */
const breakStale = async (lockPath: string): Promise<void> => {
  const breaker = `${lockPath}.break`;
  if (!(await claim(breaker))) {
    if (await holderIsGone(breaker)) await rm(breaker, { force: true });
    return;
  }
  try {
    if (await holderIsGone(lockPath)) await rm(lockPath, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
};

/** Takes the lock `<file>.lock`; gives it back on dispose. Rejects after `timeoutMs`. */
export const lockFile = async (file: string, timeoutMs = 20_000): Promise<AsyncDisposable> => {
  const lockPath = `${file}.lock`;
  await mkdir(path.dirname(file), { recursive: true });
  const deadline = Date.now() + timeoutMs;
  while (!(await claim(lockPath))) {
    if (await holderIsGone(lockPath)) await breakStale(lockPath);
    if (Date.now() > deadline) throw new Error(`${lockPath} is held by another process`);
    await sleep(5 + Math.random() * 20);
  }
  return { [Symbol.asyncDispose]: () => rm(lockPath, { force: true }) };
};
