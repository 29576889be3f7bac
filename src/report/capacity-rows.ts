import {
  formatCount,
  formatDuration,
  formatPair,
  formatPercentChange,
  formatShare,
  formatValue,
  noValue,
} from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import type { CapacityLevel, CapacityReport, CapacitySide } from './capacity-model.ts';

/** One line of the table by level: a load, and what each side answered to it. */
export type CapacityRow = {
  load: string;
  achieved: string;
  users: string;
  p50: string;
  p95: string;
  p99: string;
  errors: string;
  cpu: string;
  baseline: CapacityLevel['verdict'] | null;
  head: CapacityLevel['verdict'] | null;
  /** Whether there is a baseline at all. */
  hasBaseline: boolean;
};

/** The last measurement of each load; the one that confirms comes last. */
const byLoad = (side: CapacitySide | null): Map<number, CapacityLevel> =>
  new Map((side?.levels ?? []).map((level) => [level.load, level]));

/** What both sides answered to a load: "41.2 → 48.7 ms", with a dash for a side that was not given it. */
const bothSides = (
  sides: { baseline: CapacityLevel | undefined; head: CapacityLevel | undefined; hasBaseline: boolean },
  of: (level: CapacityLevel) => number | null,
  format: (value: number | null) => string,
): string => {
  const { baseline, head, hasBaseline } = sides;
  const before = baseline === undefined ? null : of(baseline);
  const after = head === undefined ? null : of(head);
  if (!hasBaseline) return format(after);
  return before === null || after === null
    ? `${format(before)} → ${format(after)}`
    : formatPair(before, after, format);
};

/** The loads that either side was given, ascending. */
export const capacityRows = (report: CapacityReport): CapacityRow[] => {
  const baselines = byLoad(report.baseline);
  const heads = byLoad(report.head);
  return [...new Set([...baselines.keys(), ...heads.keys()])]
    .sort((a, b) => a - b)
    .map((load) => {
      const baseline = baselines.get(load);
      const head = heads.get(load);
      const cell = (of: (level: CapacityLevel) => number | null, format: (value: number | null) => string) =>
        bothSides({ baseline, head, hasBaseline: report.baseline !== null }, of, format);
      return {
        load: formatCount(load),
        achieved: cell((level) => level.achieved, formatCount),
        users: cell((level) => level.users, formatCount),
        p50: cell((level) => level.latency?.p50Ms ?? null, formatDuration),
        p95: cell((level) => level.latency?.p95Ms ?? null, formatDuration),
        p99: cell((level) => level.latency?.p99Ms ?? null, formatDuration),
        errors: cell((level) => level.errorRate, formatShare),
        cpu: cell(
          (level) => level.resources?.maxCpuShare ?? null,
          (value) => formatValue(value, 'cores'),
        ),
        baseline: baseline?.verdict ?? null,
        head: head?.verdict ?? null,
        hasBaseline: report.baseline !== null,
      };
    });
};

/** What both sides answered to a load, in the words or signs given. */
export const capacityVerdictCell = (
  row: CapacityRow,
  texts: Record<'holds' | 'breaks' | 'invalid', string>,
): string => {
  const [before, after] = [row.baseline, row.head].map((one) => (one === null ? noValue : texts[one]));
  if (!row.hasBaseline || before === after) return after ?? noValue;
  return `${before} → ${after}`;
};

/** "412 users/s", "at least 800 users/s", "less than 50 users/s". */
export const capacityText = (side: CapacitySide, unit: string): string => {
  const { holds, breaks } = side.edge;
  if (holds === null) return breaks === null ? 'unknown' : `less than ${formatCount(breaks)} ${unit}`;
  return breaks === null ? `at least ${formatCount(holds)} ${unit}` : `${formatCount(holds)} ${unit}`;
};

const changeText = (report: CapacityReport): string => {
  const before = report.baseline?.edge.holds ?? null;
  const after = report.head.edge.holds;
  if (report.baseline === null) return '';
  const baseline = capacityText(report.baseline, report.unit);
  if (before === null || after === null || before === 0) return `; the baseline: ${baseline}`;
  const change = formatPercentChange(after / before - 1);
  return after === before ? `, as the baseline does` : `, ${change} against the baseline (${baseline})`;
};

/** Where latency begins to rise faster than load, on each side that was measured; empty where no knee was found. */
export const kneeText = (report: CapacityReport): string => {
  const at = (side: CapacitySide | null): string | null =>
    side === null || side.knee === null
      ? null
      : `${formatCount(side.knee.load)} ${report.unit} (mean ${formatDuration(side.knee.meanMs)})`;
  const head = at(report.head);
  const baseline = at(report.baseline);
  const both = [
    ...(head === null ? [] : [report.baseline === null ? head : `${head} at the head`]),
    ...(baseline === null ? [] : [`${baseline} at the baseline`]),
  ];
  return both.length === 0 ? '' : `Beyond about ${both.join(' and ')} latency rises faster than load.`;
};

/** What was found, as plain text that may hold foreign names: a title, and sentences. */
export const capacityHeadline = (
  report: CapacityReport,
): { verdict: Verdict; title: string; detail: string } => {
  const { head, baseline, verdict } = report;
  const firstOf = (side: CapacitySide | null, name: string): string[] =>
    side?.gaveOut ? [`What gave out first${name}: ${side.gaveOut.explanation}`] : [];
  const unconfirmed = head.edge.confirmed ? [] : ['The edge was measured once only.'];
  return {
    verdict,
    title:
      verdict === 'invalid'
        ? 'Capacity unknown: the measurement cannot be trusted'
        : `Capacity: ${capacityText(head, report.unit)}${changeText(report)}`,
    detail: [
      report.reason,
      ...firstOf(head, baseline === null ? '' : ' at the head'),
      ...firstOf(baseline, ' at the baseline'),
      ...unconfirmed,
    ].join(' '),
  };
};
