import { durationMs } from './think.ts';

/**
 * A time after which a wait ends, or a step that sends at a rate, in milliseconds: a number is seconds (fractions too, and
 * numbers as text: nobody waits for an answer for half a millisecond), a text may have a unit. Null when it is none.
 */
export const timeoutMs = (value: unknown): number | null => {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const found = typeof seconds === 'number' && !Number.isNaN(seconds) ? seconds * 1_000 : durationMs(value);
  return Number.isFinite(found) && found > 0 ? found : null;
};

/** What is wrong with a value that `timeoutMs` does not take. */
export const noTime = (value: string): string => `"${value}" is no time; write seconds (5) or "500ms"`;
