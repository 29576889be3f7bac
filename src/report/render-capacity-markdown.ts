import type { CapacityReport, CapacitySide } from './capacity-model.ts';
import {
  type CapacityRow,
  capacityHeadline,
  capacityRows,
  capacityVerdictCell,
  kneeText,
} from './capacity-rows.ts';
import { codeSpan, prose } from './escape-markdown.ts';
import { fitSections, type Section } from './fit-sections.ts';
import { verdictEmoji } from './headline.ts';
import { details, shrinkingSizes, table } from './markdown-blocks.ts';
import { type MarkdownOptions, markdownFooter, maxCommentLength } from './markdown-footer.ts';
import { problemSections } from './markdown-problems.ts';

const outcomeText = { holds: '✅ holds', breaks: '❌ breaks', invalid: '⛔ invalid' } as const;

const levelTable = (report: CapacityReport, rows: readonly CapacityRow[]): string =>
  table(
    [
      [
        `Load (${report.unit})`,
        'Achieved',
        'Users, peak',
        'p50',
        'p95',
        'p99',
        'Errors',
        'CPU, peak',
        'Limits',
      ],
      ...rows.map((row) => [
        row.load,
        row.achieved,
        row.users,
        row.p50,
        row.p95,
        row.p99,
        row.errors,
        row.cpu,
        capacityVerdictCell(row, outcomeText),
      ]),
    ],
    ['r', 'r', 'r', 'r', 'r', 'r', 'r', 'r', 'l'],
  );

/** A drawing that GitHub makes itself, from numbers alone. */
const mermaidCurve = (report: CapacityReport): string => {
  const valueAt = (side: CapacitySide | null, load: number): number | null =>
    side?.levels.findLast((level) => level.load === load)?.latency?.p95Ms ?? null;
  const loadsOf = (sides: readonly (CapacitySide | null)[]): number[] =>
    [...new Set(report.head.levels.map((level) => level.load))]
      .filter((load) => sides.every((side) => valueAt(side, load) !== null))
      .sort((a, b) => a - b)
      .slice(0, 40);
  const common = report.baseline === null ? [] : loadsOf([report.baseline, report.head]);
  const sides = common.length > 1 ? [report.baseline, report.head] : [report.head];
  const loads = common.length > 1 ? common : loadsOf([report.head]);
  if (loads.length < 2) return '';
  const lines = sides.map(
    (side) => `  line [${loads.map((load) => Number(valueAt(side, load)!.toFixed(3))).join(', ')}]`,
  );
  const legend = sides.length > 1 ? 'The first line is the baseline, the second the head.\n\n' : '';
  return details(
    'p95 by load',
    `${legend}\`\`\`mermaid\nxychart-beta\n  x-axis "${report.unit}" [${loads.join(', ')}]\n  y-axis "p95, ms"\n${lines.join('\n')}\n\`\`\``,
  );
};

const reasonSection = (report: CapacityReport): Section[] => {
  const items = report.head.levels
    .filter((level) => level.reasons.length > 0)
    .map(
      (level) =>
        `- at ${level.load} ${report.unit}: ${level.reasons.map((reason) => prose(reason.explanation, 400, false)).join(' ')}`,
    );
  return items.length === 0
    ? []
    : [
        {
          variants: [details('Why the limits broke, level by level', items.slice(0, 100).join('\n')), ''],
          importance: 40,
        },
      ];
};

/** The report of a capacity search as GitHub Flavored Markdown; the rules of `renderMarkdown` hold. */
export const renderCapacityMarkdown = (report: CapacityReport, options: MarkdownOptions = {}): string => {
  const { title, detail, verdict } = capacityHeadline(report);
  const marker = options.marker === undefined ? '' : `${options.marker}\n`;
  const rows = capacityRows(report);
  const curve = mermaidCurve(report);
  const rules = report.rules.slice(0, 20).map((rule) => codeSpan(rule, 120));
  const metric = report.metric === null ? '' : ` Latency is that of ${codeSpan(report.metric, 120)}.`;
  const knee = kneeText(report);
  const sections: Section[] = [
    { variants: [`${marker}## ${verdictEmoji[verdict]} ${prose(title, 300, false)}`], importance: 100 },
    { variants: [prose(detail, 1500), ''], importance: 98 },
    ...problemSections(report.problems, 94),
    {
      variants: shrinkingSizes(rows.length, [60, 20, 8]).map((size) =>
        levelTable(report, rows.slice(0, size)),
      ),
      importance: 90,
    },
    {
      variants: [
        `Suite ${codeSpan(report.suite, 100)}, scenario ${codeSpan(report.scenario, 200)}.${rules.length === 0 ? '' : ` Limits that must hold: ${rules.join(', ')}.`}${metric}${knee === '' ? '' : ` ${knee}`}`,
        '',
      ],
      importance: 60,
    },
    ...(curve === '' ? [] : [{ variants: [curve, ''], importance: 50 }]),
    ...reasonSection(report),
    ...report.warnings
      .slice(0, 20)
      .map((warning) => ({ variants: [`- ⚠️ ${prose(warning, 600, false)}`, ''], importance: 45 })),
    markdownFooter(report, options),
  ];
  const note = '*Shortened to fit; the report files of the run have everything.*';
  return `${fitSections(sections, (options.maxLength ?? maxCommentLength) - 1, note).text}\n`;
};
