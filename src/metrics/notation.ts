import type { SideName } from './round-measurement.ts';
import type { Statistic, Unit } from './threshold.ts';

/*
 * How numbers are written, everywhere: three significant digits without zeros at the end, thousands separated, no
 * exponent; decimal sizes; "−" for minus; a change with its sign and with no more decimals than its interval warrants.
 * Only the grammar of thresholds, which is read back, writes a plain hyphen. Imports nothing at run time: the page of
 * trends runs it in the browser.
 */

/** Shown where there is no value. */
export const noValue = '–';

/** A change as a ratio minus one, and where it may lie. */
export type RelativeChange = { relative: number; low: number | null; high: number | null };

/** A rise by more than this factor says only that it is large. */
const beyondMeaning = 10;

/** A value in its unit: "41.2 ms", "412 MB", "0.123%", "9,000", "1 core", "120/s". A count has no unit whatever the metric's. */
export function formatValue(value: number | null, unit: Unit, statistic: string = 'value'): string {
  if (!isNumber(value)) return noValue;
  if (statistic === 'count') return formatCount(value);
  switch (unit) {
    case 'ms':
      return formatDuration(value);
    case 'bytes':
      return formatBytes(value);
    case 'ratio':
      return formatShare(value);
    case 'cores':
      return `${significant(value)} ${value === 1 ? 'core' : 'cores'}`;
    case 'perSecond':
      return `${significant(value)}/s`;
    case 'count':
      return formatCount(value);
  }
}

/** A latency or a CPU time in milliseconds: "0.412 ms", "41.2 ms", "1.24 s", and from two minutes on "2 min 5 s". */
export function formatDuration(ms: number | null): string {
  if (!isNumber(ms)) return noValue;
  const magnitude = Math.abs(ms);
  if (magnitude < 999.5) return `${significant(ms)} ms`;
  if (magnitude < 119_500) return `${significant(ms / 1000)} s`;
  return inMinutes(ms);
}

/** A length of wall time in milliseconds, in whole units: "800 ms", "12 s", "3 min 20 s", "2 h 5 min". */
export function formatElapsed(ms: number | null): string {
  if (!isNumber(ms)) return noValue;
  if (Math.abs(ms) < 999.5) return `${Math.round(ms)} ms`;
  return Math.abs(ms) < 59_500 ? `${Math.round(ms / 1000)} s` : inMinutes(ms);
}

