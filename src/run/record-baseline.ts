import path from 'node:path';
import type { BaselineRecord, BaselineStore } from '../baseline/baseline-record.ts';
import { type OpenBaseline, openBaselineStore } from '../baseline/open-baseline.ts';
import { formatRecord } from '../baseline/record-format.ts';
import { gitDataApi } from '../github/git-data-api.ts';
import type { Host } from '../host/host.ts';
import type { Report } from '../report/report-model.ts';
import { inputText } from '../settings/input-overlay.ts';
import type { RawInputs } from '../settings/inputs.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { GithubAccess } from './deliver.ts';
import type { Provenance } from './provenance.ts';
import { writeText } from './write-reports.ts';

/** Who asks for a run to be stored. */
export type Recorder = {
  host: Host;
  inputs: RawInputs;
  github: GithubAccess;
  /** Whatever the branch: `baseline record`. */
  record?: boolean;
};

/** What there is to store. */
export type Recordable = {
  verdict: Report['verdict'];
  /** All that was measured; those that are kept are stored. */
  records: readonly BaselineRecord[];
  isKept?: (record: BaselineRecord) => boolean;
  /** How a failing run is stored all the same. */
  accepting: string;
};

/** The store of the settings, through GitHub's interface where the job has one. */
export function openStore({ host, github }: Recorder, { settings, cwd }: LoadedSettings): OpenBaseline {
  const repository = github?.context.repository ?? null;
  const api = github === null || repository === null ? null : gitDataApi(github.client, repository);
  return openBaselineStore(settings.baseline, { cwd, env: host.env, github: api, signal: host.signal });
}

/** Why a run is not stored although its settings ask for it. */
const refusals = {
  'at-a-desk':
    'outside of CI a run is stored only if it is told so ("tailgate baseline record", or "--record-baseline always")',
  'pull-request': 'a pull request only reads what others are compared with, whatever "baseline.record" says',
} as const;

/** Stores the records of this run if it is one to store. Gives whether any was. Throws BASELINE_WRITE_FAILED. */
export async function recordBaseline(
  recorder: Recorder,
  loaded: LoadedSettings,
  provenance: Provenance,
  store: BaselineStore,
  { verdict, records, isKept = () => true, accepting }: Recordable,
): Promise<boolean> {
  const { host } = recorder;
  const recorded = isRecorded(recorder, loaded, provenance);
  if (records.length === 0 || recorded === false) return false;
  if (recorded !== true) {
    host.info(`Not stored in ${store.where}: ${refusals[recorded]}.`);
    return false;
  }
  // A failing run is never promoted by itself, or the next change would be compared with the regression.
  if (verdict === 'fail' || verdict === 'invalid') {
    if (verdict === 'fail')
      host.info(`Not stored as a baseline, because it failed: "${accepting}" stores it all the same.`);
    return false;
  }
  const kept = records.filter(isKept);
  if (kept.length === 0) return false;
  await store.append(kept);
  host.info(`Stored as a baseline in ${store.where}.`);
  return true;
}

/** Writes the records of a run beside its report; a run without any leaves no file. Throws FILE_UNWRITABLE. */
export async function saveRecords(
  reportDir: string,
  name: string,
  records: readonly BaselineRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await writeText(path.join(reportDir, name), records.map((record) => `${formatRecord(record)}\n`).join(''));
}

/**
 * Whether a run like this one is stored, if its verdict allows it; a reason where it asks for it in vain. What others are
 * compared with is written from a desk only by a command or flag that says so, and never by a pull request, which would
 * become the level that others are judged by.
 */
function isRecorded(
  { record, inputs }: Recorder,
  { settings }: LoadedSettings,
  provenance: Provenance,
): boolean | keyof typeof refusals {
  const { mode, record: when } = settings.baseline;
  if (mode === 'none') return false;
  if (record === true) return true;
  const wanted = when === 'always' || (when === 'default-branch' && provenance.onDefaultBranch);
  if (!wanted || mode === 'file') return wanted;
  if (provenance.ofPullRequest) return 'pull-request';
  const isAsked = when === 'always' && inputText(inputs, 'record-baseline') !== undefined;
  return provenance.inCi || isAsked ? true : 'at-a-desk';
}
