import {
  formatBytes,
  formatCount,
  formatDuration,
  formatElapsed,
  formatPair,
  formatPercentChange,
  formatShare,
  noValue,
  plural,
} from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { clip } from './clean-text.ts';
import { comparisonSentence, environmentLine, generatorSentence, loadTable } from './describe-comparison.ts';
import {
  type Block,
  type Column,
  type Document,
  type Inline,
  joined,
  type ListItem,
  outcomeWord,
  shownFile,
  type TableBlock,
} from './document.ts';
import { headlineOf, isSlower } from './headline.ts';
import {
  arrivalNotes,
  groupLevels,
  isLevelGroup,
  type LevelGroup,
  mainOfLevels,
  metricNamed,
  suiteAndLevel,
  valueOfSide,
} from './level-groups.ts';
import { explanationsOf, isChanged, metricRows, valuesOf } from './metric-rows.ts';
import { nextSteps } from './next-steps.ts';
import { narrowingPicture, suiteFigures, trendFigure } from './report-charts.ts';
import type { ErrorReport, Explanation, ProblemReport, Report, SuiteReport } from './report-model.ts';
import { resultsOf, resultsTable } from './results-table.ts';

/** The report of a run as a document. */
export function reportDocument(report: Report): Document {
  const entries = groupLevels(report.suites);
  const isAlone = report.suites.length === 1;
  return {
    headline: headlineOf(report),
    blocks: [
      ...problemBlocks(report.problems, 94),
      ...overview(entries),
      ...entries.map((entry) =>
        isLevelGroup(entry) ? levelSection(entry, report) : suiteSection(entry, report, isAlone),
      ),
      ...measureAgain(report),
    ],
    origin: report,
  };
}

/** One block per problem, so that many of them can be left out one by one. */
export const problemBlocks = (problems: readonly ProblemReport[], importance: number): Block[] =>
  problems.map((problem, index) => ({
    kind: 'problem',
    problem,
    importance: importance - Math.min(index, 5),
  }));

/** Notes on the measurement, whoever made them. */
export const notesBlock = (warnings: readonly string[], importance: number): Block[] =>
  warnings.length === 0
    ? []
    : [
        {
          kind: 'details',
          summary: [`${plural(warnings.length, 'note')} on this measurement`],
          blocks: [{ kind: 'list', items: warnings.map((warning) => ({ content: [warning] })) }],
          open: ['terminal', 'page'],
          importance,
        },
      ];

function suiteSection(suite: SuiteReport, report: Report, isAlone: boolean): Block {
  const importance = suite.verdict === 'pass' ? 55 : 80;
  const blocks = suiteBlocks(suite, report, importance);
  const name: Inline = [{ code: suite.name, maxLength: 100 }];
  // The verdict of the only suite is that of the report, which stands above.
  if (isAlone) return { kind: 'section', heading: name, blocks, headingIn: ['terminal', 'page'] };
  const heading: Inline = [...name, ' ', { outcome: suite.verdict }];
  const isQuiet = suite.verdict === 'pass' && !metricRows(suite).some((row) => row.notable || isSlower(row));
  return isQuiet
    ? {
        kind: 'details',
        summary: [...heading, ': no change'],
        blocks,
        open: ['terminal', 'page'],
        importance: 45,
      }
    : { kind: 'section', heading, blocks, importance: 50 };
}

/** A suite: why it changed, the one table, what to do when it is undecided; everything else is folded away. */
function suiteBlocks(suite: SuiteReport, report: Report, base: number): Block[] {
  const { shown, folded } = resultsOf(suite);
  const rows = metricRows(suite);
  return [
    ...problemBlocks(suite.problems, base + 8),
    ...why(suite.explanation, base + 3),
    ...suiteFigures(suite),
    ...(shown.length === 0 ? [] : [{ ...resultsTable(shown), importance: base }]),
    ...narrowingPicture(suite),
    ...nextSteps(suite, report, base - 1),
    ...bottleneck(suite, base - 2),
    ...errorsBlock(suite, base - 3),
    ...eventsBlock(suite),
    ...notesBlock(suite.warnings, base - 12),
    ...(folded.length === 0
      ? []
      : [
          {
            kind: 'details' as const,
            summary: [plural(folded.length, 'more row')],
            blocks: [resultsTable(folded)],
            importance: base - 30,
          },
        ]),
    ...limitsBlock(explanationsOf(rows), base - 40),
    ...flameBlock(suite.explanation),
    ...functionsBlock(suite.explanation, base - 42),
    ...unmeasured(suite, base - 35),
    ...howMeasured(suite, base - 38),
    ...rounds(suite),
  ];
}

