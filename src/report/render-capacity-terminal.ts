import type { CapacityReport } from './capacity-model.ts';
import {
  type CapacityRow,
  capacityHeadline,
  capacityRows,
  capacityVerdictCell,
  kneeText,
} from './capacity-rows.ts';
import { cleanLine } from './clean-text.ts';
import { durationLine, environmentLine } from './describe-comparison.ts';
import { layout } from './terminal-table.ts';
import { paintFor, wrap } from './terminal-text.ts';

const wordText = { holds: 'holds', breaks: 'breaks', invalid: 'invalid' } as const;

/** The report of a capacity search for a terminal. */
export const renderCapacityTerminal = (
  report: CapacityReport,
  options: { columns?: number; color?: boolean } = {},
): string => {
  const columns = Math.max(options.columns ?? 100, 40);
  const paint = paintFor(options.color ?? false);
  const rows = capacityRows(report);
  const { title, detail, verdict } = capacityHeadline(report);
  const column = (name: string, drop: number, of: (row: CapacityRow) => string) => ({
    title: name,
    right: true,
    drop,
    cells: rows.map(of),
  });
  const table =
    rows.length === 0
      ? []
      : [
          layout(
            [
              column(`Load (${report.unit})`, 0, (row) => row.load),
              column('Achieved', 6, (row) => row.achieved),
              column('Users, peak', 7, (row) => row.users),
              column('p50', 4, (row) => row.p50),
              column('p95', 1, (row) => row.p95),
              column('p99', 3, (row) => row.p99),
              column('Errors', 2, (row) => row.errors),
              column('CPU, peak', 5, (row) => row.cpu),
              {
                title: 'Limits',
                right: false,
                drop: 0,
                cells: rows.map((row) => capacityVerdictCell(row, wordText)),
              },
            ],
            columns,
            paint,
          ),
        ];
  const painted = (text: string): string =>
    verdict === 'pass' ? paint.green(text) : verdict === 'fail' ? paint.red(text) : paint.yellow(text);
  return `${[
    paint.bold(cleanLine(report.suite, 100)),
    ...table,
    ...report.problems.map((problem) =>
      wrap(cleanLine(`${problem.code}  ${problem.what}  ${problem.fix}`, 900), columns, '  '),
    ),
    ...report.warnings.map((warning) => wrap(`warning  ${cleanLine(warning, 600)}`, columns, '  ')),
    paint.dim(
      wrap(
        `${cleanLine(environmentLine(report.environment), 400)} · ${durationLine(report.durations)}`,
        columns,
      ),
    ),
    `${paint.bold(painted(wrap(cleanLine(title, 300), columns, '  ')))}\n${wrap(cleanLine(`${detail} ${kneeText(report)}`, 1700), columns)}`,
  ].join('\n\n')}\n`;
};
