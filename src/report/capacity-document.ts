import {
  formatCount,
  formatDuration,
  formatPair,
  formatPercentChange,
  formatShare,
  formatValue,
  noValue,
  sideName,
} from '../metrics/notation.ts';
import type { CapacityLevel, CapacityReport, CapacitySide } from './capacity-model.ts';
import type { AxisUnit, Chart, ChartMark } from './chart.ts';
import type { Block, Document, Headline, Inline, ListItem, TableBlock } from './document.ts';
import { notesBlock, problemBlocks } from './report-document.ts';

type Read = (level: CapacityLevel) => number | null;

const measured: readonly {
  title: string;
  drop: number;
  of: Read;
  format: (value: number | null) => string;
}[] = [
  { title: 'Achieved', drop: 6, of: (level) => level.achieved, format: formatCount },
  { title: 'Users, peak', drop: 7, of: (level) => level.users, format: formatCount },
  { title: 'p50', drop: 4, of: (level) => level.latency?.p50Ms ?? null, format: formatDuration },
  { title: 'p95', drop: 1, of: (level) => level.latency?.p95Ms ?? null, format: formatDuration },
  { title: 'p99', drop: 3, of: (level) => level.latency?.p99Ms ?? null, format: formatDuration },
  { title: 'Errors', drop: 2, of: (level) => level.errorRate, format: formatShare },
  { title: 'CPU, peak', drop: 5, of: (level) => level.resources?.maxCpuShare ?? null, format: cores },
];

const p95: Read = (level) => level.latency?.p95Ms ?? null;

const barWidth = 24;

/** The report of a search for the highest load as a document. */
export function capacityDocument(report: CapacityReport): Document {
  return {
    headline: capacityHeadline(report),
    blocks: [
      ...problemBlocks(report.problems, 94),
      // Where a mistake ended the job there is no suite to tell of.
      ...(report.suite === '' && report.head.levels.length === 0 ? [] : [searchedSection(report)]),
    ],
    origin: report,
  };
}

/** What was found: the capacity, and what gave out first. */
export function capacityHeadline(report: CapacityReport): Headline {
  const { head, baseline, verdict } = report;
  const firstOf = (side: CapacitySide | null, name: string): string[] =>
    side?.gaveOut ? [`What gave out first${name}: ${side.gaveOut.explanation}`] : [];
  return {
    verdict,
    title: [
      verdict === 'invalid'
        ? `Capacity unknown: ${head.levels.length === 0 ? 'nothing was measured' : 'the measurement cannot be trusted'}`
        : `Capacity: ${capacityText(head, report.unit)}${againstBaseline(report)}`,
    ],
    detail: [
      // What ended the search is said where it says what to do.
      ...(report.problems.some(({ what }) => what.split('\n')[0] === report.reason) ? [] : [report.reason]),
      ...firstOf(head, baseline === null ? '' : ' in this PR'),
      ...firstOf(baseline, ' at the baseline'),
      ...(head.edge.confirmed || head.edge.holds === null ? [] : ['The edge was measured once only.']),
    ].flatMap((sentence, index) => (index === 0 ? [sentence] : [' ', sentence])),
  };
}

/** "412 users/s", "at least 800 users/s", "less than 50 users/s". */
export function capacityText(side: CapacitySide, unit: string): string {
  const { holds, breaks } = side.edge;
  if (holds === null) return breaks === null ? 'unknown' : `less than ${formatCount(breaks)} ${unit}`;
  return breaks === null ? `at least ${formatCount(holds)} ${unit}` : `${formatCount(holds)} ${unit}`;
}

/** What each side answered to each load that either was given, ascending. */
export function capacityTable(report: CapacityReport): TableBlock {
  const baselines = byLoad(report.baseline);
  const heads = byLoad(report.head);
  const loads = [...new Set([...baselines.keys(), ...heads.keys()])].sort((a, b) => a - b);
  const hasBaseline = report.baseline !== null;
  return {
    kind: 'table',
    noun: 'load',
    ...(hasBaseline ? { caption: ['Baseline → head; one value where both have the same.'] } : {}),
    columns: [
      { title: `Load (${report.unit})`, align: 'right' },
      ...measured.map(({ title, drop }) => ({ title, align: 'right' as const, drop })),
      { title: 'Limits' },
    ],
    rows: loads.map((load) => {
      const sides = { before: baselines.get(load), after: heads.get(load) };
      return [
        [formatCount(load)],
        ...measured.map(({ of, format }) => [valueCell(sides, of, format, hasBaseline)]),
        outcomeCell(sides, hasBaseline),
      ];
    }),
  };
}

