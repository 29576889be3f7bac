import { chmod, chown, lstat, open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeNamedPipe } from './pipe-files.ts';

/** Ends the name of a file that is being written, before it takes its place. */
const temporarySuffix = '.tailgate-tmp';
/** Who writes for longer than this was killed. */
const abandonedMs = 60_000;

export type ReplaceOptions = {
  /** Force it to the disk, so that it outlives the machine too. */
  durable?: boolean;
  /** Asked before the new file takes the place of the old; what it throws leaves the old. */
  beforeRename?: () => Promise<void>;
};

/**
 * Writes beside the file and renames: a reader sees the old content or the new, never half, whenever this process ends.
 * The new file has the owner and the mode of the old one. `file` is no link (`fileBehind`), in a folder that exists.
 */
export async function replaceFile(
  file: string,
  content: string | Uint8Array,
  { durable = false, beforeRename }: ReplaceOptions = {},
): Promise<void> {
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}${temporarySuffix}`;
  const old = await ifThere(stat(file));
  const handle = await open(temporary, 'wx', old === null ? 0o666 : old.mode & 0o7777);
  try {
    try {
      await handle.writeFile(content);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    if (old !== null) {
      // Who may not give a file away keeps what can be kept.
      await chown(temporary, old.uid, old.gid).catch(() => {});
      await chmod(temporary, old.mode & 0o7777);
    }
    await beforeRename?.();
    await rename(temporary, file);
  } catch (failure) {
    await rm(temporary, { force: true }).catch(() => {});
    throw failure;
  }
  if (durable) await syncFolder(path.dirname(file));
}

/**
 * Writes a file as `replaceFile` does, where that can be done: a link stays a link, what is no regular file is written to
 * (a pipe, a terminal), and so is a file in a folder that takes no other. What was killed while it wrote is removed.
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  // A name below these may mean a file that somebody else writes: what a shell redirects to, for example.
  if (/^\/(dev|proc)\//.test(path.resolve(file))) return await writeFile(file, content);
  const found = await ifThere(lstat(file));
  const target = found?.isSymbolicLink() === true ? await realpath(file).catch(() => null) : file;
  const there = target === null ? null : await ifThere(stat(target));
  if (target !== null && there?.isFIFO()) return await writeNamedPipe(target, content);
  // A link to nowhere makes what it points at; what is no regular file is no file to replace.
  if (target === null || there?.isFile() === false) return await writeFile(file, content);
  try {
    await replaceFile(target, content);
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException;
    if (found === null || (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS')) throw failure;
    await writeFile(file, content);
  }
  await removeHalfWritten(target, abandonedMs).catch(() => {});
}

/** Removes what processes left that were killed while they wrote this file, `olderThanMs` ago. */
export async function removeHalfWritten(file: string, olderThanMs = 0): Promise<void> {
  const folder = path.dirname(file);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${path.basename(file)}.`) || !name.endsWith(temporarySuffix)) continue;
    const half = path.join(folder, name);
    if (olderThanMs === 0 || (await ageMs(half)) > olderThanMs) await rm(half, { force: true });
  }
}

/** How long ago the file was changed; 0 when it is not there. */
async function ageMs(file: string): Promise<number> {
  const found = await ifThere(stat(file));
  return found === null ? 0 : Date.now() - found.mtimeMs;
}

/** What is read, null when it is not there. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The new name is on the disk as well, where folders can be synced. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Not on every system.
  }
}
