import { formatDuration, formatShare, formatValue, plural } from '../metrics/notation.ts';
import type { Block, Chart } from './document.ts';
import type { MetricReport, SuiteReport, TrendReport } from './report-model.ts';
import { sparkline } from './sparkline.ts';

const maxCharts = 6;
type Points = Chart['series'][number]['points'];

/** The drawings of a suite: distributions of what is gated, the main latency pair by pair, and recent runs. */
export function suiteFigures(suite: SuiteReport): Block[] {
  const main = suite.metrics.find((metric) => metric.id === suite.main) ?? null;
  const gated = suite.metrics.filter((metric) => metric.limit.length > 0 && metric !== main);
  const isPaired = suite.comparison === 'side-by-side';
  const distributions = [...(main === null ? [] : [main]), ...gated].flatMap((metric): Block[] => {
    const chart = distributionChart(metric);
    if (chart === null) return [];
    const sides = metric.distribution?.baselineMs ? bothSides : headAlone;
    return [{ kind: 'figure', caption: ['Latency distribution, ', { code: metric.id }], sides, chart }];
  });
  const byRound = main === null ? null : roundsChart(suite, main.id);
  const trend = suite.trend === null ? null : trendChart(suite.trend);
  const figures: Block[] = [
    ...distributions.slice(0, maxCharts),
    ...(main === null || byRound === null
      ? []
      : [
          {
            kind: 'figure' as const,
            caption: [{ code: main.id }, ` p95, ${isPaired ? 'pair by pair' : 'round by round'}`],
            sides: isPaired ? bothSides : headAlone,
            chart: byRound,
          },
        ]),
    ...(suite.trend === null || trend === null
      ? []
      : [
          {
            kind: 'figure' as const,
            caption: ['Recent runs, ', { code: suite.trend.metric }, ` ${suite.trend.statistic}`],
            sides: [],
            chart: trend,
          },
        ]),
  ];
  return figures.map((figure) => ({ ...figure, only: ['page'] as const }));
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

const bothSides = ['baseline', 'head'] as const;
const headAlone = ['head'] as const;

/** Far in the tail, the axis is stretched: half, a tenth, a hundredth and a thousandth of the values lie beyond. */
const tailScale = (quantile: number): number => -Math.log10(1 - quantile);
const tailTicks = [0, 0.5, 0.9, 0.95, 0.99, 0.999];

const isShown = (quantile: number): boolean => quantile >= 0 && quantile < 1;
const isPoint = (point: readonly [number, number]): boolean =>
  Number.isFinite(point[0]) && Number.isFinite(point[1]);

/** The latency distribution of both sides, quantile by quantile; null when there is none. */
function distributionChart({ distribution }: MetricReport): Chart | null {
  if (distribution === undefined) return null;
  const pointsOf = (values: readonly number[] | null): Points =>
    distribution.quantiles
      .flatMap((quantile, index) => {
        const value = values?.[index];
        return value === undefined || !isShown(quantile) ? [] : [[tailScale(quantile), value] as const];
      })
      .filter(isPoint);
  const series = [
    { side: 'baseline' as const, points: pointsOf(distribution.baselineMs) },
    { side: 'head' as const, points: pointsOf(distribution.headMs) },
  ].filter((one) => one.points.length > 1);
  if (series.length === 0) return null;
  return {
    x: {
      title: 'share of messages',
      format: (value) => formatShare(1 - 10 ** -value),
      ticks: tailTicks.map(tailScale),
    },
    y: { title: '', format: formatDuration, fromZero: true },
    series,
  };
}

/** p95 of every round, pair by pair; null when there are fewer than two. */
function roundsChart(suite: SuiteReport, metric: string): Chart | null {
  const pointsOf = (side: 'baseline' | 'head'): Points =>
    suite.rounds
      .filter((round) => round.side === side)
      .map((round, index) => [(round.pair ?? index) + 1, round.metrics[metric]?.p95Ms ?? Number.NaN] as const)
      .filter(isPoint)
      .slice(0, 500);
  const series = bothSides
    .map((side) => ({ side, points: pointsOf(side), dots: true }))
    .filter((one) => one.points.length > 1);
  if (series.length === 0) return null;
  return {
    x: {
      title: suite.comparison === 'side-by-side' ? 'pair' : 'round',
      format: (value) => (Number.isInteger(value) ? String(value) : ''),
    },
    y: { title: '', format: formatDuration },
    series,
  };
}

/** A statistic over recent runs, this one last; null when there are fewer than two. */
function trendChart(trend: TrendReport): Chart | null {
  const values = trend.values.filter(Number.isFinite).slice(-200);
  if (values.length < 2) return null;
  const last = values.length - 1;
  return {
    x: {
      title: 'runs ago',
      format: (value) => (Number.isInteger(value) ? String(last - value) : ''),
    },
    y: { title: '', format: formatDuration, fromZero: true },
    series: [
      { side: 'baseline', points: values.map((value, index) => [index, value] as const) },
      { side: 'head', points: [[last, values[last]!] as const], dots: true },
    ],
  };
}
