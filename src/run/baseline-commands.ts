import path from 'node:path';
import type { BaselineRecord, RecordedCapacity } from '../baseline/baseline-record.ts';
import { capacityHistory, folderKey, historyName } from '../baseline/history-name.ts';
import { type OpenBaseline, openBaselineStore } from '../baseline/open-baseline.ts';
import { exitCodes, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { formatCount, formatDuration, plural } from '../metrics/notation.ts';
import { distributionOver } from '../metrics/values.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { makePlan } from '../settings/make-plan.ts';
import { visibleText } from '../visible-text.ts';
import { findProvenance } from './provenance.ts';
import { readRecords, recordsFile } from './read-records.ts';
import { requireStore } from './require-store.ts';
import { writeText } from './write-reports.ts';

type CommandOptions = { host: Host; print: (text: string) => void; inputs: RawInputs };

/** `tailgate baseline show`: prints the stored records of each suite. Throws BASELINE_UNREADABLE. */
export const showBaseline = async (
  options: CommandOptions & { json: string | undefined },
): Promise<number> => {
  const { loaded, store } = await open(options);
  await using _held = store;
  const { print, host } = options;
  const shown: BaselineRecord[] = [];
  const suites = suitesToShow(loaded);
  if (suites.length === 0) throw tailgateError('SETTINGS_NOTHING_TO_RUN', {});
  const key = loaded.settings.baseline.key ?? (await folderKey(loaded, host.env));
  const names = new Set(suites.map((suite) => historyName(key, suite)));
  for (const name of [...names].flatMap((runs) => [runs, capacityHistory(runs)])) {
    const history = await store.read(name);
    // Not everybody searches for capacities.
    if (history.records.length + history.damaged.length === 0 && !names.has(name)) continue;
    print(`${name}: ${plural(history.records.length, 'record')} in ${store.where}`);
    if (history.absent !== undefined) host.warn(`No records can be kept there: ${history.absent}.`);
    for (const record of history.records) print(visibleText(describeRecord(record)));
    for (const damaged of history.damaged)
      host.warn(`Damaged, and skipped: ${damaged.where} (${damaged.reason})`);
    shown.push(...history.records);
  }
  if (options.json !== undefined)
    await writeText(path.resolve(host.cwd, options.json), `${JSON.stringify(shown, null, 2)}\n`);
  return exitCodes.pass;
};

/**
 * `tailgate baseline accept`: stores a run, failed or not, as the new baseline, with who accepts it and why. Throws
 * RECORDS_UNREADABLE and BASELINE_WRITE_FAILED.
 */
export const acceptBaseline = async (
  options: CommandOptions & { record: string | undefined; by: string | undefined; why: string },
): Promise<number> => {
  const { loaded, store } = await open(options);
  await using _held = store;
  const { host, print } = options;
  const file =
    options.record === undefined
      ? path.join(loaded.settings.reportDir, recordsFile)
      : path.resolve(host.cwd, options.record);
  const records = await readRecords(file);
  const by = options.by ?? (await findProvenance(loaded.cwd, host.env, null)).actor;
  if (by === null)
    throw tailgateError('ARGUMENTS_INVALID', {
      command: 'baseline accept',
      problem: 'nobody is named who accepts it: give --by NAME, since git has no user.email here',
    });
  const accepted = { by, why: options.why, at: new Date().toISOString() };
  await store.append(records.map((record) => ({ ...record, accepted })));
  print(
    visibleText(`Accepted ${plural(records.length, 'record')} as the baseline in ${store.where}, by ${by}.`),
  );
  return exitCodes.pass;
};

async function open(options: CommandOptions): Promise<{ loaded: LoadedSettings; store: OpenBaseline }> {
  const { host } = options;
  const loaded = await loadSettings({
    cwd: host.cwd,
    inputs: options.inputs,
    needsSuites: false,
  });
  requireStore(loaded);
  const store = openBaselineStore(loaded.settings.baseline, {
    cwd: loaded.cwd,
    env: host.env,
    github: null,
    signal: host.signal,
  });
  return { loaded, store };
}

/** Suites of the settings, or those that are named when there is no settings file. */
function suitesToShow(loaded: LoadedSettings): string[] {
  return loaded.settings.suites.length === 0
    ? loaded.selected
    : makePlan(loaded.settings, loaded).suites.map((suite) => suite.name);
}

function describeRecord(record: BaselineRecord): string {
  const commit = record.commit?.slice(0, 9) ?? 'no commit';
  const ids = [...new Set(record.rounds.flatMap((round) => Object.keys(round.metrics)))];
  const metrics = ids.flatMap((id) => {
    const sketch = distributionOver(record.rounds, id);
    if (sketch === null) return [];
    return `${id} p50 ${formatDuration(sketch.quantileMs(0.5))}, p95 ${formatDuration(sketch.quantileMs(0.95))}`;
  });
  const accepted =
    record.accepted === null ? '' : `; accepted by ${record.accepted.by}: ${record.accepted.why}`;
  const found = record.capacity === undefined ? '' : `; capacity ${describeCapacity(record.capacity)}`;
  return `  ${record.recordedAt}  ${commit}  ${record.verdict}${accepted}${found}\n${metrics.map((line) => `    ${line}\n`).join('')}`;
}

function describeCapacity({ holds, breaks, messagesPerSecond }: RecordedCapacity): string {
  const users = [
    ...(holds === null ? [] : [`${formatCount(holds)} users/s held`]),
    ...(breaks === null ? [] : [`${formatCount(breaks)} broke`]),
  ].join(', ');
  return messagesPerSecond === null ? users : `${users} (${formatCount(messagesPerSecond)} messages/s)`;
}
