import type { TailgateError } from '../errors.ts';
import type { Verdict } from '../verdict/verdict.ts';
import type { ProblemReport } from './report-model.ts';

/** An error of the catalogue as the report shows it. */
export const problemReport = (error: TailgateError): ProblemReport => ({
  code: error.code,
  what: error.what,
  fix: error.fix,
  file: error.where.file ?? null,
  line: error.where.line ?? null,
});

/** Problems as the report shows them: what came from two places is said once. */
export const problemReports = (errors: readonly TailgateError[]): ProblemReport[] => {
  const bySaying = new Map(errors.map(problemReport).map((problem) => [JSON.stringify(problem), problem]));
  return [...bySaying.values()];
};

/** A problem after which no verdict stands: it turns a pass into invalid, and leaves a fail. */
export const verdictWith = (verdict: Verdict, problems: readonly TailgateError[]): Verdict =>
  verdict !== 'fail' && problems.some(endsTheRun) ? 'invalid' : verdict;

function endsTheRun({ code, exit }: TailgateError): boolean {
  return exit === 'invalid' || exit === 'cancelled' || code === 'INTERNAL';
}
