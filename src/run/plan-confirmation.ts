import type { BaselineRecord, Fingerprint } from '../baseline/baseline-record.ts';
import { incomparabilities } from '../baseline/comparability.ts';
import { machineId } from '../baseline/machine-id.ts';
import { tailgateError } from '../errors.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import type { BaselineSettings } from '../settings/settings-schema.ts';
import type { Confirmation } from './measure-against-stored.ts';

/** How a suspect of one suite is confirmed, and what to say of it. */
export type ConfirmationPlan = { confirmation: Confirmation; warnings: string[] };

/**
 * Plans how a suspect is confirmed: by the settings, or, with the records `first` of a suspect run, by this job. A
 * machine of another class cannot confirm, since its own history is another one: it then measures for itself. `shards` are
 * those that were merged, when that is how it is measured.
 */
export const planConfirmation = (
  baseline: BaselineSettings,
  suite: SuitePlan,
  first: readonly BaselineRecord[],
  commit: string | null,
  fingerprint: Fingerprint,
  shards: { startAtMs: number; machine: string } | null = null,
): ConfirmationPlan => {
  const own: Confirmation = { by: baseline.confirm };
  if (baseline.confirmFrom === undefined) return { confirmation: own, warnings: [] };
  const record = first.find((one) => one.suite === suite.name);
  if (record === undefined)
    return {
      confirmation: own,
      warnings: [
        'The run that was to be confirmed has no valid measurement of this suite, so this one stands alone.',
      ],
    };
  assertSame(baseline.confirmFrom, suite, record, commit, fingerprint);
  if (shards !== null && shards.startAtMs <= Date.parse(record.recordedAt))
    throw tailgateError('CONFIRMATION_MISMATCH', {
      path: baseline.confirmFrom,
      suite: suite.name,
      reason: 'the shards that are merged started before it was made, so they are no second measurement',
    });
  const differences = incomparabilities({ ...record, verdict: 'none' }, fingerprint);
  if (differences.length > 0)
    return {
      confirmation: own,
      warnings: [
        `The run that was to be confirmed was measured on a machine of another class (${differences.join(', ')}), so this one stands alone.`,
      ],
    };
  const machines = (shards?.machine ?? machineId()).split(',');
  const same = machines.some((machine) => record.machine?.split(',').includes(machine));
  return {
    confirmation: { by: 'this-job', first: record, on: same ? 'same-machine' : 'fresh-machine' },
    warnings: same
      ? [
          'This is the machine that the run to be confirmed was measured on, which may be a slow one: another would tell more.',
        ]
      : [],
  };
};

/** Throws CONFIRMATION_MISMATCH when the record is of another commit, scenario or settings. */
function assertSame(
  path: string,
  suite: SuitePlan,
  first: BaselineRecord,
  commit: string | null,
  fingerprint: Fingerprint,
): void {
  const mismatch = (reason: string) =>
    tailgateError('CONFIRMATION_MISMATCH', { path, suite: suite.name, reason });
  if (first.commit !== commit)
    throw mismatch(
      `it was measured at commit ${first.commit ?? 'unknown'}, and this is ${commit ?? 'unknown'}`,
    );
  if (first.fingerprint.scenarioHash !== fingerprint.scenarioHash)
    throw mismatch('it was measured with another scenario');
  if (first.fingerprint.settingsHash !== fingerprint.settingsHash)
    throw mismatch('it was measured with other settings');
}
