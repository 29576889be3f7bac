import {
  formatChange,
  formatCount,
  formatDuration,
  formatPair,
  formatShare,
  formatValue,
  noValue,
} from '../metrics/notation.ts';
import { cleanLine, cleanLines } from './clean-text.ts';
import { comparisonSentence, counterLines, generatorSentence, resourceLines } from './describe-comparison.ts';
import { verdictWord } from './headline.ts';
import { arrivalNotes, errorRate, type LevelGroup, mainOfLevels, metricNamed } from './level-groups.ts';
import {
  explanationsOf,
  isChanged,
  type MetricRow,
  metricRows,
  openRows,
  placeOf,
  rowName,
  shortRule,
  valuesOf,
} from './metric-rows.ts';
import type { MetricReport, ProblemReport, SuiteReport } from './report-model.ts';
import { sparkline } from './sparkline.ts';
import { type Column, layout } from './terminal-table.ts';
import { type Paint, pad, wrap } from './terminal-text.ts';

export type SuiteTextOptions = { columns: number; headLabel: string; full: boolean };

export const paintVerdict = (verdict: MetricReport['verdict'], paint: Paint, text: string): string => {
  switch (verdict) {
    case 'pass':
      return paint.green(text);
    case 'fail':
      return paint.red(text);
    case 'inconclusive':
    case 'invalid':
      return paint.yellow(text);
    case 'advisory':
      return text;
  }
};

const resultsTable = (
  rows: readonly MetricRow[],
  headLabel: string,
  columns: number,
  paint: Paint,
): string => {
  const changeText = (row: MetricRow): string => {
    if (row.change === null) return noValue;
    const text = formatChange(row.change);
    return isChanged(row.change) ? paint.bold(text) : text;
  };
  return layout(
    [
      { title: 'Metric', right: false, drop: 0, cells: rows.map((row) => cleanLine(rowName(row), 120)) },
      {
        title: 'Baseline',
        right: true,
        drop: 2,
        cells: rows.map((row) => formatValue(row.baseline, row.unit, row.statistic)),
      },
      {
        title: headLabel,
        right: true,
        drop: 0,
        cells: rows.map((row) => formatValue(row.head, row.unit, row.statistic)),
      },
      { title: 'Change', right: true, drop: 1, cells: rows.map(changeText) },
      {
        title: 'Limit',
        right: false,
        drop: 3,
        cells: rows.map((row) =>
          row.limits.map((limit) => cleanLine(shortRule(limit.rule, row), 60)).join(', '),
        ),
      },
      {
        title: 'Verdict',
        right: false,
        drop: 0,
        cells: rows.map((row) => paintVerdict(row.verdict, paint, verdictWord[row.verdict])),
      },
    ],
    columns,
    paint,
  );
};

export const problemText = (problem: ProblemReport, columns: number, paint: Paint): string => {
  const where = placeOf(problem);
  const place = where === null ? '' : `${cleanLine(where)}: `;
  const [what = '', ...tail] = cleanLines(problem.what, 40, 500);
  const fix = cleanLines(problem.fix, 40, 500);
  return [
    wrap(`${paint.red(cleanLine(problem.code, 60))}  ${place}${what}`, columns, '  '),
    ...tail.map((line) => paint.dim(`  | ${line}`)),
    ...fix.map((line, index) => (index === 0 ? `  ${wrap(line, columns - 2, '  ')}` : `  ${line}`)),
  ].join('\n');
};

const errorText = (suite: SuiteReport, paint: Paint): string =>
  [
    paint.bold('Errors'),
    ...suite.errors.flatMap((error) => [
      `  ${cleanLine(error.name, 200)} × ${formatCount(error.count)}${error.baselineCount === null ? '' : ` (baseline ${formatCount(error.baselineCount)})`}${error.steps.length === 0 ? '' : paint.dim(`  in ${error.steps.map((step) => cleanLine(step, 80)).join(', ')}`)}`,
      ...error.messages.map((message) => paint.dim(`    ${cleanLine(message)}`)),
    ]),
  ].join('\n');

const explanationLines = (rows: readonly MetricRow[], columns: number, paint: Paint): string[] =>
  explanationsOf(rows).map(({ verdict, text }) =>
    wrap(
      `${paintVerdict(verdict, paint, pad(verdictWord[verdict], 12))} ${cleanLine(text, 600)}`,
      columns,
      ' '.repeat(13),
    ),
  );

