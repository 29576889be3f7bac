import path from 'node:path';
import type { BaselineRecord, Fingerprint } from '../baseline/baseline-record.ts';
import { machineId } from '../baseline/machine-id.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { buildSuiteReport } from '../report/build-report.ts';
import type { SuiteReport } from '../report/report-model.ts';
import { trendOf } from '../report/trend.ts';
import type { PairDesign } from '../side/pair-design.ts';
import type { GateRequest } from './gate-request.ts';
import type { ConfirmationPlan } from './plan-confirmation.ts';
import type { StoredSuite } from './read-history.ts';
import { isBestEffort, type SuiteRun } from './suite-run.ts';

/** A suite that was measured, and its report. */
export type ReportedSuite = {
  run: SuiteRun;
  report: SuiteReport;
  fingerprint: Fingerprint;
  confirming: ConfirmationPlan;
  /** Ids of the machines of shards that were merged; null where it was measured here. */
  machine: string | null;
};

/** The report of one suite; `warnings` are those of the whole run that it is to show. */
export function suiteReport(
  run: SuiteRun,
  stored: StoredSuite,
  cwd: string,
  warnings: Iterable<string>,
): SuiteReport {
  const shown = run.history.at(-1);
  return buildSuiteReport({
    name: run.suite.name,
    scenario: path.relative(cwd, run.suite.scenarioPath),
    comparison: run.comparison,
    pairs: run.pairs,
    head: run.head,
    baseline: shown?.rounds ?? [],
    judgement: run.judgement,
    problems: [...stored.problems, ...run.problems],
    warnings: [...warnings, ...stored.warnings, ...run.warnings],
    bottleneck: run.bottleneck,
    bestEffort: isBestEffort(run),
    trend: trendOf(stored.history, headsOf(run), run.judgement?.main ?? run.suite.measure.main ?? null),
    main: run.suite.measure.main ?? null,
    ...(run.design === null ? {} : { design: designReport(run.design) }),
    explanation: run.explanation,
  });
}

/** The records that a run leaves for the baseline, and the suites of which an earlier job stored them itself. */
export function recordsOf(
  suites: readonly ReportedSuite[],
  request: GateRequest,
  recordedAt: string,
): { records: BaselineRecord[]; known: Set<string> } {
  const measured = suites.filter(
    ({ run, report }) => run.problems.length === 0 && report.verdict !== 'invalid',
  );
  const known = measured.filter(
    ({ run, confirming }) => confirming.confirmation.by === 'this-job' && run.confirmation.length === 0,
  );
  return {
    records: measured.map((suite) => recordOf(suite, request, recordedAt)),
    known: new Set(known.map(({ run }) => run.suite.name)),
  };
}

function recordOf(
  { run, report: { verdict }, fingerprint, confirming: { confirmation }, machine }: ReportedSuite,
  { provenance, key }: GateRequest,
  recordedAt: string,
): BaselineRecord {
  // Of two measurements the first is the one that was not made because of another.
  if (confirmation.by === 'this-job') return { ...confirmation.first, verdict };
  return {
    schemaVersion: 1,
    suite: run.suite.name,
    ...(key === '' ? {} : { key }),
    commit: provenance.headSha,
    branch: provenance.branch,
    recordedAt,
    fingerprint,
    rounds: headsOf(run),
    verdict,
    accepted: null,
    runUrl: provenance.runUrl,
    machine: machine ?? machineId(),
  };
}

function designReport(design: PairDesign): NonNullable<SuiteReport['design']> {
  const slices = design.kind === 'slices' ? design : null;
  return {
    kind: design.kind,
    warmUpMs: design.warmUpMs,
    ...(slices === null ? {} : { warmUpTogether: slices.warmUpTogether }),
    sliceMs: slices?.sliceMs ?? null,
    slicesPerSide: slices?.slicesPerSide ?? null,
  };
}

function headsOf(run: SuiteRun): RoundMeasurement[] {
  return run.pairs.length > 0 ? run.pairs.map((pair) => pair.head) : run.head;
}
