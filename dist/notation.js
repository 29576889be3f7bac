// Generated from metrics/notation.ts: npm run generate.
export const noValue = "\u2013";
const beyondMeaning = 10;
export function formatValue(value, unit, statistic = "value") {
  if (!isNumber(value)) return noValue;
  if (statistic === "count") return formatCount(value);
  switch (unit) {
    case "ms":
      return formatDuration(value);
    case "bytes":
      return formatBytes(value);
    case "ratio":
      return formatShare(value);
    case "cores":
      return `${significant(value)} ${value === 1 ? "core" : "cores"}`;
    case "perSecond":
      return `${significant(value)}/s`;
    case "count":
      return formatCount(value);
  }
}
export function formatDuration(ms) {
  if (!isNumber(ms)) return noValue;
  const magnitude = Math.abs(ms);
  if (magnitude < 999.5) return `${significant(ms)} ms`;
  if (magnitude < 119500) return `${significant(ms / 1e3)} s`;
  return inMinutes(ms);
}
export function formatElapsed(ms) {
  if (!isNumber(ms)) return noValue;
  if (Math.abs(ms) < 999.5) return `${Math.round(ms)} ms`;
  return Math.abs(ms) < 59500 ? `${Math.round(ms / 1e3)} s` : inMinutes(ms);
}
export function formatBytes(bytes) {
  if (!isNumber(bytes)) return noValue;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1e3;
    unit += 1;
  }
  return `${unit === 0 ? grouped(Math.round(value)) : significant(value)} ${units[unit]}`;
}
export function formatCount(count) {
  if (!isNumber(count)) return noValue;
  return Number.isInteger(count) ? grouped(count) : significant(count);
}
export function formatShare(share) {
  return isNumber(share) ? `${significant(share * 100)}%` : noValue;
}
export function formatPoints(share) {
  return `${significant(share * 100)} points`;
}
export function sideName(side) {
  return side === "head" ? "this PR" : "baseline";
}
export function sideTitle(side) {
  const name = sideName(side);
  return name.charAt(0).toUpperCase() + name.slice(1);
}
export function theSide(side) {
  return side === "head" ? sideName(side) : `the ${sideName(side)}`;
}
export function atSide(side) {
  return `${side === "head" ? "in" : "at"} ${theSide(side)}`;
}
export function formatPair(baseline, head, format, between = " \u2192 ") {
  const after = format(head);
  if (!isNumber(baseline)) return after;
  const before = format(baseline);
  const unit = /^\S+( \S+)$/.exec(after)?.[1];
  const isShared = unit !== void 0 && /^\S+( \S+)$/.exec(before)?.[1] === unit;
  return `${isShared ? before.slice(0, -unit.length) : before}${between}${after}`;
}
export function formatPercentChange(relative, interval = { low: null, high: null }) {
  return isNumber(relative) ? signedPercent(relative, decimalsFor(relative, interval)) : noValue;
}
export function formatChange(change) {
  const { relative, low, high } = change;
  const alone = formatPercentChange(relative, change);
  if (!isNumber(low) || !isNumber(high)) return alone;
  const decimals = decimalsFor(relative, change);
  const from = signedPercent(low, decimals);
  if (high > beyondMeaning) return `${alone} (${low > 0 ? `at least ${from}` : `${from} or more`})`;
  return `${alone} (${from} to ${signedPercent(high, decimals)})`;
}
export function formatInterval(low, high) {
  const decimals = decimalsFor((low + high) / 2, { low, high });
  if (high > beyondMeaning)
    return low > 0 ? `at least ${signedPercent(low, decimals)}` : "between a fall and a rise of any size";
  return `between ${signedPercent(low, decimals)} and ${signedPercent(high, decimals)}`;
}
export function formatLimit(relative) {
  return withSign(relative, `${significant(relative * 100)}%`);
}
export function plural(count, noun, nouns = `${noun}s`) {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}
export function subjectName(metric, statistic) {
  return statistic === "value" ? metric : `${metric} ${statisticName(statistic)}`;
}
export function statisticName(statistic) {
  return statistic === "p999" ? "p99.9" : statistic;
}
function isNumber(value) {
  return value !== null && value !== void 0 && Number.isFinite(value);
}
function significant(value) {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return "0";
  if (magnitude >= 100) return grouped(Math.round(value));
  const decimals = Math.min(Math.max(2 - Math.floor(Math.log10(magnitude)), 0), 20);
  return minus(withoutZeros(value.toFixed(decimals)));
}
function grouped(value) {
  return minus(String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ","));
}
function minus(text) {
  return text === "-0" ? "0" : text.replace("-", "\u2212");
}
function withoutZeros(fixed) {
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}
function inMinutes(ms) {
  const seconds = Math.round(Math.abs(ms) / 1e3);
  const sign = ms < 0 ? "\u2212" : "";
  if (seconds < 3600) return `${sign}${twoUnits(Math.floor(seconds / 60), "min", seconds % 60, "s")}`;
  const minutes = Math.round(seconds / 60);
  return `${sign}${twoUnits(Math.floor(minutes / 60), "h", minutes % 60, "min")}`;
}
function twoUnits(whole, unit, rest, restUnit) {
  return rest === 0 ? `${grouped(whole)} ${unit}` : `${grouped(whole)} ${unit} ${rest} ${restUnit}`;
}
function signedPercent(ratio, decimals) {
  if (ratio > beyondMeaning) return `+${significant(ratio * 100)}%`;
  return withSign(ratio, `${minus(withoutZeros((ratio * 100).toFixed(decimals)))}%`);
}
function withSign(value, text) {
  return value > 0 && text !== "0%" ? `+${text}` : text;
}
function decimalsFor(relative, { low, high }) {
  const width = isNumber(low) && isNumber(high) ? high - low : 0;
  const spread = 100 * (width > 1e-4 ? width : Math.abs(relative));
  if (spread >= 5 || spread === 0) return 0;
  return spread >= 0.5 ? 1 : 2;
}
