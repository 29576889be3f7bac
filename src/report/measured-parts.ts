import { LatencySketch, type LatencySummary } from '../metrics/latency-sketch.ts';
import { mergeCounters, mergeErrors, worstGenerator } from '../metrics/merge-rounds.ts';
import { peakSendRate } from '../metrics/metric-names.ts';
import type { ResourceUsage, RoundMeasurement } from '../metrics/round-measurement.ts';
import { distributionOver, observedValue } from '../metrics/values.ts';
import type { JudgedMetric } from '../verdict/judgement.ts';
import type {
  ErrorReport,
  LatencySummaryReport,
  MetricReport,
  ResourceReport,
  RoundReport,
  SendRateReport,
  SuiteReport,
} from './report-model.ts';

/** Denser towards the tail, where users feel it. */
const quantiles = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1];

/** The rounds of both sides. */
export type Sides = { baseline: readonly RoundMeasurement[]; head: readonly RoundMeasurement[] };

export const withDistribution = (metric: MetricReport, sides: Sides): MetricReport => {
  const baselineMs = curve(distributionOver(sides.baseline, metric.id));
  const headMs = curve(distributionOver(sides.head, metric.id));
  return baselineMs === null && headMs === null
    ? metric
    : { ...metric, distribution: { quantiles, baselineMs, headMs } };
};

export const judgedMetric = (metric: JudgedMetric): MetricReport => ({
  id: metric.id,
  unit: metric.unit,
  baseline: metric.baseline === null ? null : summaryReport(metric.baseline),
  head: metric.head === null ? null : summaryReport(metric.head),
  baselineValue: finite(metric.baselineValue),
  headValue: finite(metric.headValue),
  change: metric.change.flatMap((change) =>
    Number.isFinite(change.relative)
      ? {
          statistic: change.statistic,
          relative: change.relative,
          baseline: finite(change.baseline),
          head: finite(change.head),
          low: finite(change.low),
          high: finite(change.high),
          confidence: finite(change.confidence),
          samples: change.samples,
        }
      : [],
  ),
  limit: metric.limit.map((limit) => ({
    rule: limit.rule,
    statistic: limit.statistic,
    verdict: limit.verdict,
    explanation: limit.explanation,
    detectable: finite(limit.detectable),
    ...(limit.value === undefined ? {} : { value: finite(limit.value) }),
    isDefault: limit.isDefault,
    margin: finite(limit.margin),
    ...(limit.looks === undefined
      ? {}
      : {
          allowed: finite(limit.allowed),
          looks: limit.looks.map((look) => ({
            ...look,
            low: finite(look.low),
            high: finite(look.high),
          })),
        }),
    file: limit.file,
    line: limit.line,
  })),
  verdict: metric.verdict,
});

/** What was measured, when nothing judged it. */
export const unjudgedMetrics = (sides: Sides): MetricReport[] => {
  const ids = new Set([...sides.head, ...sides.baseline].flatMap((round) => Object.keys(round.metrics)));
  return [...ids].sort().map((id) => ({
    id,
    unit: 'ms' as const,
    baseline: summaryOver(sides.baseline, id),
    head: summaryOver(sides.head, id),
    baselineValue: null,
    headValue: null,
    change: [],
    limit: [],
    verdict: 'advisory' as const,
  }));
};

/**
 * The counters of both sides, added up. Where deliveries were expected and neither side ever saw one, none is said to be
 * lost: what is watched is something else than what the server sends, and the verdict, which is invalid, says so.
 */
export const counterReports = (sides: Sides): SuiteReport['counters'] => {
  const baseline =
    sides.baseline.length === 0 ? null : mergeCounters(sides.baseline.map((round) => round.counters));
  const head = sides.head.length === 0 ? null : mergeCounters(sides.head.map((round) => round.counters));
  const some = (name: string): boolean => [baseline, head].some((counters) => (counters?.[name] ?? 0) > 0);
  const names = new Set([...Object.keys(head ?? {}), ...Object.keys(baseline ?? {})]);
  if (some('deliveries.expected') && !some('deliveries.received')) names.delete('deliveries.lost');
  return Object.fromEntries(
    [...names].sort().map((name) => [
      name,
      {
        baseline: baseline === null ? null : finite(baseline[name] ?? 0),
        head: head === null ? null : finite(head[name] ?? 0),
      },
    ]),
  );
};

