import { mean } from '../metrics/averages.ts';
import {
  enduranceSeries,
  isOfHeap,
  isRetained,
  leastWaves,
  type Series,
  settled,
} from '../metrics/endurance-series.ts';
import { metricOf } from '../metrics/metric.ts';
import { enduranceMetrics } from '../metrics/metric-names.ts';
import {
  atSide,
  formatCount,
  formatDuration,
  formatPercentChange,
  formatValue,
  subjectName,
} from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import { formatQuantity } from '../metrics/threshold-units.ts';
import type { Values } from '../metrics/values.ts';
import { allowedChange } from './decide-pairs.ts';
import { type AbsoluteGate, type ChangeGate, type Gate, gatesFor } from './gates.ts';
import { holds, judgeAbsolute } from './judge-absolute.ts';
import { judgeHistory } from './judge-history.ts';
import { judgePairs } from './judge-pairs.ts';
import type { Measured, SuiteJudgement, SuiteQuestion } from './judgement.ts';
import { type GateOutcome, type GateState, plainOutcome } from './outcome.ts';
import {
  differenceGoesOn,
  type Estimate,
  type Growth,
  goesOn,
  growthBetween,
  growthOf,
  intervalOf,
} from './statistics/steady-growth.ts';

/** Of intervals that are shown, and that must be beyond a limit to fail; and of those that must be within it to pass. */
const confidence = 0.99;
const passConfidence = 0.95;
/** Memory for each session that is no leak where nobody set a limit: about what a number in a growing list takes. */
const defaultBytes = 100;
/** Of what is counted, so many are left by chance, and one for so many sessions is no leak of each session. */
const defaultLeft = 5;
const defaultLeftShare = 0.01;

/**
 * The limits of a suite whose users come in waves: the user's own, those on memory and on what is left that hold where
 * he set none, and the rise of errors. Latencies are judged by absolute limits alone: waves are short, and
 * another suite compares them better.
 */
export const enduranceGates = (
  question: SuiteQuestion,
  measured: Measured,
  main: string | null,
): ReturnType<typeof gatesFor> => {
  const { baseline, head } = measured;
  const isCompared = areWavesCompared(measured);
  const { gates, unmatched } = gatesFor({
    thresholds: question.thresholds,
    settings: question.settings,
    main,
    sides: [baseline, head],
    proof: isCompared ? 'pairs' : null,
  });
  const own = gates.filter((gate) => gate.kind !== 'change' || isOfEndurance(gate));
  const limited = new Set(own.map(({ metric }) => metric));
  const defaults = Object.keys(enduranceMetrics).flatMap((metric): Gate[] => {
    if (isRetained(metric))
      return metric !== 'server.retained.perSession' || [...limited].some(isRetained)
        ? []
        : [defaultGate(metric, defaultBytes, isCompared)];
    if (limited.has(metric) || head.value(metric, 'value') === null) return [];
    return [defaultGate(metric, leftBySessions(head), isCompared)];
  });
  return { gates: [...own, ...defaults], unmatched };
};

/** Whether there is a run of waves to compare with; else limits on a change are not applied. */
export const areWavesCompared = (measured: Measured): boolean => seriesSideOf(measured) !== null;

/** Judges every limit of a suite whose users come in waves. */
export const judgeEnduranceGates = (
  question: SuiteQuestion,
  gates: readonly Gate[],
  measured: Measured,
): GateOutcome[] => [
  ...gates.flatMap((gate): GateOutcome[] => {
    if (gate.kind === 'count') return [];
    if (isOfEndurance(gate)) return [judgeGate(gate, measured)];
    return gate.kind === 'absolute'
      ? [judgeAbsolute(gate, measured.head, measured.baseline, question.settings)]
      : [];
  }),
  ...judgeCounts(
    question,
    gates.filter((gate) => gate.kind === 'count'),
    measured,
  ),
];

/**
 * Whether a limit on what is left failed with nothing to compare with. Timers, listeners or sockets that the server keeps
 * for a while may be all of it, and a server that is left alone tells.
 */
export const mayStillGo = ({ metrics }: Pick<SuiteJudgement, 'metrics'>): boolean =>
  metrics.some(
    ({ id, limit }) =>
      metricOf(id).kind === 'endurance' &&
      !isRetained(id) &&
      limit.some(({ verdict, value }) => verdict === 'fail' && value !== undefined),
  );

