import { access, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TailgateError, tailgateError } from '../errors.ts';
import type { Settings } from '../settings/settings-schema.ts';
import { capacityRecordsFile, recordsFile } from './read-records.ts';

/** Where the forms of a report are. Absolute paths. */
export type ReportFiles = { json: string; markdown: string; html: string; junit: string };

/** By this the folder is known to be ours, and git leaves it alone. */
const ignore = '# Written by Tailgate: reports and logs of its runs.\n*\n';

/** Where the report of a run, or of a search, is in its folder. A job may do both: each has names of its own. */
export function reportPaths(reportDir: string, isSearch = false): ReportFiles {
  const names = isSearch ? capacityNames : runNames;
  const at = (form: keyof ReportFiles): string => path.join(reportDir, names[form]);
  return { json: at('json'), markdown: at('markdown'), html: at('html'), junit: at('junit') };
}

/**
 * Makes the report folder, with its logs: one that did not exist ignores itself for git, and one of ours loses the logs
 * of the run before. A folder that somebody else made is left as it is. Throws FILE_UNWRITABLE.
 */
export async function openReportFolder(reportDir: string): Promise<{ logDir: string }> {
  const logDir = path.join(reportDir, 'logs');
  try {
    await ignoreReportFolder(reportDir);
    if (await isOurs(reportDir)) await rm(logDir, { recursive: true, force: true });
    await mkdir(logDir, { recursive: true });
  } catch (failure) {
    throw unwritable(reportDir, failure);
  }
  return { logDir };
}

/** Makes the report folder if there is none; one that is made here ignores itself for git. */
export async function ignoreReportFolder(reportDir: string): Promise<void> {
  const exists = await access(reportDir).then(
    () => true,
    () => false,
  );
  if (exists) return;
  await mkdir(reportDir, { recursive: true });
  await writeFile(path.join(reportDir, '.gitignore'), ignore);
}

/**
 * Removes what an earlier run left, or an earlier search, so that one which ends early leaves no other's result in its
 * place; not `kept`, files that this run reads. Throws FILE_UNWRITABLE.
 */
export async function removeOldReports(
  reportDir: string,
  { kept = [], isSearch = false }: { kept?: readonly string[]; isSearch?: boolean } = {},
): Promise<void> {
  if (kept.includes(reportDir)) return;
  const records = path.join(reportDir, isSearch ? capacityRecordsFile : recordsFile);
  for (const file of [...Object.values(reportPaths(reportDir, isSearch)), records]) {
    if (kept.includes(file)) continue;
    await rm(file, { force: true }).catch((failure: NodeJS.ErrnoException) => {
      // What is no folder holds no old report; writing into it says what is wrong.
      if (failure.code !== 'ENOTDIR') throw unwritable(file, failure);
    });
  }
}

/** The files of the report folder, or the folder itself, that a run reads before it writes its own. */
export function readFirst({ baseline }: Pick<Settings, 'baseline'>): string[] {
  return baseline.confirmFrom === undefined ? [] : [baseline.confirmFrom];
}

/** Removes the logs in which nothing was written. */
export async function removeEmptyLogs(reportDir: string): Promise<void> {
  if (!(await isOurs(reportDir))) return;
  const logDir = path.join(reportDir, 'logs');
  for (const name of await readdir(logDir).catch(() => [])) {
    const file = path.join(logDir, name);
    const found = await stat(file).catch(() => null);
    if (found?.isFile() && found.size === 0) await rm(file, { force: true });
  }
}

/** FILE_UNWRITABLE, for what the file system said about `file`. */
export function unwritable(file: string, failure: unknown): TailgateError {
  // "EACCES: permission denied, open '/reports/report.json'"
  const [reason = ''] = (failure instanceof Error ? failure.message : String(failure)).split(',');
  return tailgateError('FILE_UNWRITABLE', { path: file, reason }, {}, failure);
}

async function isOurs(reportDir: string): Promise<boolean> {
  const text = await readFile(path.join(reportDir, '.gitignore'), 'utf8').catch(() => '');
  return text === ignore;
}

const runNames: ReportFiles = {
  json: 'report.json',
  markdown: 'report.md',
  html: 'report.html',
  junit: 'junit.xml',
};
const capacityNames: ReportFiles = {
  json: 'capacity.json',
  markdown: 'capacity.md',
  html: 'capacity.html',
  junit: 'capacity-junit.xml',
};
