import {
  formatLimit,
  formatPercentChange,
  formatValue,
  plural,
  sideName,
  statisticName,
  subjectName,
} from '../metrics/notation.ts';
import { type Chart, type ChartLine, type ChartMark, type ChartPoint, tailScale } from './chart.ts';
import type { Block, FigureBlock, Inline } from './document.ts';
import { toldRow } from './headline.ts';
import type { LimitReport, MetricReport, SuiteReport, TimelineSide, TrendReport } from './report-model.ts';
import { sparkline } from './sparkline.ts';

const maxDistributions = 6;
const bothSides = ['baseline', 'head'] as const;

/** The drawings of a suite, what the verdict rests on first. The servers' own are folded away when there are many. */
export function suiteFigures(suite: SuiteReport): Block[] {
  const main = suite.metrics.find((metric) => metric.id === suite.main) ?? null;
  const gated = suite.metrics.filter((metric) => metric.limit.length > 0 && metric !== main);
  const figures: Block[] = [
    ...narrowing(suite),
    ...memoryByWave(suite),
    ...(main === null ? [] : changeByPercentile(main)),
    ...latencyOverTime(suite),
    ...[...(main === null ? [] : [main]), ...gated]
      .flatMap((metric) => distribution(metric, suite))
      .slice(0, maxDistributions),
    ...(main === null || suite.timeline !== undefined ? [] : byRound(suite, main.id)),
    ...recentRuns(suite.trend),
  ];
  const server = [...loadOverTime(suite), ...serverOverTime(suite)];
  return [
    ...figures,
    ...(server.length === 0
      ? []
      : [
          {
            kind: 'details' as const,
            summary: ['Load and servers over time'],
            blocks: server,
            open: ['page' as const],
          },
        ]),
  ].map((block): Block => ({ ...block, only: ['page'] }));
}

/** The same narrowing for a terminal. */
export function narrowingPicture(suite: SuiteReport): Block[] {
  const told = toldLooks(suite);
  if (told === null) return [];
  const rows = told.looks.flatMap(({ pairs, relative, low, high }) =>
    low === null || high === null ? [] : [{ label: `${pairs}`, value: relative, low, high }],
  );
  if (rows.length < 2) return [];
  const { allowed, margin } = told.limit;
  return [
    {
      kind: 'figure',
      caption: [`Change of ${subjectName(told.metric, told.statistic)}, pair by pair`],
      sides: [],
      intervals: { rows, limits: [allowed, margin].filter((limit) => limit !== null && limit !== undefined) },
      only: ['terminal'],
    },
  ];
}

/** Recent runs as a line of bars. */
export function trendFigure(trend: TrendReport | null): Block[] {
  if (trend === null || trend.values.length < 2) return [];
  const ends = [trend.values[0]!, trend.values.at(-1)!].map((value) => formatValue(value, 'ms'));
  return [
    {
      kind: 'figure',
      caption: ['Recent runs, ', { code: trend.metric }, ` ${trend.statistic}`],
      sides: [],
      text: `${sparkline(trend.values)} ${ends.join(' → ')} (${plural(trend.values.length, 'run')})`,
      only: ['markdown', 'terminal'],
    },
  ];
}

/** Those sides that have a line. */
const sidesOf = ({ lines }: Chart): FigureBlock['sides'] =>
  bothSides.filter((side) => lines.some((line) => line.side === side));

/** A figure, when there is anything to draw. */
function figure(caption: Inline, chart: Chart): FigureBlock[] {
  const lines = chart.lines.filter(({ points }) => points.length > 0);
  return lines.length === 0
    ? []
    : [{ kind: 'figure', caption, sides: sidesOf({ ...chart, lines }), chart: { ...chart, lines } }];
}

/** The words of lines that lie level stand behind the last value. */
const roomForWords = 0.35;

