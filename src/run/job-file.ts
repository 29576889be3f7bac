import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { tailgateError } from '../errors.ts';
import { formatJobRecord, type JobRecord, parseJobRecords } from '../verdict/job-record.ts';

/** What all jobs of a file have in common. */
export type JobSeries = Required<Pick<JobRecord, 'suite' | 'scenarioHash' | 'settingsHash'>>;

/** A file of jobs, one line each, that is added to as they end. */
export type JobFile = {
  readonly path: string;
  /** Those that were in the file, and those added since. */
  readonly records: readonly JobRecord[];
  append(record: JobRecord): Promise<void>;
};

/**
 * Opens a file of jobs to go on with it; one that does not exist is made. A last line that was cut off is removed.
 * Throws JOB_FILE_UNUSABLE when it holds anything else than jobs of this series.
 */
export const openJobFile = async (file: string, series: JobSeries): Promise<JobFile> => {
  const unusable = (reason: string, cause?: unknown) =>
    tailgateError('JOB_FILE_UNUSABLE', { path: file, reason }, {}, cause);
  const read = async (): Promise<JobRecord[]> => {
    try {
      const text = await readIfThere(file);
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      const found = parseJobRecords(whole);
      if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
      await mkdir(path.dirname(file), { recursive: true });
      await appendFile(file, '');
      return found;
    } catch (error) {
      throw unusable(error instanceof Error ? error.message : String(error), error);
    }
  };
  const records = await read();
  for (const record of records) {
    const reason = difference(record, series);
    if (reason !== null) throw unusable(reason);
  }
  return {
    path: file,
    records,
    append: async (record) => {
      await appendFile(file, formatJobRecord(record));
      records.push(record);
    },
  };
};

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Why jobs of a file are not of this series, as a clause; null when they are. */
function difference(record: JobRecord, series: JobSeries): string | null {
  if (record.suite !== series.suite) return `its jobs are of suite "${record.suite}"`;
  if (record.scenarioHash !== series.scenarioHash) return 'its jobs are of another version of the scenario';
  if (record.settingsHash !== series.settingsHash) return 'its jobs were run with other settings';
  return null;
}
