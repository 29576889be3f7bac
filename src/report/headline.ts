import { isRetained } from '../metrics/endurance-series.ts';
import { metricOf } from '../metrics/metric.ts';
import {
  formatInterval,
  formatPair,
  formatPercentChange,
  formatValue,
  plural,
  statisticName,
} from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { isInWaves, samplesPhrase } from './describe-comparison.ts';
import { type Headline, type Inline, joined } from './document.ts';
import { isChanged, limitText, type MetricRow, metricRows, shortRule } from './metric-rows.ts';
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
          suites.length === 0 ? ': nothing was measured' : ': the measurement cannot be trusted',
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

/** Whether users wait longer: by what counts as a change, or, where it has a limit, by whatever is beyond chance. */
export const isSlower = ({ change, limits, metric, statistic, unit }: MetricRow): boolean => {
  if (change === null || change.relative <= 0 || unit !== 'ms' || metricOf(metric).by !== 'generator')
    return false;
  if (statistic === 'count' || (statistic === 'max' && change.low === null)) return false;
  return isChanged(change) || (limits.length > 0 && (change.low ?? 0) > 0);
};

/** "18% slower" for latencies, "18% higher" for everything else. */
const directionPhrase = (row: Pick<MetricRow, 'unit' | 'statistic'>, relative: number): string => {
  const size = unsigned(relative);
  if (row.unit === 'ms' && row.statistic !== 'count') return `${size} ${relative >= 0 ? 'slower' : 'faster'}`;
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

/** Whether it is a limit on what must not fall; a metric in quotes may hold anything. */
const isFloor = (limit: LimitReport | undefined): boolean =>
  /[<>=]/.exec(limit?.rule.replaceAll(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, '') ?? '')?.[0] === '>';

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
  // The end of the interval that the limit is about: of what must not fall, the lower one.
  const end = isFloor(limit) ? change.low : change.high;
  const isOpen = end !== null && (isFloor(limit) ? end < 0 : end > 0);
  const hidden = isOpen ? `up to ${directionPhrase(row, end)}` : directionPhrase(row, change.relative);
  return {
    title: ['Undecided: ', ...rowLabel(row), ` may be ${hidden}`],
    detail: [
      `${measuredPhrase(change)} (${samplesPhrase(change.samples, suite.comparison)}). `,
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
function howSure(
  row: Pick<MetricRow, 'unit' | 'statistic'>,
  change: ChangeReport,
  suite: SuiteReport,
): string {
  const samples = samplesPhrase(change.samples, suite.comparison);
  const { low, high, confidence } = change;
  if (low === null || high === null || confidence === null) return `That is against ${samples}.`;
  return `We are ${sureness(confidence)} sure that it is ${rangePhrase(row, low, high)} (${samples}).`;
}

const sureness = (confidence: number): string =>
  confidence >= 0.995 ? 'more than 99%' : `${Math.round(confidence * 100)}%`;

function rangePhrase(row: Pick<MetricRow, 'unit' | 'statistic'>, low: number, high: number): string {
  if (low > 0 && high > 10) return `at least ${directionPhrase(row, low)}`;
  if (low >= 0) return `between ${unsigned(low)} and ${directionPhrase(row, high)}`;
  if (high <= 0) return `between ${unsigned(high)} and ${directionPhrase(row, low)}`;
  return `between ${directionPhrase(row, low)} and ${directionPhrase(row, high)}`;
}

const unsigned = (relative: number): string => formatPercentChange(Math.abs(relative)).replace('+', '');

function passTitle(suites: readonly SuiteReport[]): Inline {
  const limits = gatedRows(suites).reduce((sum, { row }) => sum + row.limits.length, 0);
  const hold = limits === 1 ? 'the limit holds' : `all ${plural(limits, 'limit')} hold`;
  if (suites.every(isInWaves)) return [`Nothing stays in memory: ${hold}`];
  if (suites.every((suite) => suite.comparison === 'none'))
    return [limits === 0 ? 'Measured; there was no limit to judge it by' : `Fast enough: ${hold}`];
  const slower = rowsOf(suites).filter(({ row }) => isSlower(row));
  if (slower.length === 0) return [limits === 0 ? 'Nothing got slower' : `Nothing got slower: ${hold}`];
  const isProven = slower.some(({ row }) => row.change?.low !== null);
  if (limits === 0) return [`${isProven ? 'Slower, but' : 'Measured;'} there was no limit to judge it by`];
  const which = limits === 1 ? 'the limit' : `all ${plural(limits, 'limit')}`;
  return [isProven ? `Slower, but within ${which}` : `Within ${which}`];
}

/** The worst that got slower; else what moved most of the rows with a limit, for the worse if any did. */
function passDetail(suites: readonly SuiteReport[]): Inline {
  const slower = rowsOf(suites).filter(({ row }) => isSlower(row));
  // The worst single wait says little: it is a guard against stalls.
  const compared =
    slower.length > 0
      ? slower
      : gatedRows(suites).filter(({ row }) => row.change !== null && row.statistic !== 'max');
  const byHarm = compared
    .filter(({ row }) => formatPercentChange(row.change!.relative, row.change!) !== '0%')
    .sort((a, b) => harmOf(b.row) - harmOf(a.row));
  const [worst] = byHarm;
  const isWorse = worst !== undefined && harmOf(worst.row) > 0;
  const told = isWorse ? worst : (byHarm.at(-1) ?? compared[0]);
  if (told === undefined)
    return suites.every((suite) => suite.comparison === 'none')
      ? ['There was no baseline to compare with.']
      : [];
  const { row, suite } = told;
  const change = row.change!;
  const noun = isWorse ? (change.relative > 0 ? 'rise' : 'fall') : 'change';
  return [
    `The largest ${noun}: `,
    ...rowLabel(row),
    ...suiteName(suite, suites),
    worst === undefined ? ' did not move. ' : ` ${directionPhrase(row, change.relative)}. `,
    howSure(row, change, suite),
  ];
}

/** A change in the direction that is bad: of what must not fall, a fall. */
const harmOf = ({ change, limits }: MetricRow): number =>
  limits.some(isFloor) ? -change!.relative : change!.relative;

const rowsOf = (suites: readonly SuiteReport[]): Found[] =>
  suites.flatMap((suite) => metricRows(suite).map((row) => ({ suite, row })));

const gatedRows = (suites: readonly SuiteReport[]): Found[] =>
  rowsOf(suites).filter(({ row }) => row.limits.length > 0);

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
