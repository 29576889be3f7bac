import { exitCodes, problemsOf } from '../errors.ts';
import { endOfProcess, workingFolder } from '../host/process-guard.ts';
import { createLiveLine, createTerminalHost } from '../host/terminal-host.ts';
import { tailgateVersion } from '../host/versions.ts';
import { parseCommandLine } from '../settings/cli-flags.ts';
import type { CliRequest } from '../settings/cli-request.ts';
import { acceptBaseline, showBaseline } from './baseline-commands.ts';
import { bisectCommand } from './bisect-command.ts';
import { capacityCommand } from './capacity-command.ts';
import { compareReports } from './compare-command.ts';
import { showProblems } from './deliver.ts';
import { demoCommand } from './demo-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { exitCodeOfProblems } from './exit-code.ts';
import { explainCommand } from './explain-command.ts';
import { gateCommand } from './gate-command.ts';
import { importCommand } from './import-command.ts';
import { initCommand } from './init-command.ts';
import { recordCommand } from './record-command.ts';
import { renderReportCommand } from './report-command.ts';
import { validateCommand } from './validate-command.ts';
import { verifyCommand } from './verify-command.ts';

const live = createLiveLine(process.stderr);

const endsInOrder: ReadonlySet<CliRequest['command']> = new Set([
  'run',
  'merge',
  'validate',
  'doctor',
  'demo',
  'capacity',
  'verify',
  'record',
  'init',
  'bisect',
  'baseline record',
  'baseline accept',
  'baseline show',
  'explain',
]);

type HostFor = (quiet: boolean) => ReturnType<typeof createTerminalHost>;

/** `tailgate` with these words: results go to stdout, everything else to stderr. Gives the exit code. */
export const commandLine = async (words: readonly string[]): Promise<number> => {
  let cwd = '.';
  let signal = new AbortController().signal;
  const hostFor: HostFor = (quiet) =>
    createTerminalHost({
      env: process.env,
      cwd,
      signal,
      stderr: process.stderr,
      stdout: process.stdout,
      live,
      quiet,
    });
  try {
    cwd = workingFolder();
    const request = parseCommandLine(words, tailgateVersion);
    // The others have nothing to end in order.
    if (endsInOrder.has(request.command)) signal = endOfProcess();
    return await perform(request, hostFor);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(hostFor(false), problems);
    return exitCodeOfProblems(problems);
  } finally {
    live.clear();
  }
};

async function perform(request: CliRequest, hostFor: HostFor): Promise<number> {
  switch (request.command) {
    case 'help':
      (request.asked ? process.stdout : process.stderr).write(request.text);
      return request.asked ? exitCodes.pass : exitCodes.usage;
    case 'version':
    case 'completion':
      print(request.text);
      return exitCodes.pass;
    case 'run':
    case 'merge':
    case 'baseline record':
      return gateCommand({
        host: hostFor(request.quiet),
        print,
        inputs: request.inputs,
        files: request.files,
        github: null,
        record: request.command === 'baseline record',
        ...(request.command === 'run' && request.dashboard !== undefined
          ? { dashboard: request.dashboard }
          : {}),
      });
    case 'demo':
      return demoCommand(hostFor(false), print);
    case 'doctor':
      return doctorCommand({ host: hostFor(false), print, inputs: request.inputs });
    case 'import':
      return importCommand({ host: hostFor(false), print, ...request });
    case 'init':
      return initCommand({ host: hostFor(false), print, ...request });
    case 'record':
      return recordCommand({ host: hostFor(false), print, ...request });
    case 'validate':
      return validateCommand({ host: hostFor(false), print, inputs: request.inputs });
    case 'baseline show':
      return showBaseline({ host: hostFor(false), print, inputs: request.inputs, json: request.json });
    case 'baseline accept':
      return acceptBaseline({ host: hostFor(false), print, ...request });
    case 'compare':
      return compareReports({ host: hostFor(false), print, ...request });
    case 'explain':
      return explainCommand({ host: hostFor(false), print, ...request });
    case 'bisect':
      return bisectCommand({ host: hostFor(false), print, ...request });
    case 'report':
      return renderReportCommand({
        host: hostFor(false),
        print,
        report: request.report,
        files: request.files,
      });
    case 'capacity':
      return capacityCommand({
        host: hostFor(request.quiet),
        print,
        inputs: request.inputs,
        files: request.files,
        github: null,
        ...(request.dashboard === undefined ? {} : { dashboard: request.dashboard }),
      });
    case 'verify':
      return verifyCommand({ host: hostFor(false), print, ...request });
  }
}

function print(text: string): void {
  live.clear();
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}
