import type { LatencySummary } from '../metrics/latency-sketch.ts';
import { customPrefix } from '../metrics/metric-names.ts';
import {
  distributionOver,
  observedValue,
  statisticOfSummary,
  unitOfObserved,
} from '../metrics/observed-value.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { AdvisoryChange } from './advisory.ts';
import type { AppliedLimit, Change, JudgedMetric, SuiteEvidence } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import { maxHistory } from './statistics/stored-history.ts';
import { typicalSummary } from './typical-summary.ts';
import { overallVerdict, type Verdict } from './verdict.ts';

const limitOf = ({ gate, state, explanation, detectable, headValue }: GateOutcome): AppliedLimit[] =>
  state === 'skipped'
    ? []
    : [
        {
          rule: gate.rule,
          statistic: gate.statistic,
          verdict: (state === 'undecided' ? 'inconclusive' : state) satisfies Verdict,
          explanation,
          detectable,
          ...(gate.kind === 'absolute' ? { value: headValue } : {}),
          file: gate.file,
          line: gate.line,
        },
      ];

/** Each statistic once: the change of a gate is the one its verdict rests on. */
const distinct = (changes: readonly Change[]): Change[] => {
  const seen = new Map<string, Change>();
  for (const change of changes) if (!seen.has(change.statistic)) seen.set(change.statistic, change);
  return [...seen.values()];
};

const verdictOfLimits = (limits: readonly AppliedLimit[]): JudgedMetric['verdict'] =>
  limits.length === 0 ? 'advisory' : overallVerdict(limits.map((limit) => limit.verdict));

/** What the report shows as the baseline of a latency: all pairs of the job, or the usual one of the stored runs. */
const baselineSummary = (evidence: SuiteEvidence, metric: string): LatencySummary | null => {
  if (evidence.comparison === 'none') return null;
  if (evidence.comparison !== 'side-by-side')
    return typicalSummary(evidence.history.slice(-maxHistory), metric);
  const rounds = evidence.pairs.map((pair) => pair.baseline);
  return distributionOver(rounds, metric)?.summary() ?? null;
};

/** Plain ratios for latencies that nothing else compared: shown, without an interval. */
const plainChanges = (
  before: LatencySummary | null,
  after: LatencySummary | null,
  known: ReadonlySet<string>,
  samples: number,
): Change[] => {
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
};

/**
 * Every metric of the report: the latencies, main one first, whatever else has a limit or was compared, and the user's
 * own numbers.
 */
export const listMetrics = (
  evidence: SuiteEvidence,
  inputs: {
    main: string | null;
    outcomes: readonly GateOutcome[];
    advice: readonly AdvisoryChange[];
    baseline: readonly RoundMeasurement[];
    head: readonly RoundMeasurement[];
  },
): JudgedMetric[] => {
  const { main, outcomes, advice, baseline, head } = inputs;
  const rounds = [...baseline, ...head];
  const stored = evidence.comparison === 'single' || evidence.comparison === 'history';
  const latencies = new Set(rounds.flatMap((round) => Object.keys(round.metrics)));
  const others = new Set([
    ...outcomes.map(({ gate }) => gate.metric),
    ...advice.map(({ metric }) => metric),
    // Who had them asked for wants to see them, with a limit or without.
    ...head.flatMap((round) => Object.keys(round.custom).map((name) => `${customPrefix}${name}`)),
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
    const before = isLatency ? baselineSummary(evidence, id) : null;
    const after = isLatency ? (distributionOver(head, id)?.summary() ?? null) : null;
    return {
      id,
      unit: isLatency ? 'ms' : unitOfObserved(id, statistic, rounds),
      baseline: before,
      head: after,
      baselineValue: isLatency
        ? null
        : (shown?.baseline ?? own[0]?.baselineValue ?? observedValue(baseline, id, statistic)),
      headValue: isLatency ? null : (shown?.head ?? own[0]?.headValue ?? observedValue(head, id, statistic)),
      change: distinct([
        ...compared,
        ...(stored ? plainChanges(before, after, known, Math.min(maxHistory, evidence.history.length)) : []),
      ]),
      limit,
      verdict: verdictOfLimits(limit),
    };
  });
};
