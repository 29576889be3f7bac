import { problemsOf } from '../errors.ts';
import { problemReport } from '../report/problem-report.ts';
import type { ProblemReport } from '../report/report-model.ts';

/**
 * Does one part of the reporting. What goes wrong in it becomes a problem of the report, and costs no other part: a
 * full disk must not lose the comment. Gives whether it went well.
 */
export const keepReporting = async (
  report: { problems: ProblemReport[] },
  work: () => Promise<unknown>,
): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (failure) {
    report.problems.push(...problemsOf(failure).map(problemReport));
    return false;
  }
};
