import { distributionOver, observedValue, unitOfObserved } from '../comparison/observed-value.ts';
import type { RoundMeasurement } from '../measurement/round-measurement.ts';
import type { AdvisoryChange } from './advisory.ts';
import type { AppliedLimit, Change, JudgedMetric, SuiteEvidence } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import { overallVerdict, type Verdict } from './verdict.ts';

const limitOf = ({ gate, state, explanation, detectable }: GateOutcome): AppliedLimit[] =>
  state === 'skipped'
    ? []
    : [
        {
          rule: gate.rule,
          statistic: gate.statistic,
          verdict: (state === 'undecided' ? 'inconclusive' : state) satisfies Verdict,
          explanation,
          detectable,
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

/** Plain ratios for latencies that nothing else compared: shown, without an interval. */
const plainChanges = (
  metric: string,
  baseline: readonly RoundMeasurement[],
  head: readonly RoundMeasurement[],
  known: ReadonlySet<string>,
  comparison: SuiteEvidence['comparison'],
): Change[] => {
  if (comparison === 'side-by-side') return [];
  return (['p50', 'p95', 'p99'] as const).flatMap((statistic) => {
    if (known.has(statistic)) return [];
    const before = observedValue(baseline, metric, statistic);
    const after = observedValue(head, metric, statistic);
    if (before === null || after === null || !(before > 0)) return [];
    return [
      {
        statistic,
        relative: after / before - 1,
        low: null,
        high: null,
        confidence: null,
        samples: baseline.length,
      },
    ];
  });
};

/** Every metric of the report: the latencies, main one first, and whatever else has a limit or was compared. */
export const listMetrics = (inputs: {
  main: string | null;
  outcomes: readonly GateOutcome[];
  advice: readonly AdvisoryChange[];
  baseline: readonly RoundMeasurement[];
  head: readonly RoundMeasurement[];
  history: SuiteEvidence['comparison'];
}): JudgedMetric[] => {
  const { main, outcomes, advice, baseline, head } = inputs;
  const rounds = [...baseline, ...head];
  const latencies = new Set(rounds.flatMap((round) => Object.keys(round.metrics)));
  const others = new Set([...outcomes.map(({ gate }) => gate.metric), ...advice.map(({ metric }) => metric)]);
  const ids = [...new Set([...(main === null ? [] : [main]), ...[...latencies].sort(), ...others])];
  return ids.map((id): JudgedMetric => {
    const own = outcomes.filter(({ gate }) => gate.metric === id);
    const limit = own.flatMap(limitOf);
    const gated = own.flatMap(({ change }) => change ?? []);
    const advised = advice.filter(({ metric }) => metric === id).map(({ change }) => change);
    const isLatency = latencies.has(id);
    const known = new Set([...gated, ...advised].map((change) => change.statistic));
    const statistic = own[0]?.gate.statistic ?? advised[0]?.statistic ?? 'value';
    const single = own.find(({ gate }) => gate.statistic === statistic);
    return {
      id,
      unit: isLatency ? 'ms' : unitOfObserved(id, statistic as never, rounds),
      baseline: isLatency ? (distributionOver(baseline, id)?.summary() ?? null) : null,
      head: isLatency ? (distributionOver(head, id)?.summary() ?? null) : null,
      baselineValue: isLatency
        ? null
        : (single?.baselineValue ?? observedValue(baseline, id, statistic as never)),
      headValue: isLatency ? null : (single?.headValue ?? observedValue(head, id, statistic as never)),
      change: distinct([
        ...gated,
        ...advised,
        ...(isLatency ? plainChanges(id, baseline, head, known, inputs.history) : []),
      ]),
      limit,
      verdict: verdictOfLimits(limit),
    };
  });
};
