import path from 'node:path';
import { openBaseCommit } from '../baseline/base-commit.ts';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { folderKey } from '../baseline/history-name.ts';
import { exitCodes, problemsOf, type TailgateError, tailgateError, throwProblems } from '../errors.ts';
import { maskStrings } from '../host/mask-strings.ts';
import type { Report } from '../report/report-model.ts';
import { inputPlace, inputText } from '../settings/input-overlay.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { readShardInputs } from '../settings/shard-inputs.ts';
import { openDashboard } from './dashboard.ts';
import { deliver, keepReporting, showProblems } from './deliver.ts';
import { deliverMistake } from './deliver-mistake.ts';
import { headCommits } from './deployed-versions.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import type { GateRequest } from './gate-request.ts';
import { folderOf, type JobCommand, jobDelivery, madeByJob } from './job-delivery.ts';
import { findProvenance } from './provenance.ts';
import { recordsFile } from './read-records.ts';
import { openStore, recordBaseline, saveRecords } from './record-baseline.ts';
import { readFirst, removeOldReports } from './report-folder.ts';
import { requireStore } from './require-store.ts';
import { type GateResult, runGate } from './run-gate.ts';
import { tellCannot } from './shards/follow-shard.ts';
import { runFollower } from './shards/meet-shards.ts';
import { readBlobs } from './shards/read-blobs.ts';
import { runShard } from './shards/run-shard.ts';

export type GateCommand = JobCommand & {
  /** Store the result whatever the branch: `baseline record`. */
  record?: boolean;
};

/** The gate from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const gateCommand = async (command: GateCommand): Promise<number> => {
  const { host } = command;
  let loaded: LoadedSettings | null = null;
  try {
    throwProblems(command.wrongInputs ?? []);
    loaded = await loadSettings({ cwd: host.cwd, inputs: command.inputs });
    if (command.record === true) requireStore(loaded);
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    if (loaded === null) await tellLeader(command, problems);
    if (hasReader(command.inputs)) await deliverMistake(command, 'gate', loaded, problems);
    return exitCodeOfProblems(problems);
  }
};

/** Measures and judges, stores a baseline, delivers, then, last, gives the exit code. */
async function perform(command: GateCommand, loaded: LoadedSettings): Promise<number> {
  const { host, github } = command;
  const { settings, cwd } = loaded;
  const context = github?.context ?? null;
  const provenance = await findProvenance(cwd, host.env, context);
  const merged = mergedFolder(command, loaded);
  const place = readShardInputs(command.inputs, host.env, Date.now(), cwd);
  if (place !== null && merged !== null)
    throw mergeMistake(command, 'one job either drives a shard or merges them');
  const commit = provenance.headSha;
  let lead: GateRequest['lead'];
  if (place !== null) {
    const { number, count, start } = place;
    if ('token' in start) host.secret(start.token);
    if ('atMs' in start)
      return await runShard({
        host,
        loaded,
        shard: { number, count },
        startAtMs: start.atMs,
        commit,
        commits: headCommits(provenance),
      });
    if (number > 1) return await runFollower({ host, loaded, rendezvous: start, number, count, commit });
    lead = { rendezvous: start, count };
  }
  await using store = openStore(command, loaded);
  await removeOldReports(settings.reportDir, { kept: readFirst(settings) });
  await using dashboard = await openDashboard(command.dashboard, host, 'run');
  const result = await runGate({
    watcher: dashboard ?? undefined,
    loaded,
    host,
    compares: command.record !== true,
    provenance,
    store,
    key: settings.baseline.key ?? (await folderKey(loaded, host.env)),
    lead,
    readShards: merged === null ? undefined : () => readBlobs(merged, host.cwd),
    openBase: () => openBaseCommit(settings.baseline, { cwd, env: host.env, context, signal: host.signal }),
  });
  const report = maskStrings({ ...result.report, ...madeByJob(command, 'gate') }, (text) => host.mask(text));
  let stored = false;
  await keepReporting(report, async () => {
    stored = await recordBaseline(command, loaded, provenance, store, recordableOf(command, result));
  });
  await keepReporting(report, () => saveRecords(settings.reportDir, recordsFile, result.records));
  await deliver(report, {
    ...jobDelivery(command, loaded, 'gate', provenance),
    outputs: {
      verdict: outputVerdict(report),
      regressions: JSON.stringify(regressions(report)),
      'baseline-commit': report.commits.base ?? '',
    },
  });
  dashboard?.show(report, true);
  const exitCode = exitCodeOf(report);
  // `baseline record` has done nothing when nothing was stored.
  return command.record === true && !stored && exitCode === exitCodes.pass ? exitCodes.invalid : exitCode;
}

/** The folder of the input `merge`, absolute; null where there is none. Throws SETTINGS_INVALID_VALUE. */
function mergedFolder(command: GateCommand, { cwd }: LoadedSettings): string | null {
  const folder = inputText(command.inputs, 'merge');
  if (folder === undefined) return null;
  return path.resolve(cwd, folder);
}

function mergeMistake({ inputs }: GateCommand, problem: string) {
  return tailgateError(
    'SETTINGS_INVALID_VALUE',
    {
      key: 'merge',
      problem,
      expected: 'Give the folder that holds what the shards left, and nothing of the other.',
    },
    inputPlace(inputs.source, 'merge'),
  );
}

/** What of a run may be stored: no suspect, which may be one that fails, and nothing that is stored already. */
function recordableOf({ record }: GateCommand, { report, records, known }: GateResult) {
  const suspects = new Set(report.suites.filter(({ suspect }) => suspect === true).map(({ name }) => name));
  return {
    verdict: report.verdict,
    records,
    isKept: ({ suite }: BaselineRecord) => (record === true || !suspects.has(suite)) && !known.has(suite),
    accepting: 'tailgate baseline accept --why REASON',
  };
}

/** A run that is undecided because it is suspect can be settled by another machine, so workflows can tell it apart. */
function outputVerdict({ verdict, suites }: Report): string {
  return verdict === 'inconclusive' && suites.some(({ suspect }) => suspect === true) ? 'suspect' : verdict;
}

function regressions({ suites }: Report): string[] {
  return suites.flatMap(({ name, metrics }) =>
    metrics.flatMap(({ limit }) =>
      limit.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => `${name}: ${rule}`),
    ),
  );
}

/** A shard whose settings cannot be read does not let the first wait for it. */
async function tellLeader({ host, inputs }: GateCommand, [problem]: readonly TailgateError[]): Promise<void> {
  let place: ReturnType<typeof readShardInputs> = null;
  try {
    place = readShardInputs(inputs, host.env, Date.now(), folderOf(host, inputs));
  } catch {
    // Then nobody knows where the first is.
  }
  if (place === null || place.number === 1 || 'atMs' in place.start || problem === undefined) return;
  await tellCannot({ rendezvous: place.start, number: place.number, host }, host.mask(problem.what));
}

/** Of shards only one that leads the others has a reader; the rest have what is merged of them. */
function hasReader(inputs: RawInputs): boolean {
  const shard = inputText(inputs, 'shard');
  return (
    shard === undefined || (inputText(inputs, 'rendezvous') !== undefined && Number.parseInt(shard, 10) === 1)
  );
}
