import type { LatencySketch } from '../metrics/latency-sketch.ts';
import { mergeSketches } from '../metrics/latency-sketch.ts';
import type { ResourceSample, RoundMeasurement } from '../metrics/round-measurement.ts';
import type { TimelineReport, TimelineSide } from './report-model.ts';

/** Points of a line at most: a screen shows no more, and a report must stay small. */
const maxPoints = 600;

/** How the main latency, the load and the servers went over the time of load; null where no side tells. */
export function timelineOf(
  metric: string,
  sides: { baseline: readonly RoundMeasurement[]; head: readonly RoundMeasurement[] },
): TimelineReport | null {
  const timeline = { metric, baseline: sideOf(metric, sides.baseline), head: sideOf(metric, sides.head) };
  return timeline.baseline === null && timeline.head === null ? null : timeline;
}

type Timed<T> = { atMs: number; value: T };

function sideOf(metric: string, rounds: readonly RoundMeasurement[]): TimelineSide | null {
  const starts: number[] = [];
  let startMs = 0;
  const latency: Timed<LatencySketch>[] = [];
  const load: Timed<{ messages: number; errors: number; users: number }>[] = [];
  const server: Timed<ResourceSample>[] = [];
  for (const round of rounds) {
    starts.push(Math.round(startMs));
    for (const { atMs, value } of latencyOf(round, metric)) latency.push({ atMs: startMs + atMs, value });
    for (const { atMs, value } of loadOf(round)) load.push({ atMs: startMs + atMs, value });
    for (const sample of round.resources?.samples ?? [])
      if (sample.loadAtMs !== undefined) server.push({ atMs: startMs + sample.loadAtMs, value: sample });
    startMs += round.activeMs;
  }
  if (latency.length === 0 && load.length === 0 && server.length === 0) return null;
  return {
    rounds: thinned(starts),
    latency: latencySeries(latency),
    load: loadSeries(load),
    server: server.length === 0 ? null : serverSeries(server),
  };
}

/** The main latency of each slice, or of each step of a round in one piece. `atMs` is the middle of it. */
function latencyOf(round: RoundMeasurement, metric: string): Timed<LatencySketch>[] {
  const { slices, course } = round;
  const steps = slices.length > 0 ? slices : (course?.steps ?? []);
  const stepMs = slices.length > 0 ? round.activeMs / slices.length : (course?.stepMs ?? 0);
  return steps.flatMap((step, index) => {
    const sketch = step[metric] === undefined ? null : mergeSketches([step[metric]]);
    return sketch === null || sketch.count === 0 ? [] : [{ atMs: (index + 0.5) * stepMs, value: sketch }];
  });
}

/** The last second has begun and is not over: it would show a fall that was none. */
function loadOf(round: RoundMeasurement): Timed<{ messages: number; errors: number; users: number }>[] {
  const { sentPerSecond = [], errorsPerSecond = [], usersPerSecond = [] } = round;
  const whole = Math.floor(round.activeMs / 1_000);
  if (Math.max(sentPerSecond.length, usersPerSecond.length) === 0) return [];
  return Array.from({ length: whole }, (_, second) => ({
    atMs: second * 1_000 + 500,
    value: {
      messages: sentPerSecond[second] ?? 0,
      errors: errorsPerSecond[second] ?? 0,
      users: usersPerSecond[second] ?? usersPerSecond.at(-1) ?? 0,
    },
  }));
}

function latencySeries(points: readonly Timed<LatencySketch>[]): TimelineSide['latency'] {
  const grouped = groups(points).map((group) => {
    const [first, ...others] = group.map(({ value }) => value);
    for (const other of others) first!.merge(other);
    return { atMs: middle(group), sketch: first! };
  });
  const at = (quantile: number) => grouped.map(({ sketch }) => short(sketch.quantileMs(quantile)));
  return {
    atMs: grouped.map(({ atMs }) => atMs),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}

function loadSeries(points: ReturnType<typeof loadOf>): TimelineSide['load'] {
  const grouped = groups(points);
  return {
    atMs: grouped.map(middle),
    messages: grouped.map((group) => mean(group.map(({ value }) => value.messages))),
    errors: grouped.map((group) => mean(group.map(({ value }) => value.errors))),
    users: grouped.map((group) => highest(group.map(({ value }) => value.users))),
  };
}

function serverSeries(points: readonly Timed<ResourceSample>[]): NonNullable<TimelineSide['server']> {
  const grouped = groups(points);
  type Field = Exclude<keyof ResourceSample, 'atMs' | 'loadAtMs'>;
  const valuesOf = (group: readonly Timed<ResourceSample>[], field: Field): number[] =>
    group.flatMap(({ value }) => value[field] ?? []);
  const isKnown = (field: Field): boolean => points.some(({ value }) => value[field] !== undefined);
  const peaks = (field: Field) => grouped.map((group) => highest(valuesOf(group, field)));
  const optional = (field: Field) => (isKnown(field) ? { [field]: peaks(field) } : {});
  return {
    atMs: grouped.map(middle),
    cpuCores: grouped.map((group) => mean(valuesOf(group, 'cpuShare'))),
    rssBytes: peaks('rssBytes'),
    openFiles: peaks('openFiles'),
    ...optional('heapUsedBytes'),
    ...optional('loopDelayP99Ms'),
    ...optional('gcPauseMs'),
  };
}

/** Neighbours in one group, as many as it takes. */
function groups<T>(points: readonly T[]): T[][] {
  const size = Math.max(1, Math.ceil(points.length / maxPoints));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) =>
    points.slice(index * size, (index + 1) * size),
  );
}

const thinned = (values: readonly number[]): number[] => values.slice(0, maxPoints);
const middle = (group: readonly Timed<unknown>[]): number =>
  Math.round(group.reduce((sum, { atMs }) => sum + atMs, 0) / group.length);
const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : short(values.reduce((sum, value) => sum + value, 0) / values.length);
const highest = (values: readonly number[]): number | null =>
  values.length === 0 ? null : short(Math.max(...values));
/** Four digits are more than a drawing shows. */
const short = (value: number): number | null =>
  Number.isFinite(value) ? (Math.abs(value) >= 1e4 ? Math.round(value) : Number(value.toPrecision(4))) : null;
