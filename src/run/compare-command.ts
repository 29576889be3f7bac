import { type TailgateError, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { mainCandidates } from '../metrics/main-metric.ts';
import type { Threshold } from '../metrics/threshold.ts';
import { parseThreshold } from '../metrics/threshold-grammar.ts';
import { buildReport } from '../report/build-report.ts';
import { compareSuites } from '../report/compare-suites.ts';
import { renderTerminal } from '../report/render-terminal.ts';
import type { Report, SuiteReport } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { makePlan } from '../settings/make-plan.ts';
import type { SuiteQuestion } from '../verdict/judgement.ts';
import { exitCodeOf } from './exit-code.ts';
import { matchingSuite } from './matching-suite.ts';
import { readReport } from './report-command.ts';
import { writeReport } from './write-reports.ts';

/** `tailgate compare`: judges the second of two JSON reports by the first. Throws REPORT_UNREADABLE and settings errors. */
export const compareReports = async (options: {
  host: Host;
  print: (text: string) => void;
  inputs: RawInputs;
  before: string;
  after: string;
  files: WantedFiles;
}): Promise<number> => {
  const { host } = options;
  const loaded = await loadSettings({
    cwd: host.cwd,
    inputs: options.inputs,
    needsSuites: false,
  });
  const before = await readReport(options.before, host.cwd);
  const after = await readReport(options.after, host.cwd);
  if (after.suites.length === 0)
    throw tailgateError('REPORT_UNREADABLE', { path: options.after, reason: 'it has no suites' });
  const [names, suites] = [namesOf(before), namesOf(after)];
  if (suites.every((name) => matchingSuite(name, names, suites) === null))
    throw tailgateError('NOTHING_IN_COMMON', { before: names, after: suites });
  const report = buildReport({
    suites: after.suites.map((suite) => compareSuite(loaded, before, after, suite)),
    failOn: loaded.settings.failOn,
    problems: [...invalidReports({ first: before, second: after }), ...vanishedSuites(before, after)],
    environment: after.environment,
    commits: { head: after.commits.head, base: before.commits.head },
    runUrl: after.runUrl,
    startedAt: after.startedAt,
    durations: after.durations,
  });
  await writeReport(report, {
    reportDir: null,
    wanted: options.files,
    cwd: host.cwd,
    failOn: report.failOn,
    mask: (text) => text,
  });
  options.print(renderTerminal(report, host.result));
  return exitCodeOf(report);
};

function namesOf(report: Report): string[] {
  return report.suites.map(({ name }) => name);
}

function compareSuite(loaded: LoadedSettings, before: Report, after: Report, head: SuiteReport): SuiteReport {
  const oldName = matchingSuite(head.name, namesOf(before), namesOf(after));
  const old = before.suites.find((suite) => suite.name === oldName);
  const asked = askedOf(loaded, head);
  const question: SuiteQuestion = {
    suite: head.name,
    comparison: old === undefined ? 'none' : 'single',
    thresholds: asked.thresholds,
    settings: loaded.settings.verdict,
    mainMetric: asked.main,
    final: true,
    invalid: [old, head].flatMap((suite) =>
      suite?.verdict === 'invalid'
        ? [`One of the reports is itself invalid: ${suite.reason}`]
        : (suite?.problems ?? []).map(
            ({ what }) => `One of the reports has a problem: ${what.split('\n')[0]}`,
          ),
    ),
    generatorDelays: head.generator?.bottleneck ?? old?.generator?.bottleneck ?? null,
  };
  const warnings = [
    ...differences(before, after),
    ...(old === undefined ? [`The first report has no suite "${head.name}".`] : []),
    ...(old !== undefined && old.name !== head.name
      ? [`It is compared with "${old.name}" of the first report.`]
      : []),
  ];
  return compareSuites(question, old ?? null, head, warnings);
}

/** Limits of a suite and the main metric that is named: of the settings, if they know the suite; else those given for all. */
function askedOf(
  loaded: LoadedSettings,
  suite: SuiteReport,
): { thresholds: Threshold[]; main: string | null } {
  const planned = makePlan(loaded.settings, { ...loaded, selected: [] }).suites.find(
    ({ name }) => name === suite.name,
  );
  const thresholds =
    planned?.thresholds ??
    loaded.settings.thresholds.map((source, index) =>
      parseThreshold(source, loaded.placeOf(['thresholds', index])),
    );
  return { thresholds, main: planned?.measure.main ?? reportedMain(suite) };
}

/**
 * The main metric that a report says; null when it is one that is chosen last, as earlier versions did not: then it is
 * chosen anew.
 */
function reportedMain({ main, metrics }: SuiteReport): string | null {
  const latencies = metrics.filter(({ head }) => head !== null).map(({ id }) => id);
  return main && mainCandidates(latencies).includes(main) ? main : null;
}

function differences(before: Report, after: Report): string[] {
  const keys = ['cpuModel', 'cores', 'memoryGiB', 'os', 'node'] as const;
  return keys
    .filter((key) => before.environment[key] !== after.environment[key])
    .map(
      (key) =>
        `The reports come from different environments (${key}: ${before.environment[key]} and ${after.environment[key]}), so a change need not come from the server.`,
    );
}

/** A run that came to no verdict is no measure for another, nor measured by one. */
function invalidReports(reports: Record<'first' | 'second', Report>): TailgateError[] {
  return Object.entries(reports).flatMap(([which, { verdict, suites, problems }]) =>
    verdict === 'invalid' && suites.every((suite) => suite.verdict !== 'invalid')
      ? [
          tailgateError('COMPARED_INVALID', {
            which,
            reason: problems[0]?.what.split('\n')[0] ?? 'it says "invalid"',
          }),
        ]
      : [],
  );
}

/** What the first report measured and the second did not would be lost without a word. */
function vanishedSuites(before: Report, after: Report): TailgateError[] {
  const [names, suites] = [namesOf(before), namesOf(after)];
  const compared = new Set(suites.map((name) => matchingSuite(name, names, suites)));
  const vanished = names.filter((name) => !compared.has(name));
  return vanished.length === 0 ? [] : [tailgateError('SUITES_VANISHED', { names: vanished })];
}
