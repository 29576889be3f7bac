import type { TailgateError } from '../errors.ts';
import { overallVerdict } from '../verdict/verdict.ts';
import { problemReport, verdictWith } from './problem-report.ts';
import type { EnvironmentReport, Report, SuiteReport } from './report-model.ts';

/** What is known of a run when it is over. */
export type ReportParts = {
  suites: readonly SuiteReport[];
  failOn: Report['failOn'];
  /** Problems of the run as a whole; those of a suite stand in the suite. */
  problems: readonly TailgateError[];
  environment: EnvironmentReport;
  commits: Report['commits'];
  runUrl: string | null;
  /** ISO 8601. */
  startedAt: string;
  durations: Report['durations'];
};

/** The report of a run. */
export const buildReport = (parts: ReportParts): Report => ({
  schemaVersion: 1,
  verdict: verdictWith(overallVerdict(parts.suites.map((suite) => suite.verdict)), parts.problems),
  failOn: parts.failOn,
  suites: [...parts.suites],
  problems: parts.problems.map(problemReport),
  environment: parts.environment,
  commits: parts.commits,
  runUrl: parts.runUrl,
  startedAt: parts.startedAt,
  durations: parts.durations,
});
