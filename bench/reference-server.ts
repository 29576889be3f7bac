/**
 * Would stored baselines be steadier if every job also measured a fixed reference server, and the ratio of both were
 * stored? Measures two example servers and the reference in turns, slice by slice, in jobs on a machine that is
 * disturbed in several ways (`reference/conditions.ts`), and compares how far jobs differ: by the latency itself, and by
 * its ratio to the reference's. In some jobs the second server is the first one, slowed down: that shows whether the ratio
 * still rises, and how steady it would be if the target itself were the reference.
 *
 * Each job is a line of a file; a series that was interrupted is continued. Needs Linux, two cores, and a control group
 * for the CPU limit.
 *
 *     npm run bench -- reference-server [minutes] [file]
 */
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { mean } from '../src/metrics/averages.ts';
import { seededRandom } from '../src/metrics/seeded-random.ts';
import { type Figure, figure } from './figure.ts';
import { type Condition, conditions } from './reference/conditions.ts';
import {
  type BenchStatistic,
  type Design,
  type Job,
  measureJob,
  statistics,
} from './reference/measure-job.ts';
import {
  deviation,
  deviationFromLine,
  deviationQuotient,
  deviationWithin,
  type Point,
  pooledRatio,
  type Reading,
  raw,
  reference,
  slicedRatio,
  slope,
} from './reference/summarise-jobs.ts';

export const about =
  'how far stored values of jobs differ, with and without a reference server beside the target';

/** What each block measures: every condition once. */
const blocks: readonly Design[] = [
  { reference: 'fixed rate', second: 'location' },
  { reference: 'fixed rate', second: 'location' },
  { reference: 'loop', second: 'location' },
  { reference: 'fixed rate', second: 'slower' },
  { reference: 'loop', second: 'location' },
  { reference: 'loop', second: 'location' },
];

type Wanted = { condition: Condition; block: number; design: Design };

/** All jobs, each condition once in a block, in random order. */
const series = (): Wanted[] => {
  const random = seededRandom(1);
  return blocks.flatMap((design, block) =>
    conditions
      .map((condition) => ({ condition, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ condition }) => ({ condition, block, design })),
  );
};

const readJobs = async (file: string): Promise<Job[]> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Job);
};

const isDone = (wanted: Wanted, jobs: readonly Job[]): boolean =>
  jobs.some(({ condition, block }) => condition === wanted.condition.name && block === wanted.block);

const measureMissing = async (file: string, minutes: number): Promise<void> => {
  const started = performance.now();
  let longestMs = 0;
  for (const [number, wanted] of series().entries()) {
    if (isDone(wanted, await readJobs(file))) continue;
    const jobStarted = performance.now();
    if (jobStarted - started + longestMs > minutes * 60_000) return;
    const job = await measureJob(wanted.condition, wanted.block, wanted.design, number + 1);
    await appendFile(file, `${JSON.stringify(job)}\n`);
    longestMs = Math.max(longestMs, performance.now() - jobStarted);
    const seconds = ((performance.now() - jobStarted) / 1_000).toFixed(0);
    process.stderr.write(
      `${job.condition}: ${seconds} s, server CPU ${JSON.stringify(job.serverCpu)}${job.bottleneck === null ? '' : `, ${job.bottleneck}`}\n`,
    );
  }
};

/** What is held against what: a latency of a target, and the same of the reference server or of another target. */
type Comparison = { target: string; against: Design['reference'] | 'chat' };

const comparisons: readonly Comparison[] = [
  ...(['fixed rate', 'loop'] as const).flatMap((against) =>
    ['chat.ack', 'chat.delivery', 'location.ack', 'location.delivery'].map((target) => ({ target, against })),
  ),
  // As if another server of the same kind, or the target itself, were the reference.
  { target: 'location.ack', against: 'chat' },
  { target: 'location.delivery', against: 'chat' },
  { target: 'slower.ack', against: 'chat' },
  { target: 'slower.delivery', against: 'chat' },
];

const nameOf = ({ target, against }: Comparison): string =>
  against === 'chat' ? `${target} / chat` : `${target} / reference (${against})`;

/** What each job says; a job whose generator was the bottleneck is invalid, and says nothing. */
const pointsOf = (
  jobs: readonly Job[],
  { target, against }: Comparison,
  statistic: BenchStatistic,
): Point[] =>
  jobs.flatMap(({ condition, metrics, reference: driven, bottleneck }) => {
    const observed = metrics[target]?.[statistic];
    if (observed === undefined || bottleneck !== null) return [];
    if (against !== 'chat') return driven === against ? { condition, observed } : [];
    const other = metrics[target.replace(/^\w+/, 'chat')]![statistic];
    const slicedLogRatio = observed.slicedLogRatio - other.slicedLogRatio;
    return { condition, observed: { ...observed, referenceMs: other.targetMs, slicedLogRatio } };
  });

const families = [...new Set(conditions.map(({ family }) => family))].filter((family) => family !== 'none');
const namesIn = (family: Condition['family']): string[] =>
  conditions.filter((one) => one.family === family || one.family === 'none').map(({ name }) => name);

/** With fewer jobs nothing is said of their deviation. */
const minJobs = 5;

const pointsIn = (points: readonly Point[], family: Condition['family']): Point[] =>
  points.filter(({ condition }) => namesIn(family).includes(condition));

const row = (cells: readonly (string | number)[]): void => {
  process.stderr.write(
    `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(3) : cell)).join(' | ')} |\n`,
  );
};

const header = (cells: readonly string[]): void => {
  process.stderr.write('\n');
  row(cells);
  row(cells.map(() => '---'));
};