/** What of the speed of the server drifted over the run beyond doubt, as sentences. */
export const driftNotes = (measured: Measured, main: string | null): string[] => {
  const sides: { name: SideName; values: Values }[] = [
    { name: 'head', values: measured.head },
    ...(measured.pairs.length === 0 ? [] : [{ name: 'baseline' as const, values: measured.baseline }]),
  ];
  const watched = [
    ...(main === null ? [] : [{ metric: main, statistic: 'p50' as const }]),
    { metric: 'server.cpuPerMessage', statistic: 'value' as const },
  ];
  return watched.flatMap(({ metric, statistic }) => {
    const drifts = sides.flatMap(({ name, values }) => {
      const drift = driftOf(values, metric, statistic);
      return drift === null ? [] : [{ name, ...drift }];
    });
    return drifts.map(
      ({ name, perMinute, low, high, share }) =>
        `${subjectName(metric, statistic)} drifts ${atSide(name)}: ${signed(perMinute)} a minute (${signed(low)} to ${signed(high)}, 99% sure), ${formatPercentChange(share)} over the run${drifts.length === 1 && sides.length > 1 ? ', and not on the other side' : ''}.`,
    );
  });
};

/** The line that tells how memory was measured. */
export const enduranceNote = ({ head }: Measured): string | null => {
  const { quiet } = head;
  if (quiet.length === 0) return null;
  const kept = settled(quiet);
  const sessions = quiet.reduce((sum, wave) => sum + wave.sessions, 0);
  const memory = isOfHeap(quiet) ? 'the heap after a forced collection' : 'resident memory';
  return `${formatCount(sessions)} users came and went in ${formatCount(quiet.length)} waves a side; ${memory} was read after each${kept.length === 0 ? '' : `, and the first ${formatCount(quiet.length - kept.length)} waves warm the server up`}.`;
};

/** The rise of failures, as in every suite. */
function judgeCounts(
  { settings, suitesInJob }: SuiteQuestion,
  gates: readonly Gate[],
  measured: Measured,
): GateOutcome[] {
  if (gates.length === 0) return [];
  const suites = suitesInJob ?? 1;
  if (measured.pairs.length > 0)
    return judgePairs(gates, measured.pairs, measured, settings, { final: true, suites }).outcomes;
  const evidence = {
    ...measured,
    confirmedOn: 'same-machine',
    plain: true,
    settings,
    final: true,
    suites,
  } as const;
  return judgeHistory(gates, evidence).outcomes;
}

function isOfEndurance(gate: Gate): boolean {
  return gate.kind !== 'count' && metricOf(gate.metric).kind === 'endurance';
}

/** The side that growth is compared with: of stored runs the last one, since each began with a server of its own. */
function seriesSideOf({ baseline, history, pairs }: Measured): Values | null {
  if (pairs.length > 0) return baseline;
  const last = history.at(-1);
  return last === undefined || last.quiet.length === 0 ? null : last;
}

function leftBySessions({ quiet }: Values): number {
  const sessions = settled(quiet)
    .slice(1)
    .reduce((sum, wave) => sum + wave.sessions, 0);
  return Math.max(defaultLeft, Math.ceil(defaultLeftShare * sessions));
}

function defaultGate(metric: string, limit: number, isCompared: boolean): Gate {
  const { unit } = enduranceMetrics[metric]!;
  const base = {
    metric,
    statistic: 'value' as const,
    unit,
    source: 'default' as const,
    file: null,
    line: null,
  };
  const written = formatQuantity(limit, unit);
  if (!isCompared) return { ...base, kind: 'absolute', rule: `${metric} < ${written}`, operator: '<', limit };
  const allowed = { percent: null, delta: limit };
  const rule = `${metric} < +${written}`;
  return { ...base, kind: 'change', rule, sign: 1, allowed, margin: allowed, weight: 0, guard: false };
}

function judgeGate(gate: AbsoluteGate | ChangeGate, measured: Measured): GateOutcome {
  const { head } = measured;
  const base = seriesSideOf(measured);
  // Between two versions all waves tell, as long as each was read.
  const waves = gate.kind === 'change' && isRetained(gate.metric) ? 'all' : 'settled';
  const own = enduranceSeries(head.quiet, gate.metric, waves);
  const other = base === null ? null : enduranceSeries(base.quiet, gate.metric, waves);
  const values = {
    baseline: base?.value(gate.metric, 'value') ?? null,
    head: head.value(gate.metric, 'value'),
  };
  if (own === null || (gate.kind === 'change' && other === null))
    return plainOutcome(gate, 'invalid', missing(gate, own === null ? head : base!, own === null), values);
  return isRetained(gate.metric)
    ? judgeMemory(gate, own, other, values, isOfHeap(head.quiet))
    : judgeCount(gate, own, other, values);
}

