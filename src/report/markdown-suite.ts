import { formatChange, formatValue, noValue, plural } from '../metrics/notation.ts';
import {
  comparisonSentence,
  counterLines,
  environmentLine,
  generatorSentence,
  resourceLines,
} from './describe-comparison.ts';
import { codeSpan, prose } from './escape-markdown.ts';
import type { Section } from './fit-sections.ts';
import { verdictEmoji, verdictWord } from './headline.ts';
import { details, itemVariants, shrinkingSizes, table } from './markdown-blocks.ts';
import { errorSections, problemSections } from './markdown-problems.ts';
import { explanationsOf, isChanged, type MetricRow, metricRows, openRows, shortRule } from './metric-rows.ts';
import type { SuiteReport } from './report-model.ts';
import { sparkline } from './sparkline.ts';

const rowCells = (row: MetricRow): string[] => {
  const name =
    row.statistic === 'value'
      ? codeSpan(row.metric, 120)
      : `${codeSpan(row.metric, 120)} ${statisticText(row)}`;
  const change = row.change === null ? noValue : formatChange(row.change);
  return [
    name,
    formatValue(row.baseline, row.unit, row.statistic),
    formatValue(row.head, row.unit, row.statistic),
    isChanged(row.change) ? `**${change}**` : change,
    row.limits.map((limit) => codeSpan(shortRule(limit.rule, row), 120)).join('<br>'),
    row.verdict === 'advisory' ? '' : `${verdictEmoji[row.verdict]} ${verdictWord[row.verdict]}`,
  ];
};

const statisticText = (row: MetricRow): string => prose(row.statistic, 40, false);

const resultsTable = (rows: readonly MetricRow[], headLabel: string): string =>
  table(
    [['Metric', 'Baseline', headLabel, 'Change', 'Limit', 'Verdict'], ...rows.map(rowCells)],
    ['l', 'r', 'r', 'r', 'l', 'l'],
  );

const firstRows = (rows: readonly MetricRow[], count: number, headLabel: string): string => {
  const shown = resultsTable(rows.slice(0, count), headLabel);
  const left = rows.length - count;
  return left > 0 ? `${shown}\n\n*and ${plural(left, 'more row')}*` : shown;
};

const tableVariants = (rows: readonly MetricRow[], headLabel: string): string[] => {
  return shrinkingSizes(rows.length, [400, 200, 100, 50, 20, 8]).map((size) =>
    firstRows(rows, size, headLabel),
  );
};

const explanationItems = (rows: readonly MetricRow[]): string[] =>
  explanationsOf(rows).map(({ verdict, text, places }) => {
    const where = places.slice(0, 5).map((place) => codeSpan(place));
    return `- ${verdictEmoji[verdict]} ${prose(text, 600)}${where.length === 0 ? '' : ` (${where.join(', ')})`}`;
  });

const unmeasuredSection = (suite: SuiteReport, importance: number): Section[] => {
  if (suite.unmeasured.length === 0) return [];
  const items = suite.unmeasured.map(
    (emit) => `- ${codeSpan(emit.event, 120)} in ${codeSpan(emit.step, 120)}, ${plural(emit.count, 'time')}`,
  );
  const title = `${plural(items.length, 'emit is', 'emits are')} counted but not timed: nothing answers and no delivery is watched`;
  return [{ variants: [...itemVariants(items, (list) => details(title, list)), ''], importance }];
};

/** How many warnings are read before the others are folded away. */
const openWarnings = 2;

const warningSections = (warnings: readonly string[], importance: number): Section[] => {
  // Another bullet than that of the explanations above: GitHub would make one list of both.
  const items = warnings.map((warning) => `* ⚠️ ${prose(warning, 600, false)}`);
  const open = items.slice(0, openWarnings);
  const folded = items.slice(openWarnings);
  return [
    ...(open.length === 0 ? [] : [{ variants: [open.join('\n'), ''], importance }]),
    ...(folded.length === 0
      ? []
      : [
          {
            variants: [
              ...itemVariants(folded, (list) => details(plural(folded.length, 'more note'), list)),
              '',
            ],
            importance: importance - 8,
          },
        ]),
  ];
};

const trendSection = (suite: SuiteReport, importance: number): Section[] => {
  const { trend } = suite;
  if (trend === null || trend.values.length < 2) return [];
  const first = formatValue(trend.values[0]!, 'ms');
  const last = formatValue(trend.values.at(-1)!, 'ms');
  const line = `Recent runs, ${codeSpan(trend.metric, 120)} ${prose(trend.statistic, 40, false)}: ${sparkline(trend.values)} ${first} → ${last} (${plural(trend.values.length, 'run')})`;
  return [{ variants: [line, ''], importance }];
};

const loadSection = (suite: SuiteReport, importance: number): Section[] => {
  const lines = [...counterLines(suite), ...resourceLines(suite.resources)];
  const rows = lines.map((line) => [line.name, line.baseline, line.head]);
  const parts = [
    prose(comparisonSentence(suite)),
    `Scenario: ${codeSpan(suite.scenario, 200)}`,
    ...(suite.environment === undefined
      ? []
      : [`Measured on ${prose(environmentLine(suite.environment), 400, false)}`]),
    ...(suite.generator === null ? [] : [prose(generatorSentence(suite.generator))]),
    ...(rows.length === 0 ? [] : [table([['', 'Baseline', 'Head'], ...rows], ['l', 'r', 'r'])]),
  ];
  return [
    {
      variants: [details('How it was measured, counters and server resources', parts.join('\n\n')), ''],
      importance,
    },
  ];
};

/** The sections of one suite, without its heading. */
export const suiteSections = (suite: SuiteReport, headLabel: string): Section[] => {
  const rows = metricRows(suite);
  const open = openRows(rows);
  const shown = new Set(open);
  const rest = rows.filter((row) => !shown.has(row));
  const base = suite.verdict === 'pass' ? 55 : 80;
  const undecided = open.filter((row) => row.verdict !== 'pass' && row.verdict !== 'advisory');
  const explanations = explanationItems(undecided);
  const explained = new Set(undecided);
  const settled = explanationItems(rows.filter((row) => !explained.has(row)));
  return [
    ...problemSections(suite.problems, base + 8),
    ...(open.length === 0 ? [] : [{ variants: [...tableVariants(open, headLabel), ''], importance: base }]),
    ...(explanations.length === 0
      ? []
      : [{ variants: [...itemVariants(explanations, (list) => list), ''], importance: base - 5 }]),
    ...errorSections(suite, base - 3),
    ...warningSections(suite.warnings, base - 12),
    ...trendSection(suite, base - 15),
    ...(rest.length === 0
      ? []
      : [
          {
            variants: [
              ...tableVariants(rest, headLabel).map((text) =>
                details(`${plural(rest.length, 'more row')}`, text),
              ),
              '',
            ],
            importance: base - 30,
          },
        ]),
    ...(settled.length === 0
      ? []
      : [
          {
            variants: [
              ...itemVariants(settled, (list) => details('Why the other limits were decided so', list)),
              '',
            ],
            importance: base - 40,
          },
        ]),
    ...unmeasuredSection(suite, base - 35),
    ...loadSection(suite, base - 38),
  ];
};
