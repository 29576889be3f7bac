import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { TailgateError, tailgateError } from '../errors.ts';
import { cleanLine, clip } from '../report/clean-text.ts';
import { type LabelledReport, worstVerdict } from '../report/merge-reports.ts';
import { parseReport } from '../report/parse-report.ts';
import type { Report } from '../report/report-model.ts';

/** What a downloaded artifact may be at most. A real report has some hundred kilobytes. */
const artifactLimits = {
  reports: 64,
  bytesEach: 10_000_000,
  bytesTogether: 60_000_000,
  entries: 5_000,
  /** Folders in which reports are read, and in which one is still seen and said to be in the wrong place. */
  depth: 5,
  seen: 40,
};

/** The name that every run gives its report. */
const reportName = 'report.json';

export type CollectedReports = { reports: LabelledReport[]; problems: TailgateError[] };

/** Longer texts and lists than any real report has only cost time and hide what matters. */
const maxText = 4_000;

const maxItems = 500;

const maxSuites = 60;

/**
 * Reads the reports in a folder of downloaded artifacts, which may hold anything: sizes and counts are capped, links
 * refused, every report is held to the schema and cut to what can be shown, and no path in it is used, unless the
 * reports are our own (`places`). What was refused is in `problems`. Throws REPORTS_MISSING when there is no such folder or nothing in it.
 */
export const collectReports = async (
  folder: string,
  options: { places: boolean } = { places: false },
): Promise<CollectedReports> => {
  const missing = (reason: string) => tailgateError('REPORTS_MISSING', { path: folder, reason });
  const root = await lstat(folder).catch(() => null);
  if (root === null) throw missing('there is no such folder');
  if (!root.isDirectory()) throw missing('it is not a folder');
  const { found, problems } = await findReports(folder);
  if (found.length === 0 && problems.length === 0) throw missing(`no file in it is named "${reportName}"`);
  const reports: LabelledReport[] = [];
  let bytes = 0;
  for (const [index, { file, label }] of found.entries()) {
    const refuse = (reason: string) =>
      problems.push(tailgateError('REPORT_REFUSED', { path: label, reason }));
    if (index >= artifactLimits.reports) {
      refuse(`only ${artifactLimits.reports} reports are read`);
      break;
    }
    try {
      const text = await readBounded(file);
      bytes += Buffer.byteLength(text);
      if (bytes > artifactLimits.bytesTogether)
        throw new RangeError(`all together have more than ${artifactLimits.bytesTogether} bytes`);
      const whole = parseReport(text, label);
      // What is not shown counts all the same.
      const verdict = worstVerdict(whole);
      reports.push({ label, report: { ...boundedReport(whole, options), verdict } });
      if (whole.suites.length > maxSuites)
        problems.push(
          tailgateError('REPORT_CUT', { path: label, suites: whole.suites.length, shown: maxSuites }),
        );
    } catch (error) {
      refuse(reasonOf(error));
    }
  }
  return { reports, problems };
};

type FoundFile = { file: string; label: string };

/**
 * Files named `report.json` below a folder. Links are never followed, and nothing is believed of names but what they
 * are compared with.
 */
async function findReports(root: string): Promise<{ found: FoundFile[]; problems: TailgateError[] }> {
  const found: FoundFile[] = [];
  const problems: TailgateError[] = [];
  const pending = [{ folder: root, depth: 0 }];
  let entries = 0;
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { folder, depth } = next;
    for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      entries += 1;
      if (entries > artifactLimits.entries) {
        const reason = `there are more than ${artifactLimits.entries} files`;
        return {
          found,
          problems: [...problems, tailgateError('REPORT_REFUSED', { path: 'artifact', reason })],
        };
      }
      const file = path.join(folder, entry.name);
      const label = labelOf(path.relative(root, file));
      if (entry.isDirectory() && depth < artifactLimits.seen)
        pending.push({ folder: file, depth: depth + 1 });
      else if (entry.isDirectory())
        problems.push(
          tailgateError('REPORT_REFUSED', { path: label, reason: 'it lies too deep to be looked at' }),
        );
      else if (entry.name === reportName && depth > artifactLimits.depth)
        problems.push(
          tailgateError('REPORT_REFUSED', {
            path: label,
            reason: `it lies in more than ${artifactLimits.depth} folders, and so deep no report is read`,
          }),
        );
      else if (entry.name === reportName && entry.isFile()) found.push({ file, label });
      else if (entry.name === reportName)
        problems.push(tailgateError('REPORT_REFUSED', { path: label, reason: 'it is not a plain file' }));
    }
  }
  return { found, problems };
}

/** A name from the artifact as something that can be shown: plain characters, and not many. */
function labelOf(relative: string): string {
  const folder = path.dirname(relative);
  const plain = cleanLine(folder === '.' ? 'report' : folder, 80).replaceAll(
    /[^\p{L}\p{N} ._/()=,+-]/gu,
    '_',
  );
  return plain === '' ? 'report' : plain;
}

/** Reads at most `bytesEach`, from the very file that was looked at: not through a link put in its place. */
async function readBounded(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    if (size > artifactLimits.bytesEach)
      throw new RangeError(`it has ${size} bytes, more than the ${artifactLimits.bytesEach} that are read`);
    const buffer = Buffer.alloc(size);
    const { bytesRead } = await handle.read(buffer, 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * A report that fits the schema, with its texts and lists cut to what can be shown, and without files and lines unless
 * `places` says that they are ours. What its texts say is still foreign; the renderers escape it.
 */
function boundedReport(report: Report, { places }: { places: boolean } = { places: false }): Report {
  const cut = bounded({ ...report, suites: report.suites.slice(0, maxSuites) }) as Report;
  if (places) return cut;
  return {
    ...cut,
    problems: cut.problems.map(withoutPlaces),
    suites: cut.suites.map((suite) => ({
      ...suite,
      problems: suite.problems.map(withoutPlaces),
      metrics: suite.metrics.map((metric) => ({ ...metric, limit: metric.limit.map(withoutPlaces) })),
    })),
  };
}

function bounded(value: unknown): unknown {
  if (typeof value === 'string') return clip(value, maxText);
  if (Array.isArray(value)) return value.slice(0, maxItems).map(bounded);
  if (value === null || typeof value !== 'object') return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value).slice(0, maxItems)) {
    // A key of this name would change what the object is.
    if (key !== '__proto__') result[clip(key, maxText)] = bounded(inner);
  }
  return result;
}

/** Places are links into the repository: those of a report from elsewhere are not followed. */
function withoutPlaces<T extends { file: string | null; line: number | null }>(item: T): T {
  return {
    ...item,
    file: null,
    line: null,
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof TailgateError)
    return error.what.replace(/^".*?" is not a Tailgate report: /s, 'it is no report: ').replace(/\.$/, '');
  if ((error as NodeJS.ErrnoException).code === 'ELOOP') return 'it is a link';
  return cleanLine(error instanceof Error ? error.message : String(error), 200);
}
