import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openBaseCommit } from '../baseline/base-commit.ts';
import type { BaselineRecord, BaselineStore } from '../baseline/baseline-record.ts';
import { openBaselineStore } from '../baseline/open-baseline.ts';
import { formatRecord } from '../baseline/record-format.ts';
import { problemsOf, type TailgateError } from '../errors.ts';
import { gitDataApi } from '../github/git-data-api.ts';
import type { Host } from '../host/host.ts';
import { problemReport } from '../report/problem-report.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import { findProvenance, type Provenance } from './provenance.ts';
import { type GithubAccess, publishResults } from './publish-results.ts';
import { recordsFile } from './read-records.ts';
import { type GateResult, runGate } from './run-gate.ts';
import { writeReports, writeWanted } from './write-reports.ts';

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

const wantsRecording = (loaded: LoadedSettings, provenance: Provenance, result: GateResult): boolean => {
  const { record } = loaded.settings.baseline;
  // A failing run is never promoted by itself, or the next change would be compared with the regression.
  if (result.report.verdict === 'fail' || result.report.verdict === 'invalid') return false;
  return record === 'always' || (record === 'default-branch' && provenance.onDefaultBranch);
};

/** Stores the records of this run if it is one to store. A failure becomes a problem of the report. */
const recordBaseline = async (
  command: GateCommand,
  loaded: LoadedSettings,
  provenance: Provenance,
  store: BaselineStore,
  result: GateResult,
): Promise<void> => {
  const { host } = command;
  if (loaded.settings.baseline.mode === 'none' || result.records.length === 0) return;
  const wanted = command.record === true || wantsRecording(loaded, provenance, result);
  if (!wanted) {
    if (result.report.verdict === 'fail')
      host.info(
        `Not stored as a baseline, because it failed: "tailgate baseline accept --why REASON" stores it all the same.`,
      );
    return;
  }
  // Nor is a suspect, which may be one that fails.
  const suspects = new Set(
    result.report.suites.filter(({ suspect }) => suspect === true).map(({ name }) => name),
  );
  const kept = result.records.filter(
    ({ suite }) => (command.record === true || !suspects.has(suite)) && !result.known.has(suite),
  );
  if (kept.length === 0) return;
  try {
    await store.append(kept);
    host.info(`Stored as a baseline in ${store.where}.`);
  } catch (failure) {
    const problems = problemsOf(failure);
    result.report.problems.push(...problems.map(problemReport));
    showProblems(host, problems);
  }
};

const saveRecords = async (reportDir: string, records: readonly BaselineRecord[]): Promise<void> => {
  await writeFile(
    path.join(reportDir, recordsFile),
    records.map((record) => `${formatRecord(record)}\n`).join(''),
  );
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
  await using store = openBaselineStore(settings.baseline, { cwd, env: host.env, github: api });
  const result = await runGate({
    loaded,
    host,
    provenance,
    store,
    openBase: () => openBaseCommit(settings.baseline, { cwd, env: host.env, context, signal: host.signal }),
  });
  await recordBaseline(command, loaded, provenance, store, result);
  const { report } = result;
  const mask = (text: string): string => host.mask(text);
  const files = await writeReports(report, settings.reportDir, mask);
  await writeWanted(report, command.files, host.cwd, mask);
  await saveRecords(settings.reportDir, result.records);
  await publishResults(report, files, {
    host,
    settings,
    // A cancelled run has a few seconds, and nothing to tell that the next one will not tell better.
    github: host.signal.aborted ? null : command.github,
    suite: loaded.selected.length > 0 ? loaded.selected.join(',') : null,
    print: command.print,
    root: host.env.GITHUB_WORKSPACE ?? cwd,
  });
  for (const problem of report.problems) host.error(`${problem.what}\n${problem.fix}`);
  const shown = [files.markdown, files.html, files.json].map((file) => path.relative(host.cwd, file));
  host.info(`Reports: ${shown.join(', ')}`);
  return exitCodeOf(report);
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
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    return exitCodeOfProblems(problems);
  }
};
