import { formatDuration, formatShare } from '../metrics/notation.ts';
import { lineChart, type Series } from './line-chart.ts';
import type { MetricReport, SuiteReport, TrendReport } from './report-model.ts';

/** Far in the tail, the axis is stretched: half, a tenth, a hundredth and a thousandth of the values lie beyond. */
const tailScale = (quantile: number): number => -Math.log10(1 - quantile);
const tailTicks = [0, 0.5, 0.9, 0.95, 0.99, 0.999];

const isShown = (quantile: number): boolean => quantile >= 0 && quantile < 1;
const isPoint = (point: readonly [number, number]): boolean =>
  Number.isFinite(point[0]) && Number.isFinite(point[1]);

/** The latency distribution of both sides, quantile by quantile; an empty string when there is none. */
export const distributionChart = (metric: MetricReport, id: string): string => {
  const { distribution } = metric;
  if (distribution === undefined) return '';
  const pointsOf = (values: readonly number[] | null): Series['points'] =>
    distribution.quantiles
      .flatMap((quantile, index) => {
        const value = values?.[index];
        return value === undefined || !isShown(quantile) ? [] : [[tailScale(quantile), value] as const];
      })
      .filter(isPoint);
  const series: Series[] = [
    { side: 'baseline' as const, points: pointsOf(distribution.baselineMs) },
    { side: 'head' as const, points: pointsOf(distribution.headMs) },
  ].filter((one) => one.points.length > 1);
  if (series.length === 0) return '';
  return lineChart({
    id,
    x: {
      title: 'share of messages',
      format: (value) => formatShare(1 - 10 ** -value),
      ticks: tailTicks.map(tailScale),
    },
    y: { title: '', format: formatDuration, fromZero: true },
    series,
  });
};

/** One statistic of every round, pair by pair; an empty string when there are fewer than two. */
export const roundsChart = (suite: SuiteReport, metric: string, id: string): string => {
  const pointsOf = (side: 'baseline' | 'head'): Series['points'] =>
    suite.rounds
      .filter((round) => round.side === side)
      .map((round, index) => [(round.pair ?? index) + 1, round.metrics[metric]?.p95Ms ?? Number.NaN] as const)
      .filter(isPoint)
      .slice(0, 500);
  const series: Series[] = (['baseline', 'head'] as const)
    .map((side) => ({ side, points: pointsOf(side), dots: true }))
    .filter((one) => one.points.length > 1);
  if (series.length === 0) return '';
  return lineChart({
    id,
    x: {
      title: suite.comparison === 'side-by-side' ? 'pair' : 'round',
      format: (value) => (Number.isInteger(value) ? String(value) : ''),
    },
    y: { title: '', format: formatDuration },
    series,
  });
};

/** A statistic over recent runs, this one last; an empty string when there are fewer than two. */
export const trendChart = (trend: TrendReport | null, id: string): string => {
  const values = (trend?.values ?? []).filter(Number.isFinite).slice(-200);
  if (values.length < 2) return '';
  const last = values.length - 1;
  return lineChart({
    id,
    x: {
      title: 'runs ago',
      format: (value) => (Number.isInteger(value) ? String(last - value) : ''),
    },
    y: { title: '', format: formatDuration, fromZero: true },
    series: [
      { side: 'baseline', points: values.map((value, index) => [index, value] as const) },
      { side: 'head', points: [[last, values[last]!] as const], dots: true },
    ],
  });
};
