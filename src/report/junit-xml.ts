import { xmlLines, xmlText } from './xml-text.ts';

/** How a test case ended: `skipped` for what was not decided, or what was set not to fail the step. */
export type JunitOutcome = 'passed' | 'failure' | 'error' | 'skipped';

export type JunitCase = {
  name: string;
  outcome: JunitOutcome;
  /** One line; foreign. */
  message: string;
  /** Several lines; foreign. */
  text: string;
};

export type JunitSuite = { name: string; cases: JunitCase[]; seconds: number; output: string };

/** JUnit XML as Jenkins (the schema junit-10 of its xUnit plugin), GitLab and others read it. */
export const junitXml = (suites: readonly JunitSuite[], startedAt: string, totalMs: number): string => {
  const all = countsOf(
    suites.flatMap((suite) => suite.cases),
    totalMs / 1000,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="tailgate" ${countAttributes(all)}>`,
    ...suites.map((suite) => suiteXml(suite, startedAt)),
    '</testsuites>',
    '',
  ].join('\n');
};

type Counts = { tests: number; failures: number; errors: number; skipped: number; seconds: number };

function countsOf(cases: readonly JunitCase[], seconds: number): Counts {
  return {
    tests: cases.length,
    failures: cases.filter((test) => test.outcome === 'failure').length,
    errors: cases.filter((test) => test.outcome === 'error').length,
    skipped: cases.filter((test) => test.outcome === 'skipped').length,
    seconds,
  };
}

function countAttributes(counts: Counts): string {
  return `tests="${counts.tests}" failures="${counts.failures}" errors="${counts.errors}" time="${counts.seconds.toFixed(3)}"`;
}

function suiteXml(suite: JunitSuite, startedAt: string): string {
  const name = xmlText(suite.name, 200);
  const counts = countsOf(suite.cases, suite.seconds);
  return [
    `  <testsuite name="${name}" ${countAttributes(counts)} skipped="${counts.skipped}"${timestampAttribute(startedAt)}>`,
    ...withOwnNames(suite.cases).map((test) => caseXml(test, `tailgate.${name}`)),
    ...(suite.output === '' ? [] : [`    <system-out>${xmlLines(suite.output, 400)}</system-out>`]),
    '  </testsuite>',
  ].join('\n');
}

/** The start without zone and fraction, as the readers of JUnit files want it; left out when it is no time. */
function timestampAttribute(startedAt: string): string {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.exec(startedAt)?.[0];
  return time === undefined ? '' : ` timestamp="${time}"`;
}

/** GitLab ignores a case whose name another one has. */
function withOwnNames(cases: readonly JunitCase[]): JunitCase[] {
  const seen = new Map<string, number>();
  return cases.map((test) => {
    const times = (seen.get(test.name) ?? 0) + 1;
    seen.set(test.name, times);
    return times === 1 ? test : { ...test, name: `${test.name} (${times})` };
  });
}

function caseXml(test: JunitCase, className: string): string {
  const open = `    <testcase classname="${className}" name="${xmlText(test.name)}" time="0"`;
  const message = xmlText(test.message, 600);
  switch (test.outcome) {
    case 'passed':
      return `${open}/>`;
    case 'skipped':
      // GitLab shows the text; Jenkins the message, and versions since 2025 only what the case printed.
      return `${open}>\n      <skipped message="${message}" type="tailgate">${xmlLines(test.text, 60)}</skipped>\n      <system-out>${xmlLines(test.text, 60)}</system-out>\n    </testcase>`;
    default:
      return `${open}>\n      <${test.outcome} message="${message}" type="tailgate">${xmlLines(test.text, 60)}</${test.outcome}>\n    </testcase>`;
  }
}
