import {
  formatChange,
  formatCount,
  formatShare,
  formatValue,
  noValue,
  sideTitle,
} from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { Column, Inline, TableBlock } from './document.ts';
import { rowLabel } from './headline.ts';
import { valueOfSide } from './level-groups.ts';
import { isChanged, limitText, type MetricRow, metricRows, severity } from './metric-rows.ts';
import type { LimitReport, MetricReport, SuiteReport } from './report-model.ts';
/** The rows of a suite: those that are always read, with what moved or is not settled, and all the others. */
export type Results = { shown: ResultRow[]; folded: ResultRow[] };

/** A line of the table, in words. `rows` are the metrics it speaks of. */
export type ResultRow = {
  name: Inline;
  baseline: string;
  head: string;
  change: Inline;
  limits: Inline;
  verdict: MetricReport['verdict'];
};

/**
 * First what is always there, also when it is zero: p50, p95 and p99 of the main latency, errors, and lost messages where
 * they are watched. Then what moved or is not settled.
 */
export function resultsOf(suite: SuiteReport): Results {
  const rows = metricRows(suite);
  const ofMain = rows.filter((row) => row.metric === suite.main && row.statistic !== 'value');
  const main = ofMain.filter(
    (row) =>
      row.notable ||
      (alwaysRead.includes(row.statistic) && row === ofMain.find((one) => one.statistic === row.statistic)),
  );
  const failures = failureKinds.filter((kind) => isWatched(suite, kind));
  const told = new Set(failures.flatMap(({ metrics }) => metrics));
  const others = rows.filter((row) => !main.includes(row) && !told.has(row.metric));
  const open = others
    .filter((row) => row.notable)
    .sort((a, b) => Number(isSettled(a)) - Number(isSettled(b)));
  return {
    shown: [
      ...main.filter((row) => alwaysRead.includes(row.statistic)).map(metricRow),
      ...main.filter((row) => !alwaysRead.includes(row.statistic)).map(metricRow),
      ...failures.map((kind) => failureRow(suite, rows, kind)),
      ...open.map(metricRow),
    ],
    folded: others.filter((row) => !row.notable).map(metricRow),
  };
}

/** The results table: everywhere the same columns, without those that would be empty. */
export function resultsTable(rows: readonly ResultRow[]): TableBlock {
  const columns: { column: Column; of: (row: ResultRow) => Inline; isUsed?: (row: ResultRow) => boolean }[] =
    [
      { column: { title: 'Metric' }, of: (row) => row.name },
      { column: { title: sideTitle('baseline'), align: 'right', drop: 2 }, of: (row) => [row.baseline] },
      { column: { title: sideTitle('head'), align: 'right' }, of: (row) => [row.head] },
      {
        column: { title: 'Change', align: 'right', drop: 1 },
        of: (row) => row.change,
        isUsed: (row) => row.change[0] !== noValue,
      },
      {
        column: { title: 'Limit', drop: 3 },
        of: (row) => row.limits,
        isUsed: (row) => row.limits.length > 0,
      },
      {
        column: { title: 'Verdict' },
        of: (row) => [{ outcome: row.verdict }],
        isUsed: (row) => row.verdict !== 'advisory',
      },
    ];
  const shown = columns.filter(({ isUsed }) => isUsed === undefined || rows.some(isUsed));
  return {
    kind: 'table',
    searchable: true,
    noun: 'row',
    columns: shown.map(({ column }) => column),
    rows: rows.map((row) => shown.map(({ of }) => of(row))),
  };
}

const alwaysRead = ['p50', 'p95', 'p99'];
const isSettled = (row: MetricRow): boolean => row.verdict === 'pass' || row.verdict === 'advisory';

function metricRow(row: MetricRow): ResultRow {
  return {
    name: rowLabel(row),
    baseline: formatValue(row.baseline, row.unit, row.statistic),
    head: formatValue(row.head, row.unit, row.statistic),
    change: changeCell(row.change),
    limits: limitCell(row.limits.map((limit) => limitText(limit, row))),
    verdict: row.verdict,
  };
}

const changeCell = (change: MetricRow['change']): Inline => {
  if (change === null) return [noValue];
  return isChanged(change) ? [{ strong: formatChange(change) }] : [formatChange(change)];
};

const limitCell = (limits: readonly Inline[]): Inline =>
  limits.flatMap((limit, index) => (index === 0 ? limit : ['; ', ...limit]));

/** A failure that is counted: how it is called, its counter, its rate, and what says that it was watched. */
type FailureKind = {
  title: string;
  counter: string;
  rate: string;
  watched: string | null;
  metrics: string[];
};

const failureKinds: readonly FailureKind[] = [
  {
    title: 'Errors',
    counter: 'errors',
    rate: 'errors.rate',
    watched: null,
    metrics: ['errors', 'errors.rate'],
  },
  {
    title: 'Lost messages',
    counter: 'deliveries.lost',
    rate: 'deliveries.lost.rate',
    watched: 'deliveries.expected',
    metrics: ['deliveries.lost', 'deliveries.lost.rate'],
  },
];

function isWatched(suite: SuiteReport, { watched, counter }: FailureKind): boolean {
  const counted = suite.counters[watched ?? counter];
  if (counted === undefined) return false;
  return watched === null || (counted.head ?? 0) > 0 || (counted.baseline ?? 0) > 0;
}

/** "5 (0.05%)": how many, and of all that were tried. */
function failureRow(suite: SuiteReport, rows: readonly MetricRow[], kind: FailureKind): ResultRow {
  const own = rows.filter((row) => kind.metrics.includes(row.metric));
  const cell = (side: SideName): string => {
    const count = suite.counters[kind.counter]?.[side] ?? null;
    const share = valueOfSide(suite, side, kind.rate);
    return `${formatCount(count)}${count !== null && count > 0 && share !== null ? ` (${formatShare(share)})` : ''}`;
  };
  const limits: { limit: LimitReport; row: MetricRow }[] = own.flatMap((row) =>
    row.limits.map((limit) => ({ limit, row })),
  );
  return {
    name: [kind.title],
    baseline: cell('baseline'),
    head: cell('head'),
    change: changeCell(own.find(({ change }) => change !== null)?.change ?? null),
    limits: limitCell(limits.map(({ limit, row }) => limitText(limit, row))),
    verdict: limits.reduce<MetricReport['verdict']>(
      (worst, { limit }) => (severity[limit.verdict] > severity[worst] ? limit.verdict : worst),
      'advisory',
    ),
  };
}
