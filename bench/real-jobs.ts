/**
 * Real jobs whose truth is known, of two servers and several kinds of regressions, against the targets of the verdict.
 *
 *   npm run bench -- real-jobs [MINUTES] [KIND,...]
 *
 * Runs jobs for so many minutes (0: none), the kind that is furthest from its number first, so that the series is
 * balanced wherever it stops; what was measured before is kept in bench/results/real-jobs/ and gone on with, on this
 * machine or another. Then judges all of it and writes bench/results/real-jobs.md. Give it a machine of its own.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type JobRecord, parseJobRecords } from '../src/verdict/job-record.ts';
import { shareBounds } from '../src/verdict/statistics/share-bounds.ts';
import { restoreJob } from '../src/verdict/summarise-jobs.ts';
import { type Figure, figure } from './figure.ts';
import { type Rule, rules } from './rules.ts';
import { shipped, type TriedStatistic, tryEstimator } from './slice-estimators.ts';
import { pieceOfSeries } from './timed-series.ts';

export const about = 'Real jobs of known truth: false alarms, what is found, and in how many minutes';

const root = path.resolve(import.meta.dirname, '..');
const packed = path.join(import.meta.dirname, 'results/real-jobs');
const unpacked = path.join(root, 'tmp/real-jobs');
const table = path.join(import.meta.dirname, 'results/real-jobs.md');

type Kind = {
  name: string;
  title: string;
  config: 'chat' | 'nest';
  jobs: number;
  /** What `tailgate verify` injects; none: nothing changed. */
  inject?: readonly string[];
  /** Two processes that are busy 35% of the time in bursts run beside it. */
  neighbour?: true;
  /** Minutes within which a regression should be found, and in which share of the jobs. */
  aim?: { minutes: number; share: number };
};

const slowPath = ['--inject', '6', '--inject-env', 'SLOW_PATH_MS'];
const stall = ['--inject', '200', '--inject-env', 'STALL_MS'];

const kinds: readonly Kind[] = [
  { name: 'chat-unchanged', title: 'chat, nothing changed', config: 'chat', jobs: 20 },
  {
    ...{ name: 'chat-2', title: 'chat, +2% service time', config: 'chat', jobs: 6 },
    ...{ inject: ['--inject', '1.02'], aim: { minutes: 8, share: 0.95 } },
  },
  {
    ...{ name: 'chat-5', title: 'chat, +5% service time', config: 'chat', jobs: 6 },
    ...{ inject: ['--inject', '1.05'], aim: { minutes: 3.5, share: 0.95 } },
  },
  {
    ...{ name: 'chat-10', title: 'chat, +10% service time', config: 'chat', jobs: 6 },
    ...{ inject: ['--inject', '1.1'], aim: { minutes: 3.5, share: 0.95 } },
  },
  {
    ...{ name: 'chat-slow-path', title: 'chat, one message in twenty +5 ms', config: 'chat', jobs: 6 },
    ...{ inject: slowPath, aim: { minutes: 8, share: 0.9 } },
  },
  {
    ...{ name: 'chat-stall', title: 'chat, 200 ms of standstill every 10 s', config: 'chat', jobs: 6 },
    ...{ inject: stall, aim: { minutes: 8, share: 0.9 } },
  },
  { name: 'nest-unchanged', title: 'NestJS, nothing changed', config: 'nest', jobs: 10 },
  {
    ...{ name: 'nest-5', title: 'NestJS, +5% service time', config: 'nest', jobs: 3 },
    ...{ inject: ['--inject', '1.05'], aim: { minutes: 3.5, share: 0.95 } },
  },
  {
    ...{ name: 'nest-slow-path', title: 'NestJS, one message in twenty +5 ms', config: 'nest', jobs: 3 },
    ...{ inject: slowPath, aim: { minutes: 8, share: 0.9 } },
  },
  {
    ...{ name: 'chat-neighbour', title: 'chat, nothing changed, noisy neighbour', config: 'chat', jobs: 8 },
    neighbour: true,
  },
];

export async function run(words: readonly string[]): Promise<Figure[]> {
  const { chosen, untilMs } = pieceOfSeries('real-jobs', words, kinds);
  while (performance.now() < untilMs) {
    const [next] = chosen
      .filter((kind) => jobsOf(kind).length < kind.jobs)
      .sort((one, other) => jobsOf(one).length / one.jobs - jobsOf(other).length / other.jobs);
    if (next === undefined) break;
    await measureOne(next);
  }
  const results = kinds.map((kind) => ({ kind, jobs: jobsOf(kind) })).filter(({ jobs }) => jobs.length > 0);
  if (results.length > 0) writeFileSync(table, renderTable(results));
  return results.flatMap(figuresOf);
}

type Results = { kind: Kind; jobs: JobRecord[] };

