export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** NaN of no values. */
export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The middle value, or the mean of the two in the middle; NaN of no values. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};
