/**
 * Applies the rules of common tools, and Tailgate's, to the same raw files: jobs whose truth is known, as
 * `tailgate verify --raw FILE` writes them. Prints one table, and the deviation between pairs by estimator.
 *
 *     node bench/replay.ts FILE...
 *     node bench/replay.ts --simulate JOBS      jobs from the simulator, at +0%, +5%, +10% and +20%
 */
import { readFileSync } from 'node:fs';
import { mean } from '../src/comparison/robust.ts';
import { type JobRecord, parseJobRecords, recordJob } from '../src/verdict/job-record.ts';
import { cpuDeviation, pairDeviation, type RestoredJob, restoreJob } from '../src/verdict/summarise-jobs.ts';
import { metricId, noRegression, quietWorld, simulatePairs } from '../test/verdict/simulator.ts';
import { type RuleAnswer, rules } from './rules.ts';

const simulate = (count: number): JobRecord[] =>
  [1, 1.05, 1.1, 1.2].flatMap((truth, group) =>
    Array.from({ length: count }, (_, index) =>
      recordJob({
        truth,
        metric: metricId,
        design: 'slices',
        machine: 'simulated',
        startedAt: new Date(0).toISOString(),
        minutes: 10,
        pairs: simulatePairs(
          { ...quietWorld, burstShare: 0.05, driftPerSlice: 0.06 },
          { ...noRegression, slower: truth },
          20,
          1 + index + 1000 * group,
        ),
      }),
    ),
  );

const share = (answers: readonly RuleAnswer[], verdict: RuleAnswer['verdict']): string => {
  const count = answers.filter((answer) => answer.verdict === verdict).length;
  return `${count} of ${answers.length}`;
};

/** The table of all rules over all jobs, as markdown. */
export const replayTable = (jobs: readonly RestoredJob[]): string => {
  const truths = [...new Set(jobs.map(({ record }) => record.truth))].sort((a, b) => a - b);
  const lines = [
    `| rule | ${truths.map((truth) => (truth === 1 ? 'failed, nothing changed' : `failed, +${Math.round((truth - 1) * 100)}%`)).join(' | ')} | mean pairs |`,
    `|---|${truths.map(() => '---').join('|')}|---|`,
  ];
  for (const rule of rules) {
    const all: RuleAnswer[] = [];
    const cells = truths.map((truth) => {
      const answers = jobs.flatMap((job, index) => {
        if (job.record.truth !== truth) return [];
        const other = jobs[index === 0 ? jobs.length - 1 : index - 1]!;
        const answer = rule.decide({
          metric: job.record.metric,
          pairs: job.pairs,
          previous: jobs.length > 1 ? other.pairs : null,
        });
        return answer === null ? [] : [answer];
      });
      all.push(...answers);
      if (answers.length === 0) return 'too few pairs';
      const open = answers.filter(
        ({ verdict }) => verdict === 'inconclusive' || verdict === 'invalid',
      ).length;
      return `${share(answers, 'fail')}${open > 0 ? `, ${open} undecided` : ''}`;
    });
    const pairs = all.length === 0 ? '' : mean(all.map((answer) => answer.pairs)).toFixed(1);
    lines.push(`| ${rule.name} | ${cells.join(' | ')} | ${pairs} |`);
  }
  return lines.join('\n');
};

/** The deviation between pairs of each estimator, over the jobs in which nothing changed. */
export const deviationTable = (jobs: readonly RestoredJob[]): string => {
  const equal = jobs.filter(({ record }) => record.truth === 1);
  const cell = (deviation: number | null): string => deviation?.toFixed(3) ?? '';
  const lines = ['| statistic | pooled | mean of slices | trimmed mean of slices |', '|---|---|---|---|'];
  for (const statistic of ['p50', 'p95', 'p99'] as const) {
    const cells = (['pooled', 'mean', 'trimmed'] as const).map((estimator) =>
      cell(pairDeviation(equal, statistic, estimator)),
    );
    lines.push(`| ${statistic} | ${cells.join(' | ')} |`);
  }
  lines.push(`| server CPU per message | ${cell(cpuDeviation(equal)) || 'not sampled'} | | |`);
  return lines.join('\n');
};

const main = (words: readonly string[]): void => {
  const records =
    words[0] === '--simulate'
      ? simulate(Number(words[1] ?? 20))
      : words.flatMap((file) => parseJobRecords(readFileSync(file, 'utf8')));
  if (records.length === 0) throw new Error('no jobs: give files of job records, or --simulate JOBS');
  const whole = records.filter(({ problem }) => problem === undefined).map(restoreJob);
  const jobs = whole.filter(({ record }) => record.design === 'slices');
  const machines = [...new Set(records.map(({ machine }) => machine))];
  const minutes = records.reduce((sum, record) => sum + record.minutes, 0);
  console.log(`${records.length} jobs, ${Math.round(minutes)} minutes, on: ${machines.join('; ')}.\n`);
  console.log(`${replayTable(jobs)}\n`);
  console.log('Deviation between pairs of one job where nothing changed, in slices:\n');
  console.log(deviationTable(jobs));
  const rounds = whole.filter(({ record }) => record.design === 'rounds');
  if (rounds.length === 0) return;
  console.log('\nThe same where the sides were measured in whole rounds, one after the other:\n');
  console.log(deviationTable(rounds));
};

if (import.meta.main) main(process.argv.slice(2));
