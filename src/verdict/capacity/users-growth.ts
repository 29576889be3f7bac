import { slopeOf } from '../../metrics/endurance-series.ts';

/** Virtual users that run at an instant of the step. */
export type UsersSample = { atMs: number; active: number };

/** Share of the arrivals that may stay on without the server being called too slow for them. */
const tolerance = 0.05;
/** Growth that chance explains: arrivals and departures vary, about as the square root of those present. */
const chanceDeviations = 3;
const minGrowth = 5;
const minSamples = 4;

/**
 * Users a second that arrive and do not leave, from the least-squares slope over the samples; null when there are too
 * few.
 */
export const usersGrowth = (samples: readonly UsersSample[]): number | null => {
  if (samples.length < minSamples) return null;
  const slope = slopeOf({ x: samples.map(({ atMs }) => atMs), y: samples.map(({ active }) => active) });
  return Number.isNaN(slope) ? null : slope * 1000;
};

/**
 * Whether users pile up at `load` users a second: in a step that began when sessions already ended as fast as they
 * started, the server then completes fewer than arrive, and every wait grows for as long as the load lasts, however
 * short it still is.
 */
export const pilesUp = (samples: readonly UsersSample[], load: number): { perSecond: number } | null => {
  const perSecond = usersGrowth(samples);
  if (perSecond === null || perSecond <= tolerance * load) return null;
  const seconds = ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)) / 1000;
  const atStart = samples[0]?.active ?? 0;
  const byChance = Math.max(minGrowth, chanceDeviations * Math.sqrt(atStart));
  return perSecond * seconds > byChance ? { perSecond } : null;
};
