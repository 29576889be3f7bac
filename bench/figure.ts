import { median } from '../src/metrics/averages.ts';
import { seededRandom } from '../src/metrics/seeded-random.ts';

/**
 * One figure of a bench: a ratio or a time measured in one run, against a named peer. `holds` tells whether it meets
 * its aim. Every bench prints its figures as JSON, one to a line.
 */
export type Figure = {
  figure: string;
  value: number;
  /** Its 95% interval, where turns tell one; then the aim holds if all of it does. */
  interval?: readonly [number, number];
  unit: string;
  /** The aim as text, for example `<= 0.6`. */
  aim: string;
  peer: string;
  holds: boolean;
};

const comparisons = {
  '<=': (value: number, bound: number) => value <= bound,
  '>=': (value: number, bound: number) => value >= bound,
} as const;

/** A figure whose aim is `operator bound`; the value is rounded to four significant digits. */
export const figure = (
  name: string,
  value: number,
  unit: string,
  operator: keyof typeof comparisons,
  bound: number,
  peer: string,
): Figure => ({
  figure: name,
  value: Number(value.toPrecision(4)),
  unit,
  aim: `${operator} ${bound}`,
  peer,
  holds: comparisons[operator](value, bound),
});

/**
 * A figure of the ratio between two peers who took turns: the median over the turns, with an interval by bootstrap
 * (percentiles of 4,000 draws of whole turns, so that what disturbed one turn stays together).
 */
export const ratioFigure = (
  name: string,
  ours: readonly number[],
  theirs: readonly number[],
  bound: number,
  peer: string,
): Figure => {
  const ratios = ours.map((value, turn) => value / theirs[turn]!);
  const random = seededRandom(1);
  const draws = Array.from({ length: 4_000 }, () =>
    median(ratios.map(() => ratios[Math.floor(random() * ratios.length)]!)),
  ).sort((a, b) => a - b);
  const at = (q: number) => Number(draws[Math.round(q * (draws.length - 1))]!.toPrecision(4));
  const interval = [at(0.025), at(0.975)] as const;
  const whole = figure(name, median(ratios), 'ratio', '<=', bound, peer);
  return { ...whole, interval, holds: interval[1] <= bound };
};

/** The share of all that is so; NaN of none, with which no aim holds. */
export const share = <T>(all: readonly T[], isSo: (each: T) => boolean): number =>
  all.filter(isSo).length / all.length;