function missing(gate: Gate, { quiet }: Values, isHead: boolean): string {
  const side = isHead ? '' : ` ${atSide('baseline')}`;
  const why =
    settled(quiet).length === 0
      ? `${formatCount(quiet.length)} waves are too few, and at least ${formatCount(leastWaves)} are needed ("minutes" gives more)`
      : 'it could not be read after every wave';
  return `${gate.metric} was never observed${side}, because ${why}, so the limit "${gate.rule}" cannot be judged.`;
}

/** How far the value, or the difference between the sides, may go, and in which direction it is bad. */
function boundOf(gate: AbsoluteGate | ChangeGate, before: number | null): { limit: number; sign: 1 | -1 } {
  if (gate.kind === 'absolute')
    return { limit: gate.limit, sign: gate.operator === '>' || gate.operator === '>=' ? -1 : 1 };
  return { limit: allowedChange(gate.allowed, before ?? 0, gate.sign), sign: gate.sign };
}

type BothValues = { baseline: number | null; head: number | null };

/** `own` and `other`: of a limit on the difference all waves, of any other those after the warm-up. */
function judgeMemory(
  gate: AbsoluteGate | ChangeGate,
  own: Series,
  other: Series | null,
  values: BothValues,
  ofHeap: boolean,
): GateOutcome {
  const isRelative = gate.kind === 'change';
  const { limit, sign } = boundOf(gate, values.baseline);
  const growth = isRelative ? growthOf(differenceOf(other!, own)) : growthOf(own);
  const { overall } = growth;
  const late = isRelative
    ? growthBetween(growthOf(settledOf(other!)), growthOf(settledOf(own))).late
    : growth.late;
  const settledValue = isRelative ? values.head! - values.baseline! : values.head!;
  const isSteady = isRelative ? differenceGoesOn(growth, limit, sign) : goesOn(growth);
  const { state, because, isBeyond } = stateOf({ overall, late }, settledValue, isSteady, limit, sign);
  const per = metricOf(gate.metric).of === 'messages' ? 'message' : 'session';
  const interval = intervalOf(overall, confidence);
  const bytes = (value: number) => formatValue(Math.abs(value) < 0.5 ? 0 : value, 'bytes');
  const range = `${bytes(interval.low)} to ${bytes(interval.high)}, 99% sure`;
  const found = isRelative
    ? `The server keeps ${bytes(values.head!)} a ${per}, and kept ${bytes(values.baseline!)}: a difference of ${bytes(overall.value)} (${range})`
    : `The server keeps ${bytes(values.head!)} a ${per} (${range})`;
  const may = `${sign === 1 ? 'at most' : 'at least'} ${bytes(limit)}${isRelative ? ' more' : ''} may be`;
  const explanation = `${found}; ${may}. ${because}`;
  // Growth that is beyond doubt is told, though it may slow down: of a leak nobody may read that all limits hold.
  if (state === 'inconclusive' && !isBeyond && gate.source === 'default' && !ofHeap)
    return plainOutcome(
      gate,
      'skipped',
      `resident memory varies too much to tell what stays of a ${per}: ${found}.`,
      values,
    );
  return { ...plainOutcome(gate, state, explanation, values), detectable: null };
}

/**
 * How much more the head holds after each wave, where both had as many. Both versions warm up alike, so nothing of that is in
 * it, and the first waves tell as much as the others.
 */
function differenceOf(baseline: Series, head: Series): Series {
  const waves = Math.min(baseline.y.length, head.y.length);
  return {
    x: head.x.slice(0, waves),
    y: head.y.slice(0, waves).map((value, index) => value - baseline.y[index]!),
  };
}

function settledOf({ x, y }: Series): Series {
  return { x: settled(x), y: settled(y) };
}

