import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { parseRecord } from '../baseline/record-format.ts';
import { linesOf } from '../baseline/record-lines.ts';
import { tailgateError } from '../errors.ts';
import { readNamedFile } from '../host/pipe-files.ts';

/** Name of the file in the report folder that holds what a run measured, one record a suite. */
export const recordsFile = 'records.jsonl';

/** The same of a search for the capacity. */
export const capacityRecordsFile = 'capacity-records.jsonl';

/** The records of a run, from their file or from the report folder that it lies in. Throws RECORDS_UNREADABLE. */
export const readRecords = async (name: string): Promise<BaselineRecord[]> => {
  const file = (await isFolder(name)) ? path.join(name, recordsFile) : name;
  let text: string;
  try {
    text = await readNamedFile(file);
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw tailgateError('RECORDS_UNREADABLE', { path: file, reason }, {}, failure);
  }
  const records = linesOf(text).map((line, index) => {
    const parsed = parseRecord(line);
    if ('reason' in parsed)
      throw tailgateError(
        'RECORDS_UNREADABLE',
        { path: file, reason: parsed.reason },
        { file, line: index + 1 },
      );
    return parsed.record;
  });
  if (records.length === 0)
    throw tailgateError('RECORDS_UNREADABLE', { path: file, reason: 'it holds no record' });
  return records;
};

async function isFolder(name: string): Promise<boolean> {
  try {
    return (await stat(name)).isDirectory();
  } catch {
    // What is wrong with it is said when it is read.
    return false;
  }
}
