import type { CapacityReport } from './capacity-model.ts';
import { type JunitCase, junitXml } from './junit-xml.ts';
import { renderCapacityTerminal } from './render-capacity-terminal.ts';
import { outcomeOf, problemCase } from './render-junit.ts';
import type { Report } from './report-model.ts';

/** The report of a capacity search as JUnit XML: one case for the verdict, and one per problem. */
export const renderCapacityJunit = (report: CapacityReport, failOn: Report['failOn']): string => {
  const verdict: JunitCase = {
    name: 'capacity',
    outcome: outcomeOf(report.verdict, failOn),
    message: report.reason,
    text: report.reason,
  };
  const cases = [verdict, ...report.problems.map((problem) => problemCase(problem, failOn))];
  const seconds = report.durations.loadMs / 1000;
  const suite = { name: report.suite, cases, seconds, output: renderCapacityTerminal(report) };
  return junitXml([suite], report.startedAt, report.durations.totalMs);
};
