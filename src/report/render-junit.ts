import { formatChange, formatValue } from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { type JunitCase, type JunitOutcome, type JunitSuite, junitXml } from './junit-xml.ts';
import { metricRows, placeOf, rowName, shortRule } from './metric-rows.ts';
import { renderTerminal } from './render-terminal.ts';
import type { ProblemReport, Report, SuiteReport } from './report-model.ts';

/** How a verdict counts in a test report: what fails there is what fails the step. */
export const outcomeOf = (verdict: Verdict, failOn: Report['failOn']): JunitOutcome => {
  if (verdict === 'pass') return 'passed';
  if (!failOn.includes(verdict)) return 'skipped';
  return verdict === 'invalid' ? 'error' : 'failure';
};

/** In the text: the schema of Jenkins has no attributes for it. */
const placeText = (of: { file: string | null; line: number | null }): string => {
  const where = placeOf(of);
  return where === null ? '' : `${where}: `;
};

export const problemCase = (problem: ProblemReport, failOn: Report['failOn']): JunitCase => ({
  name: problem.code,
  outcome: failOn.includes('invalid') ? 'error' : 'skipped',
  message: problem.what.split('\n')[0] ?? '',
  text: `${placeText(problem)}${problem.what}\n${problem.fix}`,
});

const limitCases = (suite: SuiteReport, failOn: Report['failOn']): JunitCase[] =>
  metricRows(suite).flatMap((row) =>
    row.limits.map((limit) => {
      const values = [
        `baseline ${formatValue(row.baseline, row.unit, row.statistic)}`,
        `head ${formatValue(row.head, row.unit, row.statistic)}`,
        ...(row.change === null ? [] : [`change ${formatChange(row.change)}`]),
      ].join(', ');
      return {
        name: `${rowName(row)} ${shortRule(limit.rule, row)}`,
        outcome: outcomeOf(limit.verdict, failOn),
        message: limit.explanation,
        text: `${placeText(limit)}${limit.explanation}\n${values}`,
      };
    }),
  );

/** The verdict itself is a case too: a suite without a limit has one, and an invalid one can never look passed. */
const verdictCase = (suite: SuiteReport, failOn: Report['failOn']): JunitCase => ({
  name: 'verdict',
  outcome: outcomeOf(suite.verdict, failOn),
  message: suite.reason,
  text: suite.reason,
});

/**
 * The report as JUnit XML: a test suite per suite and a test case per limit. What fails
 * in it is what fails the step (`failOn`); what was not decided is skipped.
 */
export const renderJunit = (report: Report): string => {
  const { failOn } = report;
  const suites: JunitSuite[] = report.suites.map((suite) => ({
    name: suite.name,
    cases: [
      verdictCase(suite, failOn),
      ...suite.problems.map((problem) => problemCase(problem, failOn)),
      ...limitCases(suite, failOn),
    ],
    seconds: suite.rounds.reduce((total, round) => total + round.activeMs / 1000, 0),
    output: renderTerminal(
      { ...report, suites: [suite], problems: [], verdict: suite.verdict },
      { full: true },
    ),
  }));
  if (report.problems.length > 0 || suites.length === 0) {
    const problems = report.problems.map((problem) => problemCase(problem, failOn));
    const none: JunitCase = {
      name: 'verdict',
      outcome: outcomeOf(report.verdict, failOn),
      message: 'No suite was judged.',
      text: 'No suite was judged.',
    };
    suites.push({ name: 'run', cases: problems.length > 0 ? problems : [none], seconds: 0, output: '' });
  }
  return junitXml(suites, report.startedAt, report.durations.totalMs);
};
