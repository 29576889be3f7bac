import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { tailgateError } from '../errors.ts';
import type { BaselineHistory, BaselineRecord, BaselineStore } from './baseline-record.ts';
import { lockFile } from './file-lock.ts';
import { formatRecord } from './record-format.ts';
import { linesOf, type Retention, readRecordLines, retainedLines, textOf } from './record-lines.ts';

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Writes beside the file, forces it to the disk and renames: a reader sees the old text or the new, never half. */
const replaceFile = async (file: string, text: string): Promise<void> => {
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
};

/** Records as lines of one file, for a path in the checkout, a mounted volume or a cache. */
export class FileStore implements BaselineStore {
  readonly where: string;
  readonly #file: string;
  readonly #retention: Retention;
  readonly #now: () => number;

  constructor(file: string, retention: Retention, now: () => number = Date.now) {
    this.#file = path.resolve(file);
    this.where = `file ${file}`;
    this.#retention = retention;
    this.#now = now;
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }

  async read(suite: string): Promise<BaselineHistory> {
    try {
      return readRecordLines([[this.#file, await this.#text()]], suite);
    } catch (error) {
      throw tailgateError('BASELINE_UNREADABLE', { where: this.where, reason: reasonOf(error) }, {}, error);
    }
  }

  async append(records: BaselineRecord[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await using _lock = await lockFile(this.#file);
      const lines = linesOf(await this.#text());
      const added = records.map(formatRecord).filter((line) => !lines.includes(line));
      const kept = retainedLines([...lines, ...added], this.#retention, this.#now());
      await replaceFile(this.#file, textOf(kept));
    } catch (error) {
      throw tailgateError('BASELINE_WRITE_FAILED', { where: this.where, reason: reasonOf(error) }, {}, error);
    }
  }
}
