import path from 'node:path';
import { exitCodes, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { readNamedFile } from '../host/pipe-files.ts';
import { isCapacity } from '../report/document-of.ts';
import { parseAnyReport, parseReport } from '../report/parse-report.ts';
import { renderTerminal } from '../report/render-terminal.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { writeReport } from './write-reports.ts';

/** Verdicts that are failures to JUnit, where the report does not say which were set. */
const usualFailures: Report['failOn'] = ['fail', 'invalid'];

/** Reads a JSON report. Throws REPORT_UNREADABLE. */
export const readReport = async (file: string, cwd: string): Promise<Report> =>
  parseReport(await readText(file, cwd), file);

/** `tailgate report`: renders a JSON report, of a run or of a capacity search, in other formats, or on the terminal. */
export const renderReportCommand = async (options: {
  host: Host;
  print: (text: string) => void;
  report: string;
  files: WantedFiles;
}): Promise<number> => {
  const { host, files } = options;
  const report = parseAnyReport(await readText(options.report, host.cwd), options.report);
  const failOn = isCapacity(report) ? usualFailures : report.failOn;
  await writeReport(report, { reportDir: null, wanted: files, cwd: host.cwd, failOn, mask: (text) => text });
  if (Object.values(files).every((file) => file === undefined))
    options.print(renderTerminal(report, { ...host.result, full: true }));
  return exitCodes.pass;
};

async function readText(file: string, cwd: string): Promise<string> {
  try {
    return await readNamedFile(path.resolve(cwd, file));
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw tailgateError('REPORT_UNREADABLE', { path: file, reason }, { file }, failure);
  }
}
