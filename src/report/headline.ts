import { isRetained } from '../metrics/endurance-series.ts';
import {
  formatInterval,
  formatPair,
  formatPercentChange,
  formatValue,
  plural,
  statisticName,
} from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { type Headline, type Inline, joined } from './document.ts';
import { limitText, type MetricRow, metricRows, shortRule } from './metric-rows.ts';
import type { ChangeReport, LimitReport, Report, SuiteReport } from './report-model.ts';

/** The verdict on a whole report in plain words: what, how much, and how sure. */
export function headlineOf(report: Report): Headline {
  const { verdict, suites } = report;
  switch (verdict) {
    case 'pass':
      return { verdict, title: passTitle(suites), detail: passDetail(suites) };
    case 'fail':
    case 'inconclusive': {
      const found = rowsWith(suites, verdict);
      const [first] = found;
      const where = first?.suite ?? suites.find((one) => one.verdict === verdict);
      const inSuite = where === undefined ? [] : suiteName(where, suites);
      if (first === undefined)
        return {
          verdict,
          title: [verdict === 'fail' ? 'Too slow' : 'Undecided', ...inSuite],
          detail: [where?.reason ?? '', ...whetherItBlocks(report)],
        };
      const state = verdict === 'fail' ? 'failed' : verdict;
      const others = found.length > 1 ? [`; ${plural(found.length - 1, 'more limit')} ${state}`] : [];
      const told = verdict === 'fail' ? failed(first) : undecided(first);
      return {
        verdict,
        title: [...told.title, ...inSuite, ...others],
        detail: [...told.detail, ...whetherItBlocks(report)],
      };
    }
    case 'invalid': {
      const suite = suites.find((one) => one.verdict === 'invalid');
      return {
        verdict,
        title: [
          'No verdict',
          ...(suite === undefined ? [] : suiteName(suite, suites)),
          ': the measurement cannot be trusted',
        ],
        detail: invalidDetail(report, suite),
      };
    }
  }
}

/** The row that the headline of this suite tells of: the first of its verdict, and of a pass the main latency's. */
export const toldRow = (suite: SuiteReport): MetricRow | null => {
  const [first] = rowsWith([suite], suite.verdict);
  return first?.row ?? metricRows(suite).find((row) => row.metric === suite.main) ?? null;
};

/** `chat.ack` p95. */
export const rowLabel = (row: Pick<MetricRow, 'metric' | 'statistic'>): Inline =>
  row.statistic === 'value'
    ? [{ code: row.metric }]
    : [{ code: row.metric }, ` ${statisticName(row.statistic)}`];

/** How a change was obtained: "8 pairs", "14 stored runs", "one earlier run". */
const samplesPhrase = (change: ChangeReport, comparison: SuiteReport['comparison']): string => {
  if (comparison === 'side-by-side') return plural(change.samples, 'pair');
  if (comparison === 'history') return plural(change.samples, 'stored run');
  return change.samples <= 1 ? 'one earlier run' : plural(change.samples, 'earlier run');
};

/** "18% slower" for latencies, "18% higher" for everything else. */
const directionPhrase = (row: Pick<MetricRow, 'unit'>, relative: number): string => {
  const size = unsigned(relative);
  if (row.unit === 'ms') return `${size} ${relative >= 0 ? 'slower' : 'faster'}`;
  return `${size} ${relative >= 0 ? 'higher' : 'lower'}`;
};

type Found = { suite: SuiteReport; row: MetricRow };
type Told = { title: Inline; detail: Inline };

/** The rows with this verdict, in the order of the table, but what people know of the main latency first. */
function rowsWith(suites: readonly SuiteReport[], verdict: Verdict): Found[] {
  const first = ({ suite, row }: Found): number =>
    row.metric === suite.main && ['p50', 'p95', 'p99'].includes(row.statistic) ? 0 : 1;
  return suites.flatMap((suite) =>
    metricRows(suite)
      .filter((row) => row.verdict === verdict)
      .map((row) => ({ suite, row }))
      .sort((a, b) => first(a) - first(b)),
  );
}

const limitThat = (row: MetricRow, verdict: Verdict) => row.limits.find((limit) => limit.verdict === verdict);
const ruleText = (row: MetricRow, verdict: Verdict): string => {
  const limit = limitThat(row, verdict);
  return limit === undefined ? '' : shortRule(limit.rule, row);
};

/** A limit on the change, not on the value itself. */
const isRelative = (rule: string): boolean => /[+%±]|baseline/.test(rule) && !/^[<>=]+\s*[\d.]+%/.test(rule);

function failed({ suite, row }: Found): Told {
  if (isRetained(row.metric))
    return {
      title: ['Memory stays when the users have gone'],
      detail: [limitThat(row, 'fail')!.explanation],
    };
  const rule = ruleText(row, 'fail');
  if (row.change !== null && (isRelative(rule) || row.head === null))
    return {
      title: [
        ...rowLabel(row),
        ` got ${directionPhrase(row, row.change.relative)}`,
        ...(row.head === null || row.baseline === null ? [] : [`, ${valuesOf(row)}`]),
      ],
      detail: [howSure(row, row.change, suite), ' ', ...limitSentence(limitThat(row, 'fail'), row)],
    };
  return {
    title: [
      ...rowLabel(row),
      row.head === null ? '' : ` is ${formatValue(row.head, row.unit, row.statistic)}`,
    ],
    detail: limitSentence(limitThat(row, 'fail'), row),
  };
}

const valuesOf = ({ baseline, head, unit, statistic }: MetricRow): string =>
  formatPair(baseline, head, (value) => formatValue(value, unit, statistic), ' to ');
