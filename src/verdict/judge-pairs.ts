import {
  atSide,
  formatChange,
  formatCount,
  formatLimit,
  formatPercentChange,
  formatValue,
  plural,
  subjectName,
} from '../metrics/notation.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import {
  type ChangeDecision,
  type ChangeSeries,
  type CountSeries,
  decidePairs,
  detectableChange,
  type PairsDecision,
  type Series,
  type SeriesDecision,
  type State,
} from './decide-pairs.ts';
import { explainCount } from './explain-count.ts';
import { type ChangeGate, type CountGate, type Gate, isLatencyGate } from './gates.ts';
import { judgeAbsolute } from './judge-absolute.ts';
import type { Change, ChangeAtLook, MeasuredPair } from './judgement.ts';
import { jobAlpha, passBeta, plannedLook } from './look-schedule.ts';
import { type GateOutcome, plainOutcome } from './outcome.ts';
import { samplesNeeded } from './sample-sizes.ts';
import { pairLogRatio, sketchResolution, summarisePairs, typicalValues } from './statistics/pair-effect.ts';

type Sides = { baseline: Values; head: Values };

/** What came of all gates side by side. `settled` is false while more pairs are wanted. */
export type PairsJudgement = { outcomes: GateOutcome[]; settled: boolean };

/** Judges every gate by the pairs measured so far; `sides` are their values. */
export const judgePairs = (
  gates: readonly Gate[],
  pairs: readonly MeasuredPair[],
  sides: Sides,
  settings: VerdictSettings,
  options: { final: boolean; suites: number },
): PairsJudgement => {
  const early = new Map<Gate, GateOutcome>();
  const series: Series[] = [];
  for (const gate of gates) {
    if (gate.kind === 'absolute') continue;
    const stopped =
      gate.kind === 'change' ? (missing(gate, sides) ?? tooFew(gate, sides, settings, options.final)) : null;
    if (stopped !== null) early.set(gate, stopped);
    else if (gate.kind === 'change') series.push(changeSeries(gate, pairs, sides));
    else {
      const counts = countSeries(gate, sides);
      const without = counts === null ? countMissing(gate) : nothingAttempted(gate, sides);
      if (counts === null || without !== null) early.set(gate, without!);
      else series.push(counts);
    }
  }
  const few = [...early.values()].filter((outcome) => outcome.state === 'undecided');
  // A guard is waited for while it shows something, not until it could.
  const waiting = few.filter(({ gate }) => gate.kind !== 'change' || !gate.guard);
  const reserved = few.reduce((sum, { gate }) => sum + (gate.kind === 'absolute' ? 0 : gate.weight), 0);
  const decision: PairsDecision = decidePairs(series, pairs.length, settings, { ...options, reserved });
  const failed =
    decision.look !== null && decision.settled && decision.decisions.some(({ state }) => state === 'fail');
  // A metric that is missing in one pair stays missing: more pairs cannot make the run valid.
  const hopeless = [...early.values()].some((outcome) => outcome.state === 'invalid');
  const settled = hopeless || (decision.settled && (failed || waiting.length === 0 || options.final));
  const shown = {
    settled: decision.settled,
    final: options.final || (decision.look !== null && decision.settled),
    suites: options.suites,
    settings,
  };
  const outcomes = gates.map((gate): GateOutcome => {
    const known = early.get(gate);
    if (known !== undefined)
      return settled && few.includes(known) && !waiting.includes(known)
        ? { ...known, state: 'skipped' }
        : known;
    if (gate.kind === 'absolute') {
      // Judged with the others, on all that was measured; until then it is open.
      const outcome = judgeAbsolute(gate, sides.head, sides.baseline, settings);
      return settled ? outcome : { ...outcome, state: 'undecided' };
    }
    const index = series.findIndex((one) => one.gate === gate);
    const made = decision.decisions[index];
    if (made === undefined)
      return plainOutcome(gate, 'undecided', 'One pair is not enough to compare anything.');
    return outcomeOf(series[index]!, made, pairs, sides, shown);
  });
  return { outcomes, settled };
};

function missing(gate: Gate, sides: Sides): GateOutcome | null {
  for (const side of ['head', 'baseline'] as const) {
    const without = sides[side].rounds.flatMap((round, index) => {
      const value = round.value(gate.metric, gate.statistic);
      return value === null || Number.isNaN(value) ? [index + 1] : [];
    });
    if (without.length === 0) continue;
    const name = subjectName(gate.metric, gate.statistic);
    const which =
      without.length === sides[side].rounds.length
        ? 'in any pair'
        : `in ${without.length === 1 ? 'pair' : 'pairs'} ${without.join(', ')}`;
    return plainOutcome(
      gate,
      'invalid',
      `${name} was not measured ${atSide(side)} ${which}, so nothing can be compared.`,
    );
  }
  return null;
}

