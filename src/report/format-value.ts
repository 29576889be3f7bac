import type { Unit } from '../metrics/threshold.ts';
import type { ChangeReport, LatencySummaryReport, MetricReport } from './report-model.ts';

/** Shown where there is no value. */
export const noValue = '–';

const isNumber = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** Three significant digits, thousands separated, no exponent: 0.0412, 4.12, 41.2, 412, 4,120. */
const significant = (value: number): string => {
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return groupThousands(Math.round(value));
  if (magnitude === 0) return '0';
  const decimals = Math.min(Math.max(2 - Math.floor(Math.log10(magnitude)), 0), 6);
  const fixed = value.toFixed(decimals);
  // 99.96 rounds up into the next magnitude: one decimal fewer keeps three digits.
  return Math.abs(Number(fixed)) >= 10 ** (3 - decimals) && decimals > 0
    ? value.toFixed(decimals - 1)
    : fixed;
};

const groupThousands = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A latency in milliseconds: "0.412 ms", "41.2 ms", "1.24 s", "2.50 min". */
export const formatDuration = (ms: number | null): string => {
  if (!isNumber(ms)) return noValue;
  const magnitude = Math.abs(ms);
  if (magnitude < 999.5) return `${significant(ms)} ms`;
  if (magnitude < 120_000) return `${significant(ms / 1000)} s`;
  return `${significant(ms / 60_000)} min`;
};

/** A latency on an axis: as short as it can be. */
export const formatTick = (ms: number): string =>
  formatDuration(ms)
    .replace(/(\.\d*?)0+ /, '$1 ')
    .replace('. ', ' ');

/** A length of wall time in milliseconds, in whole units: "800 ms", "12 s", "3 min 20 s", "2 h 5 min". */
export const formatElapsed = (ms: number | null): string => {
  if (!isNumber(ms)) return noValue;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** Bytes in decimal units, the units of the thresholds: "812 B", "41.2 KB", "412 MB", "4.12 GB". */
export const formatBytes = (bytes: number | null): string => {
  if (!isNumber(bytes)) return noValue;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? groupThousands(Math.round(value)) : significant(value)} ${units[unit]}`;
};

/** A count: whole numbers exactly, with thousands separated; means with three significant digits. */
export const formatCount = (count: number | null): string => {
  if (!isNumber(count)) return noValue;
  return Number.isInteger(count) ? groupThousands(count) : significant(count);
};

/** The same without zeros at the end. */
const brief = (value: number): string =>
  significant(value)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');

/** A share of 1 as a percentage: 0.00123 is "0.123%". */
export const formatShare = (share: number | null): string =>
  isNumber(share) ? `${brief(share * 100)}%` : noValue;

/** A value in its unit. A count of a latency metric is a count, whatever the unit of the metric. */
export const formatValue = (value: number | null, unit: Unit, statistic = 'value'): string => {
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
      return `${brief(value)} ${value === 1 ? 'core' : 'cores'}`;
    case 'perSecond':
      return `${brief(value)}/s`;
    case 'count':
      return formatCount(value);
  }
};

/** Base against head in one cell: "41.2 → 48.7 ms", with the unit once where it is the same. */
export const formatPair = (
  baseline: number | null,
  head: number | null,
  format: (value: number | null) => string,
): string => {
  const after = format(head);
  if (!isNumber(baseline)) return after;
  const before = format(baseline);
  const unit = / \S+$/.exec(after)?.[0];
  return `${unit !== undefined && before.endsWith(unit) ? before.slice(0, -unit.length) : before} → ${after}`;
};

const toPercent = (ratio: number, decimals: number): string => {
  const fixed = (ratio * 100).toFixed(decimals);
  return `${Number(fixed) === 0 ? fixed.replace('-', '') : fixed}%`;
};

const withSign = (text: string): string =>
  text.startsWith('-') || /^0(\.0+)?%$/.test(text) ? text : `+${text}`;

/** As many decimals as the spread of the interval warrants: no false precision. */
const decimalsFor = (relative: number, low: number | null, high: number | null): number => {
  const width = isNumber(low) && isNumber(high) ? high - low : 0;
  const spread = 100 * (width > 1e-4 ? width : Math.abs(relative));
  if (spread >= 5 || spread === 0) return 0;
  return spread >= 0.5 ? 1 : 2;
};

/** A ratio minus one as a signed percentage: "+12%", "-3.4%". */
export const formatPercentChange = (relative: number | null): string =>
  isNumber(relative) ? withSign(toPercent(relative, decimalsFor(relative, null, null))) : noValue;

/** A change with its interval: "+12% (8% to 16%)"; without one, the change alone. */
export const formatChange = (change: Pick<ChangeReport, 'relative' | 'low' | 'high'>): string => {
  const { relative, low, high } = change;
  if (!isNumber(low) || !isNumber(high)) return formatPercentChange(relative);
  const decimals = decimalsFor(relative, low, high);
  return `${withSign(toPercent(relative, decimals))} (${toPercent(low, decimals)} to ${toPercent(high, decimals)})`;
};

const summaryField: Record<string, keyof LatencySummaryReport> = {
  count: 'count',
  mean: 'meanMs',
  p50: 'p50Ms',
  p90: 'p90Ms',
  p95: 'p95Ms',
  p99: 'p99Ms',
  p999: 'p999Ms',
  max: 'maxMs',
};

/** Whether a metric is a distribution (its statistics are percentiles) or has one value. */
export const isDistribution = (metric: MetricReport): boolean =>
  metric.head !== null || metric.baseline !== null;

/** The value of one statistic of one side; null when it was not measured. */
export const statisticOf = (
  metric: Pick<MetricReport, 'baseline' | 'head' | 'baselineValue' | 'headValue'>,
  side: 'baseline' | 'head',
  statistic: string,
): number | null => {
  const summary = side === 'baseline' ? metric.baseline : metric.head;
  const field = summaryField[statistic];
  if (summary !== null && field !== undefined) return summary[field];
  return side === 'baseline' ? metric.baselineValue : metric.headValue;
};
