import { overallVerdict, type Verdict } from '../verdict/verdict.ts';
import type { EnvironmentReport, Report, SuiteReport } from './report-model.ts';

/** A report and what tells it apart from the others, for example the values of its leg of a matrix. */
export type LabelledReport = { label: string; report: Report };

/**
 * One report of several, for example of the legs of a matrix, with one verdict. Suites that have the same name in
 * several reports are named `label: suite`, and keep that of their own report beside it; a suite that was measured elsewhere than the first says where. The reports
 * ran at the same time, so they took as long as the longest. Throws RangeError when there is none.
 */
export const mergeReports = (parts: readonly LabelledReport[]): Report => {
  const [first] = parts;
  if (first === undefined) throw new RangeError('There is no report to merge.');
  const reports = parts.map((part) => part.report);
  const uses = new Map<string, number>();
  for (const suite of reports.flatMap((report) => report.suites))
    uses.set(suite.name, (uses.get(suite.name) ?? 0) + 1);
  const taken = new Set<string>();
  const suites = parts.flatMap(({ label, report }) =>
    report.suites.map((suite): SuiteReport => {
      const name = ownName(suite, label, (uses.get(suite.name) ?? 0) > 1, taken);
      const environment = suite.environment ?? report.environment;
      const { environment: _, ...rest } = suite;
      return {
        ...rest,
        name,
        ...(name === suite.name ? {} : { originalName: suite.originalName ?? suite.name }),
        ...(sameEnvironment(environment, first.report.environment) ? {} : { environment }),
      };
    }),
  );
  const longest = (of: (report: Report) => number): number => Math.max(...reports.map(of));
  return {
    schemaVersion: 1,
    // A report without suites (it never came so far) has a verdict of its own, which counts too.
    verdict: overallVerdict(reports.map(worstVerdict)),
    failOn: [...new Set(reports.flatMap((report) => report.failOn))],
    suites,
    problems: parts.flatMap(({ label, report }) =>
      report.problems.map((problem) => ({ ...problem, what: `${label}: ${problem.what}` })),
    ),
    environment: first.report.environment,
    commits: {
      head: agreed(reports.map((report) => report.commits.head)),
      base: agreed(reports.map((report) => report.commits.base)),
      ...mergedCommit(reports.map((report) => report.commits.merged)),
    },
    runUrl: agreed(reports.map((report) => report.runUrl)),
    startedAt: reports.map((report) => report.startedAt).sort()[0]!,
    durations: {
      totalMs: longest((report) => report.durations.totalMs),
      buildMs: longest((report) => report.durations.buildMs),
      loadMs: longest((report) => report.durations.loadMs),
      ...(reports.some((report) => report.durations.explainMs !== undefined)
        ? { explainMs: longest((report) => report.durations.explainMs ?? 0) }
        : {}),
    },
  };
};

/** The verdict of a report, or that of a suite in it which is worse: it is never better than the worst of its parts. */
export const worstVerdict = ({ verdict, suites }: Pick<Report, 'verdict' | 'suites'>): Verdict =>
  overallVerdict([verdict, ...suites.map((suite) => suite.verdict)]);

function ownName(suite: SuiteReport, label: string, isShared: boolean, taken: Set<string>): string {
  // Behind a slash stands the level of a suite, and so nothing of a label does.
  const wanted = isShared ? `${label.replaceAll('/', '-')}: ${suite.name}` : suite.name;
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted} (${number})`;
  taken.add(name);
  return name;
}

function sameEnvironment(a: EnvironmentReport, b: EnvironmentReport): boolean {
  return (Object.keys(a) as (keyof EnvironmentReport)[]).every((key) => a[key] === b[key]);
}

/** The one value that all have, else null. */
function agreed(values: readonly (string | null)[]): string | null {
  return values.every((value) => value === values[0]) ? (values[0] ?? null) : null;
}

function mergedCommit(commits: readonly (string | undefined)[]): { merged?: string } {
  const [first] = commits;
  return first !== undefined && commits.every((commit) => commit === first) ? { merged: first } : {};
}