const serverTable = (suite: SuiteReport, headLabel: string, columns: number, paint: Paint): string[] => {
  const lines = [...counterLines(suite), ...resourceLines(suite.resources)];
  if (lines.length === 0) return [];
  return [
    layout(
      [
        { title: 'Load and server', right: false, drop: 0, cells: lines.map((line) => line.name) },
        { title: 'Baseline', right: true, drop: 1, cells: lines.map((line) => line.baseline) },
        { title: headLabel, right: true, drop: 0, cells: lines.map((line) => line.head) },
      ],
      columns,
      paint,
    ),
  ];
};

/** A suite with what moved or was not settled in it, and its problems and errors. */
export const suiteText = (suite: SuiteReport, options: SuiteTextOptions, paint: Paint): string => {
  const { columns, headLabel, full } = options;
  const rows = metricRows(suite);
  const shown = full ? rows : openRows(rows);
  const unsettled = shown.filter((row) => row.verdict !== 'pass' && row.verdict !== 'advisory');
  const explanations = explanationLines(full ? rows : unsettled, columns, paint);
  const left = rows.length - shown.length;
  const { trend } = suite;
  const title = `${paint.bold(cleanLine(suite.name, 100))}  ${paintVerdict(suite.verdict, paint, verdictWord[suite.verdict])}`;
  return [
    [title, wrap(comparisonSentence(suite), columns)].join('\n'),
    ...suite.problems.map((problem) => problemText(problem, columns, paint)),
    ...(shown.length === 0
      ? []
      : [
          [
            resultsTable(shown, headLabel, columns, paint),
            ...(left > 0 ? [paint.dim(`and ${formatCount(left)} more rows in the report`)] : []),
          ].join('\n'),
        ]),
    ...(explanations.length === 0 ? [] : [explanations.join('\n')]),
    ...(suite.errors.length === 0 ? [] : [errorText(suite, paint)]),
    ...(suite.unmeasured.length === 0
      ? []
      : [
          wrap(
            `Counted but not timed: ${suite.unmeasured.map((emit) => `${cleanLine(emit.event, 80)} × ${formatCount(emit.count)}`).join(', ')}`,
            columns,
            '  ',
          ),
        ]),
    ...suite.warnings.map((warning) =>
      wrap(`${paint.yellow('warning')}  ${cleanLine(warning, 600)}`, columns, '  '),
    ),
    ...(trend === null
      ? []
      : [
          wrap(
            `Recent runs, ${cleanLine(trend.metric, 80)} ${cleanLine(trend.statistic, 20)}: ${sparkline(trend.values)}  ${formatValue(trend.values[0] ?? null, 'ms')} → ${formatValue(trend.values.at(-1) ?? null, 'ms')}`,
            columns,
            '  ',
          ),
        ]),
    ...(full ? serverTable(suite, headLabel, columns, paint) : []),
    ...(suite.generator === null
      ? []
      : [wrap(cleanLine(generatorSentence(suite.generator), 600), columns, '  ')]),
  ].join('\n\n');
};

/** The levels of one suite in one table, base against head. */
export const levelsText = (group: LevelGroup, columns: number, paint: Paint): string => {
  const main = mainOfLevels(group);
  const metrics = group.levels.map(({ suite }) => metricNamed(suite, main));
  const column = (title: string, statistic: 'mean' | 'p50' | 'p95' | 'p99', drop: number): Column => ({
    title,
    right: true,
    drop,
    cells: metrics.map((metric) => {
      if (metric === null) return noValue;
      const { baseline, head } = valuesOf(metric, statistic);
      return formatPair(baseline, head, formatDuration);
    }),
  });
  const table = layout(
    [
      {
        title: 'Level',
        right: false,
        drop: 0,
        cells: group.levels.map((level) => cleanLine(level.name, 60)),
      },
      column('Mean', 'mean', 4),
      column('p50', 'p50', 2),
      column('p95', 'p95', 0),
      column('p99', 'p99', 1),
      {
        title: 'Errors',
        right: true,
        drop: 3,
        cells: group.levels.map(({ suite }) =>
          formatPair(errorRate(suite, 'baseline'), errorRate(suite, 'head'), formatShare),
        ),
      },
      {
        title: 'Verdict',
        right: false,
        drop: 0,
        cells: group.levels.map(({ suite }) =>
          paintVerdict(suite.verdict, paint, verdictWord[suite.verdict]),
        ),
      },
    ],
    columns,
    paint,
  );
  return `${paint.bold(cleanLine(group.name, 100))}${main === null ? '' : paint.dim(`  ${cleanLine(main, 100)} by level, baseline → head`)}\n${table}${arrivalNotes(
    group,
  )
    .map(({ level, note }) => `\n${wrap(`${cleanLine(level, 60)}: ${note}`, columns, '  ')}`)
    .join('')}`;
};
