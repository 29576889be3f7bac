import { exitCodes, problemsOf } from '../errors.ts';
import { createTerminalHost } from '../host/terminal-host.ts';
import { terminationSignal } from '../host/termination-signal.ts';
import { acceptBaseline, showBaseline } from '../run/baseline-commands.ts';
import { capacityCommand } from '../run/capacity-command.ts';
import { compareReports } from '../run/compare-command.ts';
import { exitCodeOfProblems } from '../run/exit-code.ts';
import { gateCommand, showProblems } from '../run/gate-command.ts';
import { renderReportCommand } from '../run/report-command.ts';
import { validateCommand } from '../run/validate-command.ts';
import { verifyCommand } from '../run/verify-command.ts';
import { tailgateVersion } from '../run/version.ts';
import { parseCommandLine } from '../settings/cli-flags.ts';
import type { CliRequest } from '../settings/cli-request.ts';
import { killAllStarted } from '../target/process-registry.ts';

/** `tailgate` on a command line: the same gate without GitHub. Results go to stdout, everything else to stderr. */
const signal = terminationSignal(killAllStarted);
process.on('exit', killAllStarted);

const hostFor = (quiet: boolean) =>
  createTerminalHost({ env: process.env, cwd: process.cwd(), signal, stderr: process.stderr, quiet });

const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

const perform = async (request: CliRequest): Promise<number> => {
  switch (request.command) {
    case 'help':
      (request.asked ? process.stdout : process.stderr).write(request.text);
      return request.asked ? exitCodes.pass : exitCodes.usage;
    case 'version':
      print(request.text);
      return exitCodes.pass;
    case 'run':
    case 'baseline record':
      return gateCommand({
        host: hostFor(request.quiet),
        print,
        inputs: request.inputs,
        files: request.files,
        github: null,
        record: request.command === 'baseline record',
      });
    case 'validate':
      return validateCommand({ host: hostFor(false), print, inputs: request.inputs });
    case 'baseline show':
      return showBaseline({ host: hostFor(false), print, inputs: request.inputs, json: request.json });
    case 'baseline accept':
      return acceptBaseline({ host: hostFor(false), print, ...request });
    case 'compare':
      return compareReports({ host: hostFor(false), print, ...request });
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
      });
    case 'verify':
      return verifyCommand({ host: hostFor(false), print, ...request });
  }
};

try {
  process.exitCode = await perform(parseCommandLine(process.argv.slice(2), tailgateVersion));
} catch (failure) {
  const problems = problemsOf(failure);
  showProblems(hostFor(false), problems);
  process.exitCode = exitCodeOfProblems(problems);
}
