/**
 * Applies the rules of common tools, and Tailgate's, to the same raw files: jobs whose truth is known, as
 * `tailgate verify --raw FILE` writes them. Prints one table, and the deviation between pairs by estimator.
 *
 *     npm run bench -- replay FILE...              each as it was written, or packed with gzip
 *     npm run bench -- replay --simulate JOBS      jobs from the simulator, at +0%, +5%, +10% and +20%
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { mean } from '../src/metrics/averages.ts';
import { type JobRecord, parseJobRecords, recordJob } from '../src/verdict/job-record.ts';
import { cpuChange, cpuDeviation, type RestoredJob, restoreJob } from '../src/verdict/summarise-jobs.ts';
import { metricId, noRegression, quietWorld, simulatePairs } from '../test/verdict/simulator.ts';
import { type Figure, figure } from './figure.ts';
import { type Rule, type RuleAnswer, rules } from './rules.ts';
import { choicesTable, warmUpTable } from './slice-choices.ts';
import { candidates, tryEstimator } from './slice-estimators.ts';

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

const truthsOf = (jobs: readonly RestoredJob[]): number[] =>
  [...new Set(jobs.map(({ record }) => record.truth))].sort((a, b) => a - b);

const truthTitle = (truth: number): string =>
  truth === 1 ? 'nothing changed' : `+${Math.round((truth - 1) * 100)}%`;

/** The table of all rules over all jobs, as markdown. */
export const replayTable = (jobs: readonly RestoredJob[]): string => {
  const truths = truthsOf(jobs);
  const lines = [
    `| rule | ${truths.map((truth) => `failed, ${truthTitle(truth)}`).join(' | ')} | mean pairs |`,
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

/**
 * What each estimator of the difference inside a pair makes of the jobs: the deviation between the pairs of a job, and
 * where the truth is a change, the change that it finds and how many deviations of one pair that is (`t`): the larger,
 * the fewer pairs are needed.
 */
export const estimatorTable = (jobs: readonly RestoredJob[]): string => {
  const truths = truthsOf(jobs);
  const lines = [
    `| statistic | estimator | ${truths.map(truthTitle).join(' | ')} |`,
    `|---|---|${truths.map(() => '---').join('|')}|`,
  ];
  const equal = jobs.filter(({ record }) => record.truth === 1);
  for (const statistic of ['p5', 'p50', 'tail', 'p95', 'p99'] as const)
    for (const candidate of candidates) {
      const noise = tryEstimator(equal, statistic, candidate);
      const cells = truths.map((truth) => {
        const found = tryEstimator(
          jobs.filter(({ record }) => record.truth === truth),
          statistic,
          candidate,
        );
        if (found === null) return '';
        if (truth === 1) return found.deviation.toFixed(4);
        const change = `${(100 * Math.expm1(found.mean)).toFixed(1)}%`;
        return noise === null ? change : `${change}, t ${(found.mean / noise.deviation).toFixed(2)}`;
      });
      lines.push(`| ${statistic} | ${candidate} | ${cells.join(' | ')} |`);
    }
  const cpu = truths.map((truth) => {
    const alike = jobs.filter(({ record }) => record.truth === truth);
    const [deviation, change] = [cpuDeviation(equal), cpuChange(alike)];
    if (change === null) return 'not sampled';
    if (truth === 1) return deviation?.toFixed(4) ?? '';
    const percent = `${(100 * Math.expm1(change)).toFixed(1)}%`;
    return deviation === null ? percent : `${percent}, t ${(change / deviation).toFixed(2)}`;
  });
  lines.push(`| server CPU per message | pooled | ${cpu.join(' | ')} |`);
  return lines.join('\n');
};

/** The text of a file, unpacked where its name ends in `.gz`. */
const readText = (file: string): string => {
  const content = readFileSync(file);
  return (file.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8');
};

export const about =
  'the rules of other tools, and estimators, on jobs whose truth is known: FILE... or --simulate JOBS';

const ruleNamed = (part: string): Rule => rules.find(({ name }) => name.includes(part))!;

/** Share of the jobs of one truth that a rule fails; null when it had too few pairs. */
const failShare = (jobs: readonly RestoredJob[], rule: Rule, changed: boolean): number | null => {
  const answers = jobs
    .filter(({ record }) => record.truth > 1 === changed)
    .flatMap((job) => rule.decide({ metric: job.record.metric, pairs: job.pairs, previous: null }) ?? []);
  return answers.length === 0
    ? null
    : answers.filter(({ verdict }) => verdict === 'fail').length / answers.length;
};

/** The tables go to stderr; the figures compare Tailgate with the commonest test on the same jobs. */
export const run = async (words: readonly string[]): Promise<Figure[]> => {
  const records =
    words[0] === '--simulate'
      ? simulate(Number(words[1] ?? 20))
      : words.flatMap((file) => parseJobRecords(readText(file)));
  if (records.length === 0) throw new Error('no jobs: give files of job records, or --simulate JOBS');
  const print = (line: string): void => void process.stderr.write(`${line}\n`);
  const whole = records.filter(({ problem }) => problem === undefined).map(restoreJob);
  const jobs = whole.filter(({ record }) => record.design === 'slices');
  const machines = [...new Set(records.map(({ machine }) => machine))];
  const minutes = records.reduce((sum, record) => sum + record.minutes, 0);
  print(`${records.length} jobs, ${Math.round(minutes)} minutes, on: ${machines.join('; ')}.\n`);
  print(`${replayTable(jobs)}\n`);
  print('Deviation between the pairs of a job where nothing changed; changes found, t by that deviation:\n');
  print(estimatorTable(jobs));
  print(
    '\nDeviation between the pairs of a job where nothing changed, if slices were left out of both sides:\n',
  );
  print(choicesTable(jobs));
  print('\nWhat warming up leaves in the slices, where nothing changed:\n');
  print(warmUpTable(jobs));
  const rounds = whole.filter(({ record }) => record.design === 'rounds');
  if (rounds.length > 0) {
    print('\nThe same where the sides were measured in whole rounds, one after the other:\n');
    print(estimatorTable(rounds));
  }
  const [ours, blocked] = [ruleNamed('Tailgate'), ruleNamed('Mann-Whitney')];
  const peer = (share: number | null): string =>
    `${blocked.name}: ${share === null ? 'too few pairs' : share.toFixed(3)}`;
  const figures: Figure[] = [];
  const alarms = failShare(jobs, ours, false);
  if (alarms !== null)
    figures.push(
      figure('unchanged jobs that fail', alarms, 'share', '<=', 0.01, peer(failShare(jobs, blocked, false))),
    );
  const found = failShare(jobs, ours, true);
  if (found !== null)
    figures.push(
      figure('slower jobs that fail', found, 'share', '>=', 0.95, peer(failShare(jobs, blocked, true))),
    );
  return figures;
};
