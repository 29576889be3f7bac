import { createHash } from 'node:crypto';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { environmentFingerprint, settingsHash } from '../baseline/fingerprint.ts';
import { capacityHistory } from '../baseline/history-name.ts';
import { machineId } from '../baseline/machine-id.ts';
import { formatThreshold } from '../metrics/threshold-grammar.ts';
import { observedValue } from '../metrics/values.ts';
import type { CapacityReport } from '../report/capacity-model.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import type { CapacitySettings } from '../settings/settings-schema.ts';
import type { Provenance } from './provenance.ts';
import { roundsAt, type SearchedSide } from './search-capacity.ts';

/** What a record is made of. */
export type RecordedSearch = {
  suite: SuitePlan;
  scenarioHash: string;
  /** Whose history it is, see `historyName`. */
  key: string;
  settings: CapacitySettings;
  head: SearchedSide;
  report: Pick<CapacityReport, 'verdict' | 'startedAt' | 'runUrl'>;
  provenance: Pick<Provenance, 'headSha' | 'branch'>;
};

/**
 * The record of a search on the head, with what was measured at the highest load that held, else at the lowest that
 * broke. None where no load could be judged.
 */
export function capacityRecords(search: RecordedSearch): BaselineRecord[] {
  const { suite, head, report, provenance, key } = search;
  const { holds, breaks, confirmed } = head.result;
  const rounds = roundsAt(head, holds ?? breaks);
  if (report.verdict === 'invalid' || rounds.length === 0) return [];
  return [
    {
      schemaVersion: 1,
      suite: capacityHistory(suite.name),
      ...(key === '' ? {} : { key }),
      commit: provenance.headSha,
      branch: provenance.branch,
      recordedAt: report.startedAt,
      fingerprint: {
        scenarioHash: search.scenarioHash,
        settingsHash: searchHash(search),
        environment: environmentFingerprint(),
      },
      rounds,
      verdict: report.verdict,
      accepted: null,
      runUrl: report.runUrl,
      machine: machineId(),
      capacity: {
        holds,
        breaks,
        confirmed,
        messagesPerSecond: holds === null ? null : observedValue(rounds, 'messages.sent.perSecond', 'value'),
      },
    },
  ];
}

/** The capacity depends on what must hold and for how long, besides what a run depends on. */
function searchHash({ suite, settings }: RecordedSearch): string {
  const { stepMs, warmUpMs, precisionPercent } = settings;
  const rules = suite.thresholds.map(formatThreshold);
  return createHash('sha256')
    .update(JSON.stringify([settingsHash(suite), rules, stepMs, warmUpMs, precisionPercent]))
    .digest('hex');
}
