import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { renderJson } from '../report/render-json.ts';
import { renderJunit } from '../report/render-junit.ts';
import { renderMarkdown } from '../report/render-markdown.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';

/** Where the reports of a run are. Absolute paths. */
export type ReportFiles = { json: string; markdown: string; html: string; junit: string };

/** A renderer for each form of a report. */
export type Renderers<R> = Record<keyof ReportFiles, (report: R) => string | Promise<string>>;

const reportRenderers: Renderers<Report> = {
  json: renderJson,
  markdown: renderMarkdown,
  // The charts are half a megabyte of code, which a start should not wait for.
  html: async (report) => (await import('../report/render-html.ts')).renderHtml(report),
  junit: renderJunit,
};
const kinds = Object.keys(reportRenderers) as (keyof ReportFiles)[];
const reportNames: ReportFiles = {
  json: 'report.json',
  markdown: 'report.md',
  html: 'report.html',
  junit: 'junit.xml',
};

const write = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
};

/** Writes the forms that the user asked for, relative to `cwd`; `mask` removes secrets. Gives the paths. */
export const writeWantedForms = async <R>(
  renderers: Renderers<R>,
  report: R,
  wanted: WantedFiles,
  cwd: string,
  mask: (text: string) => string,
): Promise<string[]> => {
  const written: string[] = [];
  for (const kind of kinds) {
    const file = wanted[kind];
    if (file === undefined) continue;
    await write(path.resolve(cwd, file), mask(await renderers[kind](report)));
    written.push(file);
  }
  return written;
};

/** Writes a report in every form into the report folder, by these file names; `mask` removes secrets. */
export const writeForms = async <R>(
  renderers: Renderers<R>,
  names: ReportFiles,
  report: R,
  reportDir: string,
  mask: (text: string) => string,
): Promise<ReportFiles> => {
  const files = {} as ReportFiles;
  for (const kind of kinds) {
    files[kind] = path.join(reportDir, names[kind]);
    await write(files[kind], mask(await renderers[kind](report)));
  }
  return files;
};

/** Writes the forms of a run's report that the user asked for, as `writeWantedForms`. */
export const writeWanted = (
  report: Report,
  wanted: WantedFiles,
  cwd: string,
  mask: (text: string) => string,
): Promise<string[]> => writeWantedForms(reportRenderers, report, wanted, cwd, mask);

/** Writes a run's report in every form into the report folder, as `writeForms`. */
export const writeReports = (
  report: Report,
  reportDir: string,
  mask: (text: string) => string,
): Promise<ReportFiles> => writeForms(reportRenderers, reportNames, report, reportDir, mask);
