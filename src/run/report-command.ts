import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { exitCodes, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { parseReport } from '../report/parse-report.ts';
import { renderTerminal } from '../report/render-terminal.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { writeWanted } from './write-reports.ts';

/** Reads a JSON report. Throws REPORT_UNREADABLE. */
export const readReport = async (file: string, cwd: string): Promise<Report> => {
  let text: string;
  try {
    text = await readFile(path.resolve(cwd, file), 'utf8');
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw tailgateError('REPORT_UNREADABLE', { path: file, reason }, { file }, failure);
  }
  return parseReport(text, file);
};

/** `tailgate report`: renders a JSON report in other formats, or on the terminal. */
export const renderReportCommand = async (options: {
  host: Host;
  print: (text: string) => void;
  report: string;
  files: WantedFiles;
}): Promise<number> => {
  const { host } = options;
  const report = await readReport(options.report, host.cwd);
  const written = await writeWanted(report, options.files, host.cwd, (text) => text);
  if (written.length === 0) options.print(renderTerminal(report, { columns: host.columns, full: true }));
  return exitCodes.pass;
};