/** Every latency in a row: what each event did on both sides. */
function eventsBlock(suite: SuiteReport): Block[] {
  const latencies = suite.metrics.filter(({ head, baseline }) => head !== null || baseline !== null);
  if (latencies.length < 2) return [];
  const fields = [
    ['p50Ms', 'p50'],
    ['p95Ms', 'p95'],
    ['p99Ms', 'p99'],
    ['maxMs', 'max'],
  ] as const;
  return [
    {
      kind: 'details',
      summary: ['Every event'],
      open: ['page'],
      only: ['page'],
      blocks: [
        {
          kind: 'table',
          searchable: true,
          noun: 'event',
          columns: [
            { title: 'Event' },
            { title: 'Messages', align: 'right' },
            ...fields.map(([, title]) => ({ title, align: 'right' as const })),
            { title: 'Change, p50', align: 'right' },
            { title: 'Change, p95', align: 'right' },
          ],
          rows: latencies.map(({ id, baseline, head, change }): Inline[] => [
            [{ code: id }],
            [formatPair(baseline?.count ?? null, head?.count ?? null, formatCount)],
            ...fields.map(
              ([field]): Inline => [
                formatPair(baseline?.[field] ?? null, head?.[field] ?? null, formatDuration),
              ],
            ),
            ...['p50', 'p95'].map((statistic): Inline => {
              const found = change.find((one) => one.statistic === statistic);
              return [found === undefined ? noValue : formatPercentChange(found.relative, found)];
            }),
          ]),
        },
      ],
    },
  ];
}