/** Too few values: a default gate is left out once it is clear that they will not come; a threshold is invalid. */
function tooFew(
  gate: ChangeGate,
  sides: Sides,
  settings: VerdictSettings,
  final: boolean,
): GateOutcome | null {
  if (!isLatencyGate(gate, sides.baseline, sides.head)) return null;
  const needed = samplesNeeded(gate.statistic, settings);
  const samples = Math.min(sides.baseline.samples(gate.metric), sides.head.samples(gate.metric));
  if (samples >= needed || samples === 0) return null;
  const atMost = final ? samples : (samples * settings.maxPairs) / sides.head.rounds.length;
  const sentence = `${subjectName(gate.metric, gate.statistic)} comes from ${plural(samples, 'value')} a side in ${plural(sides.head.rounds.length, 'pair')}, and at least ${formatCount(needed)} are needed to judge it`;
  if (atMost >= needed) return plainOutcome(gate, 'undecided', `${sentence}.`);
  return plainOutcome(
    gate,
    gate.source === 'default' ? 'skipped' : 'invalid',
    `${sentence}; more pairs would not bring them.`,
  );
}

function changeSeries(gate: ChangeGate, pairs: readonly MeasuredPair[], sides: Sides): ChangeSeries {
  const distribution = isLatencyGate(gate, sides.baseline, sides.head);
  const base = sides.baseline.value(gate.metric, gate.statistic)!;
  const ratios = pairs.map((pair) => pairLogRatio(pair.baseline, pair.head, gate.metric, gate.statistic));
  if (ratios.every((ratio) => ratio !== null))
    return {
      kind: 'change',
      gate,
      scale: 'log',
      values: ratios,
      base,
      resolution: distribution && gate.statistic !== 'mean' ? sketchResolution : 1e-6,
    };
  const read = (side: Values, pair: number) => side.rounds[pair]!.value(gate.metric, gate.statistic)!;
  return {
    kind: 'change',
    gate,
    scale: 'difference',
    values: pairs.map((_, pair) => read(sides.head, pair) - read(sides.baseline, pair)),
    base,
    resolution: 1e-9 * Math.max(1, Math.abs(base)),
  };
}

function countSeries(gate: CountGate, sides: Sides): CountSeries | null {
  const counts = ({ rounds }: Values) => rounds.flatMap((round) => round.events(gate.metric) ?? []);
  const baseline = counts(sides.baseline);
  const head = counts(sides.head);
  if (baseline.length < sides.baseline.rounds.length || head.length < sides.head.rounds.length) return null;
  return { kind: 'count', gate, baseline, head };
}

/** A share of nothing is no share: a limit of the user cannot be judged then, and a default one is left out. */
export function nothingAttempted(gate: CountGate, sides: Sides): GateOutcome | null {
  const side = (['baseline', 'head'] as const).find(
    (one) => (sides[one].events(gate.metric)?.attempts ?? 0) === 0,
  );
  return side === undefined
    ? null
    : plainOutcome(
        gate,
        gate.source === 'default' ? 'skipped' : 'invalid',
        `nothing was attempted ${atSide(side)} that "${gate.rule}" counts, so nothing can be compared.`,
      );
}

function countMissing(gate: CountGate): GateOutcome {
  return plainOutcome(
    gate,
    'invalid',
    `${gate.metric} was not counted in every round, so nothing can be compared.`,
  );
}

function outcomeOf(
  series: Series,
  decision: SeriesDecision,
  pairs: readonly MeasuredPair[],
  sides: Sides,
  options: { settled: boolean; final: boolean; suites: number; settings: VerdictSettings },
): GateOutcome {
  // Between looks nothing is decided, and a gate that is still open when another one failed stays open.
  const state: State = options.settled ? decision.state : 'undecided';
  const { gate } = series;
  const baseline = sides.baseline.value(gate.metric, gate.statistic);
  const head = sides.head.value(gate.metric, gate.statistic);
  const where = `in ${plural(sides.head.rounds.length, 'pair')}`;
  if (series.kind === 'count' && decision.kind === 'count')
    return {
      gate,
      state,
      explanation: explainCount(series.gate, decision, state, where),
      change: null,
      detectable: null,
      baselineValue: baseline,
      headValue: head,
    };
  const one = series as ChangeSeries;
  const made = decision as ChangeDecision;
  const change = changeOf(one, made, pairs, options.suites);
  const narrowing = narrowingOf(one, made, options.settings, options);
  return {
    gate,
    state,
    explanation: explainChange(
      one,
      made,
      state,
      change,
      change ?? { baseline: baseline!, head: head! },
      options.final,
    ),
    change,
    ...(narrowing === undefined ? {} : { narrowing }),
    detectable: one.scale === 'log' ? detectableChange(one, made) : null,
    baselineValue: change?.baseline ?? baseline,
    headValue: change?.head ?? head,
  };
}

