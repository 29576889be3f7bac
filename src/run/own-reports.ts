import { type TailgateError, tailgateError } from '../errors.ts';
import type { LabelledReport } from '../report/merge-reports.ts';
import type { Report } from '../report/report-model.ts';

/** What is known of the run that the reports are to be of; null where it is not. */
export type ExpectedRun = {
  runId: number | null;
  /** Commits that a job of this run has checked out; none where any may be. */
  commits: readonly string[];
};

export type SortedReports = {
  reports: LabelledReport[];
  problems: TailgateError[];
  /** What was left out and is no fault, for the log. */
  notes: string[];
};

/**
 * Keeps the reports that are of this run, each once, and of a job that was run again the last. What was refused, or
 * contradicts itself, is in `problems`.
 */
export const sortReports = (found: readonly LabelledReport[], expected: ExpectedRun): SortedReports => {
  const problems: TailgateError[] = [];
  const notes: string[] = [];
  const places = new Map<string, string>();
  const own: LabelledReport[] = [];
  for (const { label, report } of found) {
    const refuse = (reason: string) =>
      problems.push(tailgateError('REPORT_REFUSED', { path: label, reason }));
    const foreign = foreignness(report, expected);
    const twin = places.get(identity(report));
    if (foreign !== null) refuse(foreign);
    else if (twin !== undefined) refuse(`it is the same report as "${twin}"`);
    else own.push({ label, report });
    places.set(identity(report), label);
  }
  const old = superseded(own);
  for (const { label, report } of old)
    notes.push(
      `The report "${label}" is of attempt ${report.madeBy?.runAttempt}, which a later one replaced.`,
    );
  const reports = own.filter((one) => !old.has(one));
  for (const { label, report } of reports) {
    const reason = contradiction(report);
    if (reason !== null)
      problems.push(tailgateError('REPORTS_INCOMPLETE', { reason: `the report "${label}" ${reason}` }));
  }
  const heads = new Set(reports.flatMap(({ report }) => report.commits.head ?? []));
  if (heads.size > 1)
    problems.push(
      tailgateError('REPORTS_INCOMPLETE', {
        reason: `they are of different commits (${[...heads].map(short).join(', ')})`,
      }),
    );
  return { reports, problems, notes };
};

function foreignness(report: Report, expected: ExpectedRun): string | null {
  const runId = runIdOf(report);
  if (runId !== null && expected.runId !== null && runId !== expected.runId)
    return `it is of run ${runId}, and this is run ${expected.runId}`;
  const { head, merged } = report.commits;
  const isKnown = [head, merged].some((sha) => sha != null && expected.commits.includes(sha));
  return head === null || expected.commits.length === 0 || isKnown
    ? null
    : `it is of commit ${short(head)}, not ${expected.commits.map(short).join(' or ')}`;
}

/** The run that made a report: as it says itself, or by its link. */
function runIdOf({ madeBy, runUrl }: Report): number | null {
  const id = /\/actions\/runs\/(\d+)/.exec(runUrl ?? '')?.[1];
  return madeBy?.runId ?? (id === undefined ? null : Number(id));
}

function short(sha: string): string {
  return sha.slice(0, 10);
}

/** Reports with the same text here are the same one, wherever it was found. */
function identity(report: Report): string {
  return JSON.stringify(report);
}

/** Of a job that was run again, the reports of its earlier attempts. */
function superseded(reports: readonly LabelledReport[]): Set<LabelledReport> {
  const newest = new Map<string, number>();
  for (const { report } of reports) {
    const { key, runAttempt } = report.madeBy ?? {};
    if (key !== undefined && runAttempt !== undefined)
      newest.set(key, Math.max(newest.get(key) ?? 0, runAttempt));
  }
  return new Set(
    reports.filter(
      ({ report: { madeBy } }) => madeBy !== undefined && madeBy.runAttempt < (newest.get(madeBy.key) ?? 0),
    ),
  );
}

/** What a report says that cannot be so. */
function contradiction(report: Report): string | null {
  if (report.verdict !== 'pass') return null;
  if (report.suites.length === 0) return 'says pass, and has no suite';
  const empty = report.suites.find(({ metrics }) => metrics.length === 0);
  return empty === undefined ? null : `says pass, and its suite "${empty.name}" has measured nothing`;
}
