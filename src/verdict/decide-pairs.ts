import type { VerdictSettings } from '../settings/settings-schema.ts';
import { type Allowance, alphaShares, type ChangeGate, type CountGate } from './gates.ts';
import { type Look, lastLook, plannedLook, suspicionP } from './look-schedule.ts';
import { studentTUpperQuantile } from './statistics/distributions.ts';
import { type CountComparison, compareCounts, type EventCount } from './statistics/error-counts.ts';
import { type PairSummary, summarisePairs } from './statistics/pair-effect.ts';

/** What the pairs show for one change gate: one value per pair. */
export type ChangeSeries = {
  kind: 'change';
  gate: ChangeGate;
  /** `log`: ln(head / baseline); `difference`: head - baseline, where a value can be zero. */
  scale: 'log' | 'difference';
  values: readonly number[];
  /** The baseline's value, to which a limit in the metric's unit or in percent is applied. */
  base: number;
  /** Smallest deviation between pairs that is believed. */
  resolution: number;
};

/** What the pairs show for one count gate: one count per pair and side. */
export type CountSeries = {
  kind: 'count';
  gate: CountGate;
  baseline: readonly EventCount[];
  head: readonly EventCount[];
};

export type Series = ChangeSeries | CountSeries;

export type State = 'fail' | 'pass' | 'undecided';

export type ChangeDecision = {
  kind: 'change';
  state: State;
  summary: PairSummary;
  /** In the scale of the values, the bad direction positive. */
  allowed: number;
  margin: number;
  failBoundary: number;
  passBoundary: number;
  /** Share of the job's false alarms that the boundary was made for. */
  share: number;
};

export type CountDecision = {
  kind: 'count';
  state: State;
  comparison: CountComparison;
  /** Rise of the rate that is let through. */
  allowed: number;
  /** No rise is let through, as the user set: two numbers are compared, and nothing needs a proof. */
  anyIncrease: boolean;
  level: number;
};

export type SeriesDecision = ChangeDecision | CountDecision;

/** All gates at one look; `settled` when the comparison can end. */
export type PairsDecision = { look: Look | null; decisions: SeriesDecision[]; settled: boolean };

/** Share of what is allowed from which an estimate that hints at a rise keeps the gate open before the last look. */
const suspicionShare = 0.3;

/** Share of the margin below which an estimate must lie for a pass before the last look. */
const earlyPassShare = 0.3;

/**
 * Decides side by side after `pairs` pairs. Between the planned looks nothing is decided (`settled` is false). With
 * `final`, what the planned look left open is decided once more with all that is left to spend.
 */
export const decidePairs = (
  series: readonly Series[],
  pairs: number,
  settings: Pick<VerdictSettings, 'minPairs' | 'maxPairs'>,
  options: { final: boolean; suites: number; reserved?: number },
): PairsDecision => {
  const reserved = options.reserved ?? 0;
  const planned = plannedLook(pairs, settings, options.suites);
  if (planned !== null) {
    const decisions = decideAll(series, planned, reserved);
    const settled = isSettled(decisions);
    if (settled || planned.last || !options.final)
      return { look: planned, decisions, settled: settled || planned.last };
  }
  const last = lastLook(pairs, settings, options.suites);
  if (last === null) return { look: null, decisions: [], settled: options.final };
  const look = { ...last, last: options.final };
  return { look, decisions: decideAll(series, look, reserved), settled: options.final };
};

/**
 * An allowance in the scale of the values, the bad direction positive. Of two parts both must be exceeded, so the
 * larger counts.
 */
export const allowanceIn = (
  scale: 'log' | 'difference',
  allowance: Allowance,
  base: number,
  sign: 1 | -1,
): number => {
  const changes: number[] = [];
  if (allowance.percent !== null) changes.push((allowance.percent / 100) * base);
  if (allowance.delta !== null) changes.push(allowance.delta);
  const parts = changes.map((change) => {
    if (scale === 'difference') return sign * change;
    const ratio = 1 + change / base;
    return ratio > 0
      ? sign * Math.log(ratio)
      : sign === 1
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY;
  });
  return parts.length === 0 ? 0 : Math.max(...parts);
};

/** The same in the unit of the value, with the sign of the direction: how far it may move from `base`. */
export const allowedChange = (allowance: Allowance, base: number, sign: 1 | -1): number =>
  sign * allowanceIn('difference', allowance, Math.abs(base), sign);

/**
 * One count gate: fails when every test proves the rise and it is larger than allowed. Passes when the rise is not
 * larger, or nothing speaks for one: to rule a rise out would take hours where errors are rare. A gate that allows no
 * rise at all ("any increase fails") is a comparison of two numbers.
 */
