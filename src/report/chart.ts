import {
  formatBytes,
  formatCount,
  formatDuration,
  formatElapsed,
  formatPercentChange,
  formatShare,
  formatValue,
} from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';

/**
 * What is drawn: plain data, so that one chart serves the drawing that stands in the page and the one that a script
 * makes of it. Imports nothing that a browser has not.
 */
export type Chart = {
  x: ChartAxis;
  y: ChartAxis;
  lines: ChartLine[];
  marks?: ChartMark[];
};

export type AxisUnit =
  | 'ms'
  | 'elapsed'
  | 'bytes'
  | 'cores'
  | 'count'
  | 'ratio'
  | 'perSecond'
  /** A ratio minus one. */
  | 'change'
  /** `tailScale` of a quantile. */
  | 'tail'
  /** The index of a label. */
  | 'label';

export type ChartAxis = {
  /** Share of the axis that is left free at its end, for what is written there. */
  roomAtEnd?: number;
  title: string;
  unit: AxisUnit;
  labels?: string[];
  /** Where the labels stand; chosen by the drawing if not given. */
  ticks?: number[];
  logarithmic?: boolean;
  /** Begin at zero. */
  fromZero?: boolean;
};

/** `low` and `high`: an interval around `y`. */
export type ChartPoint = readonly [x: number, y: number, low?: number, high?: number];

export type ChartLine = {
  name: string;
  /** Decides the colour. */
  side: SideName;
  points: ChartPoint[];
  /** `dashed` tells two lines of one side apart; `dots` have no line between them, `both` have one. */
  style?: 'line' | 'dashed' | 'dots' | 'both';
};

/** A line across the drawing: upright at `x`, level at `y`. */
export type ChartMark = {
  x?: number;
  y?: number;
  text: string;
  tone: SideName | 'fail' | 'muted';
};

/** Far in the tail the axis is stretched: half, a tenth, a hundredth and a thousandth of the values lie beyond. */
export const tailScale = (quantile: number): number => -Math.log10(1 - quantile);

/** A value of an axis in words. */
export function axisText(value: number, axis: Pick<ChartAxis, 'unit' | 'labels'>): string {
  switch (axis.unit) {
    case 'ms':
      return formatDuration(value);
    case 'elapsed':
      return formatElapsed(value);
    case 'bytes':
      return formatBytes(value);
    case 'ratio':
      return formatShare(value);
    case 'change':
      return formatPercentChange(value);
    case 'tail':
      return formatShare(1 - 10 ** -value);
    case 'label':
      return axis.labels?.[value] ?? '';
    case 'count':
      return formatCount(Number(value.toPrecision(6)));
    default:
      return formatValue(value, axis.unit);
  }
}

/** What an axis must hold. */
export function rangeOf(axis: ChartAxis, values: readonly number[]): [number, number] {
  const { roomAtEnd = 0 } = axis;
  if (axis.labels !== undefined) return [-0.5, axis.labels.length * (1 + roomAtEnd) - 0.5];
  if (axis.ticks !== undefined && axis.ticks.length > 1) return [axis.ticks[0]!, axis.ticks.at(-1)!];
  const known = values.filter((value) => Number.isFinite(value) && (!axis.logarithmic || value > 0));
  let low = axis.fromZero === true ? 0 : Number.POSITIVE_INFINITY;
  let high = axis.fromZero === true ? 0 : Number.NEGATIVE_INFINITY;
  for (const value of known) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return axis.logarithmic ? [1, 10] : [0, 1];
  if (axis.logarithmic) return [low / 1.15, high * 1.15];
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return [axis.fromZero === true && low === 0 ? 0 : low - room, high + room + roomAtEnd * (high - low)];
}

/** Round values within a range, about `count` of them. */
export function ticksOf(axis: ChartAxis, [low, high]: readonly [number, number], count: number): number[] {
  if (axis.labels !== undefined) return axis.labels.map((_, index) => index);
  if (axis.ticks !== undefined) return axis.ticks;
  if (axis.logarithmic) return logarithmicTicks(low, high, count);
  const finest = axis.unit === 'count' && high - low >= 1 ? 1 : 0;
  const rough = Math.max(finest, (high - low) / Math.max(1, count));
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps =
    axis.unit === 'elapsed'
      ? timeSteps
      : [1, 2, 2.5, 5, 10].map((part) => part * power).filter((one) => finest === 0 || Number.isInteger(one));
  const step = steps.find((one) => one >= rough * 0.999) ?? steps.at(-1)! * Math.ceil(rough / steps.at(-1)!);
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

const timeSteps = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
  3_600_000, 7_200_000,
];

function logarithmicTicks(low: number, high: number, count: number): number[] {
  const within = (parts: readonly number[]): number[] => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1)
      for (const part of parts) {
        const tick = Number((part * 10 ** power).toPrecision(12));
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    return ticks;
  };
  const fine = within([1, 1.5, 2, 3, 4, 5, 6, 8]);
  const candidates = [within([1]), within([1, 3]), within([1, 2, 5]), fine];
  return candidates.findLast((ticks) => ticks.length <= count + 2 && ticks.length > 1) ?? fine;
}
