import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openBaseCommit } from '../baseline/base-commit.ts';
import type { BaselineRecord, BaselineStore } from '../baseline/baseline-record.ts';
import { openBaselineStore } from '../baseline/open-baseline.ts';
import { formatRecord } from '../baseline/record-format.ts';
import { exitCodes, problemsOf, type TailgateError } from '../errors.ts';
import { gitDataApi } from '../github/git-data-api.ts';
import type { Host } from '../host/host.ts';
import { maskStrings } from '../host/mask-strings.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { inputText } from '../settings/input-overlay.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import { keepReporting } from './keep-reporting.ts';
import { findProvenance, type Provenance } from './provenance.ts';
import { type GithubAccess, publishResults } from './publish-results.ts';
import { recordsFile } from './read-records.ts';
import { requireStore } from './require-store.ts';
import { type GateResult, runGate } from './run-gate.ts';
import { quickForms, reportPaths, slowForms, writeReports, writeText, writeWanted } from './write-reports.ts';

export type GateCommand = {
  host: Host;
  /** Prints the result: on stdout, while messages and progress go where the host sends them. */
  print: (text: string) => void;
  inputs: RawInputs;
  files: WantedFiles;
  github: GithubAccess;
  /** Store the result whatever the branch: `baseline record`. */
  record?: boolean;
};

/** Shows problems that ended a command, each at its place. */
export const showProblems = (host: Host, problems: readonly TailgateError[]): void => {
  for (const problem of problems) host.error(`${problem.what}\n${problem.fix}`, problem.where);
};

/**
 * Whether a run like this one is stored, if its verdict allows it. `at-a-desk`: it would be, if it ran in CI. What others
 * are compared with is written from a desk only by a command or flag that says so.
 */
const isRecorded = (
  command: GateCommand,
  loaded: LoadedSettings,
  provenance: Provenance,
): boolean | 'at-a-desk' => {
  const { mode, record } = loaded.settings.baseline;
  if (mode === 'none') return false;
  // Pull requests only read what the branches share: theirs would become the level that others are judged by.
  if (mode !== 'file' && (command.github?.context.pullNumber ?? null) !== null) return false;
  if (command.record === true) return true;
  const wanted = record === 'always' || (record === 'default-branch' && provenance.onDefaultBranch);
  const isAsked = record === 'always' && inputText(command.inputs, 'record-baseline') !== undefined;
  return wanted && mode !== 'file' && !provenance.inCi && !isAsked ? 'at-a-desk' : wanted;
};

/** Stores the records of this run if it is one to store. Gives whether any was. Throws BASELINE_WRITE_FAILED. */
const recordBaseline = async (
  command: GateCommand,
  loaded: LoadedSettings,
  provenance: Provenance,
  store: BaselineStore,
  result: GateResult,
): Promise<boolean> => {
  const { host } = command;
  const { verdict } = result.report;
  const recorded = isRecorded(command, loaded, provenance);
  if (result.records.length === 0 || recorded === false) return false;
  if (recorded === 'at-a-desk') {
    host.info(
      `Not stored in ${store.where}: outside of CI a run is stored only if it is told so ("tailgate baseline record", or "--record-baseline always").`,
    );
    return false;
  }
  // A failing run is never promoted by itself, or the next change would be compared with the regression.
  if (verdict === 'fail' || verdict === 'invalid') {
    if (verdict === 'fail')
      host.info(
        `Not stored as a baseline, because it failed: "tailgate baseline accept --why REASON" stores it all the same.`,
      );
    return false;
  }
  // Nor is a suspect, which may be one that fails.
  const suspects = new Set(
    result.report.suites.filter(({ suspect }) => suspect === true).map(({ name }) => name),
  );
  const kept = result.records.filter(
    ({ suite }) => (command.record === true || !suspects.has(suite)) && !result.known.has(suite),
  );
  if (kept.length === 0) return false;
  await store.append(kept);
  host.info(`Stored as a baseline in ${store.where}.`);
  return true;
};

const saveRecords = (reportDir: string, records: readonly BaselineRecord[]): Promise<void> =>
  writeText(path.join(reportDir, recordsFile), records.map((record) => `${formatRecord(record)}\n`).join(''));

/** Shows the problems of a report as annotations of the workflow; on a terminal the report itself is what is read. */
export const annotateProblems = (host: Host, report: Pick<Report, 'problems' | 'suites'>): void => {
  if (host.kind !== 'actions') return;
  for (const { what, fix, file, line } of [
    ...report.problems,
    ...report.suites.flatMap(({ problems }) => problems),
  ]) {
    // What a command printed last is in the log, above.
    const [first = ''] = what.split('\n');
    host.error(`${first}\n${fix}`, { file: file ?? undefined, line: line ?? undefined });
  }
};

/** Measures and judges, then reports and publishes, then, last, gives the exit code. */
const perform = async (command: GateCommand, loaded: LoadedSettings): Promise<number> => {
  const { host } = command;
  const { settings, cwd } = loaded;
  const context = command.github?.context ?? null;
  const provenance = await findProvenance(cwd, host.env, context);
  const api =
    command.github === null || context === null || context.repository === null
      ? null
      : gitDataApi(command.github.client, context.repository);
  await using store = openBaselineStore(settings.baseline, {
    cwd,
    env: host.env,
    github: api,
    signal: host.signal,
  });
  const result = await runGate({
    loaded,
    host,
    compares: command.record !== true,
    provenance,
    store,
    openBase: () => openBaseCommit(settings.baseline, { cwd, env: host.env, context, signal: host.signal }),
  });
  const mask = (text: string): string => host.mask(text);
  const report = maskStrings(result.report, mask);
  let stored = false;
  await keepReporting(report, async () => {
    stored = await recordBaseline(command, loaded, provenance, store, result);
  });
  const files = reportPaths(settings.reportDir);
  await keepReporting(report, () => saveRecords(settings.reportDir, result.records));
  const write = async (forms: typeof quickForms): Promise<void> => {
    await keepReporting(report, () => writeReports(report, settings.reportDir, mask, forms));
    await keepReporting(report, () => writeWanted(report, command.files, host.cwd, mask, forms));
  };
  await write(quickForms);
  await publishResults(report, files, {
    host,
    settings,
    // A cancelled run has a few seconds, and nothing to tell that the next one will not tell better.
    github: host.signal.aborted ? null : command.github,
    suite: loaded.selected.length > 0 ? loaded.selected.join(',') : null,
    print: command.print,
    root: host.env.GITHUB_WORKSPACE ?? cwd,
  });
  annotateProblems(host, report);
  const published = report.problems.length;
  await write(slowForms);
  // The report is out, so that these are told by themselves.
  for (const { what, fix } of report.problems.slice(published)) host.error(`${what}\n${fix}`);
  const shown = [files.markdown, files.html, files.json].map((file) => path.relative(host.cwd, file));
  host.info(`Reports: ${shown.join(', ')}`);
  const exitCode = exitCodeOf(report);
  // `baseline record` has done nothing when nothing was stored.
  return command.record === true && !stored && exitCode === exitCodes.pass ? exitCodes.invalid : exitCode;
};

/** The gate from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const gateCommand = async (command: GateCommand): Promise<number> => {
  const { host } = command;
  try {
    const loaded = await loadSettings({
      cwd: host.cwd,
      inputs: command.inputs,
      readFile: (file) => readFile(file, 'utf8'),
    });
    if (command.record === true) requireStore(loaded);
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    return exitCodeOfProblems(problems);
  }
};
