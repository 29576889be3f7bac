import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { tailgateError } from '../errors.ts';
import type { PairValues } from '../verdict/bisect/choose-statistic.ts';

/** A function that surely runs more often in a version than in the good one; `difference` in calls a message. */
export type RisenFunction = { name: string; file: string; difference: number };

/** What a pair tells: by statistic, and the rates of failures at the commit and at the good one as they were. */
export type PairOutcome = { values: PairValues; rates: Record<string, { good: number; commit: number }> };

/** What one step of a search found of a commit. */
export type BisectRecord =
  | ({ kind: 'pair'; commit: string } & PairOutcome)
  | {
      kind: 'counted';
      commit: string;
      /** Null where nothing could be counted. */
      functions: RisenFunction[] | null;
      /** Files and functions that the explanation names. */
      named: { name: string; file: string }[];
      /** Whether the server ran code of the repository from outside of its folder. */
      reachesOut: boolean;
    }
  /** It cannot be built, started or measured. */
  | { kind: 'broken'; commit: string; reason: string };

/** Records of another form are those of another search. */
const form = 2;

/** What makes records those of one search. */
export type BisectSeries = {
  good: string;
  bad: string;
  suite: string;
  scenarioHash: string;
  settingsHash: string;
};

export type BisectFile = {
  readonly path: string;
  readonly records: readonly BisectRecord[];
  append(record: BisectRecord): Promise<void>;
};

/**
 * Opens what was measured for a search so far, by this machine or by the jobs of a matrix whose files lie in the same
 * folder, to go on with it. Each record is one line; a line that was cut off is removed. Throws FILE_UNWRITABLE.
 */
export const openBisectFile = async (
  folder: string,
  series: BisectSeries,
  job: string,
): Promise<BisectFile> => {
  const key = createHash('sha256')
    .update(JSON.stringify({ form, ...series }))
    .digest('hex')
    .slice(0, 12);
  const file = path.join(folder, `${key}${job}.jsonl`);
  try {
    await mkdir(folder, { recursive: true });
    await appendFile(file, '');
    const records: BisectRecord[] = [];
    const names = (await readdir(folder)).filter((name) => name.startsWith(key) && name.endsWith('.jsonl'));
    for (const name of names.sort()) {
      const text = await readFile(path.join(folder, name), 'utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      if (whole.length < text.length) await truncate(path.join(folder, name), Buffer.byteLength(whole));
      for (const line of whole.split('\n')) if (line !== '') records.push(JSON.parse(line) as BisectRecord);
    }
    return {
      path: file,
      records,
      append: async (record) => {
        await appendFile(file, `${JSON.stringify(record)}\n`);
        records.push(record);
      },
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw tailgateError('FILE_UNWRITABLE', { path: file, reason }, {}, cause);
  }
};
