import { formatChange, formatValue } from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { placeOf } from './document.ts';
import { type AnyReport, isCapacity } from './document-of.ts';
import { type JunitCase, type JunitOutcome, type JunitSuite, junitXml } from './junit-xml.ts';
import { metricRows, rowName, shortRule } from './metric-rows.ts';
import { renderTerminal } from './render-terminal.ts';
import type { ProblemReport, Report, SuiteReport } from './report-model.ts';

type FailOn = Report['failOn'];

/**
 * A report as JUnit XML: a test suite per suite and a test case per limit, or one for the capacity. What fails in it is
 * what fails the step (`failOn`); what was not decided is skipped.
 */
export function renderJunit(report: AnyReport, failOn: FailOn): string {
  const suites = isCapacity(report) ? [capacitySuite(report, failOn)] : suitesOf(report, failOn);
  return junitXml(suites, report.startedAt, report.durations.totalMs);
}

function suitesOf(report: Report, failOn: FailOn): JunitSuite[] {
  const suites: JunitSuite[] = report.suites.map((suite) => ({
    name: suite.name,
    cases: [
      verdictCase('verdict', suite.verdict, suite.reason, failOn),
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
    const none = verdictCase('verdict', report.verdict, 'No suite was judged.', failOn);
    suites.push({ name: 'run', cases: problems.length > 0 ? problems : [none], seconds: 0, output: '' });
  }
  return suites;
}

function capacitySuite(report: Extract<AnyReport, { kind: 'capacity' }>, failOn: FailOn): JunitSuite {
  return {
    name: report.suite || 'capacity',
    cases: [
      verdictCase('capacity', report.verdict, report.reason, failOn),
      ...report.problems.map((problem) => problemCase(problem, failOn)),
    ],
    seconds: report.durations.loadMs / 1000,
    output: renderTerminal(report),
  };
}

/** How a verdict counts in a test report: what fails there is what fails the step. */
function outcomeOf(verdict: Verdict, failOn: FailOn): JunitOutcome {
  if (verdict === 'pass') return 'passed';
  if (!failOn.includes(verdict)) return 'skipped';
  return verdict === 'invalid' ? 'error' : 'failure';
}

/** The verdict itself is a case too: a suite without a limit has one, and an invalid one can never look passed. */
const verdictCase = (name: string, verdict: Verdict, reason: string, failOn: FailOn): JunitCase => ({
  name,
  outcome: outcomeOf(verdict, failOn),
  message: told(verdict, reason, failOn),
  text: told(verdict, reason, failOn),
});

/** What does not fail the step is skipped to a reader of tests, so the message begins with what it is. */
const told = (verdict: Verdict, reason: string, failOn: FailOn): string =>
  verdict === 'pass' || failOn.includes(verdict) ? reason : `${verdict}: ${reason}`;

/** In the text: the schema of Jenkins has no attributes for it. */
function placeText(of: { file: string | null; line: number | null }): string {
  const where = placeOf(of);
  return where === null ? '' : `${where}: `;
}

const problemCase = (problem: ProblemReport, failOn: FailOn): JunitCase => ({
  name: problem.code,
  outcome: failOn.includes('invalid') ? 'error' : 'skipped',
  message: problem.what.split('\n')[0] ?? '',
  text: `${placeText(problem)}${problem.what}\n${problem.fix}`,
});

const limitCases = (suite: SuiteReport, failOn: FailOn): JunitCase[] =>
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
        message: told(limit.verdict, limit.explanation, failOn),
        text: `${placeText(limit)}${told(limit.verdict, limit.explanation, failOn)}\n${values}`,
      };
    }),
  );
