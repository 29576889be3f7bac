import { exitCodes, type TailgateError } from '../errors.ts';
import type { Report } from '../report/report-model.ts';

/** The exit code of a run: its verdict's, if `failOn` names the verdict; a cancelled or broken run says so first. */
export const exitCodeOf = (report: Pick<Report, 'verdict' | 'failOn' | 'suites' | 'problems'>): number => {
  const codes = [...report.problems, ...report.suites.flatMap((suite) => suite.problems)].map(
    ({ code }) => code,
  );
  if (codes.includes('CANCELLED')) return exitCodes.cancelled;
  if (codes.includes('INTERNAL')) return exitCodes.internal;
  if (report.verdict === 'pass') return exitCodes.pass;
  return report.failOn.includes(report.verdict) ? exitCodes[report.verdict] : exitCodes.pass;
};

/** The exit code of problems that ended a command before there was a report. */
export const exitCodeOfProblems = (problems: readonly TailgateError[]): number =>
  exitCodes[problems[0]?.exit ?? 'internal'];
