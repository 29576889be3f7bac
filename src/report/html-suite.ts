import {
  formatChange,
  formatCount,
  formatDuration,
  formatElapsed,
  formatPair,
  formatShare,
  formatValue,
  noValue,
  plural,
} from '../metrics/notation.ts';
import {
  comparisonSentence,
  counterLines,
  environmentLine,
  generatorSentence,
  resourceLines,
} from './describe-comparison.ts';
import { verdictWord } from './headline.ts';
import { type Cell, htmlCode, htmlFigure, htmlTable } from './html-page.ts';
import { arrivalNotes, errorRate, type LevelGroup, mainOfLevels, metricNamed } from './level-groups.ts';
import {
  explanationsOf,
  isChanged,
  type MetricRow,
  metricRows,
  placeOf,
  shortRule,
  valuesOf,
} from './metric-rows.ts';
import { distributionChart, roundsChart, trendChart } from './report-charts.ts';
import type { MetricReport, ProblemReport, SuiteReport } from './report-model.ts';
import { xmlLines, xmlText } from './xml-text.ts';

/** Rows beyond this are for the JSON report: a page must stay a page. */
const maxRows = 2000;
const maxCharts = 6;

export const verdictHtml = (verdict: MetricReport['verdict']): string =>
  verdict === 'advisory' ? '' : `<span class="verdict ${verdict}">${verdictWord[verdict]}</span>`;

const number = (text: string): Cell => ({ html: xmlText(text), number: true });
const text = (html: string): Cell => ({ html });

const rowCells = (row: MetricRow): Cell[] => {
  const change = row.change === null ? noValue : xmlText(formatChange(row.change));
  return [
    text(`${htmlCode(row.metric, 120)}${row.statistic === 'value' ? '' : ` ${xmlText(row.statistic, 40)}`}`),
    number(formatValue(row.baseline, row.unit, row.statistic)),
    number(formatValue(row.head, row.unit, row.statistic)),
    { html: isChanged(row.change) ? `<strong>${change}</strong>` : change, number: true },
    text(row.limits.map((limit) => htmlCode(shortRule(limit.rule, row), 120)).join(' ')),
    text(verdictHtml(row.verdict)),
  ];
};

const resultsTable = (rows: readonly MetricRow[]): string => {
  const left = rows.length - maxRows;
  const table = htmlTable(
    [
      text('Metric'),
      { html: 'Baseline', number: true },
      { html: 'Head', number: true },
      { html: 'Change', number: true },
      text('Limit'),
      text('Verdict'),
    ],
    rows.slice(0, maxRows).map(rowCells),
  );
  return left > 0
    ? `${table}<p class="muted">and ${formatCount(left)} more rows in the JSON report</p>`
    : table;
};

export const problemHtml = (problem: ProblemReport): string => {
  const [what = '', ...tail] = problem.what.split('\n');
  const [fix = '', ...lines] = problem.fix.split('\n');
  const where = placeOf(problem);
  const place = where === null ? '' : ` ${htmlCode(where)}`;
  return `<div class="problem"><p><strong class="fail">${xmlText(problem.code, 60)}</strong>${place} ${xmlText(what, 600)}</p>${
    tail.length > 0 ? `<pre>${xmlLines(tail.join('\n'), 60)}</pre>` : ''
  }<p><strong>What to do:</strong> ${xmlText(fix, 600)}</p>${lines.length > 0 ? `<pre>${xmlLines(lines.join('\n'), 60)}</pre>` : ''}</div>`;
};

const list = (title: string, items: readonly string[]): string =>
  items.length === 0
    ? ''
    : `<h3>${title}</h3><ul>${items
        .slice(0, maxRows)
        .map((item) => `<li>${item}</li>`)
        .join('\n')}</ul>`;

const explanations = (rows: readonly MetricRow[]): string[] =>
  explanationsOf(rows).map(({ verdict, text, places }) => {
    const where = places.slice(0, 5).map((place) => ` ${htmlCode(place)}`);
    return `${verdictHtml(verdict)} ${xmlText(text, 600)}${where.join('')}`;
  });

const errors = (suite: SuiteReport): string[] =>
  suite.errors.map((error) => {
    const before = error.baselineCount === null ? '' : ` (baseline ${formatCount(error.baselineCount)})`;
    const steps =
      error.steps.length === 0 ? '' : ` in ${error.steps.map((step) => htmlCode(step, 100)).join(', ')}`;
    const messages = error.messages.map((message) => `<li>${htmlCode(message)}</li>`).join('');
    return `${htmlCode(error.name, 200)} × ${formatCount(error.count)}${before}${steps}${messages === '' ? '' : `<ul>${messages}</ul>`}`;
  });