/** What is left in memory after each wave of users, over those that have come and gone. */
function memoryByWave({ rounds }: SuiteReport): FigureBlock[] {
  const waves = rounds.flatMap(({ side, quiet }) => (quiet === undefined ? [] : [{ side, ...quiet }]));
  const isHeap = waves.some(({ heapBytes }) => heapBytes !== null);
  const lines = bothSides.map((side): ChartLine => {
    let sessions = 0;
    const points = waves
      .filter((wave) => wave.side === side)
      .flatMap((wave): ChartPoint[] => {
        sessions += wave.sessions;
        const bytes = isHeap ? wave.heapBytes : wave.rssBytes;
        return bytes === null ? [] : [[sessions, bytes]];
      });
    return { name: sideName(side), side, points, style: 'both' };
  });
  const caption = isHeap ? 'Heap after a forced collection, wave by wave' : 'Resident memory, wave by wave';
  return figure([caption], {
    x: { title: 'sessions that have come and gone', unit: 'count' },
    y: { title: '', unit: 'bytes' },
    lines,
  });
}

/** How the interval of the change that the headline tells of narrowed, pair by pair, with what decides. */
function narrowing(suite: SuiteReport): FigureBlock[] {
  const told = toldLooks(suite);
  if (told === null) return [];
  const { looks, limit } = told;
  const points = looks.map(
    ({ pairs, relative, low, high }): ChartPoint =>
      low === null || high === null ? [pairs, relative] : [pairs, relative, low, high],
  );
  return figure(['Change of ', { code: told.metric }, ` ${statisticName(told.statistic)}, pair by pair`], {
    x: {
      title: 'pairs',
      unit: 'count',
      roomAtEnd: roomForWords,
      ...(points.length === 1 ? { ticks: [0, points[0]![0]] } : {}),
    },
    y: { title: '', unit: 'change' },
    lines: [{ name: 'change', side: 'head', points, style: 'dots' }],
    marks: boundaries(limit),
  });
}

/** The change that the headline tells of, as it was pair by pair; null where nobody looked more than at the end. */
function toldLooks(suite: SuiteReport) {
  const row = toldRow(suite);
  const limit = row?.limits.find((one) => (one.looks?.length ?? 0) > 0);
  return row === null || limit?.looks === undefined
    ? null
    : { metric: row.metric, statistic: row.statistic, limit, looks: limit.looks };
}

/**
 * A fail needs the whole interval on the bad side of no change, and the change beyond what is let through; a pass the
 * whole interval on the good side of the limit.
 */
function boundaries({ allowed, margin }: LimitReport): ChartMark[] {
  const mark = (y: number | null | undefined, words: string): ChartMark[] =>
    y === null || y === undefined || y === 0 ? [] : [{ y, text: `${words} ${formatLimit(y)}`, tone: 'fail' }];
  return [
    { y: 0, text: allowed === 0 || margin === 0 ? 'no change, the limit' : 'no change', tone: 'muted' },
    ...(allowed === margin
      ? mark(margin, 'limit')
      : [...mark(allowed, 'fails from'), ...mark(margin, 'passes below')]),
  ];
}