function searchedSection(report: CapacityReport): Block {
  const knee = kneeText(report);
  const table = capacityTable(report);
  return {
    kind: 'section',
    heading: [{ code: report.suite, maxLength: 100 }],
    headingIn: ['terminal', 'page'],
    blocks: [
      ...capacityCurves(report),
      ...(table.rows.length === 0 ? [] : [{ ...table, importance: 90 }]),
      ...(knee === '' ? [] : [{ kind: 'paragraph' as const, content: [knee], importance: 61 }]),
      ...curvesInText(report),
      { kind: 'paragraph', content: whatWasSearched(report), importance: 60, only: ['markdown', 'page'] },
      ...whyItBroke(report.head),
      ...notesBlock(report.warnings, 45),
    ],
  };
}

/** Where latency begins to rise faster than load, on each side that was measured; empty where no knee was found. */
function kneeText(report: CapacityReport): string {
  const at = (side: CapacitySide | null): string | null =>
    side === null || side.knee === null
      ? null
      : `${formatCount(side.knee.load)} ${report.unit} (mean ${formatDuration(side.knee.meanMs)})`;
  const head = at(report.head);
  const baseline = at(report.baseline);
  const both = [
    ...(head === null ? [] : [report.baseline === null ? head : `${head} in this PR`]),
    ...(baseline === null ? [] : [`${baseline} at the baseline`]),
  ];
  return both.length === 0 ? '' : `Beyond about ${both.join(' and ')} latency rises faster than load.`;
}

/** The drawings of the page. */
function capacityCurves(report: CapacityReport): Block[] {
  const curves = [
    { name: 'p95 by load', of: p95, unit: 'ms' as const },
    {
      name: 'Errors per attempt by load',
      of: (level: CapacityLevel) => level.errorRate,
      unit: 'ratio' as const,
    },
    {
      name: "The server's CPU by load, peak",
      of: (level: CapacityLevel) => level.resources?.maxCpuShare ?? null,
      unit: 'cores' as const,
    },
  ];
  return curves.flatMap(({ name, of, unit }): Block[] => {
    const chart = capacityCurve(report, of, unit);
    if (chart === null) return [];
    const metric = unit === 'ms' && report.metric !== null ? [', ', { code: report.metric }] : [];
    return [{ kind: 'figure', caption: [name, ...metric], sides: sidesOf(report), chart, only: ['page'] }];
  });
}

/**
 * A value of every load on both sides, each load at its true distance, with the highest loads that held; null when
 * there are not two loads.
 */
function capacityCurve(report: CapacityReport, of: Read, unit: AxisUnit): Chart | null {
  const lines = (['baseline', 'head'] as const)
    .map((side) => ({
      name: sideName(side),
      side,
      points: pointsOf(report[side], of),
      style: 'both' as const,
    }))
    .filter((one) => one.points.length > 0);
  if (new Set(lines.flatMap(({ points }) => points.map(([load]) => load))).size < 2) return null;
  const values = lines.flatMap((one) => one.points.map(([, value]) => value));
  const smallest = Math.min(...values);
  // One load far beyond the edge would press everything else to the ground.
  const logarithmic = unit === 'ms' && smallest > 0 && Math.max(...values) > 20 * smallest;
  const marks = (['baseline', 'head'] as const).flatMap((side): ChartMark[] => {
    const holds = report[side]?.edge.holds ?? null;
    const whose = report.baseline === null ? '' : `${side} `;
    return holds === null ? [] : [{ x: holds, tone: side, text: `${whose}holds ${formatCount(holds)}` }];
  });
  return {
    x: { title: report.unit, unit: 'count', fromZero: true },
    y: { title: '', unit, ...(logarithmic ? { logarithmic } : { fromZero: true }) },
    lines,
    marks,
  };
}

function pointsOf(side: CapacitySide | null, of: Read): (readonly [number, number])[] {
  return [...byLoad(side)]
    .flatMap(([load, level]) => {
      const value = of(level);
      return value === null || !Number.isFinite(load) ? [] : [[load, value] as const];
    })
    .sort((a, b) => a[0] - b[0])
    .slice(0, 200);
}

/** The last measurement of each load; the one that confirms comes last. */
function byLoad(side: CapacitySide | null): Map<number, CapacityLevel> {
  return new Map((side?.levels ?? []).map((level) => [level.load, level]));
}

function sidesOf({ baseline }: CapacityReport) {
  return baseline === null ? (['head'] as const) : (['baseline', 'head'] as const);
}

/** The same for a terminal and a comment. */
function curvesInText(report: CapacityReport): Block[] {
  const sides = sidesOf(report);
  const bars = barsByLoad(report.head, p95);
  const mermaid = mermaidCurve(report);
  return [
    ...(bars === undefined
      ? []
      : [
          {
            kind: 'figure' as const,
            caption: ['p95 by load, head'],
            sides,
            text: bars,
            only: ['terminal' as const],
          },
        ]),
    ...(mermaid === undefined
      ? []
      : [
          {
            kind: 'details' as const,
            summary: ['p95 by load'],
            blocks: [
              {
                kind: 'figure' as const,
                caption: sides.length > 1 ? ['The first line is the baseline, the second this PR.'] : [],
                sides,
                mermaid,
              },
            ],
            only: ['markdown' as const],
            importance: 50,
          },
        ]),
  ];
}

