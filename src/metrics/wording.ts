import type { Statistic, Unit } from './threshold.ts';

/**
 * Words and numbers of the explanations: three significant digits, a unit on every number, and no more decimals of a
 * percentage than its uncertainty warrants.
 */

const significant = (value: number): string => {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return '0';
  if (magnitude >= 100) return Math.round(value).toLocaleString('en-US');
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) < 1e-4 ? rounded.toExponential() : String(rounded);
};

const scaled = (value: number, steps: readonly (readonly [number, string])[]): string => {
  const [factor, name] = steps.find(([size]) => Math.abs(value) >= size) ?? steps.at(-1)!;
  return `${significant(value / factor)} ${name}`;
};

/** A value with its unit: "41.2 ms", "1.24 s", "412 MB", "0.123%", "9,000", "1.5 cores", "120/s". */
export const quantity = (value: number, unit: Unit): string => {
  switch (unit) {
    case 'ms':
      return Math.abs(value) >= 1000 ? `${significant(value / 1000)} s` : `${significant(value)} ms`;
    case 'bytes':
      return scaled(value, [
        [1e9, 'GB'],
        [1e6, 'MB'],
        [1e3, 'kB'],
        [1, 'B'],
      ]);
    case 'ratio':
      return `${significant(value * 100)}%`;
    case 'cores':
      return `${significant(value)} cores`;
    case 'perSecond':
      return `${significant(value)}/s`;
    case 'count':
      return Number.isInteger(value) ? value.toLocaleString('en-US') : significant(value);
  }
};

/** A ratio minus one as a signed percentage; `spread` is the width of its interval. */
export const percent = (relative: number, spread: number = Math.abs(relative)): string => {
  if (!Number.isFinite(relative)) return relative > 0 ? 'without bound' : 'unknown';
  const decimals = spread >= 0.2 ? 0 : spread >= 0.01 ? 1 : 2;
  const text = (relative * 100).toFixed(decimals);
  if (Number(text) === 0) return '0%';
  return `${relative > 0 ? '+' : ''}${text.replace('-', '−')}%`;
};

/** A limit as a signed percentage, without decimals it does not have: "+10%", "−2.5%". */
export const limitPercent = (relative: number): string => {
  const value = Number((relative * 100).toPrecision(3));
  return `${value > 0 ? '+' : ''}${String(value).replace('-', '−')}%`;
};

/** "between −2.1% and +3.9%"; an end beyond a thousand percent is called open. */
export const between = (low: number, high: number): string => {
  const spread = high - low;
  if (high > 10)
    return low > 0 ? `at least ${percent(low, Math.abs(low))}` : 'between a fall and a rise of any size';
  return `between ${percent(low, spread)} and ${percent(high, spread)}`;
};

/** Percentage points: 0.0012 is "0.12 points". */
export const points = (share: number): string => `${significant(share * 100)} points`;

/** "1 pair", "8 pairs". */
export const plural = (count: number, noun: string): string =>
  `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;

const spoken: Partial<Record<Statistic, string>> = { p999: 'p99.9', max: 'maximum' };

/** "chat.ack p95"; the name alone for a metric with one value. */
export const subjectName = (metric: string, statistic: Statistic): string =>
  statistic === 'value' ? metric : `${metric} ${spoken[statistic] ?? statistic}`;
