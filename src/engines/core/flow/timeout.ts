import { durationMs } from './think.ts';

/**
 * A time after which a wait ends, in milliseconds: a number is seconds (fractions too: nobody waits for an answer for
 * half a millisecond), a text may have a unit. Null when it is none.
 */
export const timeoutMs = (value: unknown): number | null => {
  const seconds = typeof value === 'number' ? value : Number.NaN;
  const found = Number.isNaN(seconds) ? durationMs(value) : seconds * 1_000;
  return Number.isFinite(found) && found > 0 ? found : null;
};