function jobsOf({ name }: Kind): JobRecord[] {
  const raw = path.join(unpacked, `${name}.jsonl`);
  const kept = path.join(packed, `${name}.jsonl.gz`);
  if (!existsSync(raw) && existsSync(kept)) {
    mkdirSync(unpacked, { recursive: true });
    writeFileSync(raw, gunzipSync(readFileSync(kept)));
  }
  return existsSync(raw) ? parseJobRecords(readFileSync(raw, 'utf8')) : [];
}

/** One more job of a kind, ended as the gate would end it; packed away once it is done. */
async function measureOne(kind: Kind): Promise<void> {
  mkdirSync(unpacked, { recursive: true });
  mkdirSync(packed, { recursive: true });
  const raw = path.join(unpacked, `${kind.name}.jsonl`);
  const neighbours = kind.neighbour ? [neighbour(1), neighbour(2)] : [];
  try {
    const { status } = spawnSync(
      process.execPath,
      [
        ...['dist/cli.js', 'verify', '--config', `bench/real-jobs/${kind.config}.yml`, '--raw', raw],
        ...(kind.inject === undefined
          ? ['--aa', String(kind.jobs)]
          : [...kind.inject, '--jobs', String(kind.jobs)]),
        ...['--pairs', '6', '--rounds-pairs', '0', '--at-most', '1'],
      ],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (status === null || status === 2 || status >= 70) throw new Error(`verify ended with ${status}`);
  } finally {
    for (const process of neighbours) process.kill('SIGKILL');
  }
  writeFileSync(path.join(packed, `${kind.name}.jsonl.gz`), gzipSync(readFileSync(raw), { level: 9 }));
}

/** Busy for 35% of the time, in bursts of 0.05 to 1.5 s at random. */
function neighbour(seed: number): ChildProcess {
  const source = `
    let state = ${seed};
    const random = () => { state = (state * 48271) % 2147483647; return state / 2147483647; };
    const burst = () => {
      const busyMs = 50 + 1450 * random();
      const end = performance.now() + busyMs;
      while (performance.now() < end);
      setTimeout(burst, busyMs * (65 / 35) * 2 * random());
    };
    for (let index = 0; index < 20; index += 1) random();
    burst();`;
  return spawn(process.execPath, ['-e', source], { stdio: 'ignore' });
}

const verdictOf = ({ decided }: JobRecord) => decided?.verdict ?? 'invalid';
const count = (jobs: readonly JobRecord[], verdict: string): number =>
  jobs.filter((job) => verdictOf(job) === verdict).length;

/** Regressions that failed within the minutes of their aim. */
const foundInTime = ({ kind, jobs }: Results): number =>
  jobs.filter((job) => verdictOf(job) === 'fail' && job.decided!.minutes <= kind.aim!.minutes).length;

const middle = (values: readonly number[]): number | null =>
  values.length === 0 ? null : [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;

function figuresOf(results: Results): Figure[] {
  const { kind, jobs } = results;
  const peer = `${jobs.length} of ${kind.jobs} jobs, ${kind.title}`;
  if (kind.aim !== undefined)
    return [
      figure(
        `found within ${kind.aim.minutes} minutes: ${kind.name}`,
        foundInTime(results) / jobs.length,
        'share of jobs',
        ...(['>=', kind.aim.share, peer] as const),
      ),
    ];
  const minutes = middle(jobs.flatMap(({ decided }) => decided?.minutes ?? []));
  return [
    figure(
      `false alarms: ${kind.name}`,
      count(jobs, 'fail') / jobs.length,
      'share of jobs',
      '<=',
      0.01,
      peer,
    ),
    figure(
      `undecided: ${kind.name}`,
      count(jobs, 'inconclusive') / jobs.length,
      'share of jobs',
      ...(['<=', kind.neighbour ? 0.25 : 0.03, peer] as const),
    ),
    ...(minutes === null || kind.neighbour
      ? []
      : [figure(`median minutes: ${kind.name}`, minutes, 'min', '<=', 3, peer)]),
  ];
}

function renderTable(all: readonly Results[]): string {
  const percent = (value: number): string => `${Math.round(value * 100)}%`;
  const rows = all.map((results) => {
    const { kind, jobs } = results;
    const good = kind.aim === undefined ? count(jobs, 'fail') : foundInTime(results);
    const { low, high } = shareBounds(good, jobs.length, 0.05);
    const decided = jobs.flatMap((job) => job.decided ?? []);
    return [
      kind.title,
      `${jobs.length} of ${kind.jobs}`,
      ...['fail', 'pass', 'inconclusive', 'invalid'].map((verdict) => count(jobs, verdict)),
      middle(decided.map(({ pairs }) => pairs)) ?? '–',
      middle(decided.map(({ minutes }) => minutes))?.toFixed(1) ?? '–',
      judgedAgain(jobs),
      kind.aim === undefined
        ? `false alarms ${good} of ${jobs.length} (${percent(low)} to ${percent(high)})`
        : `${good} of ${jobs.length} within ${kind.aim.minutes} min (${percent(low)} to ${percent(high)}); aim ${percent(kind.aim.share)}`,
    ];
  });
  const line = (cells: readonly unknown[]): string => `| ${cells.join(' | ')} |`;
  const machines = [...new Set(all.flatMap(({ jobs }) => jobs.map(({ machine }) => machine)))];
  const minutes = all.flatMap(({ jobs }) => jobs).reduce((sum, job) => sum + job.minutes, 0);
  return `# The gate on real servers, measured

Jobs whose truth is known, each a run of the shipped gate that ends with its verdict: the example chat server and the NestJS
one (TypeScript, built). Service time is injected into the head in proportion to its own; a slow path waits 5 ms longer for one
message in twenty; a standstill stops the head for 200 ms every 10 s; the neighbour is two processes that are busy 35% of the time in
random bursts of 0.05 to 1.5 s. The series is made in turns and goes on wherever it stopped: \`npm run bench -- real-jobs 60\`
measures for an hour more, on a machine that does nothing else. Raw values: \`bench/results/real-jobs/\`.

${line(['Jobs', 'Measured', 'Failed', 'Passed', 'Undecided', 'Invalid', 'Pairs', 'Minutes', 'Judged again', 'Against the aim'])}
|---|---|---|---|---|---|---|---|---|---|
${rows.map(line).join('\n')}

Pairs and minutes: the middle job, to its verdict. In brackets: where the share lies, each end with 95% confidence. Judged again: the
same pairs by the rules that ship now, where other rules ended the job; how many failed, and the pairs of the middle job.
${Math.round(minutes)} minutes in all, on: ${machines.join('; ')}.

## What each statistic shows

Deviation of ln(head / baseline) between the pairs of a job, and the change found; in brackets that change in deviations of the unchanged
jobs of its server: the pairs that are needed go with one over its square.

${statisticsTable(all)}

## What other rules do with the same jobs

How many of them each rule fails; of those without a change a false alarm each. The stored run is one of an unchanged job of the same server.

${rulesTable(all)}
`;
}

/** One line for each rule: how many jobs of each kind it fails. */
function rulesTable(all: readonly Results[]): string {
  const restored = all.map(({ kind, jobs }) => ({
    kind,
    jobs: jobs.filter(({ problem }) => problem === undefined).map(restoreJob),
  }));
  const stored = ({ config }: Kind) =>
    restored.find(({ kind }) => kind.name === `${config}-unchanged`)?.jobs ?? [];
  const rows = rules.map((rule) => [
    rule.name,
    ...restored.map(({ kind, jobs }) => {
      const answers = jobs.flatMap((job, index) => {
        const earlier = stored(kind).filter((other) => other.record.startedAt !== job.record.startedAt);
        const previous = earlier[index % earlier.length]?.pairs ?? null;
        return rule.decide({ metric: job.record.metric, pairs: job.pairs, previous }) ?? [];
      });
      const failed = answers.filter(({ verdict }) => verdict === 'fail').length;
      return answers.length === 0 ? 'too few pairs' : `${failed} of ${answers.length}`;
    }),
  ]);
  return tableOf(['Rule', ...restored.map(({ kind }) => kind.title)], rows);
}

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const tailgate: Rule = rules.find(({ name }) => name === 'Tailgate')!;

/** How many jobs the shipped rules fail, and in how many pairs the middle one is decided. */
function judgedAgain(jobs: readonly JobRecord[]): string {
  const answers = jobs
    .filter(({ problem }) => problem === undefined)
    .map(restoreJob)
    .flatMap(({ record, pairs }) => tailgate.decide({ metric: record.metric, pairs, previous: null }) ?? []);
  const failed = answers.filter(({ verdict }) => verdict === 'fail').length;
  return `${failed} failed, ${middle(answers.map(({ pairs }) => pairs)) ?? '–'} pairs`;
}

/** One line for each statistic: its noise on an unchanged server, and what it shows of each kind of change. */
function statisticsTable(all: readonly Results[]): string {
  const statistics: readonly TriedStatistic[] = ['p5', 'p10', 'p50', 'tail', 'p95'];
  const rows = statistics.map((statistic) => {
    const found = ({ jobs }: Results) =>
      tryEstimator(jobs.filter(({ problem }) => problem === undefined).map(restoreJob), statistic, shipped);
    const noiseAt = (config: Kind['config']): number | undefined => {
      const unchanged = all.find(({ kind }) => kind.name === `${config}-unchanged`);
      return unchanged === undefined ? undefined : found(unchanged)?.deviation;
    };
    return [
      statistic,
      ...all.map((results) => {
        const result = found(results);
        if (result === null) return '–';
        if (results.kind.aim === undefined) return result.deviation.toFixed(3);
        const change = `${(100 * Math.expm1(result.mean)).toFixed(1)}%`;
        const noise = noiseAt(results.kind.config);
        return noise === undefined ? change : `${change} (${(result.mean / noise).toFixed(2)})`;
      }),
    ];
  });
  return tableOf(['Statistic', ...all.map(({ kind }) => kind.title)], rows);
}