/** The change with its interval: it lies above zero exactly when it is proven, below the margin when that is ruled out. */
function changeOf(
  series: ChangeSeries,
  decision: ChangeDecision,
  pairs: readonly MeasuredPair[],
  suites: number,
): Change | null {
  const { summary, failBoundary, passBoundary, share } = decision;
  const sign = series.gate.sign;
  const downwards = sign === 1 ? failBoundary : passBoundary;
  const upwards = sign === 1 ? passBoundary : failBoundary;
  const low = summary.mean - downwards * summary.standardError;
  const high = summary.mean + upwards * summary.standardError;
  const relative = (value: number) => (series.scale === 'log' ? Math.expm1(value) : value / series.base);
  if (series.scale === 'difference' && !(series.base > 0)) return null;
  const between =
    series.scale === 'log'
      ? typicalValues(pairs, series.gate.metric, series.gate.statistic, summary.mean)
      : { baseline: series.base, head: series.base + summary.mean };
  return {
    statistic: series.gate.statistic,
    relative: relative(summary.mean),
    ...between,
    low: relative(low),
    high: relative(high),
    confidence: 1 - (jobAlpha * share) / suites - passBeta,
    samples: summary.pairs,
  };
}

/** The change after each number of pairs that there was a look at, as `changeOf` at that look. */
function narrowingOf(
  series: ChangeSeries,
  decision: ChangeDecision,
  settings: VerdictSettings,
  { suites }: { suites: number },
): GateOutcome['narrowing'] {
  if (series.scale !== 'log') return undefined;
  const all = series.values.length;
  const looks = series.values.flatMap((_, index): ChangeAtLook[] => {
    const pairs = index + 1;
    const isLast = pairs === all;
    const look = isLast ? null : plannedLook(pairs, settings, suites);
    if (pairs < 2 || (look === null && !isLast)) return [];
    const { mean, standardError } = isLast
      ? decision.summary
      : summarisePairs(series.values.slice(0, pairs), series.resolution);
    const fail = look?.failBoundary(decision.share) ?? decision.failBoundary;
    const pass = look?.passBoundary ?? decision.passBoundary;
    const [downwards, upwards] = series.gate.sign === 1 ? [fail, pass] : [pass, fail];
    return [
      {
        pairs,
        relative: Math.expm1(mean),
        low: Math.expm1(mean - downwards * standardError),
        high: Math.expm1(mean + upwards * standardError),
      },
    ];
  });
  return { allowed: Math.expm1(series.gate.sign * decision.allowed), looks };
}

function explainChange(
  series: ChangeSeries,
  decision: ChangeDecision,
  state: State,
  change: Change | null,
  values: { baseline: number; head: number },
  final: boolean,
): string {
  const { gate } = series;
  const { summary, allowed, margin } = decision;
  const unit = gate.unit;
  const name = subjectName(gate.metric, gate.statistic);
  const effect =
    change === null
      ? `changed by ${formatValue(summary.mean, unit)} on average`
      : `changed by ${formatChange(change)}`;
  const what = `${name} ${effect} in ${plural(summary.pairs, 'pair')}, from ${formatValue(values.baseline, unit)} to ${formatValue(values.head, unit)}`;
  const worse = gate.sign === 1 ? 'rise' : 'fall';
  if (state === 'fail')
    return `${what}. The ${worse} is certain and larger than the ${limitWords(allowed, series)} allowed, so it fails.`;
  if (gate.guard && state === 'pass')
    return `${what}. No ${worse} of the worst waits beyond ${limitWords(allowed, series)} is certain, so it passes.`;
  if (state === 'pass')
    return `${what}. A ${worse} beyond ${limitWords(margin, series)} is ruled out, so it passes.`;
  if (!final) return `${what}. More pairs will tell.`;
  const detectable =
    series.scale === 'log'
      ? formatPercentChange(Math.expm1(gate.sign * Math.log1p(detectableChange(series, decision))))
      : formatValue(detectableChange(series, decision), unit);
  return `${what}. It could be a ${worse} beyond ${limitWords(margin, series)}, or none at all, so it is undecided. A change of ${detectable} or more would have been found.`;
}

function limitWords(value: number, series: ChangeSeries): string {
  return series.scale === 'log'
    ? formatLimit(Math.expm1(series.gate.sign * value))
    : `${value >= 0 ? '+' : '−'}${formatValue(Math.abs(value), series.gate.unit)}`;
}