function undecided({ suite, row }: Found): Told {
  const limit = limitThat(row, 'inconclusive');
  const { change } = row;
  if (isRetained(row.metric))
    return {
      title: ['Undecided: memory may stay when the users have gone'],
      detail: [limit?.explanation ?? suite.reason],
    };
  if (change === null)
    return { title: ['Undecided: ', ...rowLabel(row)], detail: [limit?.explanation ?? suite.reason] };
  const hidden =
    change.high === null || change.high <= 0
      ? directionPhrase(row, change.relative)
      : `up to ${directionPhrase(row, change.high)}`;
  return {
    title: ['Undecided: ', ...rowLabel(row), ` may be ${hidden}`],
    detail: [
      `${measuredPhrase(change)} (${samplesPhrase(change, suite.comparison)}). `,
      ...limitSentence(limitThat(row, 'inconclusive'), row),
    ],
  };
}

/** "+6% was measured, and anything from −6% to +14% fits what was seen". */
function measuredPhrase(change: ChangeReport): string {
  const { low, high } = change;
  const measured = `${formatPercentChange(change.relative, change)} was measured`;
  if (low === null || high === null) return measured;
  return `${measured}, and anything ${formatInterval(low, high).replace('between', 'from').replace(' and ', ' to ')} could be true`;
}

function limitSentence(limit: LimitReport | undefined, row: MetricRow): Inline {
  if (limit === undefined) return [];
  return [limit.isDefault === true ? 'It ' : 'The limit is ', ...limitText(limit, row), '.'];
}

/** "We are 95% sure that it is between 3% and 30% slower (8 pairs)." */
function howSure(row: Pick<MetricRow, 'unit'>, change: ChangeReport, suite: SuiteReport): string {
  const samples = samplesPhrase(change, suite.comparison);
  const { low, high, confidence } = change;
  if (low === null || high === null || confidence === null) return `That is against ${samples}.`;
  return `We are ${sureness(confidence)} sure that it is ${rangePhrase(row, low, high)} (${samples}).`;
}

const sureness = (confidence: number): string =>
  confidence >= 0.995 ? 'more than 99%' : `${Math.round(confidence * 100)}%`;

function rangePhrase(row: Pick<MetricRow, 'unit'>, low: number, high: number): string {
  if (low > 0 && high > 10) return `at least ${directionPhrase(row, low)}`;
  if (low >= 0) return `between ${unsigned(low)} and ${directionPhrase(row, high)}`;
  if (high <= 0) return `between ${unsigned(high)} and ${directionPhrase(row, low)}`;
  return `between ${directionPhrase(row, low)} and ${directionPhrase(row, high)}`;
}

const unsigned = (relative: number): string => formatPercentChange(Math.abs(relative)).replace('+', '');

function passTitle(suites: readonly SuiteReport[]): Inline {
  const limits = gatedRows(suites).reduce((sum, { row }) => sum + row.limits.length, 0);
  const hold = limits === 1 ? 'the limit holds' : `all ${plural(limits, 'limit')} hold`;
  if (suites.every((suite) => suite.rounds.some(({ quiet }) => quiet !== undefined)))
    return [`Nothing stays in memory: ${hold}`];
  if (suites.some((suite) => suite.comparison !== 'none'))
    return [limits === 0 ? 'Nothing got slower' : `Nothing got slower: ${hold}`];
  return [limits === 0 ? 'Measured; there was no limit to judge it by' : `Fast enough: ${hold}`];
}

function passDetail(suites: readonly SuiteReport[]): Inline {
  const noBaseline = suites.every((suite) => suite.comparison === 'none');
  const [largest] = gatedRows(suites)
    // The worst single wait says little: it is a guard against stalls.
    .filter(({ row }) => row.change !== null && row.statistic !== 'max')
    .sort((a, b) => b.row.change!.relative - a.row.change!.relative);
  if (largest === undefined) return noBaseline ? ['There was no baseline to compare with.'] : [];
  const { row, suite } = largest;
  const change = row.change!;
  const size =
    formatPercentChange(change.relative, change) === '0%' ? 'none' : directionPhrase(row, change.relative);
  return [
    'The largest change: ',
    ...rowLabel(row),
    ...suiteName(suite, suites),
    size === 'none' ? ' did not move. ' : ` ${size}. `,
    howSure(row, change, suite),
  ];
}

const gatedRows = (suites: readonly SuiteReport[]): Found[] =>
  suites.flatMap((suite) =>
    metricRows(suite)
      .filter((row) => row.limits.length > 0)
      .map((row) => ({ suite, row })),
  );

/** The reason, unless it stands right below as the only problem. */
function invalidDetail(report: Report, suite: SuiteReport | undefined): Inline {
  const isSaidBelow =
    report.problems.length > 0 || (report.suites.length === 1 && report.suites[0]!.problems.length > 0);
  const reason = isSaidBelow
    ? ''
    : (suite?.problems[0]?.what.split('\n')[0] ?? suite?.reason ?? 'Nothing was judged.');
  return joined([...(reason === '' ? [] : [[reason]]), whetherItBlocks(report)], '');
}

const suiteName = (suite: SuiteReport, suites: readonly SuiteReport[]): Inline =>
  suites.length > 1 ? [' in ', { code: suite.name, maxLength: 100 }] : [];

function whetherItBlocks({ verdict, failOn }: Report): Inline {
  return verdict === 'pass' || failOn.includes(verdict)
    ? []
    : [' This does not fail the step (', { code: 'fail-on' }, ').'];
}
