import type { LoadProgress } from '../generator/load-session.ts';
import {
  formatChange,
  formatElapsed,
  formatLimit,
  formatPercentChange,
  formatShare,
  noValue,
  plural,
} from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { JobRecord } from '../verdict/job-record.ts';
import type { SuiteJudgement } from '../verdict/judgement.ts';
import { noiseSentence } from '../verdict/noise-budget.ts';
import type { DeviationSummary, JobsSummary, TruthSummary } from '../verdict/summarise-jobs.ts';
import { cleanLine } from './clean-text.ts';
import { fitWidth, layout, paintFor, wrap } from './terminal-text.ts';

type Kind = Pick<JobRecord, 'truth' | 'design'>;

/** What is known while a job runs. */
export type JobProgressView = {
  name: string;
  /** Jobs that are not complete, this one among them, and how long they take. */
  left: number;
  minutesLeft: number;
  side: SideName;
  done: number;
  most: number;
  load: LoadProgress | null;
  judgement: SuiteJudgement['progress'];
};

/** What a series of jobs shows, for a terminal. */
export const renderVerification = (
  summary: JobsSummary,
  records: readonly JobRecord[],
  about: { suite: string; file: string },
  options: { columns: number; color: boolean },
): string => {
  const { columns } = options;
  const paint = paintFor(options.color);
  const metrics = [...new Set(records.map(({ metric }) => cleanLine(metric, 80)).filter((id) => id !== ''))];
  const machines = [...new Set(records.map(({ machine }) => cleanLine(machine, 200)))];
  const problems = [...new Set(records.flatMap(({ problem }) => (problem ? [cleanLine(problem)] : [])))];
  return [
    wrap(
      `${paint.bold(cleanLine(about.suite, 100))}: ${plural(records.length, 'job')} in ${formatElapsed(summary.minutes * 60_000)}, judged by ${metrics.join(', ')}, on ${machines.join('; ')}.`,
      columns,
    ),
    `${layout(verdictColumns(summary.truths), columns, paint)}\n${wrap(
      paint.dim(
        'In brackets: where the share of failing jobs lies, each end with 95% confidence. Pairs and minutes: to a pass or fail, in half of those jobs at most.',
      ),
      columns,
    )}`,
    [
      wrap(
        'What was injected into the CPU time of the head, and what was measured (mean over jobs)',
        columns,
      ),
      layout(changeColumns(summary.truths), columns, paint),
    ].join('\n'),
    ...(summary.deviations.length === 0
      ? []
      : [
          [
            wrap('Deviation between the pairs of an unchanged job, of ln(head / baseline)', columns),
            layout(deviationColumns(summary.deviations), columns, paint),
          ].join('\n'),
        ]),
    ...(summary.budgets.length === 0
      ? []
      : [
          [
            wrap('Where that noise comes from, and what would lower it', columns),
            ...summary.budgets.map((budget) => wrap(`  ${noiseSentence(budget)}`, columns, '    ')),
          ].join('\n'),
        ]),
    ...(problems.length === 0
      ? []
      : [
          ['Why jobs are invalid', ...problems.map((problem) => wrap(`  ${problem}`, columns, '    '))].join(
            '\n',
          ),
        ]),
    wrap(`Raw values: ${cleanLine(about.file, 400)}`, columns),
  ].join('\n\n');
};

/** What the jobs of a kind are called: "unchanged", "+5% service time", "unchanged, in rounds". */
export const truthName = ({ truth, design }: Kind): string => {
  const name = truth === 1 ? 'unchanged' : `${formatLimit(truth - 1)} service time`;
  return design === 'rounds' ? `${name}, in rounds` : name;
};

/** One line of at most `columns` that says where a series of jobs is. */
export const renderJobProgress = (view: JobProgressView, columns: number): string => {
  const { judgement } = view;
  const parts = [
    `${view.name}, ${plural(view.left, 'job')} left${view.minutesLeft > 0 ? ` (${formatElapsed(Math.ceil(view.minutesLeft) * 60_000)})` : ', longer than expected'}`,
    `pair ${Math.min(view.done + 1, view.most)} of ${view.most}`,
    view.side,
    ...(judgement === null ? [] : [`${cleanLine(judgement.statistic, 12)} ${formatChange(judgement)}`]),
  ];
  return fitWidth(parts.join(' · '), columns);
};