const charts = (suite: SuiteReport, prefix: string): string => {
  const main = suite.metrics.find((metric) => metric.id === suite.main) ?? null;
  const gated = suite.metrics.filter((metric) => metric.limit.length > 0 && metric !== main);
  const both = ['baseline', 'head'] as const;
  const sidesOf = (metric: MetricReport) => (metric.distribution?.baselineMs ? both : (['head'] as const));
  const figures = [
    ...[...(main === null ? [] : [main]), ...gated]
      .slice(0, maxCharts)
      .map((metric, index) =>
        htmlFigure(
          distributionChart(metric, `${prefix}-d${index}`),
          `Latency distribution, ${htmlCode(metric.id, 120)}`,
          sidesOf(metric),
        ),
      ),
    main === null
      ? ''
      : htmlFigure(
          roundsChart(suite, main.id, `${prefix}-r`),
          `${htmlCode(main.id, 120)} p95, ${suite.comparison === 'side-by-side' ? 'pair by pair' : 'round by round'}`,
          suite.comparison === 'side-by-side' ? both : ['head'],
        ),
    suite.trend === null
      ? ''
      : htmlFigure(
          trendChart(suite.trend, `${prefix}-t`),
          `Recent runs, ${htmlCode(suite.trend.metric, 120)} ${xmlText(suite.trend.statistic, 40)}`,
          [],
        ),
  ].filter((figure) => figure !== '');
  return figures.length === 0 ? '' : `<div class="charts">${figures.join('\n')}</div>`;
};

const loadTable = (suite: SuiteReport): string => {
  const lines = [...counterLines(suite), ...resourceLines(suite.resources)];
  if (lines.length === 0) return '';
  return htmlTable(
    [text(''), { html: 'Baseline', number: true }, { html: 'Head', number: true }],
    lines.map((line) => [text(line.name), number(line.baseline), number(line.head)]),
  );
};

const roundsTable = (suite: SuiteReport): string => {
  const main = suite.main ?? null;
  if (suite.rounds.length === 0 || main === null) return '';
  const rows = suite.rounds.slice(0, maxRows).map((round) => {
    const summary = round.metrics[main];
    return [
      text(round.pair === null ? String(round.index + 1) : `pair ${round.pair + 1}`),
      text(round.side),
      number(formatElapsed(round.activeMs)),
      number(formatCount(summary?.count ?? null)),
      ...(['p50Ms', 'p95Ms', 'p99Ms', 'maxMs'] as const).map((field) =>
        number(formatDuration(summary?.[field] ?? null)),
      ),
      number(formatCount(round.counters.errors ?? 0)),
    ];
  });
  const titles = ['Length', 'Count', 'p50', 'p95', 'p99', 'Max', 'Errors'].map((title) => ({
    html: title,
    number: true,
  }));
  return `<details><summary>Rounds, ${htmlCode(main, 120)}</summary>${htmlTable([text('Round'), text('Side'), ...titles], rows)}</details>`;
};

/** A suite in full. `prefix` sets its drawings apart. */
export const suiteHtml = (suite: SuiteReport, prefix: string): string => {
  const rows = metricRows(suite);
  const paragraphs = [
    `<h2>${xmlText(suite.name, 100)} ${verdictHtml(suite.verdict)}</h2>`,
    `<p>${xmlText(suite.reason, 600)}</p>`,
    `<p class="muted">${xmlText(comparisonSentence(suite), 400)} Scenario: ${htmlCode(suite.scenario, 200)}</p>`,
    suite.environment === undefined
      ? ''
      : `<p class="muted">Measured on ${xmlText(environmentLine(suite.environment), 400)}</p>`,
    ...suite.problems.slice(0, 100).map(problemHtml),
    rows.length === 0 ? '' : resultsTable(rows),
    charts(suite, prefix),
    list('Why', explanations(rows)),
    list('Errors', errors(suite)),
    list(
      'Counted but not timed',
      suite.unmeasured.map(
        (emit) =>
          `${htmlCode(emit.event, 120)} in ${htmlCode(emit.step, 120)}, ${plural(emit.count, 'time')}`,
      ),
    ),
    list(
      'Warnings',
      suite.warnings.map((warning) => xmlText(warning, 600)),
    ),
    '<h3>Load and server</h3>',
    suite.generator === null ? '' : `<p>${xmlText(generatorSentence(suite.generator), 600)}</p>`,
    loadTable(suite),
    roundsTable(suite),
  ];
  return `<section>${paragraphs.filter((part) => part !== '').join('\n')}</section>`;
};

/** The levels of one suite in one table, base against head. */
export const levelsHtml = (group: LevelGroup): string => {
  const main = mainOfLevels(group);
  const rows = group.levels.slice(0, maxRows).map(({ name, suite }) => {
    const metric = metricNamed(suite, main);
    return [
      text(xmlText(name, 80)),
      ...['mean', 'p50', 'p95', 'p99'].map((statistic) => {
        const { baseline = null, head = null } = metric === null ? {} : valuesOf(metric, statistic);
        return number(formatPair(baseline, head, formatDuration));
      }),
      number(formatPair(errorRate(suite, 'baseline'), errorRate(suite, 'head'), formatShare)),
      text(verdictHtml(suite.verdict)),
    ];
  });
  const titles = ['Mean', 'p50', 'p95', 'p99', 'Errors'].map((title) => ({ html: title, number: true }));
  const notes = arrivalNotes(group)
    .slice(0, maxRows)
    .map(({ level, note }) => `<p>${htmlCode(level, 80)}: ${xmlText(note, 300)}</p>`);
  return `<section><h2>${xmlText(group.name, 100)}</h2><p>${main === null ? '' : `${htmlCode(main, 120)} by level, baseline → head`}</p>${htmlTable([text('Level'), ...titles, text('Verdict')], rows)}${notes.join('')}</section>`;
};
