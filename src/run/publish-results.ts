import type { GithubClient } from '../github/client.ts';
import type { GithubContext } from '../github/github-context.ts';
import { publishReport, sectionOf } from '../github/publish-report.ts';
import type { Host } from '../host/host.ts';
import { headlineOf } from '../report/headline.ts';
import { renderMarkdown } from '../report/render-markdown.ts';
import { renderTerminal } from '../report/render-terminal.ts';
import type { Report } from '../report/report-model.ts';
import type { Settings } from '../settings/settings-schema.ts';
import type { ReportFiles } from './write-reports.ts';

/** How a job reaches GitHub; null where there is none, or no token. */
export type GithubAccess = {
  context: GithubContext;
  client: GithubClient;
  /** Values of this job in its matrix, as JSON; null outside of one. */
  matrix: string | null;
} | null;

/** GitHub accepts at most 1 MiB for the summary of a step. */
export const maxSummaryLength = 900_000;

/** Links of the comment: to commits, to the run, and to the artifacts of the run, where the full report is. */
export const linksOf = (github: GithubAccess): NonNullable<Parameters<typeof renderMarkdown>[1]>['links'] => {
  if (github === null) return {};
  const { repository, serverUrl, runUrl } = github.context;
  if (repository === null) return {};
  return {
    repository: `${serverUrl}/${repository.owner}/${repository.repo}`,
    ...(runUrl === null ? {} : { run: runUrl, report: `${runUrl}#artifacts` }),
  };
};

/** A run that is undecided because it is suspect can be settled by another machine, so workflows can tell it apart. */
const outputVerdict = (report: Report): string =>
  report.verdict === 'inconclusive' && report.suites.some(({ suspect }) => suspect === true)
    ? 'suspect'
    : report.verdict;

const regressions = (report: Report): string[] =>
  report.suites.flatMap((suite) =>
    suite.metrics.flatMap((metric) =>
      metric.limit.filter((limit) => limit.verdict === 'fail').map((limit) => `${suite.name}: ${limit.rule}`),
    ),
  );

/** Prints the result, sets outputs and summary, and publishes comment and check. Never throws. */
export const publishResults = async (
  report: Report,
  files: ReportFiles,
  options: {
    host: Host;
    settings: Settings;
    github: GithubAccess;
    suite: string | null;
    root: string;
    print: (text: string) => void;
  },
): Promise<void> => {
  const { host, settings, github } = options;
  const commits = report.commits;
  host.output('verdict', outputVerdict(report));
  host.output('report-json', files.json);
  host.output('report-markdown', files.markdown);
  host.output('report-html', files.html);
  host.output('regressions', JSON.stringify(regressions(report)));
  host.output('baseline-commit', commits.base ?? '');
  try {
    await host.summary(host.mask(renderMarkdown(report, { maxLength: maxSummaryLength })));
  } catch (failure) {
    host.warn(
      `The job summary could not be written: ${failure instanceof Error ? failure.message : failure}`,
    );
  }
  let commentUrl = '';
  const links = linksOf(github);
  if (github !== null) {
    const { title } = headlineOf(report);
    const published = await publishReport(github.client, {
      context: github.context,
      report,
      comment: settings.comment,
      check: settings.check,
      section: sectionOf(github.context, {
        suite: options.suite,
        matrix: github.matrix,
        step: host.env.GITHUB_ACTION ?? null,
      }),
      headline: host.mask(title),
      renderMarkdown: (maxLength) => host.mask(renderMarkdown(report, { maxLength, links })),
      root: options.root,
    });
    for (const problem of published.problems) host.warn(problem.message);
    for (const note of published.notes) host.info(note);
    commentUrl = published.comment?.url ?? '';
  }
  host.output('comment-url', commentUrl);
  options.print(renderTerminal(report, { columns: host.columns, color: host.interactive }));
};
