import { formatCount, formatDuration, formatShare, formatValue } from '../metrics/notation.ts';
import type { CapacityReport, CapacitySide } from './capacity-model.ts';
import {
  capacityHeadline,
  capacityRows,
  capacityText,
  capacityVerdictCell,
  kneeText,
} from './capacity-rows.ts';
import { durationLine, environmentLine } from './describe-comparison.ts';
import { type Cell, htmlCode, htmlFigure, htmlPage, htmlTable } from './html-page.ts';
import { problemHtml } from './html-suite.ts';
import { lineChart, type Series } from './line-chart.ts';
import { xmlText } from './xml-text.ts';

type LevelValue = (level: CapacitySide['levels'][number]) => number | null;

const pointsOf = (side: CapacitySide | null, of: LevelValue): Series['points'] => {
  const last = new Map((side?.levels ?? []).map((level) => [level.load, of(level)]));
  return [...last]
    .flatMap(([load, value]) => (value === null || !Number.isFinite(load) ? [] : [[load, value] as const]))
    .sort((a, b) => a[0] - b[0])
    .slice(0, 200);
};

/** A value of every load on both sides, with the highest loads that held; an empty string when there are not two loads. */
export const capacityCurve = (
  report: CapacityReport,
  id: string,
  of: LevelValue,
  format: (value: number) => string,
  kind: 'latency' | 'share',
): string => {
  const series: Series[] = (['baseline', 'head'] as const)
    .map((side) => ({ side, points: pointsOf(report[side], of) }))
    .filter((one) => one.points.length > 1);
  if (series.length === 0) return '';
  const values = series.flatMap((one) => one.points.map(([, value]) => value));
  const smallest = Math.min(...values);
  // One load far beyond the edge would press everything else to the ground.
  const logarithmic = kind === 'latency' && smallest > 0 && Math.max(...values) > 20 * smallest;
  const marks = (['baseline', 'head'] as const).flatMap((side) => {
    const holds = report[side]?.edge.holds ?? null;
    return holds === null ? [] : [{ x: holds, side, text: `holds ${formatCount(holds)}` }];
  });
  return lineChart({
    id,
    x: { title: report.unit, format: formatCount, fromZero: true },
    y: { title: '', format, fromZero: !logarithmic, logarithmic },
    series,
    marks,
  });
};

const number = (text: string): Cell => ({ html: xmlText(text), number: true });
const outcomes = {
  holds: '<span class="verdict pass">holds</span>',
  breaks: '<span class="verdict fail">breaks</span>',
  invalid: '<span class="verdict invalid">invalid</span>',
};

/** The report of a capacity search as one HTML file; the rules of `renderHtml` hold. */
export const renderCapacityHtml = (report: CapacityReport): string => {
  const { title, detail, verdict } = capacityHeadline(report);
  const sides = report.baseline === null ? (['head'] as const) : (['baseline', 'head'] as const);
  const rows = capacityRows(report).slice(0, 500);
  const titles = [
    `Load (${report.unit})`,
    'Achieved',
    'Users, peak',
    'p50',
    'p95',
    'p99',
    'Errors',
    'CPU, peak',
  ];
  const table = htmlTable(
    [...titles.map((html) => ({ html, number: true })), { html: 'Limits' }],
    rows.map((row) => [
      ...[row.load, row.achieved, row.users, row.p50, row.p95, row.p99, row.errors, row.cpu].map(number),
      { html: capacityVerdictCell(row, outcomes) },
    ]),
  );
  const metric = report.metric === null ? '' : `, ${htmlCode(report.metric, 120)}`;
  const figures = [
    htmlFigure(
      capacityCurve(report, 'c-p95', (level) => level.latency?.p95Ms ?? null, formatDuration, 'latency'),
      `p95 by load${metric}`,
      sides,
    ),
    htmlFigure(
      capacityCurve(report, 'c-errors', (level) => level.errorRate, formatShare, 'share'),
      'Errors per attempt by load',
      sides,
    ),
    htmlFigure(
      capacityCurve(
        report,
        'c-cpu',
        (level) => level.resources?.maxCpuShare ?? null,
        (value) => formatValue(value, 'cores'),
        'share',
      ),
      "The server's CPU by load, peak",
      sides,
    ),
  ].join('\n');
  const reasons = report.head.levels
    .filter((level) => level.reasons.length > 0)
    .slice(0, 500)
    .map(
      (level) =>
        `<li>at ${formatCount(level.load)} ${report.unit}: ${level.reasons.map((reason) => xmlText(reason.explanation, 400)).join(' ')}</li>`,
    );
  const edges = sides
    .map(
      (side) =>
        `<li>${side}: ${capacityText(report[side]!, report.unit)}${report[side]!.edge.confirmed ? ', confirmed' : ''}</li>`,
    )
    .join('');
  const body = [
    `<header class="banner ${verdict}"><h1><span>${xmlText(title, 300)}</span></h1><p>${xmlText(detail, 1500)}</p></header>`,
    ...report.problems.slice(0, 100).map(problemHtml),
    `<h2>${xmlText(report.suite, 100)}</h2><p>Scenario ${htmlCode(report.scenario, 200)}. Limits that must hold: ${report.rules
      .slice(0, 50)
      .map((rule) => htmlCode(rule, 120))
      .join(' ')}</p>`,
    `<ul>${edges}</ul><p>${kneeText(report)}</p>`,
    table,
    `<div class="charts">${figures}</div>`,
    reasons.length === 0 ? '' : `<h3>Why the limits broke</h3><ul>${reasons.join('\n')}</ul>`,
    `<h2>Environment</h2><p>${xmlText(environmentLine(report.environment), 400)} · ${durationLine(report.durations)}</p>`,
  ];
  return htmlPage(`Tailgate: ${title}`, body.filter((part) => part !== '').join('\n'));
};
