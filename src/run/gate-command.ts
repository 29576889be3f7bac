import path from 'node:path';
import { openBaseCommit } from '../baseline/base-commit.ts';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { environmentFingerprint } from '../baseline/fingerprint.ts';
import { folderKey } from '../baseline/history-name.ts';
import { exitCodes, problemsOf, type TailgateError, tailgateError } from '../errors.ts';
import { madeByOf, sectionOf } from '../github/publish-report.ts';
import type { Host } from '../host/host.ts';
import { maskStrings } from '../host/mask-strings.ts';
import { buildReport } from '../report/build-report.ts';
import type { Report } from '../report/report-model.ts';
import type { ReportFiles as WantedFiles } from '../settings/cli-request.ts';
import { inputPlace, inputText, suiteNames } from '../settings/input-overlay.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { defaultSettingsFiles, type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { settingsSchema } from '../settings/settings-schema.ts';
import { readShardInputs } from '../settings/shard-inputs.ts';
import { openDashboard } from './dashboard.ts';
import {
  type Delivery,
  deliver,
  type GithubAccess,
  keepReporting,
  linksOf,
  showProblems,
} from './deliver.ts';
import { headCommits } from './deployed-versions.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import type { GateRequest } from './gate-request.ts';
import { commitsOf, findProvenance, type Provenance } from './provenance.ts';
import { recordsFile } from './read-records.ts';
import { openStore, recordBaseline, saveRecords } from './record-baseline.ts';
import { removeOldReports } from './report-folder.ts';
import { requireStore } from './require-store.ts';
import { type GateResult, runGate } from './run-gate.ts';
import { tellCannot } from './shards/follow-shard.ts';
import { runFollower } from './shards/meet-shards.ts';
import { readBlobs } from './shards/read-blobs.ts';
import { runShard } from './shards/run-shard.ts';

export type GateCommand = {
  host: Host;
  /** Prints the result: on stdout, while messages and progress go where the host sends them. */
  print: (text: string) => void;
  inputs: RawInputs;
  files: WantedFiles;
  github: GithubAccess;
  /** Store the result whatever the branch: `baseline record`. */
  record?: boolean;
  /** Serve the page while it is measured: at this port, any if 0. */
  dashboard?: number;
};

/** The gate from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const gateCommand = async (command: GateCommand): Promise<number> => {
  const { host } = command;
  let loaded: LoadedSettings | null = null;
  try {
    loaded = await loadSettings({ cwd: host.cwd, inputs: command.inputs });
    if (command.record === true) requireStore(loaded);
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    if (loaded === null) await tellLeader(command, problems);
    if (host.kind === 'actions' && hasReader(command.inputs)) await deliverMistake(command, loaded, problems);
    return exitCodeOfProblems(problems);
  }
};

/** Where the report of a job goes: its folder, its part of the comment, its log. */
export const deliveryOf = (
  command: Omit<GateCommand, 'record'>,
  { settings, cwd }: Pick<LoadedSettings, 'settings' | 'cwd'>,
  suite: string | null,
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
              section: sectionOf(github.context, sectionParts(command, suite)),
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
  const selected = loaded.selected.length > 0 ? loaded.selected.join(',') : null;
  await removeOldReports(settings.reportDir, { kept: keptOf(loaded) });
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
  const madeBy = context === null ? undefined : madeByOf(context, sectionParts(command, selected));
  const report = maskStrings({ ...result.report, ...(madeBy === undefined ? {} : { madeBy }) }, (text) =>
    host.mask(text),
  );
  let stored = false;
  await keepReporting(report, async () => {
    stored = await recordBaseline(command, loaded, provenance, store, recordableOf(command, result));
  });
  await keepReporting(report, () => saveRecords(settings.reportDir, recordsFile, result.records));
  const delivery = deliveryOf(command, loaded, selected);
  await deliver(report, {
    ...delivery,
    targets: onMeasured(delivery.targets, provenance),
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

/** What the run reads of an earlier one. */
function keptOf({ settings: { baseline } }: Pick<LoadedSettings, 'settings'>): string[] {
  return baseline.confirmFrom === undefined ? [] : [baseline.confirmFrom];
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

/** What tells the result of a job from others in the comment that they share. */
function sectionParts({ host, github, inputs }: Omit<GateCommand, 'record'>, suite: string | null) {
  return {
    suite,
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

/**
 * The targets with the commit that git says. On a pull request the event says it, in whatever state the checkout is; a
 * comment on one is checked against it.
 */
function onMeasured(targets: Delivery['targets'], { mergedSha, headSha }: Provenance): Delivery['targets'] {
  return targets.map((target) =>
    target.context.pullNumber === null || target.context.eventName === 'issue_comment'
      ? { ...target, measuredSha: mergedSha ?? headSha }
      : target,
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

/** The working directory, where no settings say it. */
function folderOf({ cwd }: Host, inputs: RawInputs): string {
  return path.resolve(cwd, inputText(inputs, 'working-directory') ?? '.');
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

/**
 * Tells readers of the job that it came to no measurement: a summary and a comment that speak of an earlier commit must
 * not stay the last word, nor a check. Where the settings could not be read a comment is brought up to date, and none is
 * made, and nobody knows the name of the check.
 */
async function deliverMistake(
  command: GateCommand,
  loaded: LoadedSettings | null,
  problems: readonly TailgateError[],
): Promise<void> {
  const { host, inputs, github } = command;
  const cwd = loaded?.cwd ?? folderOf(host, inputs);
  const unread = settingsSchema.parse({ comment: 'on-fail', failOn: [] });
  const settings = loaded?.settings ?? {
    ...unread,
    reportDir: path.resolve(cwd, inputText(inputs, 'report-dir') ?? unread.reportDir),
  };
  const context = github?.context ?? null;
  const provenance = await findProvenance(cwd, host.env, context);
  const suite = suiteNames(inputs).join(',') || null;
  const madeBy = context === null ? undefined : madeByOf(context, sectionParts(command, suite));
  const report: Report = {
    ...buildReport({
      suites: [],
      failOn: settings.failOn,
      problems,
      environment: { ...environmentFingerprint(), pinning: null },
      commits: commitsOf(provenance, null),
      runUrl: provenance.runUrl,
      startedAt: new Date().toISOString(),
      durations: { totalMs: 0, buildMs: 0, loadMs: 0 },
    }),
    ...(madeBy === undefined ? {} : { madeBy }),
  };
  await keepReporting(report, () => removeOldReports(settings.reportDir, { kept: keptOf({ settings }) }));
  const delivery = deliveryOf(command, { settings, cwd }, suite);
  await deliver(
    maskStrings(report, (text) => host.mask(text)),
    {
      ...delivery,
      targets: onMeasured(delivery.targets, provenance),
      // A mistake fails the step whatever the settings say, and so the check.
      failOn: [...settings.failOn, 'invalid'],
      outputs: { verdict: 'invalid', regressions: '[]', 'baseline-commit': '' },
      print: null,
      tell: null,
    },
  );
}
