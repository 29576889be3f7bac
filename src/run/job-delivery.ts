import path from 'node:path';
import type { TailgateError } from '../errors.ts';
import { madeByOf, sectionOf } from '../github/publish-report.ts';
import type { Host } from '../host/host.ts';
import type { Report } from '../report/report-model.ts';
import type { ActionMode } from '../settings/action-mode.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { inputText, suiteNames } from '../settings/input-overlay.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { defaultSettingsFiles, type LoadedSettings } from '../settings/load-settings.ts';
import { type Delivery, type GithubAccess, linksOf } from './deliver.ts';
import type { Provenance } from './provenance.ts';

/** What a job is asked for, whichever of the modes it has. */
export type JobCommand = {
  host: Host;
  /** Prints the result: on stdout, while messages and progress go where the host sends them. */
  print: (text: string) => void;
  inputs: RawInputs;
  /** What is wrong with the inputs, if anything is: then this is all that the job has to tell. */
  wrongInputs?: readonly TailgateError[];
  files: WantedFiles;
  github: GithubAccess;
  /** Serve the page while it is measured: at this port, any if 0. */
  dashboard?: number;
};

/** Where the report of a job goes: its folder, its part of the comment, its log. */
export const jobDelivery = (
  command: JobCommand,
  { settings, cwd }: Pick<LoadedSettings, 'settings' | 'cwd'>,
  mode: ActionMode,
  provenance: Provenance,
): Omit<Delivery, 'outputs'> => {
  const { host, files, github, print } = command;
  return {
    host,
    reportDir: settings.reportDir,
    wanted: files,
    failOn: settings.failOn,
    client: github?.client ?? null,
    targets:
      github === null
        ? []
        : [
            {
              context: github.context,
              section: sectionOf(github.context, sectionParts(command, mode)),
              ...measuredIn(github, provenance),
            },
          ],
    comment: settings.comment,
    check: settings.check,
    links: linksOf(github),
    root: host.env.GITHUB_WORKSPACE ?? cwd,
    print,
    tell: 'error',
  };
};

/** Which job makes a report, as the report says it. */
export const madeByJob = (command: JobCommand, mode: ActionMode): Pick<Report, 'madeBy'> => {
  const context = command.github?.context;
  const madeBy = context === undefined ? undefined : madeByOf(context, sectionParts(command, mode));
  return madeBy === undefined ? {} : { madeBy };
};

/** The working directory, where no settings say it. */
export function folderOf({ cwd }: Host, inputs: RawInputs): string {
  return path.resolve(cwd, inputText(inputs, 'working-directory') ?? '.');
}

/**
 * The commit that git says. On a pull request the event says it, in whatever state the checkout is; a comment on one is
 * checked against it.
 */
function measuredIn(
  { context }: NonNullable<GithubAccess>,
  { mergedSha, headSha }: Provenance,
): Pick<Delivery['targets'][number], 'measuredSha'> {
  return context.pullNumber === null || context.eventName === 'issue_comment'
    ? { measuredSha: mergedSha ?? headSha }
    : {};
}

/**
 * What tells the result of a job from others in the comment that they share. All of it is known before the settings are
 * read, so that a mistake in them replaces what the job said before.
 */
function sectionParts({ host, github, inputs }: JobCommand, mode: ActionMode) {
  const names = suiteNames(inputs).join(',');
  const parts = [names, mode === 'capacity' ? '(capacity)' : ''].filter((part) => part !== '');
  return {
    suite: parts.join(' ') || null,
    matrix: github?.matrix ?? null,
    step: host.env.GITHUB_ACTION ?? null,
    settings: settingsPlace(inputs),
  };
}

/**
 * Which settings the inputs name, as a path: a file, or the folder of one that has the usual name; empty for those of
 * the root.
 */
function settingsPlace(inputs: RawInputs): string {
  const file = path.posix.join(
    inputText(inputs, 'working-directory') ?? '.',
    inputText(inputs, 'config') ?? defaultSettingsFiles[0],
  );
  const isUsual = defaultSettingsFiles.some(
    (name) => path.posix.basename(name) === path.posix.basename(file),
  );
  const place = isUsual ? path.posix.dirname(file) : file;
  return place === '.' || place === '.github' ? '' : place;
}
