import { metricAliases } from '../metrics/metric-names.ts';
import { formatLimit, formatValue, subjectName } from '../metrics/notation.ts';
import { isLatencyStatistic, statisticOfSummary } from '../metrics/values.ts';
import { type Inline, placeOf } from './document.ts';
import type {
  ChangeReport,
  LatencySummaryReport,
  LimitReport,
  MetricReport,
  SuiteReport,
} from './report-model.ts';

/** One line of the results table: one statistic of one metric, with what was found out about it. */
export type MetricRow = {
  metric: string;
  /** `value` for a metric that has one value and no distribution. */
  statistic: string;
  unit: MetricReport['unit'];
  baseline: number | null;
  head: number | null;
  change: ChangeReport | null;
  limits: LimitReport[];
  verdict: MetricReport['verdict'];
  /** Something moved, or was not settled: worth showing without being asked. */
  notable: boolean;
};

export const severity: Record<MetricReport['verdict'], number> = {
  advisory: -1,
  pass: 0,
  inconclusive: 1,
  invalid: 2,
  fail: 3,
};

/** Below these, a change is not worth a line that nobody asked for: with an interval, and without one. */
const notableRelative = 0.03;

const notableWithoutInterval = 0.1;

const order = ['p5', 'p10', 'p50', 'p90', 'p95', 'tail', 'p99', 'p999', 'max', 'mean', 'count', 'value'];

type RowValues = Pick<MetricRow, 'baseline' | 'head'>;

/** Why a limit was decided as it was, and where it stands; what is the same for several limits is said once. */
export type LimitExplanation = { verdict: LimitReport['verdict']; text: string; places: string[] };

/** Every line of the results table of a suite: the main metric first, then the gated ones, then the others. */
export const metricRows = (suite: Pick<SuiteReport, 'metrics' | 'main'>): MetricRow[] => {
  const place = (metric: MetricReport): number => {
    if (metric.id === suite.main) return 0;
    return metric.limit.length > 0 ? 1 : 2;
  };
  return [...suite.metrics]
    .sort((a, b) => place(a) - place(b))
    .flatMap((metric) => rowsOf(metric, metric.id === suite.main));
};

/** A change that its interval (or, without one, its size) sets apart from no change. */
export const isChanged = (change: ChangeReport | null): boolean => {
  if (change === null) return false;
  const size = Math.abs(change.relative);
  if (change.low === null || change.high === null) return size >= notableWithoutInterval;
  return size >= notableRelative && (change.low > 0 || change.high < 0);
};

/** `joinRoom.ack p95`, or the name alone for a metric with one value. */
export const rowName = (row: Pick<MetricRow, 'metric' | 'statistic'>): string =>
  subjectName(row.metric, row.statistic);

/** The rule of a limit without the name of the metric and the statistic, which the row shows already. */
export const shortRule = (rule: string, row: Pick<MetricRow, 'metric' | 'statistic'>): string => {
  for (const name of [row.metric, ...aliasesOf(row.metric)])
    for (const prefix of [`${name}.${row.statistic} `, `${name} `])
      if (rule.startsWith(prefix)) return rule.slice(prefix.length);
  return rule.startsWith(`${row.statistic} `) ? rule.slice(row.statistic.length + 1) : rule;
};

/**
 * A limit as it is read: the user's own rule, or for a default one from where it fails, below what it passes, and that it
 * is a default: "fails from +3%, passes below +10% (default)".
 */
export const limitText = (limit: LimitReport, row: Pick<MetricRow, 'metric' | 'statistic'>): Inline => {
  const rule = shortRule(limit.rule, row);
  if (limit.isDefault !== true) return [{ code: rule }];
  const fails = `fails from ${rule.replace(/^<=? /, '')}`;
  const margin = limit.margin ?? null;
  return [margin === null ? `${fails} (default)` : `${fails}, passes below ${formatLimit(margin)} (default)`];
};

