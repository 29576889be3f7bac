import { metricOf } from '../metrics/metric.ts';
import { rates } from '../metrics/metric-names.ts';
import { mainMetric, type Statistic, type Threshold, type Unit } from '../metrics/threshold.ts';
import { formatThreshold } from '../metrics/threshold-grammar.ts';
import { matchesPattern } from '../metrics/threshold-sets.ts';
import { unitOf, type Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';

/** How far a value may move: of the parts that are set, both must be exceeded. `delta` is in the metric's unit. */
export type Allowance = { percent: number | null; delta: number | null };

type GateBase = {
  metric: string;
  statistic: Statistic;
  unit: Unit;
  /** As the user wrote it, or the default rule in the same grammar. */
  rule: string;
  source: 'default' | 'threshold';
  file: string | null;
  line: number | null;
};

/** A limit on the value at head alone. */
export type AbsoluteGate = GateBase & {
  kind: 'absolute';
  operator: Threshold['operator'];
  limit: number;
};

/** A limit on the change of a value from the baseline. */
export type ChangeGate = GateBase & {
  kind: 'change';
  /** 1 when an increase is the bad direction, -1 when a decrease is. */
  sign: 1 | -1;
  /** What must be exceeded to fail. */
  allowed: Allowance;
  /** What must be ruled out to pass. */
  margin: Allowance;
  /** Share of the job's false alarms, before the shares of all gates are made to sum to one. */
  weight: number;
  /**
   * A guard can fail, and is waited for only while a rise that would matter is suspected: what it watches is too noisy
   * to be shown unchanged.
   */
  guard: boolean;
};

/** A limit on the rise of a count of failures (errors, lost messages) per attempt. */
export type CountGate = GateBase & {
  kind: 'count';
  /** Share of failures per attempt, or `null` when the rise is limited in events. */
  allowedRate: number | null;
  allowedPercent: number | null;
  allowedEvents: number | null;
  weight: number;
};

export type Gate = AbsoluteGate | ChangeGate | CountGate;

/**
 * Shares of the false alarms that a job may have. The floor gets most: few messages wait for nobody, so the p5 is the
 * service time without the luck of queues. It shows a change of every message in a third of the pairs that a p50 needs,
 * and in three quarters of those of a p10 (bench/results/real-jobs.md). The tail sees what hits some messages only.
 * Failures and stalls of the size that matters need very little.
 */
const weights: Partial<Record<Statistic, number>> = {
  p5: 0.4,
  p50: 0.15,
  tail: 0.23,
  p95: 0.23,
  p99: 0.1,
  max: 0.05,
};

const countWeight = 0.045;

const thresholdWeight = 0.3;

/** The worst single wait is a guard against stalls: only a change by far more than percentiles make counts. */
const stallPercent = 50;

const stallFloorMs = 10;

/**
 * Factors on the materiality. What is slow anyway must be slower by more to matter; a change of the service time moves
 * the floor most, and +3% of it is hardly +2% of service time.
 */
const materialFactor: Partial<Record<Statistic, number>> = { p5: 2 / 3, tail: 5 / 3, p99: 5 / 3 };

/** The latencies that are judged by default, by what proves their change; what people feel most first. */
const judgedStatistics = {
  pairs: ['p50', 'tail', 'p5', 'p99', 'max'],
  history: ['p50', 'p95', 'p99', 'max'],
  plain: ['p50', 'p95', 'p99'],
} as const;

/**
 * Limits of the user that take the place of a default one on another statistic as well: who lets the p10 or the p50
 * rise by 15% lets the floor rise, and a limit on the p95 says what the slow messages may do.
 */
const stands: Partial<Record<Statistic, Statistic>> = { p10: 'p5', p50: 'p5', p95: 'tail' };

const place = { file: null, line: null };

/** What proves a change: pairs side by side, or ten and more stored runs; or a plain limit on one number. */
export type Proof = keyof typeof judgedStatistics;

/** Floor of a plain limit when the user sets none, milliseconds. */
export const plainFloorMs = 1;

/** Thresholds whose metric cannot be found: a `*` that matches nothing, or no main latency. */
export type GateList = { gates: Gate[]; unmatched: Threshold[] };

/**
 * Every limit that holds for a suite: the user's, and the default ones on the main latency, errors and lost messages
 * where the user sets none of that kind on the same statistic.
 */
export const gatesFor = (inputs: {
  thresholds: readonly Threshold[];
  settings: VerdictSettings;
  main: string | null;
  /** Both sides: which metrics there are. */
  sides: readonly Values[];
  /** How changes are judged; null when there is no baseline, so that only absolute limits hold. */
  proof: Proof | null;
}): GateList => {
  const { thresholds, settings, main, sides, proof } = inputs;
  const observed = [...new Set(sides.flatMap(({ latencies }) => latencies))].sort();
  const unmatched: Threshold[] = [];
  const written = thresholds.flatMap((threshold) => {
    const metrics = metricsOf(threshold, main, observed);
    if (metrics.length === 0) unmatched.push(threshold);
    return metrics.map((metric) => gateOfThreshold(threshold, metric, sides));
  });
  if (proof === null) return { gates: written.filter((gate) => gate.kind === 'absolute'), unmatched };
  const replaced = new Set(
    written
      .filter((gate) => gate.kind !== 'absolute')
      .flatMap(({ metric, statistic }) => [
        `${metric}/${statistic}`,
        `${metric}/${stands[statistic] ?? statistic}`,
      ]),
  );
  const defaults: Gate[] = [];
  if (main !== null) {
    const statistics = judgedStatistics[proof];
    for (const statistic of statistics) defaults.push(defaultChangeGate(main, statistic, settings, proof));
  }
  defaults.push(defaultCountGate('errors.rate', settings));
  if (sides.some((side) => (side.value('deliveries.expected', 'value') ?? 0) > 0))
    defaults.push(defaultCountGate('deliveries.lost.rate', settings));
  const overridden = (gate: Gate): boolean =>
    replaced.has(`${gate.metric}/${gate.statistic}`) ||
    (gate.kind === 'count' && replaced.has(`${rates[gate.metric]?.part}/value`));
  return { gates: [...written, ...defaults.filter((gate) => !overridden(gate))], unmatched };
};

/**
 * Share of the job's false alarms that each change and count gate has. The shares, with the weight that is `reserved`
 * for gates that cannot be judged yet, sum to one.
 */
export const alphaShares = (gates: readonly Gate[], reserved = 0): Map<Gate, number> => {
  const shared = gates.filter((gate) => gate.kind !== 'absolute');
  const sum = shared.reduce((total, gate) => total + gate.weight, reserved);
  return new Map(shared.map((gate) => [gate, gate.weight / sum]));
};

/** Whether the value of a gate is one of a latency, in any of the sides. */
export const isLatencyGate = (gate: Gate, ...sides: readonly Values[]): boolean =>
  gate.statistic !== 'count' && sides.some((side) => side.metric(gate.metric).kind === 'latency');

/** The metrics that a threshold is about: the main one, or those that its `*` matches. */
function metricsOf(threshold: Threshold, main: string | null, observed: readonly string[]): string[] {
  if (threshold.metric === mainMetric) return main === null ? [] : [main];
  if (threshold.wildcard !== true) return [threshold.metric];
  return observed.filter(matchesPattern(threshold.metric));
}

function gateOfThreshold(threshold: Threshold, metric: string, both: readonly Values[]): Gate {
  const { statistic, operator, bound } = threshold;
  const what =
    (both.find((side) => side.latencies.includes(metric)) ?? both[0])?.metric(metric) ?? metricOf(metric);
  const { kind, failure } = what;
  const unit = unitOf(what, statistic);
  const base = {
    metric,
    statistic,
    unit,
    rule: threshold.source,
    source: 'threshold' as const,
    file: threshold.where.file ?? null,
    line: threshold.where.line ?? null,
  };
  if (bound.kind === 'absolute') return { ...base, kind: 'absolute', operator, limit: bound.value };
  const allowed = { percent: bound.percent, delta: bound.delta?.value ?? null };
  const falling = operator === '>' || operator === '>=';
  if (failure !== null && !falling) {
    const ofRate = kind === 'rate';
    return {
      ...base,
      kind: 'count',
      allowedRate: ofRate ? allowed.delta : null,
      allowedPercent: allowed.percent,
      allowedEvents: ofRate ? null : allowed.delta,
      weight: countWeight,
    };
  }
  const weight = weights[statistic] ?? thresholdWeight;
  return { ...base, kind: 'change', sign: falling ? -1 : 1, allowed, margin: allowed, weight, guard: false };
}

/**
 * The change that the default gate of a percentile lets through. Where a change is proven, it fails from the
 * materiality on, and the margin must be ruled out to pass; where it cannot be proven, the margin is the limit.
 */
function defaultChangeGate(
  metric: string,
  statistic: (typeof judgedStatistics)[Proof][number],
  settings: VerdictSettings,
  proof: Proof,
): ChangeGate {
  const stall = statistic === 'max';
  const material = settings.materialityPercent * (materialFactor[statistic] ?? 1);
  const margin = statistic === 'p99' ? settings.marginP99Percent : settings.marginPercent;
  const floor = settings.floorMs ?? (proof === 'plain' ? plainFloorMs : null);
  const percent = stall ? Math.max(stallPercent, margin) : proof === 'plain' ? margin : material;
  const delta = stall ? Math.max(stallFloorMs, floor ?? 0) : floor;
  const allowed = { percent: Number(percent.toPrecision(6)), delta: delta === 0 ? null : delta };
  return {
    kind: 'change',
    metric,
    statistic,
    unit: 'ms',
    rule: ruleOf(metric, statistic, 'ms', allowed),
    source: 'default',
    ...place,
    sign: 1,
    allowed,
    margin: { percent: stall ? percent : margin, delta: allowed.delta },
    weight: weights[statistic]!,
    guard: stall || (statistic === 'p99' && proof === 'pairs'),
  };
}

function ruleOf(metric: string, statistic: Statistic, unit: Unit, allowed: Allowance): string {
  return formatThreshold({
    source: '',
    where: {},
    metric,
    statistic,
    operator: '<',
    bound: {
      kind: 'relative',
      percent: allowed.percent,
      delta: allowed.delta === null ? null : { value: allowed.delta, unit },
    },
  });
}

function defaultCountGate(metric: string, settings: VerdictSettings): CountGate {
  return {
    kind: 'count',
    metric,
    statistic: 'value',
    unit: 'ratio',
    rule: ruleOf(metric, 'value', 'ratio', { percent: null, delta: settings.errorRisePoints / 100 }),
    source: 'default',
    ...place,
    allowedRate: settings.errorRisePoints / 100,
    allowedPercent: null,
    allowedEvents: null,
    weight: countWeight,
  };
}
