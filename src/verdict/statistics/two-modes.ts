import { mean } from '../../metrics/averages.ts';

/** Two values that measurements of one thing keep to, and the share of them at the higher one. */
export type TwoModes = { low: number; high: number; shareHigh: number };

/** Fewest values, and fewest at each of the two modes. */
const minValues = 6;

const minAtMode = 2;

/** Modes nearer than this are no news: a ratio minus one. */
const leastDistance = 0.05;

/**
 * The two modes of positive values, such as the p50 of each pair, where they keep to two places with nothing between:
 * processes that were laid out, placed or compiled in one of two ways. A mean between them describes neither. Null
 * where there is one.
 */
export const twoModes = (values: readonly number[]): TwoModes | null => {
  if (values.length < minValues || values.some((value) => !(value > 0))) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((value, index) => Math.log(value / sorted[index]!));
  const widest = gaps.indexOf(Math.max(...gaps));
  const [low, high] = [sorted.slice(0, widest + 1), sorted.slice(widest + 1)];
  if (low.length < minAtMode || high.length < minAtMode) return null;
  const inside = Math.max(0, ...gaps.filter((_, index) => index !== widest));
  if (gaps[widest]! < gapFactor(sorted.length) * inside) return null;
  const [lowMean, highMean] = [mean(low), mean(high)];
  return highMean / lowMean - 1 < leastDistance
    ? null
    : { low: lowMean, high: highMean, shareHigh: high.length / sorted.length };
};

/**
 * How many times wider the gap between the modes must be than the widest gap inside of them, by number of values. Fewer
 * than one in two hundred normal samples of each size reach it; `two-modes.test.ts` shows that.
 */
function gapFactor(count: number): number {
  return count < 8 ? 6 : count < 10 ? 4.7 : count < 12 ? 4 : count < 16 ? 3.7 : 3.3;
}
