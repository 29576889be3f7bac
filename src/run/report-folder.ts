import { access, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** By this the folder is known to be ours, and git leaves it alone. */
const ignore = '# Written by Tailgate: reports and logs of its runs.\n*\n';

/**
 * Makes the report folder, with its logs: one that did not exist ignores itself for git, and one of ours loses the logs
 * of the run before. A folder that somebody else made is left as it is. Throws what the file system says.
 */
export async function openReportFolder(reportDir: string): Promise<{ logDir: string }> {
  const logDir = path.join(reportDir, 'logs');
  await ignoreReportFolder(reportDir);
  if (await isOurs(reportDir)) await rm(logDir, { recursive: true, force: true });
  await mkdir(logDir, { recursive: true });
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
 * Removes what an earlier run left, so that a run which ends early leaves no other's result in its place; not `kept`,
 * files that this run reads. Throws what the file system says.
 */
export async function removeOldReports(reportDir: string, kept: readonly string[] = []): Promise<void> {
  if (kept.includes(reportDir)) return;
  for (const name of ['report.json', 'report.md', 'report.html', 'junit.xml', 'records.jsonl']) {
    const file = path.join(reportDir, name);
    if (kept.includes(file)) continue;
    await rm(file, { force: true }).catch((failure: NodeJS.ErrnoException) => {
      // What is no folder holds no old report; writing into it says what is wrong.
      if (failure.code !== 'ENOTDIR') throw failure;
    });
  }
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

async function isOurs(reportDir: string): Promise<boolean> {
  const text = await readFile(path.join(reportDir, '.gitignore'), 'utf8').catch(() => '');
  return text === ignore;
}