export const decideCount = (
  gate: CountGate,
  baseline: readonly EventCount[],
  head: readonly EventCount[],
  level: number,
  paired: boolean,
): CountDecision => {
  const comparison = compareCounts(baseline, head, paired);
  const attempts = baseline.reduce((sum, count) => sum + count.attempts, 0);
  const allowed = allowedRise(gate, comparison, attempts);
  // A share of a baseline that had none is no rise that the user ruled out.
  const anyIncrease = gate.source === 'threshold' && allowed <= 0 && (gate.allowedPercent ?? 0) <= 0;
  const { p } = comparison;
  const state = (): State => {
    if (anyIncrease) return comparison.rise > allowed ? 'fail' : 'pass';
    if (comparison.rise <= 0 || comparison.rise < allowed) return 'pass';
    if (p < level) return 'fail';
    return p < suspicionP ? 'undecided' : 'pass';
  };
  return { kind: 'count', state: state(), comparison, allowed, anyIncrease, level };
};

/**
 * The smallest change, as a ratio minus one (or in the metric's unit on the difference scale), that this many pairs
 * would have proven with 95% probability.
 */
export const detectableChange = (series: ChangeSeries, decision: ChangeDecision): number => {
  const { pairs, standardError } = decision.summary;
  const power = studentTUpperQuantile(0.05, Math.max(1, pairs - 1));
  const change = Math.max(decision.allowed, (decision.failBoundary + power) * standardError);
  return series.scale === 'log' ? Math.expm1(change) : change;
};

/**
 * All gates at one look. False alarms are split by weight (Bonferroni); what a failing gate had passes to the others
 * (Holm), so that everything that changed is named.
 */
function decideAll(series: readonly Series[], look: Look, reserved: number): SeriesDecision[] {
  const decided = new Map<Series, SeriesDecision>();
  let open = [...series];
  while (open.length > 0) {
    const shares = alphaShares(
      open.map((one) => one.gate),
      reserved,
    );
    const round = open.map((one) => ({ one, decision: decideSeries(one, shares.get(one.gate)!, look) }));
    const failed = round.filter(({ decision }) => decision.state === 'fail');
    for (const { one, decision } of failed.length > 0 ? failed : round) decided.set(one, decision);
    if (failed.length === 0) break;
    open = open.filter((one) => !decided.has(one));
  }
  return series.map((one) => decided.get(one)!);
}

function decideSeries(series: Series, share: number, look: Look): SeriesDecision {
  return series.kind === 'change'
    ? decideChange(series, share, look)
    : decideCount(series.gate, series.baseline, series.head, look.failLevel(share), true);
}

function decideChange(series: ChangeSeries, share: number, look: Look): ChangeDecision {
  const { gate, scale, base } = series;
  const numbers = {
    summary: summarisePairs(series.values, series.resolution),
    // A share of a balance below zero is one of its size.
    allowed: allowanceIn(scale, gate.allowed, Math.abs(base), gate.sign),
    margin: allowanceIn(scale, gate.margin, Math.abs(base), gate.sign),
    failBoundary: look.failBoundary(share),
    passBoundary: look.passBoundary,
    share,
  };
  return { kind: 'change', state: stateOf(series, numbers, look), ...numbers };
}

/**
 * One change gate at one look.
 *
 * fail: the change is proven, (mean - min(0, allowed)) / se > tFail, and it is at least what is allowed.
 * pass: the margin is ruled out, (margin - mean) / se > tPass; before the last look the estimate must also be below
 * what is allowed (or 0.3 of the margin) and hint at no rise, or a change of half the margin would pass at the first
 * look, where the margin is ruled out long before the change is proven.
 * A guard passes unless a rise is suspected: what it watches is too noisy for its margin to be ruled out.
 */
function stateOf(series: ChangeSeries, decision: Omit<ChangeDecision, 'state' | 'kind'>, look: Look): State {
  const { summary, allowed, margin } = decision;
  const mean = series.gate.sign * summary.mean;
  const reference = Math.min(0, allowed);
  const proven = (mean - reference) / summary.standardError > decision.failBoundary;
  if (proven && mean >= allowed && mean > reference) return 'fail';
  if (series.gate.guard) {
    const suspected = mean / summary.standardError > look.suspicionBoundary;
    return suspected && mean >= allowed && mean > 0 ? 'undecided' : 'pass';
  }
  // Where no pair shows any difference at all, there is nothing to be ruled out.
  if (margin >= 0 && series.values.every((value) => value === 0)) return 'pass';
  const ruledOut = (margin - mean) / summary.standardError > decision.passBoundary;
  const small = mean < Math.max(allowed, earlyPassShare * margin);
  const suspected = mean >= suspicionShare * allowed && mean / summary.standardError > look.hintBoundary;
  const quiet = look.last || (small && !suspected);
  return ruledOut && quiet ? 'pass' : 'undecided';
}

function isSettled(decisions: readonly SeriesDecision[]): boolean {
  return decisions.some(({ state }) => state === 'fail') || decisions.every(({ state }) => state === 'pass');
}

/** Rise of the rate that a count gate lets through, per attempt. */
function allowedRise(gate: CountGate, comparison: CountComparison, baselineAttempts: number): number {
  return Math.max(
    ...[
      gate.allowedRate,
      gate.allowedPercent === null ? null : (gate.allowedPercent / 100) * comparison.baselineRate,
      gate.allowedEvents === null ? null : gate.allowedEvents / Math.max(1, baselineAttempts),
    ].filter((part) => part !== null),
  );
}
