import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openBaseCommit } from '../baseline/base-commit.ts';
import { problemsOf } from '../errors.ts';
import { publishReport, sectionOf } from '../github/publish-report.ts';
import type { Host } from '../host/host.ts';
import { maskStrings } from '../host/mask-strings.ts';
import type { CapacityReport } from '../report/capacity-model.ts';
import { capacityHeadline } from '../report/capacity-rows.ts';
import { renderCapacityJson } from '../report/render-capacity-json.ts';
import { renderCapacityJunit } from '../report/render-capacity-junit.ts';
import { renderCapacityMarkdown } from '../report/render-capacity-markdown.ts';
import { renderCapacityTerminal } from '../report/render-capacity-terminal.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import { annotateProblems, showProblems } from './gate-command.ts';
import { keepReporting } from './keep-reporting.ts';
import { findProvenance } from './provenance.ts';
import { type GithubAccess, linksOf, maxSummaryLength } from './publish-results.ts';
import { runCapacity } from './run-capacity.ts';
import {
  formPaths,
  type Renderers,
  type ReportFiles,
  writeForms,
  writeWantedForms,
} from './write-reports.ts';

export type CapacityCommand = {
  host: Host;
  /** Prints the result: on stdout, while messages and progress go where the host sends them. */
  print: (text: string) => void;
  inputs: RawInputs;
  files: WantedFiles;
  github: GithubAccess;
};

/** Renderers of the report of a search; `failOn` says which verdicts are failures to JUnit. */
export const capacityRenderers = (failOn: Report['failOn']): Renderers<CapacityReport> => ({
  json: renderCapacityJson,
  markdown: (report) => renderCapacityMarkdown(report),
  html: async (report) => (await import('../report/render-capacity-html.ts')).renderCapacityHtml(report),
  junit: (report) => renderCapacityJunit(report, failOn),
});

/** Not those of a run: a job may gate and search, and what merges reports of runs reads those by their name. */
const names: ReportFiles = {
  json: 'capacity.json',
  markdown: 'capacity.md',
  html: 'capacity.html',
  junit: 'capacity-junit.xml',
};

const writeSummary = async (host: Host, report: CapacityReport): Promise<void> => {
  try {
    await host.summary(host.mask(renderCapacityMarkdown(report, { maxLength: maxSummaryLength })));
  } catch (failure) {
    host.warn(
      `The job summary could not be written: ${failure instanceof Error ? failure.message : failure}`,
    );
  }
};

/** Publishes the comment and the check; gives the URL of the comment. Never throws. */
const publish = async (
  command: CapacityCommand,
  { settings, cwd }: LoadedSettings,
  report: CapacityReport,
): Promise<string> => {
  const { host, github } = command;
  // A cancelled run has a few seconds, and nothing to tell that the next one will not tell better.
  if (github === null || host.signal.aborted) return '';
  const links = linksOf(github);
  const published = await publishReport(github.client, {
    context: github.context,
    report: { ...report, failOn: settings.failOn, suites: [] },
    comment: settings.comment,
    check: settings.check,
    section: sectionOf(github.context, {
      suite: `${report.suite} (capacity)`,
      matrix: github.matrix,
      step: host.env.GITHUB_ACTION ?? null,
    }),
    headline: host.mask(capacityHeadline(report).title),
    renderMarkdown: (maxLength) => host.mask(renderCapacityMarkdown(report, { maxLength, links })),
    root: host.env.GITHUB_WORKSPACE ?? cwd,
  });
  for (const problem of published.problems) host.warn(problem.message);
  for (const note of published.notes) host.info(note);
  return published.comment?.url ?? '';
};

const writeOutputs = (host: Host, report: CapacityReport, files: ReportFiles, commentUrl: string): void => {
  const { holds } = report.head.edge;
  host.output('verdict', report.verdict);
  host.output('capacity', holds === null ? '' : String(holds));
  host.output('report-json', files.json);
  host.output('report-markdown', files.markdown);
  host.output('report-html', files.html);
  host.output('regressions', JSON.stringify(report.verdict === 'fail' ? [report.reason] : []));
  host.output('baseline-commit', report.commits.base ?? '');
  host.output('comment-url', commentUrl);
};

/** Searches and judges, then reports and publishes, then, last, gives the exit code. */
const perform = async (command: CapacityCommand, loaded: LoadedSettings): Promise<number> => {
  const { host } = command;
  const { settings, cwd } = loaded;
  const context = command.github?.context ?? null;
  const found = await runCapacity({
    loaded,
    host,
    provenance: await findProvenance(cwd, host.env, context),
    openBase: () => openBaseCommit(settings.baseline, { cwd, env: host.env, context, signal: host.signal }),
  });
  const renderers = capacityRenderers(settings.failOn);
  const mask = (text: string): string => host.mask(text);
  const report = maskStrings(found, mask);
  const files = formPaths(names, settings.reportDir);
  await keepReporting(report, () => writeForms(renderers, names, report, settings.reportDir, mask));
  await keepReporting(report, () => writeWantedForms(renderers, report, command.files, host.cwd, mask));
  await writeSummary(host, report);
  writeOutputs(host, report, files, await publish(command, loaded, report));
  command.print(renderCapacityTerminal(report, { columns: host.columns, color: host.interactive }));
  annotateProblems(host, { ...report, suites: [] });
  const shown = [files.markdown, files.html, files.json].map((file) => path.relative(host.cwd, file));
  host.info(`Reports: ${shown.join(', ')}`);
  return exitCodeOf({ ...report, failOn: settings.failOn, suites: [] });
};

/** `tailgate capacity` from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const capacityCommand = async (command: CapacityCommand): Promise<number> => {
  const { host } = command;
  try {
    const loaded = await loadSettings({
      cwd: host.cwd,
      inputs: command.inputs,
      readFile: (file) => readFile(file, 'utf8'),
    });
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    return exitCodeOfProblems(problems);
  }
};