export const explanationsOf = (rows: readonly MetricRow[]): LimitExplanation[] => {
  const found = new Map<string, LimitExplanation>();
  for (const limit of rows.flatMap((row) => row.limits)) {
    const key = `${limit.verdict} ${limit.explanation}`;
    const explanation = found.get(key) ?? { verdict: limit.verdict, text: limit.explanation, places: [] };
    found.set(key, explanation);
    const place = placeOf(limit);
    if (place !== null && !explanation.places.includes(place)) explanation.places.push(place);
  }
  return [...found.values()];
};

/** The values of one statistic that agree with its change; those over all messages where there is none. */
export function valuesOf(
  metric: Pick<MetricReport, 'baseline' | 'head' | 'baselineValue' | 'headValue' | 'change'>,
  statistic: string,
): RowValues {
  const change = metric.change.find((entry) => entry.statistic === statistic);
  return change?.baseline !== undefined && change.head !== undefined
    ? { baseline: change.baseline, head: change.head }
    : overAll(metric, statistic);
}

/**
 * The lines of one metric. What an absolute limit was held against, the value over all messages, is a line of its own
 * where it is not the typical value of a pair that stands beside the change.
 */
function rowsOf(metric: MetricReport, isMain: boolean): MetricRow[] {
  const named = new Set([...metric.limit, ...metric.change].map((part) => part.statistic));
  const statistics =
    named.size === 0 || isMain ? new Set([...named, ...plainStatistics(metric, isMain)]) : named;
  return [...statistics]
    .sort((a, b) => rank(a) - rank(b))
    .flatMap((statistic) => {
      const limits = metric.limit.filter((limit) => limit.statistic === statistic);
      const change = metric.change.find((entry) => entry.statistic === statistic) ?? null;
      const row = (values: RowValues, shownChange: ChangeReport | null, own: LimitReport[]): MetricRow => {
        const verdict = worstOf(own);
        const isOpen = verdict === 'fail' || verdict === 'inconclusive' || verdict === 'invalid';
        const notable = isOpen || isChanged(shownChange);
        const { id, unit } = metric;
        return { metric: id, statistic, unit, ...values, change: shownChange, limits: own, verdict, notable };
      };
      const values = valuesOf(metric, statistic);
      const apart = limits.filter(({ value }) => {
        const held = formatValue(value ?? null, metric.unit, statistic);
        return value !== undefined && held !== formatValue(values.head, metric.unit, statistic);
      });
      return [
        row(
          values,
          change,
          limits.filter((limit) => !apart.includes(limit)),
        ),
        ...(apart.length === 0 ? [] : [row(overAll(metric, statistic), null, apart)]),
      ];
    });
}

/** What is shown of a metric that has neither limits nor changes. */
function plainStatistics(metric: MetricReport, isMain: boolean): string[] {
  if (!isDistribution(metric)) return ['value'];
  return isMain ? ['p50', 'p95', 'p99'] : ['p95'];
}

/** Whether a metric is a distribution (its statistics are percentiles) or has one value. */
function isDistribution(metric: Pick<MetricReport, 'baseline' | 'head'>): boolean {
  return metric.head !== null || metric.baseline !== null;
}

function rank(statistic: string): number {
  const index = order.indexOf(statistic);
  return index === -1 ? order.length : index;
}

function worstOf(limits: readonly LimitReport[]): MetricReport['verdict'] {
  return limits.reduce<MetricReport['verdict']>(
    (worst, limit) => (severity[limit.verdict] > severity[worst] ? limit.verdict : worst),
    'advisory',
  );
}

function overAll(
  metric: Pick<MetricReport, 'baseline' | 'head' | 'baselineValue' | 'headValue'>,
  statistic: string,
): RowValues {
  if (!isDistribution(metric) || !isLatencyStatistic(statistic))
    return { baseline: metric.baselineValue, head: metric.headValue };
  const of = (summary: LatencySummaryReport | null) =>
    summary === null ? null : statisticOfSummary(summary, statistic);
  return { baseline: of(metric.baseline), head: of(metric.head) };
}

function aliasesOf(metric: string): string[] {
  return Object.keys(metricAliases).filter((alias) => metricAliases[alias] === metric);
}