/** Growth fails when it is beyond the limit and goes on; it passes when what goes on at the end is within it. */
function stateOf(
  growth: Pick<Growth, 'overall' | 'late'>,
  settledValue: number,
  isSteady: boolean,
  limit: number,
  sign: 1 | -1,
): { state: GateState; because: string; isBeyond: boolean } {
  const overall = intervalOf(growth.overall, confidence);
  const near = sign === 1 ? overall.low : overall.high;
  const isWithin = (value: number) => sign * (limit - value) >= 0;
  const passes = (estimate: Estimate): boolean => {
    const { low, high } = intervalOf(estimate, passConfidence);
    return isWithin(sign === 1 ? high : low);
  };
  // What the waves after the warm-up say must be on the same side of the limit.
  const isBeyond = !isWithin(near) && !isWithin(settledValue);
  if (passes(growth.overall) && isWithin(settledValue))
    return { state: 'pass', because: 'It is within that.', isBeyond };
  if (passes(growth.late))
    return {
      state: 'pass',
      because: 'In the last waves it is within that: what filled up at first is full.',
      isBeyond,
    };
  if (isBeyond && (sign === -1 || isSteady))
    return { state: 'fail', because: 'It goes on at the same rate in the last waves.', isBeyond };
  return {
    state: 'inconclusive',
    because: isBeyond
      ? 'It may slow down, as where a cache fills; a longer run would tell ("minutes").'
      : 'More waves would tell ("minutes").',
    isBeyond,
  };
}

function judgeCount(
  gate: AbsoluteGate | ChangeGate,
  own: Series,
  other: Series | null,
  values: BothValues,
): GateOutcome {
  const isRelative = gate.kind === 'change';
  const { limit, sign } = boundOf(gate, values.baseline);
  const value = isRelative ? values.head! - values.baseline! : values.head!;
  const ofHead = growthOf(own);
  const growth = isRelative ? growthBetween(growthOf(other!), ofHead) : ofHead;
  const isWithin = isRelative
    ? sign * (limit - value) >= (gate.source === 'default' ? 1e-9 : 0)
    : holds(value, gate.operator, gate.limit);
  // A pool that grew once is no leak, nor what closed connections keep for a while: it fills up and then stays. Who set
  // a limit wants to know all the same.
  const isLeak = intervalOf(growth.overall, confidence).low > 0 && goesOn(ofHead);
  const isFailure = !isWithin && (gate.source === 'threshold' || isLeak);
  const noun = metricOf(gate.metric).of!;
  const left = `${formatCount(values.head!)} more ${nouns[noun] ?? noun} than after the warm-up are there when all users have gone${isRelative ? `; at the baseline ${formatCount(values.baseline!)}` : ''}`;
  const may = isWithin
    ? 'within the limit'
    : isFailure
      ? `and ${boundWords(gate)} ${formatCount(limit)}${isRelative ? ' more than there' : ''} may be`
      : 'and they do not go on growing';
  return plainOutcome(gate, isFailure ? 'fail' : 'pass', `${left}, ${may}.`, values);
}

function boundWords(gate: AbsoluteGate | ChangeGate): string {
  if (gate.kind === 'absolute') return boundOfCounts[gate.operator];
  return gate.sign === -1 ? 'at least' : gate.source === 'default' ? 'fewer than' : 'at most';
}

const boundOfCounts: Record<AbsoluteGate['operator'], string> = {
  '<': 'fewer than',
  '<=': 'at most',
  '=': 'exactly',
  '>': 'more than',
  '>=': 'at least',
};

const nouns: Readonly<Record<string, string>> = { fds: 'file descriptors' };

/** Over the run, milliseconds a minute; null when it is not beyond doubt, or too small to matter. */
function driftOf(
  values: Values,
  metric: string,
  statistic: 'p50' | 'value',
): { perMinute: number; low: number; high: number; share: number } | null {
  const points = values.rounds.map((round) => ({
    x: (round.quiet[0]?.atMs ?? Number.NaN) / 60_000,
    y: round.value(metric, statistic),
  }));
  const kept = settled(points);
  if (kept.length === 0 || kept.some(({ x, y }) => y === null || Number.isNaN(x))) return null;
  const series = { x: kept.map(({ x }) => x - kept[0]!.x), y: kept.map(({ y }) => y!) };
  const growth = growthOf(series);
  const { low, high } = intervalOf(growth.overall, confidence);
  const share = (growth.overall.value * series.x.at(-1)!) / mean(series.y);
  if ((low <= 0 && high >= 0) || Math.abs(share) < leastDrift) return null;
  if (low > 0 && !goesOn(growth)) return null;
  return { perMinute: growth.overall.value, low, high, share };
}

/** Less over the whole run concerns nobody. */
const leastDrift = 0.05;

function signed(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`;
}
