import type { BaselineRecord, Fingerprint } from './baseline-record.ts';

/** Machines of one kind differ a little in the memory that they report. */
const memoryTolerance = 0.1;

export type ComparableRecords = {
  /** Oldest first, from the last accepted change on. */
  comparable: BaselineRecord[];
  /** What was left out and why, each a sentence for the report. */
  reasons: string[];
};

/**
 * Why a record cannot be compared with a run of this fingerprint, each a noun phrase ("another scenario"); none when
 * it can. Scenario and settings must be equal, the environment of the same class.
 */
export const incomparabilities = (record: BaselineRecord, current: Fingerprint): string[] => {
  const { fingerprint, verdict, accepted } = record;
  const found: string[] = [];
  if (fingerprint.scenarioHash !== current.scenarioHash) found.push('another scenario');
  if (fingerprint.settingsHash !== current.settingsHash) found.push('other settings');
  found.push(...differences(fingerprint.environment, current.environment));
  if ((verdict === 'fail' || verdict === 'invalid') && accepted === null)
    found.push(`a verdict of ${verdict} that nobody accepted`);
  return found;
};

/**
 * The records that a run may be compared with. An accepted change begins a new history: what was stored before it
 * measured a program that is meant to be different now.
 */
export const comparableRecords = (
  records: readonly BaselineRecord[],
  current: Fingerprint,
): ComparableRecords => {
  const lastAccepted = records.findLastIndex((record) => record.accepted !== null);
  const recent = records.slice(Math.max(lastAccepted, 0));
  const comparable: BaselineRecord[] = [];
  const counts = new Map<string, number>();
  for (const record of recent) {
    const why = incomparabilities(record, current).join(', ');
    if (why === '') comparable.push(record);
    else counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return { comparable, reasons: [...counts].map(([why, count]) => sentence(count, why)) };
};

type Environment = Fingerprint['environment'];

function differences(stored: Environment, current: Environment): string[] {
  const found: string[] = [];
  if (stored.cpuModel !== current.cpuModel) found.push(`another processor (${stored.cpuModel})`);
  if (stored.cores !== current.cores) found.push(`${stored.cores} cores instead of ${current.cores}`);
  if (Math.abs(stored.memoryGiB - current.memoryGiB) > memoryTolerance * current.memoryGiB)
    found.push(`${stored.memoryGiB} GiB of memory instead of ${current.memoryGiB}`);
  if (systemOf(stored.os) !== systemOf(current.os)) found.push(`another system (${stored.os})`);
  if (majorOf(stored.node) !== majorOf(current.node)) found.push(`Node ${majorOf(stored.node)}`);
  if (generationOf(stored.tailgate) !== generationOf(current.tailgate))
    found.push(`Tailgate ${stored.tailgate}`);
  if (stored.artillery !== current.artillery) found.push(`Artillery ${stored.artillery}`);
  return found;
}

/** Platform, architecture and image, without the image's weekly version. */
function systemOf(os: string): string {
  return os.split(' ').slice(0, 3).join(' ');
}

function majorOf(version: string): string {
  return version.replace(/^v/, '').split('.')[0] ?? '';
}

/** Below 1.0 a minor version may change what is measured. */
function generationOf(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  return major === '0' ? `0.${minor}` : major;
}

function sentence(count: number, why: string): string {
  return count === 1
    ? `1 stored run is shown but not compared with: it has ${why}.`
    : `${count} stored runs are shown but not compared with: they have ${why}.`;
}
