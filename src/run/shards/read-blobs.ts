import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { tailgateError } from '../../errors.ts';
import type { NamedBlob } from './join-blobs.ts';
import { isBlobName, parseBlob } from './shard-blob.ts';

/** Reads every blob in a folder and those below it. Throws FILE_UNREADABLE for a folder that is not there. */
export const readBlobs = async (folder: string, cwd: string): Promise<NamedBlob[]> => {
  const shown = (file: string): string => path.relative(cwd, file) || '.';
  let entries: { name: string; parentPath: string }[];
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (failure) {
    const [reason = ''] = (failure as Error).message.split(',');
    throw tailgateError('FILE_UNREADABLE', { path: shown(folder), reason }, {}, failure);
  }
  const blobs: NamedBlob[] = [];
  // One after the other: a thousand of them are not to be in memory as text.
  for (const { name, parentPath } of entries.filter(({ name }) => isBlobName(name))) {
    const file = path.join(parentPath, name);
    try {
      blobs.push({ file: shown(file), parsed: parseBlob(await readFile(file, 'utf8')) });
    } catch (failure) {
      const [reason = ''] = (failure as Error).message.split(',');
      blobs.push({ file: shown(file), parsed: { reason: `it cannot be read (${reason})` } });
    }
  }
  return blobs;
};
