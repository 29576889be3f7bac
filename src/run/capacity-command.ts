import path from 'node:path';
import { openBaseCommit } from '../baseline/base-commit.ts';
import { folderKey } from '../baseline/history-name.ts';
import { problemsOf, throwProblems } from '../errors.ts';
import { maskStrings } from '../host/mask-strings.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { openDashboard } from './dashboard.ts';
import { deliver, keepReporting, showProblems } from './deliver.ts';
import { deliverMistake } from './deliver-mistake.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import { type JobCommand, jobDelivery } from './job-delivery.ts';
import { findProvenance } from './provenance.ts';
import { capacityRecordsFile } from './read-records.ts';
import { openStore, recordBaseline, saveRecords } from './record-baseline.ts';
import { removeOldReports } from './report-folder.ts';
import { runCapacity } from './run-capacity.ts';

/** `tailgate capacity` from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const capacityCommand = async (command: JobCommand): Promise<number> => {
  const { host } = command;
  let loaded: LoadedSettings | null = null;
  try {
    throwProblems(command.wrongInputs ?? []);
    loaded = await loadSettings({ cwd: host.cwd, inputs: command.inputs });
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    await deliverMistake(command, 'capacity', loaded, problems);
    return exitCodeOfProblems(problems);
  }
};

/** Searches and judges, stores what was found, delivers, then, last, gives the exit code. */
async function perform(command: JobCommand, loaded: LoadedSettings): Promise<number> {
  const { host, github } = command;
  const { settings, cwd } = loaded;
  const { reportDir } = settings;
  const context = github?.context ?? null;
  const provenance = await findProvenance(cwd, host.env, context);
  await using store = openStore(command, loaded);
  await removeOldReports(reportDir, { isSearch: true });
  await using dashboard = await openDashboard(command.dashboard, host, 'capacity');
  const found = await runCapacity({
    loaded,
    host,
    provenance,
    key: settings.baseline.key ?? (await folderKey(loaded, host.env)),
    openBase: () => openBaseCommit(settings.baseline, { cwd, env: host.env, context, signal: host.signal }),
    watcher: dashboard ?? undefined,
  });
  const report = maskStrings(found.report, (text) => host.mask(text));
  await keepReporting(report, async () => {
    const { records } = found;
    const accepting = `tailgate baseline accept ${path.relative(host.cwd, path.join(reportDir, capacityRecordsFile))} --why REASON`;
    await recordBaseline(command, loaded, provenance, store, { verdict: report.verdict, records, accepting });
  });
  await keepReporting(report, () => saveRecords(reportDir, capacityRecordsFile, found.records));
  const { holds } = report.head.edge;
  await deliver(report, {
    ...jobDelivery(command, loaded, 'capacity', provenance),
    outputs: {
      verdict: report.verdict,
      capacity: holds === null ? '' : String(holds),
      regressions: JSON.stringify(report.verdict === 'fail' ? [report.reason] : []),
      'baseline-commit': report.commits.base ?? '',
    },
  });
  dashboard?.show(report, true);
  return exitCodeOf({ ...report, failOn: settings.failOn, suites: [] });
}
