import { constants } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Who names a pipe, a shell's `<(command)` for example, has somebody at its other end who moves on within this time. */
const patienceMs = 10_000;
const pollMs = 20;

/**
 * The text of a file that a user named. A pipe is read to its end; nobody at its other end, or nothing coming for
 * `waitMs`, is an error, where an ordinary read would wait forever and hold its thread.
 */
export async function readNamedFile(file: string, waitMs = patienceMs): Promise<string> {
  if (!(await stat(file)).isFIFO()) return await readFile(file, 'utf8');
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const parts: Buffer[] = [];
    const buffer = Buffer.alloc(65_536);
    let lastMs = performance.now();
    for (;;) {
      const size = await whenReady(async () => (await handle.read(buffer)).bytesRead);
      if (size !== null && size > 0) {
        parts.push(Buffer.from(buffer.subarray(0, size)));
        lastMs = performance.now();
      } else if (size === 0 && parts.length > 0) {
        return Buffer.concat(parts).toString('utf8');
      } else if (performance.now() - lastMs > waitMs) {
        throw new Error(`it is a pipe, and nothing was written into it for ${waitMs / 1000} s`);
      } else await pause(pollMs);
    }
  } finally {
    await handle.close();
  }
}

/** Writes into a pipe that a user named. Nobody who reads it for `waitMs` is an error. */
export async function writeNamedPipe(
  file: string,
  content: string | Uint8Array,
  waitMs = patienceMs,
): Promise<void> {
  const unread = (): Error => new Error(`it is a pipe, and nobody read it for ${waitMs / 1000} s`);
  let lastMs = performance.now();
  let handle: FileHandle | null = null;
  try {
    let left = Buffer.from(content);
    while (handle === null || left.length > 0) {
      const done: number | null = await whenReady(async () => {
        if (handle !== null) return (await handle.write(left)).bytesWritten;
        handle = await open(file, constants.O_WRONLY | constants.O_NONBLOCK);
        return 0;
      });
      if (done !== null) {
        left = left.subarray(done);
        lastMs = performance.now();
      } else if (performance.now() - lastMs > waitMs) throw unread();
      else await pause(pollMs);
    }
  } finally {
    await (handle as FileHandle | null)?.close();
  }
}

/** Null where the other end is not there, or not ready. */
async function whenReady(act: () => Promise<number>): Promise<number | null> {
  try {
    return await act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN' || code === 'ENXIO') return null;
    throw error;
  }
}