/** A bar for each load, as long as its value; what is far longer than most is cut and marked. */
function barsByLoad(side: CapacitySide, of: Read): string | undefined {
  const points = pointsOf(side, of);
  if (points.length < 2) return undefined;
  const held = points.filter(([load]) => side.edge.holds !== null && load <= side.edge.holds);
  const longest = Math.max(...points.map(([, value]) => value));
  const scale =
    held.length === 0 ? longest : Math.min(longest, 3 * Math.max(...held.map(([, value]) => value)));
  const labels = points.map(([load]) => formatCount(load));
  const widest = Math.max(...labels.map((label) => label.length));
  return points
    .map(([load, value], index) => {
      const length = Math.max(1, Math.round((Math.min(value, scale) / scale) * barWidth));
      const edge = load === side.edge.holds ? '  holds' : load === side.edge.breaks ? '  breaks' : '';
      return `${labels[index]!.padStart(widest)} ${'█'.repeat(length)}${value > scale ? '…' : ''} ${formatDuration(value)}${edge}`;
    })
    .join('\n');
}

/** A drawing that GitHub makes itself, from numbers alone. */
function mermaidCurve(report: CapacityReport): string | undefined {
  const p95 = (side: CapacitySide | null) => new Map(pointsOf(side, (level) => level.latency?.p95Ms ?? null));
  const [baseline, head] = [p95(report.baseline), p95(report.head)];
  const common = [...head.keys()].filter((load) => baseline.has(load));
  const isBoth = common.length > 1;
  const loads = (isBoth ? common : [...head.keys()]).slice(0, 40);
  if (loads.length < 2) return undefined;
  const lines = (isBoth ? [baseline, head] : [head]).map(
    (side) => `  line [${loads.map((load) => Number(side.get(load)!.toFixed(3))).join(', ')}]`,
  );
  return `xychart-beta\n  x-axis "${report.unit}" [${loads.join(', ')}]\n  y-axis "p95, ms"\n${lines.join('\n')}`;
}

function whatWasSearched({ suite, scenario, rules, metric }: CapacityReport): Inline {
  return [
    'Suite ',
    { code: suite, maxLength: 100 },
    ', scenario ',
    { code: scenario, maxLength: 200 },
    '.',
    ...(rules.length === 0
      ? []
      : [
          ' Limits that must hold: ',
          ...rules
            .slice(0, 20)
            .flatMap((rule, index) => (index === 0 ? [{ code: rule }] : [', ', { code: rule }])),
          '.',
        ]),
    ...(metric === null ? [] : [' Latency is that of ', { code: metric }, '.']),
  ];
}

function whyItBroke(head: CapacitySide): Block[] {
  const items = head.levels
    .filter((level) => level.reasons.length > 0)
    .slice(0, 500)
    .map(
      (level): ListItem => ({
        content: [
          `at ${formatCount(level.load)}: `,
          ...level.reasons.flatMap(({ explanation }, index) =>
            index === 0 ? [explanation] : [' ', explanation],
          ),
        ],
      }),
    );
  return items.length === 0
    ? []
    : [
        {
          kind: 'details',
          summary: ['Why the limits broke, load by load'],
          blocks: [{ kind: 'list', items }],
          open: ['page'],
          importance: 40,
        },
      ];
}

function againstBaseline(report: CapacityReport): string {
  const before = report.baseline?.edge.holds ?? null;
  const after = report.head.edge.holds;
  if (report.baseline === null) return '';
  const baseline = capacityText(report.baseline, report.unit);
  if (before === null || after === null || before === 0) return `; the baseline: ${baseline}`;
  const change = formatPercentChange(after / before - 1);
  return after === before ? `, as the baseline does` : `, ${change} against the baseline (${baseline})`;
}

type BothSides = { before: CapacityLevel | undefined; after: CapacityLevel | undefined };

/** "41.2 → 48.7 ms", with a dash for a side that was not given the load. */
function valueCell(
  sides: BothSides,
  of: Read,
  format: (value: number | null) => string,
  hasBaseline: boolean,
): string {
  const before = sides.before === undefined ? null : of(sides.before);
  const after = sides.after === undefined ? null : of(sides.after);
  if (!hasBaseline) return format(after);
  if (before === after || format(before) === format(after)) return format(after);
  return before === null || after === null
    ? `${format(before)} → ${format(after)}`
    : formatPair(before, after, format);
}

function outcomeCell({ before, after }: BothSides, hasBaseline: boolean): Inline {
  const cell = (level: CapacityLevel | undefined): Inline =>
    level === undefined ? [noValue] : [{ outcome: level.verdict }];
  return !hasBaseline || before?.verdict === after?.verdict
    ? cell(after)
    : [...cell(before), ' → ', ...cell(after)];
}

function cores(value: number | null): string {
  return formatValue(value, 'cores');
}
