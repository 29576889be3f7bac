import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { exitCodes } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { gateCommand } from './gate-command.ts';
import { ignoreReportFolder, reportPaths } from './report-folder.ts';

/** Where the report of the demonstration goes, in the working directory. */
const demoReportDir = path.join('.tailgate', 'demo');

/**
 * `tailgate demo`: the gate on the embedded chat server, against itself with careless work added to every message.
 * Needs nothing but Node. Gives `pass` if the gate fails that change, as it must.
 */
export const demoCommand = async (host: Host, print: (text: string) => void): Promise<number> => {
  const after = path.join(demoFolder(), 'after');
  const reportDir = path.resolve(host.cwd, demoReportDir);
  host.info(
    'A chat server, and the same server after a change that adds 1.5 ms of work to every message.\n' +
      'Tailgate measures both at once, side by side. This takes about two minutes.\n',
  );
  // Made whole: a run of this project will have its reports around those of the demonstration.
  await ignoreReportFolder(path.dirname(reportDir)).catch(() => {});
  const exitCode = await gateCommand({
    host,
    print,
    inputs: {
      source: 'cli',
      values: {
        'working-directory': after,
        baseline: 'side-by-side',
        'baseline-dir': path.join(after, '..', 'before'),
        'report-dir': reportDir,
      },
    },
    files: {},
    github: null,
  });
  if (exitCode === exitCodes.cancelled || exitCode === exitCodes.usage || exitCode === exitCodes.internal)
    return exitCode;
  const page = pathToFileURL(reportPaths(reportDir).html).href;
  if (exitCode !== exitCodes.fail) {
    print(`\nThe gate should have failed this change; what is above says why it did not.\n${page}`);
    return exitCode;
  }
  print(`\nOn a pull request this check would be red now, and block the merge. The whole report:\n${page}`);
  return exitCodes.pass;
};

/** The folder of the example, from the bundle or from the sources. */
const demoFolder = (): string => {
  const places = ['../examples/demo', '../../examples/demo'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  return places.find((folder) => existsSync(path.join(folder, 'after'))) ?? places[0]!;
};