function verdictColumns(rows: readonly TruthSummary[]) {
  const of = (cell: (row: TruthSummary) => string): string[] => rows.map(cell);
  return [
    { title: 'Jobs', right: false, drop: 0, cells: of(truthName) },
    { title: 'Number', right: true, drop: 0, cells: of((row) => String(row.jobs)) },
    { title: 'Failed', right: true, drop: 0, cells: of(failedText) },
    { title: 'Passed', right: true, drop: 0, cells: of((row) => String(row.verdicts.pass)) },
    { title: 'Undecided', right: true, drop: 0, cells: of((row) => String(row.verdicts.inconclusive)) },
    { title: 'Invalid', right: true, drop: 0, cells: of((row) => String(row.verdicts.invalid)) },
    { title: 'Pairs', right: true, drop: 2, cells: of((row) => rounded(row.pairsToVerdict, 0)) },
    { title: 'Minutes', right: true, drop: 1, cells: of((row) => rounded(row.minutesToVerdict, 1)) },
  ];
}

function failedText(row: TruthSummary): string {
  const bounds = `${formatShare(row.failing.low)} to ${formatShare(row.failing.high)}`;
  return `${row.verdicts.fail} (${bounds})`;
}

function rounded(value: number | null, digits: number): string {
  return value === null ? noValue : value.toFixed(digits);
}

function changeColumns(rows: readonly TruthSummary[]) {
  const of = (cell: (row: TruthSummary) => number | null): string[] =>
    rows.map((row) => formatPercentChange(cell(row)));
  return [
    { title: 'Jobs', right: false, drop: 0, cells: rows.map(truthName) },
    {
      title: 'Injected',
      right: true,
      drop: 0,
      cells: of((row) => (row.injected === null ? null : row.injected - 1)),
    },
    { title: 'CPU/message', right: true, drop: 0, cells: of((row) => row.cpuPerMessage) },
    { title: 'p5', right: true, drop: 3, cells: of((row) => row.change.p5) },
    { title: 'p50', right: true, drop: 0, cells: of((row) => row.change.p50) },
    { title: 'tail', right: true, drop: 2, cells: of((row) => row.change.tail) },
    { title: 'p95', right: true, drop: 0, cells: of((row) => row.change.p95) },
    { title: 'p99', right: true, drop: 0, cells: of((row) => row.change.p99) },
  ];
}

function deviationColumns(rows: readonly DeviationSummary[]) {
  const of = (cell: (row: DeviationSummary) => string): string[] => rows.map(cell);
  return [
    { title: 'The sides take turns in', right: false, drop: 0, cells: of(designName) },
    { title: 'Pairs', right: true, drop: 0, cells: of((row) => String(row.pairs)) },
    { title: 'p5', right: true, drop: 3, cells: of((row) => deviation(row.deviation.p5)) },
    { title: 'p50', right: true, drop: 0, cells: of((row) => deviation(row.deviation.p50)) },
    { title: 'tail', right: true, drop: 2, cells: of((row) => deviation(row.deviation.tail)) },
    { title: 'p95', right: true, drop: 0, cells: of((row) => deviation(row.deviation.p95)) },
    { title: 'p99', right: true, drop: 0, cells: of((row) => deviation(row.deviation.p99)) },
    { title: 'CPU/message', right: true, drop: 1, cells: of((row) => deviation(row.cpuPerMessage)) },
  ];
}

function designName({ design, sliceMs }: DeviationSummary): string {
  if (design === 'rounds') return 'whole rounds, one after the other';
  return sliceMs === null ? 'slices' : `slices of ${formatElapsed(sliceMs)}`;
}

function deviation(value: number | null): string {
  return value === null ? noValue : value.toFixed(3);
}
