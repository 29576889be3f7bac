import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { problemsOf, type TailgateError, throwProblems } from '../errors.ts';
import { writeWhole } from '../host/replace-file.ts';
import { type AnyReport, isCapacity } from '../report/document-of.ts';
import { renderCsv, renderOpenMetrics, renderOtlp } from '../report/export/export-forms.ts';
import { renderHtml } from '../report/render-html.ts';
import { renderJson } from '../report/render-json.ts';
import { renderJunit } from '../report/render-junit.ts';
import { renderMarkdown } from '../report/render-markdown.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { pageScript } from './page-script.ts';
import { ignoreReportFolder, type ReportFiles, reportPaths, unwritable } from './report-folder.ts';

/** Those that the report folder holds, and those that are only written where they are asked for. */
type FolderForm = keyof ReportFiles;
type Form = keyof WantedFiles;

/** What of a report is written where. */
export type WriteRequest = {
  /** Its folder; null when only what the user asked for is written. */
  reportDir: string | null;
  /** The forms that the user asked for, relative to `cwd`. */
  wanted: WantedFiles;
  cwd: string;
  /** Which verdicts are failures to JUnit. */
  failOn: Report['failOn'];
  /** Removes secrets. */
  mask: (text: string) => string;
};

/**
 * Writes a report in all its forms, into its folder and where the user asked for them. Throws FILE_UNWRITABLE for each
 * file that could not be written, after the others.
 */
export async function writeReport(report: AnyReport, request: WriteRequest): Promise<void> {
  const problems: TailgateError[] = [];
  // What is in the way is told of each file.
  if (request.reportDir !== null) await ignoreReportFolder(request.reportDir).catch(() => {});
  for (const form of Object.keys(renderers) as Form[]) {
    const wanted = request.wanted[form];
    const files = [
      ...(request.reportDir === null || !isInFolder(form)
        ? []
        : [reportPaths(request.reportDir, isCapacity(report))[form]]),
      ...(wanted === undefined ? [] : [path.resolve(request.cwd, wanted)]),
    ];
    if (files.length === 0) continue;
    const text = request.mask(renderers[form](report, request.failOn));
    for (const file of files)
      await writeText(file, text).catch((failure) => problems.push(...problemsOf(failure)));
  }
  throwProblems(problems);
}

/** Writes a file and the folder that it is in; whoever ends this process, the file is the old one or the new. Throws FILE_UNWRITABLE. */
export async function writeText(file: string, text: string | Uint8Array): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeWhole(file, text);
  } catch (failure) {
    throw unwritable(file, failure);
  }
}

const renderers: Record<Form, (report: AnyReport, failOn: Report['failOn']) => string> = {
  json: renderJson,
  markdown: (report) => renderMarkdown(report),
  html: (report) => renderHtml(report, { script: pageScript() }),
  junit: renderJunit,
  csv: renderCsv,
  openmetrics: renderOpenMetrics,
  otlp: renderOtlp,
};

const isInFolder = (form: Form): form is FolderForm => Object.hasOwn(reportPaths(''), form);
