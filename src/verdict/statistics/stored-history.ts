import { trimmedMean, winsorisedDeviation } from './robust.ts';

/** Stored values that are compared with: the last ones, at most and at least. */
export const maxHistory = 20;
export const minHistory = 10;

const trim = 0.2;
/** Makes the 20%-winsorised deviation that of a normal distribution: 1 / sqrt(0.6 - 2 z f(z) + 0.4 z^2), f(z) = 0.28. */
const normalConsistency = 1.5577784332366524;
/** A deviation below this (in ln) is not believed: it is what sketches round away. */
const minDeviation = 0.005;

/**
 * Factors c of `limit = trimmed mean + c * deviation`, by number of records from 10 to 20, calibrated so that one new
 * value of the same normal distribution lies above the limit with the probability named. Found by averaging the
 * normal tail over two million simulated histories; a test checks them by simulation. They are not monotone because
 * the number of trimmed values, floor(N / 5), steps.
 */
const factors = {
  /** One in twenty: the screen. Beyond it the job measures again. */
  screen: [2.309, 2.061, 1.896, 1.778, 1.687, 2.032, 1.911, 1.817, 1.741, 1.679, 1.918],
  /** 0.3%: what a value must exceed when the second look comes from the same machine and so confirms little. */
  strict: [5.522, 4.596, 4.028, 3.644, 3.366, 4.201, 3.841, 3.575, 3.365, 3.2, 3.725],
} as const;

/** The limits that a history sets for a new value, in the same scale (ln of the metric). */
export type HistoryLimits = {
  records: number;
  centre: number;
  deviation: number;
  screen: number;
  strict: number;
  /**
   * Smallest change, as a ratio minus one, that is found with 95% probability by a screen and a confirmation on a
   * fresh machine: exp(4.1 sd) - 1.
   */
  detectable: number;
};

/** Limits from stored values (ln of the metric, one per job, oldest first); null for fewer than ten. */
export const historyLimits = (stored: readonly number[]): HistoryLimits | null => {
  const used = stored.slice(-maxHistory);
  if (used.length < minHistory) return null;
  const centre = trimmedMean(used, trim);
  const deviation = Math.max(normalConsistency * winsorisedDeviation(used, trim), minDeviation);
  const index = used.length - minHistory;
  return {
    records: used.length,
    centre,
    deviation,
    screen: centre + factors.screen[index]! * deviation,
    strict: centre + factors.strict[index]! * deviation,
    detectable: Math.expm1(4.1 * deviation),
  };
};