const percentiles = ['p5', 'p10', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'];

/** The change at each percentile of the main latency that was compared, with its interval. */
function changeByPercentile({ id, change }: MetricReport): FigureBlock[] {
  const found = percentiles.flatMap((statistic) => change.find((one) => one.statistic === statistic) ?? []);
  if (found.length < 2) return [];
  const points = found.map(
    ({ relative, low, high }, index): ChartPoint =>
      low === null || high === null ? [index, relative] : [index, relative, low, Math.min(high, 10)],
  );
  return figure(['Change by percentile, ', { code: id }], {
    x: {
      title: 'percentile',
      unit: 'label',
      roomAtEnd: roomForWords,
      labels: found.map(({ statistic }) => statisticName(statistic)),
    },
    y: { title: '', unit: 'change' },
    lines: [{ name: 'change', side: 'head', points, style: 'dots' }],
    marks: [{ y: 0, text: 'no change', tone: 'muted' }],
  });
}

const tailTicks = [0, 0.5, 0.9, 0.95, 0.99, 0.999];
const quantileOf: Readonly<Record<string, number>> = {
  p5: 0.05,
  p10: 0.1,
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
};

/** The latency distribution of both sides, quantile by quantile, with the percentiles that were judged. */
function distribution(metric: MetricReport, suite: SuiteReport): FigureBlock[] {
  const found = metric.distribution;
  if (found === undefined) return [];
  const pointsOf = (values: readonly number[] | null): ChartPoint[] =>
    found.quantiles.flatMap((quantile, index): ChartPoint[] => {
      const value = values?.[index];
      const isShown = value !== undefined && value > 0 && quantile >= 0 && quantile < 1;
      return isShown ? [[tailScale(quantile), value]] : [];
    });
  const told = toldRow(suite);
  const marks = metric.limit.flatMap(({ statistic }): ChartMark[] => {
    const quantile = quantileOf[statistic];
    if (quantile === undefined || told?.metric !== metric.id || told.statistic !== statistic) return [];
    const change = metric.change.find((one) => one.statistic === statistic);
    const size = change === undefined ? '' : ` ${formatPercentChange(change.relative, change)}`;
    return [{ x: tailScale(quantile), text: `${statisticName(statistic)}${size}`, tone: 'head' }];
  });
  return figure(['Latency distribution, ', { code: metric.id }], {
    x: { title: 'share of messages', unit: 'tail', ticks: tailTicks.map(tailScale) },
    y: { title: '', unit: 'ms', logarithmic: true },
    lines: [
      { name: 'baseline', side: 'baseline', points: pointsOf(found.baselineMs) },
      { name: 'head', side: 'head', points: pointsOf(found.headMs) },
    ],
    marks: marks.slice(0, 1),
  });
}

const overTime = { title: 'time of load', unit: 'elapsed' as const, fromZero: true };

const pointsOf = (atMs: readonly number[], values: readonly (number | null)[] | undefined): ChartPoint[] =>
  (values ?? []).flatMap((value, index): ChartPoint[] => {
    const at = atMs[index];
    return value === null || at === undefined ? [] : [[at, value]];
  });

/** p50 and p95 of the main latency over the time of load. */
function latencyOverTime({ timeline }: SuiteReport): FigureBlock[] {
  if (timeline === undefined) return [];
  const lines = bothSides.flatMap((side): ChartLine[] => {
    const latency = timeline[side]?.latency;
    return latency === undefined
      ? []
      : [
          { name: `${side} p50`, side, points: pointsOf(latency.atMs, latency.p50Ms) },
          { name: `${side} p95`, side, points: pointsOf(latency.atMs, latency.p95Ms), style: 'dashed' },
        ];
  });
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter((value) => value > 0);
  const isWide = values.length > 0 && highest(values) > 20 * lowest(values);
  return figure(['Latency over time, ', { code: timeline.metric }, ', p50, and p95 dashed'], {
    x: overTime,
    y: { title: '', unit: 'ms', ...(isWide ? { logarithmic: true } : { fromZero: true }) },
    lines,
    marks: pairStarts(timeline.head ?? timeline.baseline),
  });
}

/** Where each pair but the first begins: fresh processes, on both sides. */
function pairStarts(side: TimelineSide | null): ChartMark[] {
  const starts = side?.rounds.slice(1) ?? [];
  return starts.length > 30 ? [] : starts.map((x) => ({ x, text: '', tone: 'muted' }));
}

type OverTime = { title: string; unit: Chart['y']['unit']; of: (side: TimelineSide) => ChartPoint[] };

const loads: readonly OverTime[] = [
  { title: 'Messages a second', unit: 'count', of: ({ load }) => pointsOf(load.atMs, load.messages) },
  { title: 'Virtual users', unit: 'count', of: ({ load }) => pointsOf(load.atMs, load.users) },
  {
    title: 'Errors a second',
    unit: 'count',
    of: ({ load }) => (load.errors.some((count) => (count ?? 0) > 0) ? pointsOf(load.atMs, load.errors) : []),
  },
];

type ServerCourse = NonNullable<TimelineSide['server']>;
const ofServer =
  (of: (server: ServerCourse) => (number | null)[] | undefined) =>
  ({ server }: TimelineSide): ChartPoint[] =>
    server === null ? [] : pointsOf(server.atMs, of(server));

const servers: readonly OverTime[] = [
  { title: "The server's CPU", unit: 'cores', of: ofServer((server) => server.cpuCores) },
  { title: 'Memory (RSS)', unit: 'bytes', of: ofServer((server) => server.rssBytes) },
  { title: 'Heap', unit: 'bytes', of: ofServer((server) => server.heapUsedBytes) },
  { title: 'Event-loop delay, p99', unit: 'ms', of: ofServer((server) => server.loopDelayP99Ms) },
  { title: 'Garbage collection', unit: 'ms', of: ofServer((server) => server.gcPauseMs) },
  { title: 'Open files', unit: 'count', of: ofServer((server) => server.openFiles) },
];

const drawn = ({ timeline }: SuiteReport, courses: readonly OverTime[]): FigureBlock[] =>
  timeline === undefined
    ? []
    : courses.flatMap(({ title, unit, of }) =>
        figure([title], {
          x: overTime,
          y: { title: '', unit, fromZero: true },
          lines: bothSides.map((side) => ({
            name: sideName(side),
            side,
            points: timeline[side] === null ? [] : of(timeline[side]),
          })),
        }),
      );
const loadOverTime = (suite: SuiteReport): FigureBlock[] => drawn(suite, loads);
const serverOverTime = (suite: SuiteReport): FigureBlock[] => drawn(suite, servers);

/** p95 of every round, where nothing was kept of how it went in between. */
function byRound(suite: SuiteReport, metric: string): FigureBlock[] {
  const isPaired = suite.comparison === 'side-by-side';
  const lines = bothSides.map((side): ChartLine => {
    const points = suite.rounds
      .filter((round) => round.side === side)
      .flatMap((round, index): ChartPoint[] => {
        const value = round.metrics[metric]?.p95Ms ?? null;
        return value === null ? [] : [[(round.pair ?? index) + 1, value]];
      });
    return { name: sideName(side), side, points: points.slice(0, 500), style: 'dots' };
  });
  if (lines.every(({ points }) => points.length < 2)) return [];
  return figure([{ code: metric }, ` p95, ${isPaired ? 'pair by pair' : 'round by round'}`], {
    x: { title: isPaired ? 'pair' : 'round', unit: 'count' },
    y: { title: '', unit: 'ms' },
    lines,
  });
}

/** A statistic over recent runs, this one last. */
function recentRuns(trend: TrendReport | null): FigureBlock[] {
  const values = trend?.values.filter(Number.isFinite).slice(-200) ?? [];
  if (trend === null || values.length < 2) return [];
  const last = values.length - 1;
  return figure(['Recent runs, ', { code: trend.metric }, ` ${statisticName(trend.statistic)}`], {
    x: {
      title: 'stored runs, this one last',
      unit: 'label',
      labels: values.map((_, index) => (index === last ? 'now' : String(index - last).replace('-', '−'))),
    },
    y: { title: '', unit: 'ms', fromZero: true },
    lines: [
      { name: 'stored runs', side: 'baseline', points: values.map((value, index) => [index, value]) },
      { name: 'this run', side: 'head', points: [[last, values[last]!]], style: 'dots' },
    ],
  });
}

const highest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value));
const lowest = (values: readonly number[]): number => values.reduce((least, value) => Math.min(least, value));