const printDeviations = (jobs: readonly Job[]): void => {
  header([
    'target / reference',
    'statistic',
    'jobs',
    'sd of ln target',
    'sd of ln ratio',
    'of that (90%)',
    'by slices',
    'of that (90%)',
    'slope',
    'sd from line',
  ]);
  const share = (points: readonly Point[], reading: Reading): string => {
    const { quotient, low, high } = deviationQuotient(points, reading, raw);
    return `${quotient.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  };
  for (const comparison of comparisons)
    for (const statistic of statistics) {
      const points = pointsOf(jobs, comparison, statistic);
      if (points.length < minJobs) continue;
      row([
        nameOf(comparison),
        statistic,
        String(points.length),
        deviation(points, raw),
        deviation(points, pooledRatio),
        share(points, pooledRatio),
        deviation(points, slicedRatio),
        share(points, slicedRatio),
        slope(points),
        deviationFromLine(points),
      ]);
    }
};

/** The deviations of the target and, behind a slash, of its ratio, where the jobs are of few conditions. */
const printFamilies = (jobs: readonly Job[]): void => {
  header([
    'target / reference',
    'statistic',
    'same condition',
    ...families.map((family) => `none, ${family}`),
  ]);
  for (const comparison of comparisons)
    for (const statistic of statistics) {
      const all = pointsOf(jobs, comparison, statistic);
      if (all.length < minJobs) continue;
      const cell = (points: readonly Point[], of: typeof deviation): string => {
        const [of1, of2] = [of(points, raw), of(points, pooledRatio)];
        return Number.isFinite(of1) ? `${of1.toFixed(3)} / ${of2.toFixed(3)}` : '';
      };
      row([
        nameOf(comparison),
        statistic,
        cell(all, deviationWithin),
        ...families.map((family) => cell(pointsIn(all, family), deviation)),
      ]);
    }
};

/** How far each condition moves the target, the reference and their ratio from where they are without a disturbance. */
const printMoves = (jobs: readonly Job[]): void => {
  header([
    'target / reference',
    'statistic',
    'condition',
    'target, ms',
    'reference, ms',
    'target moved',
    'reference moved',
    'ratio moved',
  ]);
  for (const comparison of comparisons)
    for (const statistic of statistics) {
      const all = pointsOf(jobs, comparison, statistic);
      for (const { name } of conditions) {
        const points = all.filter(({ condition }) => condition === name);
        const quiet = all.filter(({ condition }) => condition === 'none');
        if (points.length === 0 || quiet.length === 0) continue;
        const moved = (reading: Reading): string => {
          const change = mean(points.map(reading)) - mean(quiet.map(reading));
          return `${(100 * Math.expm1(change)).toFixed(0)}%`;
        };
        row([
          nameOf(comparison),
          statistic,
          name,
          Math.exp(mean(points.map(raw))),
          Math.exp(mean(points.map(reference))),
          moved(raw),
          moved(reference),
          moved(pooledRatio),
        ]);
      }
    }
};

const figuresOf = (jobs: readonly Job[]): Figure[] => {
  const peer = 'deviation of ln(target)';
  return comparisons.flatMap((comparison) =>
    statistics.flatMap((statistic) => {
      const all = pointsOf(jobs, comparison, statistic);
      if (all.length < minJobs) return [];
      const name = `deviation of ln(${nameOf(comparison)}) ${statistic}`;
      const ratio = (of: string, points: readonly Point[], bound: number, reading: Reading): Figure =>
        figure(
          `${name}, ${of}`,
          deviation(points, reading) / deviation(points, raw),
          'ratio',
          '<=',
          bound,
          peer,
        );
      return [
        ratio('all jobs', all, 0.7, pooledRatio),
        ratio('all jobs by slices', all, 0.7, slicedRatio),
        ...families
          .map((family) => [family, pointsIn(all, family)] as const)
          .filter(([, points]) => new Set(points.map(({ condition }) => condition)).size > 1)
          .map(([family, points]) => ratio(`none and ${family}`, points, 1, pooledRatio)),
      ];
    }),
  );
};

/** How much a chat server with more work in its handler is slower, in the jobs that measured both. */
const risesOf = (jobs: readonly Job[]): Figure[] => {
  const both = jobs.filter(({ serverCpu }) => serverCpu.slower !== undefined);
  if (both.length === 0) return [];
  const cpu = mean(both.map(({ serverCpu }) => serverCpu.slower! / serverCpu.chat!));
  process.stderr.write(`\nThe slower chat server uses ${cpu.toFixed(3)} times the CPU time.\n`);
  return statistics.map((statistic) => {
    const plain = pointsOf(both, { target: 'chat.delivery', against: 'fixed rate' }, statistic);
    const slower = pointsOf(both, { target: 'slower.delivery', against: 'fixed rate' }, statistic);
    const rise = (reading: Reading) => mean(slower.map(reading)) - mean(plain.map(reading));
    process.stderr.write(
      `${statistic}: ln target rises by ${rise(raw).toFixed(3)}, ln ratio by ${rise(pooledRatio).toFixed(3)}, by slices ${rise(slicedRatio).toFixed(3)}\n`,
    );
    return figure(
      `rise of ln(chat.delivery / reference) ${statistic} by slices when the handler works more`,
      rise(slicedRatio) / rise(raw),
      'ratio',
      '>=',
      0.9,
      'rise of ln(target)',
    );
  });
};

export const run = async ([
  minutes = '15',
  file = path.join(import.meta.dirname, 'results/reference-server.jsonl'),
]: readonly string[]): Promise<Figure[]> => {
  await measureMissing(file, Number(minutes));
  const jobs = await readJobs(file);
  printDeviations(jobs);
  printFamilies(jobs);
  printMoves(jobs);
  return [...figuresOf(jobs), ...risesOf(jobs)];
};
