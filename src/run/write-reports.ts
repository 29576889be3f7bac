import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { problemsOf, type TailgateError, tailgateError, throwProblems } from '../errors.ts';
import { renderJson } from '../report/render-json.ts';
import { renderJunit } from '../report/render-junit.ts';
import { renderMarkdown } from '../report/render-markdown.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';

/** Where the reports of a run are. Absolute paths. */
export type ReportFiles = { json: string; markdown: string; html: string; junit: string };

/** A renderer for each form of a report. */
export type Renderers<R> = Record<keyof ReportFiles, (report: R) => string | Promise<string>>;

/** The charts are half a megabyte of code, which a start should not wait for. */
const charts = () => import('../report/render-html.ts');

/** Loads the charts while a server starts, so that neither what is measured nor the end waits for them. */
export const preloadCharts = (): void => {
  charts().catch(() => {
    // Whoever draws them will be told.
  });
};

const reportRenderers: Renderers<Report> = {
  json: renderJson,
  markdown: renderMarkdown,
  html: async (report) => (await charts()).renderHtml(report),
  junit: renderJunit,
};
type Form = keyof ReportFiles;
const allForms = Object.keys(reportRenderers) as Form[];
/** What results wait for, and what is written when they are out: the charts take as long as all the rest. */
export const quickForms: readonly Form[] = ['json', 'markdown', 'junit'];
export const slowForms: readonly Form[] = ['html'];
const reportNames: ReportFiles = {
  json: 'report.json',
  markdown: 'report.md',
  html: 'report.html',
  junit: 'junit.xml',
};

/** Writes a file and the folder that it is in. Throws FILE_UNWRITABLE. */
export const writeText = async (file: string, text: string): Promise<void> => {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (failure) {
    throw unwritable(file, failure);
  }
};

/** FILE_UNWRITABLE, for what the file system said about `file`. */
export const unwritable = (file: string, failure: unknown): TailgateError => {
  // "EACCES: permission denied, open '/reports/report.json'"
  const [reason = ''] = (failure instanceof Error ? failure.message : String(failure)).split(',');
  return tailgateError('FILE_UNWRITABLE', { path: file, reason }, {}, failure);
};

/** Runs each of these, and throws all that went wrong at the end. */
const each = async (writes: readonly (() => Promise<void>)[]): Promise<void> => {
  const problems: TailgateError[] = [];
  for (const one of writes) {
    try {
      await one();
    } catch (failure) {
      problems.push(...problemsOf(failure));
    }
  }
  throwProblems(problems);
};

/** Where the forms of a report are in a folder, by these names. */
export const formPaths = (fileNames: ReportFiles, reportDir: string): ReportFiles =>
  Object.fromEntries(allForms.map((kind) => [kind, path.join(reportDir, fileNames[kind])])) as ReportFiles;

/** Where a run's report is in its folder. */
export const reportPaths = (reportDir: string): ReportFiles => formPaths(reportNames, reportDir);

/**
 * Writes those of the forms that the user asked for, relative to `cwd`; `mask` removes secrets. Gives the paths. Throws
 * FILE_UNWRITABLE.
 */
export const writeWantedForms = async <R>(
  renderers: Renderers<R>,
  report: R,
  wanted: WantedFiles,
  cwd: string,
  mask: (text: string) => string,
  forms: readonly Form[] = allForms,
): Promise<string[]> => {
  const asked = forms.flatMap((kind) => (wanted[kind] === undefined ? [] : [{ kind, file: wanted[kind] }]));
  await each(
    asked.map(({ kind, file }) => async () => {
      await writeText(path.resolve(cwd, file), mask(await renderers[kind](report)));
    }),
  );
  return asked.map(({ file }) => file);
};

/**
 * Writes a report in these forms into the report folder, by these file names; `mask` removes secrets. Throws
 * FILE_UNWRITABLE for each file that could not be written, after the others.
 */
export const writeForms = async <R>(
  renderers: Renderers<R>,
  names: ReportFiles,
  report: R,
  reportDir: string,
  mask: (text: string) => string,
  forms: readonly Form[] = allForms,
): Promise<ReportFiles> => {
  const files = formPaths(names, reportDir);
  await each(
    forms.map((kind) => async () => {
      await writeText(files[kind], mask(await renderers[kind](report)));
    }),
  );
  return files;
};

/** Writes the forms of a run's report that the user asked for, as `writeWantedForms`. */
export const writeWanted = (
  report: Report,
  wanted: WantedFiles,
  cwd: string,
  mask: (text: string) => string,
  forms?: readonly Form[],
): Promise<string[]> => writeWantedForms(reportRenderers, report, wanted, cwd, mask, forms);

/** Writes a run's report into the report folder, as `writeForms`. */
export const writeReports = (
  report: Report,
  reportDir: string,
  mask: (text: string) => string,
  forms?: readonly Form[],
): Promise<ReportFiles> => writeForms(reportRenderers, reportNames, report, reportDir, mask, forms);
