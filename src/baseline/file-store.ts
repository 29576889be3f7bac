import { lstat, mkdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type TailgateError, tailgateError } from '../errors.ts';
import { ifThere, removeHalfWritten, replaceFile } from '../host/replace-file.ts';
import type { BaselineHistory, BaselineRecord, BaselineStore } from './baseline-record.ts';
import { LockLost, lockFile } from './file-lock.ts';
import { formatRecord } from './record-format.ts';
import { linesOf, type Retention, readRecordLines, retainedLines, textOf } from './record-lines.ts';

export type FileStoreOptions = {
  now?: () => number;
  /** Ends a wait for the lock. */
  signal?: AbortSignal | undefined;
};

/** How often an append is made again because the lock was taken away while this process stood still. */
const attempts = 5;

/** Records as lines of one file, for a path in the checkout, a mounted volume or a cache. */
export class FileStore implements BaselineStore {
  readonly where: string;
  readonly #file: string;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #signal: AbortSignal | undefined;

  constructor(file: string, retention: Retention, { now = Date.now, signal }: FileStoreOptions = {}) {
    this.#file = path.resolve(file);
    this.where = `file ${file}`;
    this.#retention = retention;
    this.#now = now;
    this.#signal = signal;
  }

  async read(suite: string): Promise<BaselineHistory> {
    try {
      return readRecordLines([[this.#file, await textIn(this.#file)]], suite);
    } catch (error) {
      throw tailgateError('BASELINE_UNREADABLE', { where: this.where, reason: reasonOf(error) }, {}, error);
    }
  }

  async append(records: BaselineRecord[]): Promise<void> {
    if (records.length === 0) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#append(records);
      } catch (error) {
        if (!(error instanceof LockLost) || attempt === attempts) throw this.#failed(error);
      }
    }
  }

  async #append(records: BaselineRecord[]): Promise<void> {
    const file = await fileBehind(this.#file);
    await makeFolder(path.dirname(file));
    await using lock = await lockFile(file, { signal: this.#signal });
    await removeHalfWritten(file);
    const lines = linesOf(await textIn(file));
    const added = records.map(formatRecord).filter((line) => !lines.includes(line));
    const kept = retainedLines([...lines, ...added], this.#retention, this.#now());
    await replaceFile(file, textOf(kept), { durable: true, beforeRename: () => lock.assertHeld() });
  }

  #failed(error: unknown): TailgateError {
    if (this.#signal?.aborted === true)
      return tailgateError('CANCELLED', { signal: String(this.#signal.reason) });
    return tailgateError('BASELINE_WRITE_FAILED', { where: this.where, reason: reasonOf(error) }, {}, error);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The text of the file, '' when it is not there. Throws for what is no regular file: a pipe would never end. */
const textIn = async (file: string): Promise<string> => {
  const found = await ifThere(stat(file));
  if (found === null) return '';
  if (!found.isFile()) throw new Error(`${file} is not a regular file`);
  return await readFile(file, 'utf8');
};

/** The file that a path means in the end: a link to a mounted volume stays a link, one to nothing yet is made good. */
const fileBehind = async (file: string, links = 0): Promise<string> => {
  const found = await ifThere(lstat(file));
  if (found?.isSymbolicLink() !== true) {
    if (found !== null && !found.isFile()) throw new Error(`${file} is not a regular file`);
    const folder = await ifThere(realpath(path.dirname(file)));
    return folder === null ? file : path.join(folder, path.basename(file));
  }
  if (links === 40) throw new Error(`${file} is a link to itself`);
  return await fileBehind(path.resolve(path.dirname(file), await readlink(file)), links + 1);
};

/** Makes the folder and those above it. Node's own way to do so never ends below /proc. */
const makeFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const parent = path.dirname(folder);
    if (code !== 'ENOENT' || parent === folder || (await ifThere(stat(parent))) !== null) throw error;
    await makeFolder(parent);
    await makeFolder(folder);
  }
};
