import type { BaselineHistory, BaselineRecord, Fingerprint } from '../baseline/baseline-record.ts';
import { comparableRecords } from '../baseline/comparability.ts';
import { historyName } from '../baseline/history-name.ts';
import { problemsOf, type TailgateError, tailgateError } from '../errors.ts';
import { plural } from '../metrics/notation.ts';
import type { GateRequest } from './gate-request.ts';

/** What a store holds of one suite. */
export type StoredSuite = {
  /** Records that this run may be compared with, oldest first. */
  history: BaselineRecord[];
  warnings: string[];
  problems: TailgateError[];
};

/**
 * Reads the stored records of one suite, and keeps those that this run may be compared with. `baseless` is why there is
 * no base version, where the absolute limits decide alone: then nothing is read.
 */
export async function readHistory(
  request: GateRequest,
  suite: string,
  fingerprint: Fingerprint,
  baseless: TailgateError | undefined,
): Promise<StoredSuite> {
  const stored: StoredSuite = { history: [], warnings: [], problems: [] };
  if (baseless !== undefined) stored.warnings.push(withoutBase(baseless));
  if (baseless !== undefined || !request.compares) return stored;
  const { mode, require } = request.loaded.settings.baseline;
  const isSideBySide = mode === 'side-by-side';
  const all = await readAll(request, suite, stored);
  if (all === null) return stored;
  for (const { where, reason } of all.damaged)
    stored.warnings.push(`A stored record was skipped because it is damaged (${where}: ${reason}).`);
  const { comparable, reasons } = comparableRecords(all.records, fingerprint);
  stored.history = comparable;
  stored.warnings.push(...reasons);
  if (comparable.length === 0 && require && !isSideBySide)
    stored.problems.push(tailgateError('BASELINE_MISSING', { where: request.store.where }));
  else if (all.records.length === 0 && !isSideBySide && mode !== 'none')
    stored.warnings.push(noBaselineYet(request, all.absent));
  return stored;
}

/** All records of a suite; null when they cannot be read, which `stored` then tells. */
async function readAll(
  request: GateRequest,
  suite: string,
  stored: StoredSuite,
): Promise<BaselineHistory | null> {
  try {
    const all = await request.store.read(historyName(request.key, suite));
    if (request.key !== '' && all.records.length === 0)
      stored.warnings.push(...(await keylessWarning(request, suite)));
    return all;
  } catch (failure) {
    const problems = problemsOf(failure);
    // Side by side the history is only for the trend. Elsewhere a run without its baseline must not pass, but what it
    // measures is still worth reporting.
    if (request.loaded.settings.baseline.mode === 'side-by-side') {
      for (const problem of problems) request.host.debug(problem.message);
      return null;
    }
    for (const { what } of problems) request.host.warn(`${what} The run will have no verdict.`);
    stored.problems.push(...problems);
    return null;
  }
}

function withoutBase({ what }: TailgateError): string {
  return `No baseline: the absolute limits decide alone ("baseline.require: false"). ${what.split('\n')[0]}`;
}

/** Records of before there were keys may be those of another service with a suite of this name. */
async function keylessWarning({ store }: GateRequest, suite: string): Promise<string[]> {
  const { records } = await store.read(suite);
  return records.length === 0
    ? []
    : [
        `${plural(records.length, 'record')} of a suite "${suite}" without a key are in ${store.where}: they may be of another service, and are not compared with. If they are of this one, set "baseline.key" to "".`,
      ];
}

/** Says that there is nothing to compare with yet, and what will change that. */
function noBaselineYet({ loaded, provenance, store }: GateRequest, absent: string | undefined): string {
  if (absent !== undefined)
    return `There is no baseline, and none can be stored: ${absent}. Set "baseline.remote", or keep it in a file ("baseline: file:PATH").`;
  const { mode, record } = loaded.settings.baseline;
  const yet = `There is no baseline in ${store.where} yet`;
  const isHere = mode === 'file' || (provenance.inCi && !provenance.ofPullRequest);
  if (isHere && (record === 'always' || (record === 'default-branch' && provenance.onDefaultBranch)))
    return `${yet}: this run becomes the first, unless it fails.`;
  return record === 'never'
    ? `${yet}: "tailgate baseline record" stores one.`
    : `${yet}: a run on the default branch${mode === 'file' ? '' : ' in CI'} stores one, or "tailgate baseline record".`;
}