/** What explains the change, with where it stands. Names in backticks are shown as code. */
function why(explanation: Explanation | undefined, importance: number): Block[] {
  if (explanation === undefined || explanation.sentences.length === 0) return [];
  const sentences = explanation.sentences.map(({ text, place }): Inline => {
    const spans = text
      .split(/`([^`]+)`/)
      .map((part, index) => (index % 2 === 1 ? { code: part } : part))
      .filter((part) => part !== '');
    const last = spans.at(-1);
    if (place === undefined) return spans;
    const where = [' (', { code: `${shownFile(place.file)}:${place.line}` }];
    return typeof last === 'string' && last.endsWith('.')
      ? [...spans.slice(0, -1), last.slice(0, -1), ...where, ').']
      : [...spans, ...where, ')'];
  });
  return [{ kind: 'paragraph', content: [{ strong: 'Why:' }, ' ', ...joined(sentences, ' ')], importance }];
}

/** Where the time of a message goes on both sides, one graph of both. */
function flameBlock(explanation: Explanation | undefined): Block[] {
  const flame = explanation?.flame ?? [];
  if (flame.length === 0) return [];
  return [
    {
      kind: 'details',
      summary: [
        'Where the time of a message goes: red where this PR takes longer, green where it takes less',
      ],
      blocks: [{ kind: 'figure', caption: ['Time on the processor, callers above'], sides: [], flame }],
      open: ['page'],
      only: ['page'],
    },
  ];
}

/** What each function did for a message on both sides, folded away. */
function functionsBlock(explanation: Explanation | undefined, importance: number): Block[] {
  const functions = explanation?.functions ?? [];
  if (functions.length === 0) return [];
  const counted = functions.some(({ calls }) => calls !== null);
  const profiled = functions.some(({ timeUs }) => timeUs.head + timeUs.baseline > 0);
  const allocates = functions.some(({ allocatedBytes: { head, baseline } }) => head + baseline > 0);
  const time = (us: number): string => formatDuration(us / 1000);
  const columns: Column[] = [
    { title: 'Function' },
    { title: 'Where', drop: 3 },
    ...(counted
      ? [
          { title: 'Calls a message', align: 'right' as const },
          { title: 'Difference (99.9%)', align: 'right' as const, drop: 1 },
        ]
      : []),
    ...(profiled ? [{ title: 'Time a message', align: 'right' as const, drop: 2 }] : []),
    ...(allocates ? [{ title: 'Allocated a message', align: 'right' as const, drop: 2 }] : []),
  ];
  const rows = functions.map(({ name, file, line, calls, timeUs, allocatedBytes }): Inline[] => [
    [{ code: name }],
    [{ code: file === '' ? 'V8' : line === 0 ? shownFile(file) : `${shownFile(file)}:${line}` }],
    ...(counted
      ? [
          [calls === null ? '–' : `${calls.baseline.toFixed(2)} → ${calls.head.toFixed(2)}`],
          [calls === null ? '–' : `${signed(calls.low)} to ${signed(calls.high)}`],
        ]
      : []),
    ...(profiled ? [[`${time(timeUs.baseline)} → ${time(timeUs.head)}`]] : []),
    ...(allocates ? [[`${formatBytes(allocatedBytes.baseline)} → ${formatBytes(allocatedBytes.head)}`]] : []),
  ]);
  return [
    {
      kind: 'details',
      summary: ['What each function did for a message'],
      blocks: [{ kind: 'table', columns, rows, noun: 'function', searchable: true }],
      importance,
    },
  ];
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(2);
  return text === '0.00' ? '0' : `${value < 0 ? '−' : '+'}${text}`;
}

function bottleneck(suite: SuiteReport, importance: number): Block[] {
  const { generator } = suite;
  return generator === null || generator.bottleneck === null
    ? []
    : [{ kind: 'paragraph', content: [generatorSentence(generator)], importance }];
}

const isMoreThanBefore = (error: ErrorReport): boolean => error.count > (error.baselineCount ?? 0);
const rise = (error: ErrorReport): number => error.count - (error.baselineCount ?? 0);

/** Errors by name with their first messages: open when there are more of them than before and the suite did not pass. */
function errorsBlock(suite: SuiteReport, importance: number): Block[] {
  const { errors } = suite;
  if (errors.length === 0) return [];
  const isWorse = suite.verdict !== 'pass' && errors.some(isMoreThanBefore);
  const total = errors.reduce((sum, error) => sum + error.count, 0);
  return [
    {
      kind: 'details',
      summary: [`Errors: ${formatCount(total)}, ${plural(errors.length, 'kind')}`],
      blocks: [{ kind: 'list', items: [...errors].sort((a, b) => rise(b) - rise(a)).map(errorItem) }],
      open: ['terminal', 'page', ...(isWorse ? (['markdown'] as const) : [])],
      importance: isWorse ? importance : importance - 40,
    },
  ];
}

function errorItem(error: ErrorReport): ListItem {
  const before = error.baselineCount === null ? '' : ` (baseline ${formatCount(error.baselineCount)})`;
  const steps = error.steps.map((step): Inline => [{ code: step, maxLength: 100 }]);
  return {
    content: [
      { code: error.name, maxLength: 200 },
      ` × ${formatCount(error.count)}${before}`,
      ...(steps.length === 0 ? [] : [' in ', ...joined(steps, ', ')]),
    ],
    children: error.messages.map((message) => [{ code: message, maxLength: 300 }]),
  };
}

function limitsBlock(explanations: ReturnType<typeof explanationsOf>, importance: number): Block[] {
  if (explanations.length === 0) return [];
  const items = explanations.map(({ verdict, text, places }): ListItem => {
    const where = places.slice(0, 5).map((place): Inline => [{ code: place, maxLength: 300 }]);
    return {
      content: [
        { outcome: verdict },
        ' ',
        text,
        ...(where.length === 0 ? [] : [' (', ...joined(where, ', '), ')']),
      ],
    };
  });
  return [
    {
      kind: 'details',
      summary: ['How each limit was decided'],
      blocks: [{ kind: 'list', items }],
      open: ['page'],
      importance,
    },
  ];
}

function unmeasured({ unmeasured: emits }: SuiteReport, importance: number): Block[] {
  if (emits.length === 0) return [];
  return [
    {
      kind: 'details',
      summary: [
        `${plural(emits.length, 'emit is', 'emits are')} counted but not timed: nothing answers and no delivery is watched`,
      ],
      blocks: [
        {
          kind: 'list',
          items: emits.map(({ event, step, count }) => ({
            content: [{ code: event }, ' in ', { code: step }, `, ${plural(count, 'time')}`],
          })),
        },
      ],
      importance,
    },
  ];
}

function howMeasured(suite: SuiteReport, importance: number): Block[] {
  const quiet = suite.generator !== null && suite.generator.bottleneck === null;
  return [
    {
      kind: 'details',
      summary: ['How it was measured, counters and server resources'],
      blocks: [
        {
          kind: 'paragraph',
          content: [comparisonSentence(suite), ' Scenario: ', { code: suite.scenario, maxLength: 200 }],
        },
        ...(suite.environment === undefined
          ? []
          : [
              {
                kind: 'paragraph' as const,
                content: [`Measured on ${environmentLine(suite.environment)}`],
              },
            ]),
        ...trendFigure(suite.trend),
        ...(quiet ? [{ kind: 'paragraph' as const, content: [generatorSentence(suite.generator!)] }] : []),
        ...loadTable(suite),
      ],
      open: ['page'],
      importance,
    },
  ];
}

/** Rounds beyond this are for the JSON report: a page must stay a page. */
const maxRounds = 2000;

function rounds(suite: SuiteReport): Block[] {
  const main = suite.main ?? null;
  if (suite.rounds.length === 0 || main === null) return [];
  const table: TableBlock = {
    kind: 'table',
    searchable: true,
    noun: 'round',
    columns: [
      { title: 'Round' },
      { title: 'Side' },
      ...['Length', 'Count', 'p50', 'p95', 'p99', 'Max', 'Errors'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    rows: suite.rounds.slice(0, maxRounds).map((round) => {
      const summary = round.metrics[main];
      return [
        [round.pair === null ? String(round.index + 1) : `pair ${round.pair + 1}`],
        [round.side],
        [formatElapsed(round.activeMs)],
        [formatCount(summary?.count ?? null)],
        ...(['p50Ms', 'p95Ms', 'p99Ms', 'maxMs'] as const).map((field) => [
          formatDuration(summary?.[field] ?? null),
        ]),
        [formatCount(round.counters.errors ?? 0)],
      ];
    }),
  };
  return [{ kind: 'details', summary: ['Rounds, ', { code: main }], blocks: [table], only: ['page'] }];
}

/** Verdicts of all suites in one table, when there are several. */
function overview(entries: readonly (SuiteReport | LevelGroup)[]): Block[] {
  if (entries.length < 2) return [];
  const lines = entries.map((entry) =>
    isLevelGroup(entry)
      ? { name: entry.name, verdict: groupVerdict(entry), reason: plural(entry.levels.length, 'level') }
      : entry,
  );
  return [
    {
      kind: 'table',
      noun: 'suite',
      columns: [{ title: 'Suite' }, { title: 'Verdict' }, { title: 'Why' }],
      rows: lines
        .sort((a, b) => Number(a.verdict === 'pass') - Number(b.verdict === 'pass'))
        .map((line) => [
          [{ code: line.name, maxLength: 100 }],
          [{ outcome: line.verdict }],
          [clip(line.reason.split(/(?<=\.) /)[0] ?? '', 200)],
        ]),
      only: ['markdown', 'page'],
      importance: 96,
    },
  ];
}

function groupVerdict(group: LevelGroup): Verdict {
  const verdicts = group.levels.map(({ suite }) => suite.verdict);
  return (['fail', 'invalid', 'inconclusive'] as const).find((one) => verdicts.includes(one)) ?? 'pass';
}

/** The levels of one suite: one table by level, baseline against head, and each level folded away. */
function levelSection(group: LevelGroup, report: Report): Block {
  const verdict = groupVerdict(group);
  const base = verdict === 'pass' ? 60 : 88;
  return {
    kind: 'section',
    heading: [{ code: group.name, maxLength: 100 }, ' ', { outcome: verdict }],
    blocks: [
      { ...levelsTable(group), importance: base },
      ...arrivals(group, base),
      ...group.levels.map(
        ({ name, suite }): Block => ({
          kind: 'details',
          summary: ['Level ', { code: name, maxLength: 80 }, `: ${outcomeWord[suite.verdict]}`],
          blocks: suiteBlocks(suite, report, 80),
          open: suite.verdict === 'pass' ? [] : ['terminal'],
          importance: base - 20,
        }),
      ),
    ],
    importance: base,
  };
}

function arrivals(group: LevelGroup, importance: number): Block[] {
  const items = arrivalNotes(group).map(({ level, note }) => ({
    content: [{ code: level, maxLength: 80 }, ': ', note],
  }));
  return items.length === 0 ? [] : [{ kind: 'list', items, importance }];
}

const statistics = [
  { statistic: 'mean', title: 'Mean', drop: 4 },
  { statistic: 'p50', title: 'p50', drop: 2 },
  { statistic: 'p95', title: 'p95', drop: 0 },
  { statistic: 'p99', title: 'p99', drop: 1 },
] as const;

function levelsTable(group: LevelGroup): TableBlock {
  const main = mainOfLevels(group);
  return {
    kind: 'table',
    noun: 'level',
    ...(main === null
      ? {}
      : {
          caption: [{ code: main }, ` by level, baseline → this PR:`],
        }),
    columns: [
      { title: 'Level' },
      ...statistics.map(({ title, drop }) => ({ title, align: 'right' as const, drop })),
      { title: 'Errors', align: 'right', drop: 3 },
      { title: 'Verdict' },
    ],
    rows: group.levels.map(({ name, suite }) => {
      const metric = metricNamed(suite, main);
      return [
        [{ code: name, maxLength: 80 }],
        ...statistics.map(({ statistic }): Inline => {
          if (metric === null) return [noValue];
          const { baseline, head } = valuesOf(metric, statistic);
          const values = formatPair(baseline, head, formatDuration);
          const change = metric.change.find((one) => one.statistic === statistic) ?? null;
          return change !== null && isChanged(change)
            ? [`${values} `, { strong: formatPercentChange(change.relative, change) }]
            : [values];
        }),
        [
          formatPair(
            valueOfSide(suite, 'baseline', 'errors.rate'),
            valueOfSide(suite, 'head', 'errors.rate'),
            formatShare,
          ),
        ],
        [{ outcome: suite.verdict }],
      ];
    }),
  };
}

/** The line that repeats the measurement on one's own machine. */
function measureAgain(report: Report): Block[] {
  const [suite] = report.suites;
  const undecided = report.suites.find(({ verdict }) => verdict === report.verdict) ?? suite;
  if (undecided === undefined) return [];
  const { base } = report.commits;
  const against =
    undecided.comparison === 'side-by-side' && base !== null && /^[0-9a-f]{7,64}$/.test(base)
      ? ` --baseline side-by-side --base-ref ${base.slice(0, 12)}`
      : '';
  const command = `tailgate run --suite ${shellWord(chosenBy(undecided))}${against}`;
  return [
    {
      kind: 'paragraph',
      content: ['Measure it again on your machine: ', { code: command, maxLength: 300 }],
      tone: 'quiet',
      only: ['markdown', 'page'],
      importance: 40,
    },
  ];
}

/** What chooses it on the command line, where a comma stands between two names: of a level whose name has one, its suite. */
function chosenBy({ name, originalName = name }: SuiteReport): string {
  return originalName.includes(',') ? suiteAndLevel(originalName).suite : originalName;
}

const shellWord = (word: string): string =>
  /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
