import { median } from '../metrics/averages.ts';
import type { LatencySummary } from '../metrics/latency-sketch.ts';
import { customMetric } from '../metrics/metric.ts';
import { enduranceMetrics } from '../metrics/metric-names.ts';
import { statisticOfSummary, unitOf, type Values } from '../metrics/values.ts';
import type { AdvisoryChange } from './advisory.ts';
import type { AppliedLimit, Change, JudgedMetric, Measured, SuiteQuestion } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import { maxHistory } from './statistics/stored-history.ts';
import { overallVerdict, type Verdict } from './verdict.ts';

/**
 * Every metric of the report: the latencies, main one first, whatever else has a limit or was compared, and the user's
 * own numbers.
 */
export const listMetrics = (
  { comparison }: SuiteQuestion,
  measured: Measured,
  found: { main: string | null; outcomes: readonly GateOutcome[]; advice: readonly AdvisoryChange[] },
): JudgedMetric[] => {
  const { main, outcomes, advice } = found;
  const { baseline, head, history } = measured;
  const stored = comparison === 'single' || comparison === 'history';
  const latencies = new Set([...baseline.latencies, ...head.latencies]);
  const others = new Set([
    ...outcomes.map(({ gate }) => gate.metric),
    ...advice.map(({ metric }) => metric),
    // Who had them asked for wants to see them, with a limit or without.
    ...head.custom.map(customMetric),
    ...(head.quiet.length === 0
      ? []
      : Object.keys(enduranceMetrics).filter((metric) => head.value(metric, 'value') !== null)),
  ]);
  const ids = [...new Set([...(main === null ? [] : [main]), ...[...latencies].sort(), ...others])];
  return ids.map((id): JudgedMetric => {
    const own = outcomes.filter(({ gate }) => gate.metric === id);
    const advised = advice.filter(({ metric }) => metric === id);
    const limit = own.flatMap(limitOf);
    const compared = [...own.flatMap(({ change }) => change ?? []), ...advised.map(({ change }) => change)];
    const known = new Set(compared.map((change) => change.statistic));
    const isLatency = latencies.has(id);
    const statistic = own[0]?.gate.statistic ?? advised[0]?.statistic ?? 'value';
    const shown = compared.find((change) => change.statistic === statistic);
    const before = isLatency ? baselineSummary(comparison, measured, id) : null;
    const after = isLatency ? head.summary(id) : null;
    return {
      id,
      unit: isLatency ? 'ms' : unitOf(head.metric(id), statistic),
      baseline: before,
      head: after,
      baselineValue: isLatency
        ? null
        : (shown?.baseline ?? own[0]?.baselineValue ?? baseline.value(id, statistic)),
      headValue: isLatency ? null : (shown?.head ?? own[0]?.headValue ?? head.value(id, statistic)),
      change: distinct([
        ...compared,
        ...(stored ? plainChanges(before, after, known, Math.min(maxHistory, history.length)) : []),
      ]),
      limit,
      verdict: verdictOfLimits(limit),
    };
  });
};

function limitOf({
  gate,
  state,
  explanation,
  detectable,
  headValue,
  narrowing,
}: GateOutcome): AppliedLimit[] {
  return state === 'skipped'
    ? []
    : [
        {
          rule: gate.rule,
          statistic: gate.statistic,
          verdict: (state === 'undecided' ? 'inconclusive' : state) satisfies Verdict,
          explanation,
          detectable,
          ...(gate.kind === 'absolute' ? { value: headValue } : {}),
          isDefault: gate.source === 'default',
          margin:
            gate.kind === 'change' && !gate.guard && gate.margin.percent !== null
              ? gate.margin.percent / 100
              : null,
          ...(narrowing ?? {}),
          file: gate.file,
          line: gate.line,
        },
      ];
}

/** What the report shows as the baseline of a latency: all pairs of the job, or the usual one of the stored runs. */
function baselineSummary(
  comparison: SuiteQuestion['comparison'],
  { baseline, history }: Measured,
  metric: string,
): LatencySummary | null {
  if (comparison === 'none') return null;
  return comparison === 'side-by-side'
    ? baseline.summary(metric)
    : typicalSummary(history.slice(-maxHistory), metric);
}

/**
 * The usual summary of one latency over stored runs: the median run of each number. One run is itself; null when no
 * run has the metric. Merging the runs instead would let the longest or the oddest decide.
 */
function typicalSummary(history: readonly Values[], metric: string): LatencySummary | null {
  const summaries = history.flatMap((run) => run.summary(metric) ?? []);
  if (summaries.length === 0) return null;
  const usual = (of: (summary: LatencySummary) => number) => median(summaries.map(of));
  return {
    count: Math.round(usual((summary) => summary.count)),
    meanMs: usual((summary) => summary.meanMs),
    p5Ms: usual((summary) => summary.p5Ms),
    p10Ms: usual((summary) => summary.p10Ms),
    p50Ms: usual((summary) => summary.p50Ms),
    p90Ms: usual((summary) => summary.p90Ms),
    p95Ms: usual((summary) => summary.p95Ms),
    tailMs: usual((summary) => summary.tailMs),
    p99Ms: usual((summary) => summary.p99Ms),
    p999Ms: usual((summary) => summary.p999Ms),
    maxMs: usual((summary) => summary.maxMs),
  };
}

/** Each statistic once: the change of a gate is the one its verdict rests on. */
function distinct(changes: readonly Change[]): Change[] {
  const seen = new Map<string, Change>();
  for (const change of changes) if (!seen.has(change.statistic)) seen.set(change.statistic, change);
  return [...seen.values()];
}

/** Plain ratios for latencies that nothing else compared: shown, without an interval. */
function plainChanges(
  before: LatencySummary | null,
  after: LatencySummary | null,
  known: ReadonlySet<string>,
  samples: number,
): Change[] {
  if (before === null || after === null) return [];
  return (['p50', 'p95', 'p99'] as const).flatMap((statistic) => {
    const from = statisticOfSummary(before, statistic)!;
    const to = statisticOfSummary(after, statistic)!;
    if (known.has(statistic) || !(from > 0)) return [];
    return [
      {
        statistic,
        relative: to / from - 1,
        baseline: from,
        head: to,
        low: null,
        high: null,
        confidence: null,
        samples,
      },
    ];
  });
}

function verdictOfLimits(limits: readonly AppliedLimit[]): JudgedMetric['verdict'] {
  return limits.length === 0 ? 'advisory' : overallVerdict(limits.map((limit) => limit.verdict));
}
