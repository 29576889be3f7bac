import type { Verdict } from '../verdict/verdict.ts';
import { formatChange, formatValue } from './format-value.ts';
import { metricRows, rowName, shortRule } from './metric-rows.ts';
import { renderTerminal } from './render-terminal.ts';
import type { ProblemReport, Report, SuiteReport } from './report-model.ts';
import { xmlLines, xmlText } from './xml-text.ts';

/** How a test case ended: `skipped` for what was not decided, or what was set not to fail the step. */
type Outcome = 'passed' | 'failure' | 'error' | 'skipped';

type TestCase = {
  name: string;
  outcome: Outcome;
  /** One line; foreign. */
  message: string;
  /** Several lines; foreign. */
  text: string;
};

const outcomeOf = (verdict: Verdict, failOn: Report['failOn']): Outcome => {
  if (verdict === 'pass') return 'passed';
  if (!failOn.includes(verdict)) return 'skipped';
  return verdict === 'invalid' ? 'error' : 'failure';
};

/** In the text: the schema of Jenkins has no attributes for it. */
const placeText = (of: { file: string | null; line: number | null }): string =>
  of.file === null ? '' : `${of.file}${of.line === null ? '' : `:${of.line}`}: `;

const problemCase = (problem: ProblemReport, failOn: Report['failOn']): TestCase => ({
  name: problem.code,
  outcome: failOn.includes('invalid') ? 'error' : 'skipped',
  message: problem.what.split('\n')[0] ?? '',
  text: `${placeText(problem)}${problem.what}\n${problem.fix}`,
});

const limitCases = (suite: SuiteReport, failOn: Report['failOn']): TestCase[] =>
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
const verdictCase = (suite: SuiteReport, failOn: Report['failOn']): TestCase => ({
  name: 'verdict',
  outcome: outcomeOf(suite.verdict, failOn),
  message: suite.reason,
  text: suite.reason,
});

/** GitLab ignores a case whose name another one has. */
const withOwnNames = (cases: readonly TestCase[]): TestCase[] => {
  const seen = new Map<string, number>();
  return cases.map((test) => {
    const times = (seen.get(test.name) ?? 0) + 1;
    seen.set(test.name, times);
    return times === 1 ? test : { ...test, name: `${test.name} (${times})` };
  });
};

const caseXml = (test: TestCase, className: string): string => {
  const open = `    <testcase classname="${className}" name="${xmlText(test.name)}" time="0"`;
  const message = xmlText(test.message, 600);
  switch (test.outcome) {
    case 'passed':
      return `${open}/>`;
    case 'skipped':
      return `${open}>\n      <skipped message="${message}"/>\n    </testcase>`;
    default:
      return `${open}>\n      <${test.outcome} message="${message}" type="tailgate">${xmlLines(test.text, 60)}</${test.outcome}>\n    </testcase>`;
  }
};

type Counts = { tests: number; failures: number; errors: number; skipped: number; seconds: number };

const countsOf = (cases: readonly TestCase[], seconds: number): Counts => ({
  tests: cases.length,
  failures: cases.filter((test) => test.outcome === 'failure').length,
  errors: cases.filter((test) => test.outcome === 'error').length,
  skipped: cases.filter((test) => test.outcome === 'skipped').length,
  seconds,
});

const countAttributes = (counts: Counts): string =>
  `tests="${counts.tests}" failures="${counts.failures}" errors="${counts.errors}" time="${counts.seconds.toFixed(3)}"`;

/** The start without zone and fraction, as the readers of JUnit files want it; left out when it is no time. */
const timestampAttribute = (startedAt: string): string => {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.exec(startedAt)?.[0];
  return time === undefined ? '' : ` timestamp="${time}"`;
};

type TestSuite = { name: string; cases: TestCase[]; seconds: number; output: string };

const suiteXml = (suite: TestSuite, report: Report): string => {
  const name = xmlText(suite.name, 200);
  const counts = countsOf(suite.cases, suite.seconds);
  return [
    `  <testsuite name="${name}" ${countAttributes(counts)} skipped="${counts.skipped}"${timestampAttribute(report.startedAt)}>`,
    ...withOwnNames(suite.cases).map((test) => caseXml(test, `tailgate.${name}`)),
    ...(suite.output === '' ? [] : [`    <system-out>${xmlLines(suite.output, 400)}</system-out>`]),
    '  </testsuite>',
  ].join('\n');
};

/**
 * The report as JUnit XML, for Jenkins (the schema junit-10 of its xUnit plugin), GitLab and others: a test suite per suite and a test case per limit. What fails
 * in it is what fails the step (`failOn`); what was not decided is skipped.
 */
export const renderJunit = (report: Report): string => {
  const { failOn } = report;
  const suites: TestSuite[] = report.suites.map((suite) => ({
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
    const none: TestCase = {
      name: 'verdict',
      outcome: outcomeOf(report.verdict, failOn),
      message: 'No suite was judged.',
      text: 'No suite was judged.',
    };
    suites.push({ name: 'run', cases: problems.length > 0 ? problems : [none], seconds: 0, output: '' });
  }
  const all = countsOf(
    suites.flatMap((suite) => suite.cases),
    report.durations.totalMs / 1000,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="tailgate" ${countAttributes(all)}>`,
    ...suites.map((suite) => suiteXml(suite, report)),
    '</testsuites>',
    '',
  ].join('\n');
};
