import type { TailgateError } from '../errors.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { distributionOver, observedValue } from '../metrics/values.ts';
import { firstCause } from '../verdict/capacity/capacity-reason.ts';
import type { SideResult } from '../verdict/capacity/capacity-verdict.ts';
import { latencyKnee } from '../verdict/capacity/latency-knee.ts';
import { achievedLoad, type LevelOutcome } from '../verdict/capacity/level-outcome.ts';
import type { SearchPhase } from '../verdict/capacity/search.ts';
import type { SuiteJudgement } from '../verdict/judgement.ts';
import type { CapacityLevel, CapacityReport, CapacitySide } from './capacity-model.ts';
import { judgedMetric, resourceReport, unjudgedMetrics } from './measured-parts.ts';
import { problemReports } from './problem-report.ts';

/** One measurement of one load. */
export type MeasuredLevel = LevelOutcome & {
  load: number;
  phase: SearchPhase;
  /** Most users at the same time; null when nothing ran. */
  users: number | null;
  round: RoundMeasurement | null;
  judgement: SuiteJudgement | null;
};

/** The report of one side. `main` is the metric whose latency is shown. */
export const capacitySide = (
  levels: readonly MeasuredLevel[],
  result: SideResult,
  main: string | null,
): CapacitySide => {
  const above = result.breaks ?? result.ceiling;
  const outcome = result.breaks === null ? 'invalid' : 'breaks';
  const beyond = levels.find((level) => level.load === above && level.outcome === outcome);
  return {
    levels: levels.map((level) => levelReport(level, main)),
    edge: { holds: result.holds, breaks: result.breaks, confirmed: result.confirmed },
    knee: latencyKnee(curveOf(levels, main)),
    gaveOut: firstCause(beyond?.reasons ?? []),
  };
};

/** The report of a search that never began, for what it says: that of a suite that nobody knows. */
export const unsearchedReport = ({
  problems,
  ...known
}: Pick<CapacityReport, 'environment' | 'commits' | 'runUrl' | 'startedAt' | 'durations'> & {
  problems: readonly TailgateError[];
}): CapacityReport => ({
  schemaVersion: 1,
  kind: 'capacity',
  ...{ suite: '', scenario: '', unit: 'users/s', metric: null, rules: [] },
  verdict: 'invalid',
  reason: problems[0]?.what.split('\n')[0] ?? '',
  baseline: null,
  head: {
    levels: [],
    edge: { holds: null, breaks: null, confirmed: false },
    knee: null,
    gaveOut: null,
  },
  problems: problemReports(problems),
  warnings: [],
  ...known,
});

function levelReport(level: MeasuredLevel, main: string | null): CapacityLevel {
  const { round } = level;
  const measured = round === null ? [] : unjudgedMetrics({ baseline: [], head: [round] });
  return {
    load: level.load,
    achieved: round === null ? null : achievedLoad(round),
    users: level.users,
    phase: level.phase,
    verdict: level.outcome,
    latency: measured.find(({ id }) => id === main)?.head ?? null,
    errorRate: share(round, 'errors.rate'),
    lostRate: share(round, 'deliveries.lost.rate'),
    resources: resourceReport(round?.resources ?? null),
    limits: (level.judgement?.metrics ?? []).flatMap((metric) => judgedMetric(metric).limit),
    reasons: level.reasons,
  };
}

function share(round: RoundMeasurement | null, metric: string): number | null {
  return round === null ? null : observedValue([round], metric, 'value');
}

/** Mean latency over all measurements of each load that could be judged. */
function curveOf(levels: readonly MeasuredLevel[], main: string | null) {
  const judged = levels.filter(({ outcome }) => outcome !== 'invalid');
  return [...new Set(judged.map(({ load }) => load))].flatMap((load) => {
    const rounds = judged.flatMap((level) =>
      level.load === load && level.round !== null ? [level.round] : [],
    );
    const summary = main === null ? null : (distributionOver(rounds, main)?.summary() ?? null);
    return summary === null || !Number.isFinite(summary.meanMs) ? [] : [{ load, meanMs: summary.meanMs }];
  });
}
