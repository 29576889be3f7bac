import path from 'node:path';
import { problemsOf, type TailgateError } from '../errors.ts';
import type { GithubClient } from '../github/client.ts';
import type { CommentWhen } from '../github/comment-policy.ts';
import type { GithubContext } from '../github/github-context.ts';
import type { CheckRequest } from '../github/publish-check.ts';
import { publishReport } from '../github/publish-report.ts';
import type { Host } from '../host/host.ts';
import { plainText } from '../report/document.ts';
import { type AnyReport, documentOf, isCapacity } from '../report/document-of.ts';
import { problemReport } from '../report/problem-report.ts';
import { type MarkdownOptions, renderMarkdown } from '../report/render-markdown.ts';
import { renderTerminal } from '../report/render-terminal.ts';
import type { ProblemReport, Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { removeEmptyLogs, reportPaths } from './report-folder.ts';
import { writeReport } from './write-reports.ts';

/** How a job reaches GitHub; null where there is none, or no token. */
export type GithubAccess = {
  context: GithubContext;
  client: GithubClient;
  /** Values of this job in its matrix, as JSON; null outside of one. */
  matrix: string | null;
} | null;

/** A comment and a check: on which commit and pull request, and which part of a shared comment. */
export type Target = {
  context: GithubContext;
  section: { key: string; title: string };
  /** The commit that was measured, where git says so: its pull request's head, where it is the merge of one. */
  measuredSha?: string | null;
  /** The same each time, where the same report may be published again. */
  by?: string;
};

/** Where the result of a command goes. */
export type Delivery = {
  host: Host;
  /** Folder of the report, absolute. */
  reportDir: string;
  /** Forms that the user asked for beside those in the folder. */
  wanted: WantedFiles;
  /** Verdicts that fail the step. */
  failOn: Report['failOn'];
  client: GithubClient | null;
  targets: readonly Target[];
  comment: CommentWhen;
  check: { kind: 'none' | CheckRequest['kind']; name: string };
  /** Links that the comment may show. */
  links: MarkdownOptions['links'];
  /** Folder of the checkout. */
  root: string;
  /** Outputs of the step besides the paths of the report and the address of the comment. */
  outputs: Readonly<Record<string, string>>;
  /** Prints the result; null where the log has it already. */
  print: ((text: string) => void) | null;
  /** How the log of a workflow shows the problems of the report: a warning where they are another run's; null where it has them. */
  tell: 'error' | 'warn' | null;
  /** Waits of the comment's verification; for tests. */
  verifyAfterMs?: readonly number[] | undefined;
};

/**
 * Brings a report to whoever reads it: files, summary, comment and check, outputs, terminal. Never throws, and what
 * cannot be done costs nothing else: it becomes a problem of the report. The verdict stands.
 */
export async function deliver(report: AnyReport, delivery: Delivery): Promise<void> {
  const { host } = delivery;
  const files = reportPaths(delivery.reportDir, isCapacity(report));
  await keepReporting(report, () => write(report, delivery));
  await summarise(report, delivery);
  const outputs = {
    'report-json': files.json,
    'report-markdown': files.markdown,
    'report-html': files.html,
    ...delivery.outputs,
  };
  // What the job needs is out before GitHub is asked for anything, which may take its time.
  for (const [name, value] of Object.entries(outputs)) host.output(name, value);
  host.output('comment-url', await publish(report, delivery));
  delivery.print?.(renderTerminal(report, host.result));
  annotate(report, delivery);
  // The report is out, so that what goes wrong from here on is told by itself.
  const told = report.problems.length;
  await keepReporting(report, () => removeEmptyLogs(delivery.reportDir));
  for (const { what, fix } of report.problems.slice(told)) host.error(`${what}\n${fix}`);
  const shown = [files.markdown, files.html, files.json].map((file) => path.relative(host.cwd, file));
  host.info(`Reports: ${shown.join(', ')}`);
}

/**
 * Does one part of the reporting. What goes wrong in it becomes a problem of the report, and costs no other part: a
 * full disk must not lose the comment. Gives whether it went well.
 */
export async function keepReporting(
  report: { problems: ProblemReport[] },
  work: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (failure) {
    report.problems.push(...problemsOf(failure).map(problemReport));
    return false;
  }
}

/** Shows problems that ended a command, each at its place. */
export function showProblems(host: Host, problems: readonly TailgateError[]): void {
  for (const problem of problems) host.error(`${problem.what}\n${problem.fix}`, problem.where);
}

/** Links of a job's own comment: to commits, to the run, and to the artifacts of the run, where the full report is. */
export function linksOf(github: GithubAccess): MarkdownOptions['links'] {
  const repository = github?.context.repository ?? null;
  if (github === null || repository === null) return {};
  const { serverUrl, runUrl } = github.context;
  return {
    repository: `${serverUrl}/${repository.owner}/${repository.repo}`,
    ...(runUrl === null ? {} : { run: runUrl, report: `${runUrl}#artifacts` }),
  };
}

const write = (report: AnyReport, delivery: Delivery): Promise<void> => {
  const { host, reportDir, wanted, failOn } = delivery;
  return writeReport(report, { reportDir, wanted, cwd: host.cwd, failOn, mask: (text) => host.mask(text) });
};

/** GitHub drops the summary of a step that has more than 1 MiB, and counts bytes. */
const maxSummaryBytes = 1_000_000;

/** The markdown in at most so many bytes, of which a character may have several. */
const markdownInBytes = (report: AnyReport, maxBytes: number): string => {
  let maxLength = maxBytes;
  for (;;) {
    const text = renderMarkdown(report, { maxLength });
    const bytes = Buffer.byteLength(text);
    if (bytes <= maxBytes || maxLength < 1_000) return text;
    maxLength = Math.floor(Math.min(text.length, maxLength) * (maxBytes / bytes) * 0.95);
  }
};

async function summarise(report: AnyReport, { host }: Delivery): Promise<void> {
  try {
    await host.summary(host.mask(markdownInBytes(report, maxSummaryBytes)));
  } catch (failure) {
    host.warn(
      `The job summary could not be written: ${failure instanceof Error ? failure.message : failure}`,
    );
  }
}

/** Publishes the comment and the check; gives the address of the comment, empty when there is none. */
async function publish(report: AnyReport, delivery: Delivery): Promise<string> {
  const { host, client, links } = delivery;
  // A cancelled run has a few seconds, and nothing to tell that the next one will not tell better.
  if (client === null || host.signal.aborted) return '';
  const judged = { ...report, failOn: delivery.failOn, suites: isCapacity(report) ? [] : report.suites };
  let commentUrl = '';
  for (const { context, section, measuredSha, by } of delivery.targets) {
    const published = await publishReport(client, {
      context,
      measuredSha: measuredSha ?? null,
      ...(by === undefined ? {} : { by }),
      report: judged,
      comment: delivery.comment,
      check: delivery.check,
      section,
      headline: host.mask(plainText(documentOf(report).headline.title)),
      renderMarkdown: (maxLength) => host.mask(renderMarkdown(report, { maxLength, links })),
      root: delivery.root,
      ...(delivery.verifyAfterMs === undefined ? {} : { verifyAfterMs: delivery.verifyAfterMs }),
    });
    for (const problem of published.problems) host.warn(problem.message);
    for (const note of published.notes) host.info(note);
    commentUrl = published.comment?.url ?? commentUrl;
  }
  return commentUrl;
}

/** Shows the problems of a report as annotations of the workflow; on a terminal the report itself is what is read. */
function annotate(report: AnyReport, { host, tell }: Delivery): void {
  if (host.kind !== 'actions' || tell === null) return;
  const suites = isCapacity(report) ? [] : report.suites;
  for (const { what, fix, file, line } of [
    ...report.problems,
    ...suites.flatMap(({ problems }) => problems),
  ]) {
    // What a command printed last is in the log, above.
    const [first = ''] = what.split('\n');
    host[tell](`${first}\n${fix}`, { file: file ?? undefined, line: line ?? undefined });
  }
  for (const { name, explanation } of suites) {
    const place = explanation?.sentences.findLast((sentence) => sentence.place !== undefined)?.place;
    if (place !== undefined)
      host.warn(
        `${name}: ${explanation!.sentences.map(({ text }) => text.replaceAll('`', '')).join(' ')}`,
        place,
      );
  }
}