/** Messages a second; null where neither side drove any load. */
export const sendRateReport = (sides: Sides): Exclude<SuiteReport['sendRate'], undefined> | null => {
  const [baseline, head] = [sendRateOf(sides.baseline), sendRateOf(sides.head)];
  return baseline === null && head === null ? null : { baseline, head };
};

/** Errors of both sides by name, with the first messages of the head (of the baseline where the head has none). */
export const errorReports = (sides: Sides): ErrorReport[] => {
  const head = mergeErrors(sides.head.map((round) => round.errors));
  const baseline = mergeErrors(sides.baseline.map((round) => round.errors));
  const names = [...new Set([...head, ...baseline].map((error) => error.name))];
  return names.map((name) => {
    const atHead = head.find((error) => error.name === name);
    const atBaseline = baseline.find((error) => error.name === name);
    const shown = atHead ?? atBaseline!;
    return {
      name,
      count: atHead?.count ?? 0,
      baselineCount: sides.baseline.length === 0 ? null : (atBaseline?.count ?? 0),
      messages: shown.messages,
      steps: shown.steps,
    };
  });
};

export const resourceReport = (usage: ResourceUsage | null): ResourceReport | null =>
  usage === null
    ? null
    : {
        cpuSeconds: finite(usage.cpuSeconds),
        maxCpuShare: finite(usage.maxCpuShare),
        maxRssBytes: finite(usage.maxRssBytes),
        maxOpenFiles: finite(usage.maxOpenFiles),
        openFilesLimit: finite(usage.openFilesLimit),
        maxThreads: finite(usage.maxThreads),
        maxHeapUsedBytes: finite(usage.maxHeapUsedBytes),
        maxLoopDelayMs: finite(usage.maxLoopDelayMs),
        gcPauseMs: finite(usage.gcPauseMs),
      };

export const roundReport = (
  round: RoundMeasurement,
  side: RoundReport['side'],
  pair: number | null,
  index: number,
): RoundReport => ({
  index,
  side,
  pair,
  activeMs: finiteOrZero(round.activeMs),
  slices: round.slices.length,
  metrics: Object.fromEntries(
    Object.entries(round.metrics).map(([id, json]) => [
      id,
      summaryReport(LatencySketch.fromJSON(json).summary()),
    ]),
  ),
  counters: Object.fromEntries(
    Object.entries(round.counters).map(([name, value]) => [name, finiteOrZero(value)]),
  ),
  ...(round.quiet === undefined ? {} : { quiet: { ...round.quiet, left: { ...round.quiet.left } } }),
});

/** Health of the generator over all rounds of both sides. */
export const generatorNumbers = (rounds: readonly RoundMeasurement[]) => {
  const worst = worstGenerator(rounds.map((round) => round.generator));
  return Object.fromEntries(
    Object.entries(worst).map(([name, value]) => [name, finiteOrZero(value ?? 0)]),
  ) as typeof worst;
};

function curve(sketch: LatencySketch | null): number[] | null {
  return sketch === null ? null : quantiles.map((q) => sketch.quantileMs(q));
}

function summaryReport(summary: LatencySummary): LatencySummaryReport {
  return {
    count: summary.count,
    meanMs: finite(summary.meanMs),
    p5Ms: finite(summary.p5Ms),
    p10Ms: finite(summary.p10Ms),
    p50Ms: finite(summary.p50Ms),
    p90Ms: finite(summary.p90Ms),
    p95Ms: finite(summary.p95Ms),
    tailMs: finite(summary.tailMs),
    p99Ms: finite(summary.p99Ms),
    p999Ms: finite(summary.p999Ms),
    maxMs: finite(summary.maxMs),
  };
}

/** From what was measured and judged to the parts of a report. What is not a number becomes null, or zero where a number must stand. */
function finite(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null;
}

function summaryOver(rounds: readonly RoundMeasurement[], id: string): LatencySummaryReport | null {
  const sketch = distributionOver(rounds, id);
  return sketch === null ? null : summaryReport(sketch.summary());
}

function sendRateOf(rounds: readonly RoundMeasurement[]): SendRateReport | null {
  const meanPerSecond = finite(observedValue(rounds, 'messages.sent.perSecond', 'value'));
  const maxPerSecond = finite(observedValue(rounds, peakSendRate, 'value'));
  return meanPerSecond === null ? null : { meanPerSecond, maxPerSecond };
}

/** For fields that are always there: what is not a number was not observed, which is zero. */
function finiteOrZero(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