/** Bytes in decimal units: "812 B", "41.2 kB", "412 MB", "4.12 GB". */
export function formatBytes(bytes: number | null): string {
  if (!isNumber(bytes)) return noValue;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? grouped(Math.round(value)) : significant(value)} ${units[unit]}`;
}

/** A count: whole numbers exactly, with thousands separated; means with three significant digits. */
export function formatCount(count: number | null): string {
  if (!isNumber(count)) return noValue;
  return Number.isInteger(count) ? grouped(count) : significant(count);
}

/** A share of 1 as a percentage: 0.00123 is "0.123%". */
export function formatShare(share: number | null): string {
  return isNumber(share) ? `${significant(share * 100)}%` : noValue;
}

/** The difference of two shares in percentage points: 0.0012 is "0.12 points". */
export function formatPoints(share: number): string {
  return `${significant(share * 100)} points`;
}

/** What a side is called: "this PR", "baseline". */
export function sideName(side: SideName): string {
  return side === 'head' ? 'this PR' : 'baseline';
}

/** At the head of a column: "This PR", "Baseline". */
export function sideTitle(side: SideName): string {
  const name = sideName(side);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** As the subject of a sentence, or its object: "this PR", "the baseline". */
export function theSide(side: SideName): string {
  return side === 'head' ? sideName(side) : `the ${sideName(side)}`;
}

/** Where something is, or was measured: "in this PR", "at the baseline". */
export function atSide(side: SideName): string {
  return `${side === 'head' ? 'in' : 'at'} ${theSide(side)}`;
}

/**
 * Baseline against head in one cell: "41.2 → 48.7 ms", with the unit once where it is the same; `between` is " to " in a
 * sentence.
 */
export function formatPair(
  baseline: number | null,
  head: number | null,
  format: (value: number | null) => string,
  between: ' → ' | ' to ' = ' → ',
): string {
  const after = format(head);
  if (!isNumber(baseline)) return after;
  const before = format(baseline);
  const unit = /^\S+( \S+)$/.exec(after)?.[1];
  const isShared = unit !== undefined && /^\S+( \S+)$/.exec(before)?.[1] === unit;
  return `${isShared ? before.slice(0, -unit.length) : before}${between}${after}`;
}

/** A ratio minus one with its sign: "+12%", "−3.4%", as precise as its interval, or as its size without one. */
export function formatPercentChange(
  relative: number | null,
  interval: { low: number | null; high: number | null } = { low: null, high: null },
): string {
  return isNumber(relative) ? signedPercent(relative, decimalsFor(relative, interval)) : noValue;
}

/** A change with its interval: "+12% (+8% to +16%)"; without one, the change alone. */
export function formatChange(change: RelativeChange): string {
  const { relative, low, high } = change;
  const alone = formatPercentChange(relative, change);
  if (!isNumber(low) || !isNumber(high)) return alone;
  const decimals = decimalsFor(relative, change);
  const from = signedPercent(low, decimals);
  if (high > beyondMeaning) return `${alone} (${low > 0 ? `at least ${from}` : `${from} or more`})`;
  return `${alone} (${from} to ${signedPercent(high, decimals)})`;
}

/** Where a change lies, in words: "between −2% and +4%"; an end beyond a thousand percent is called open. */
export function formatInterval(low: number, high: number): string {
  const decimals = decimalsFor((low + high) / 2, { low, high });
  if (high > beyondMeaning)
    return low > 0 ? `at least ${signedPercent(low, decimals)}` : 'between a fall and a rise of any size';
  return `between ${signedPercent(low, decimals)} and ${signedPercent(high, decimals)}`;
}

/** A limit on a change, exactly as it was set: "+10%", "−2.5%". */
export function formatLimit(relative: number): string {
  return withSign(relative, `${significant(relative * 100)}%`);
}

/** "1 pair", "8 pairs"; `nouns` where the plural is another word. */
export function plural(count: number, noun: string, nouns: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}

/** "chat.ack p95"; the name alone for a metric with one value. */
export function subjectName(metric: string, statistic: string): string {
  return statistic === 'value' ? metric : `${metric} ${statisticName(statistic)}`;
}

/** A statistic as it is read: "p95", "p99.9", "max". */
export function statisticName(statistic: Statistic | string): string {
  return statistic === 'p999' ? 'p99.9' : statistic;
}

function isNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function significant(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return '0';
  if (magnitude >= 100) return grouped(Math.round(value));
  const decimals = Math.min(Math.max(2 - Math.floor(Math.log10(magnitude)), 0), 20);
  return minus(withoutZeros(value.toFixed(decimals)));
}

function grouped(value: number): string {
  return minus(String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ','));
}

function minus(text: string): string {
  return text === '-0' ? '0' : text.replace('-', '−');
}

function withoutZeros(fixed: string): string {
  return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
}

function inMinutes(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const sign = ms < 0 ? '−' : '';
  if (seconds < 3600) return `${sign}${twoUnits(Math.floor(seconds / 60), 'min', seconds % 60, 's')}`;
  const minutes = Math.round(seconds / 60);
  return `${sign}${twoUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min')}`;
}

function twoUnits(whole: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${grouped(whole)} ${unit}` : `${grouped(whole)} ${unit} ${rest} ${restUnit}`;
}

function signedPercent(ratio: number, decimals: number): string {
  if (ratio > beyondMeaning) return `+${significant(ratio * 100)}%`;
  return withSign(ratio, `${minus(withoutZeros((ratio * 100).toFixed(decimals)))}%`);
}

function withSign(value: number, text: string): string {
  return value > 0 && text !== '0%' ? `+${text}` : text;
}

function decimalsFor(relative: number, { low, high }: { low: number | null; high: number | null }): number {
  const width = isNumber(low) && isNumber(high) ? high - low : 0;
  const spread = 100 * (width > 1e-4 ? width : Math.abs(relative));
  if (spread >= 5 || spread === 0) return 0;
  return spread >= 0.5 ? 1 : 2;
}
