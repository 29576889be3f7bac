/**
 * One figure of a bench: a ratio or a time measured in one run, against a named peer. `holds` tells whether it meets
 * its aim. Every bench prints its figures as JSON, one to a line.
 */
export type Figure = {
  figure: string;
  value: number;
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

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
