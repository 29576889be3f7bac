/** Units of time in scenarios, as the `ms` package names them. */
export const timeUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  msec: 1,
  msecs: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1_000,
  sec: 1_000,
  secs: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/**
 * A `think` in milliseconds as Artillery reads it: a whole number is seconds, a number with a unit is that, and
 * (the trap) a fraction without a unit is milliseconds: `think: 0.2` lasts 0.2 ms. Null when it is not a time.
 */
export const thinkMs = (value: unknown): number | null => {
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const text = String(value).trim();
  if (text === '') return null;
  const number = Number(text);
  if (Number.isInteger(number)) return Math.max(0, number * 1_000);
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text);
  if (match === null) return null;
  const unit = match[2]!.toLowerCase();
  const factor = unit === '' ? 1 : timeUnitsMs[unit];
  return factor === undefined ? null : Number(match[1]) * factor;
};

/** Whether a `think` is a fraction without a unit, which Artillery takes for milliseconds. */
export const isFractionalThink = (value: unknown): boolean =>
  (typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) &&
  Number.isFinite(Number(value)) &&
  !Number.isInteger(Number(value));
