import { cleanLine } from './clean-text.ts';
import { durationLine, environmentLine, shortSha } from './describe-comparison.ts';
import { headlineOf } from './headline.ts';
import { groupLevels, isLevelGroup } from './level-groups.ts';
import type { Report } from './report-model.ts';
import { levelsText, paintVerdict, problemText, type SuiteTextOptions, suiteText } from './terminal-suite.ts';
import { paintFor, wrap } from './terminal-text.ts';

export type TerminalOptions = {
  /** Width in columns; 100 if not given. Narrow terminals get fewer columns of the table, never broken lines. */
  columns?: number | undefined;
  color?: boolean | undefined;
  /** Title of the head's column; "Head" if not given. */
  headLabel?: string | undefined;
  /** Every row and explanation instead of those that moved. */
  full?: boolean | undefined;
};

/** The report for a terminal. Foreign text in it holds no control sequence. Ends with a line break. */
export const renderTerminal = (report: Report, options: TerminalOptions = {}): string => {
  const all: SuiteTextOptions = {
    columns: Math.max(options.columns ?? 100, 40),
    headLabel: options.headLabel ?? 'Head',
    full: options.full ?? false,
  };
  const paint = paintFor(options.color ?? false);
  const { title, detail } = headlineOf(report);
  const { head, base } = report.commits;
  const commits =
    head === null
      ? []
      : [`${cleanLine(shortSha(head))}${base === null ? '' : ` against ${cleanLine(shortSha(base))}`}`];
  const parts = [
    ...report.problems.map((problem) => problemText(problem, all.columns, paint)),
    ...groupLevels(report.suites).flatMap((entry) =>
      isLevelGroup(entry)
        ? [
            levelsText(entry, all.columns, paint),
            ...entry.levels
              .filter(({ suite }) => all.full || suite.verdict !== 'pass')
              .map(({ suite }) => suiteText(suite, all, paint)),
          ]
        : [suiteText(entry, all, paint)],
    ),
    paint.dim(
      wrap(
        [
          ...commits,
          cleanLine(environmentLine(report.environment), 400),
          durationLine(report.durations),
        ].join(' · '),
        all.columns,
      ),
    ),
    // The verdict comes last: it is what stays on the screen.
    [
      paint.bold(paintVerdict(report.verdict, paint, wrap(cleanLine(title), all.columns, '  '))),
      wrap(cleanLine(detail, 900), all.columns),
    ].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
};
