/**
 * False alarms and power of the shipped decision, side by side, by simulation: one line per noise level and change,
 * with all default gates together.
 */
import {
  evenJob,
  type FastJob,
  ratesOf,
  runJobs,
  tailJob,
  typicalJob,
} from '../test/verdict/series-simulator.ts';
import { defaultSettings } from '../test/verdict/simulator.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'false alarms and power of the shipped decision side by side, all default gates, simulated';

/** A pair of ten slices a side, warmed up for 4 s at once. */
const minutesPerPair = 25 / 60;

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** How floor, median, tail and p99 are noisy: all alike, or as on a real chat server; and a change of the tail alone. */
const shapes: readonly ((effect: number, deviation: number, correlation: number) => FastJob)[] = [
  evenJob,
  typicalJob,
];
/** The deviations between the pairs of the real jobs in bench/results/real-jobs, whose machine was noisier. */
const noisierJob = (effects: FastJob['effects']): FastJob => ({
  deviations: [0.04, 0.047, 0.072, 0.18, 0.43],
  effects,
  correlation: 0.6,
});
/**
 * Changes that the example server was seen to make of +2% and +5% of service time, in the first series and in that of
 * real-jobs; and changes of the slow messages alone.
 */
const others: readonly [string, FastJob][] = [
  ['+2% of service time', { ...typicalJob(0, 0.125), effects: [0.037, 0.028, 0.023, 0.01, 0] }],
  ['+5% of service time', { ...typicalJob(0, 0.125), effects: [0.093, 0.07, 0.06, 0, 0] }],
  ['+2% as in real-jobs', noisierJob([0.021, 0.012, 0.016, 0, 0])],
  ['+5% as in real-jobs', noisierJob([0.074, 0.047, 0.037, 0, 0])],
  ['none, as in real-jobs', noisierJob([0, 0, 0, 0, 0])],
  ['+10% of the tail', tailJob(0.1, 0.125)],
  ['+20% of the tail', tailJob(0.2, 0.125)],
  ['none', typicalJob(0, 0.125)],
];
/** Deviations of the p95 between pairs, and true changes. */
const cases = [
  [0.02, [0, 0.05]],
  [0.05, [0, 0.05, 0.1]],
  [0.1, [0, 0.1, 0.2]],
  [0.14, [0, 0.2]],
] as const;

type Line = { deviation: number; correlation: number; effect: number; fail: number; early: number };

/** `args[0]`: jobs a line, 4,000 if not given. The table goes to stderr. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const jobs = Number(args[0] ?? 4_000);
  const print = (line: string): void => void process.stderr.write(`${line}\n`);
  print(
    `${jobs} jobs a line; looks from ${defaultSettings.minPairs} to ${defaultSettings.maxPairs} pairs.\n`,
  );
  print(
    '| deviations of p5, p50, tail, p99 | correlation | change | fail | fail by 10 pairs | pass | inconclusive | median pairs | mean minutes |',
  );
  print('|---|---|---|---|---|---|---|---|---|');
  const lines: Line[] = [];
  let seed = 1;
  for (const make of shapes)
    for (const [deviation, effects] of cases)
      for (const correlation of [0, 0.6, 0.9])
        for (const effect of effects) {
          seed += 1;
          const job = make(effect, deviation, correlation);
          const outcomes = runJobs(job, jobs, seed);
          const rates = ratesOf(outcomes);
          const early =
            outcomes.filter(({ verdict, pairs }) => verdict === 'fail' && pairs <= 10).length / jobs;
          const deviations = job.deviations.slice(0, 4).map((one) => one.toFixed(3));
          print(
            `| ${deviations.join(', ')} | ${correlation} | +${Math.round(effect * 100)}% | ${percent(rates.fail)} | ${percent(early)} | ${percent(rates.pass)} | ${percent(rates.inconclusive)} | ${rates.medianPairs} | ${(rates.meanPairs * minutesPerPair).toFixed(1)} |`,
          );
          lines.push({ deviation, correlation, effect, fail: rates.fail, early });
        }
  for (const [name, job] of others) {
    seed += 1;
    const outcomes = runJobs(job, jobs, seed);
    const rates = ratesOf(outcomes);
    const early = outcomes.filter(({ verdict, pairs }) => verdict === 'fail' && pairs <= 10).length / jobs;
    const deviations = job.deviations.slice(0, 4).map((one) => one.toFixed(3));
    print(
      `| ${deviations.join(', ')} | ${job.correlation} | ${name} | ${percent(rates.fail)} | ${percent(early)} | ${percent(rates.pass)} | ${percent(rates.inconclusive)} | ${rates.medianPairs} | ${(rates.meanPairs * minutesPerPair).toFixed(1)} |`,
    );
  }
  const of = (effect: number, deviation: number): Line[] =>
    lines.filter((line) => line.effect === effect && line.deviation === deviation);
  const least = (chosen: readonly Line[], value: (line: Line) => number) => Math.min(...chosen.map(value));
  const peer = `${jobs} simulated jobs a case, the worst case`;
  return [
    figure(
      'unchanged jobs that fail',
      Math.max(...lines.filter(({ effect }) => effect === 0).map(({ fail }) => fail)),
      'share',
      '<=',
      // Three standard errors of a share of one percent.
      Number((0.01 + 3 * Math.sqrt((0.01 * 0.99) / jobs)).toFixed(4)),
      peer,
    ),
    figure(
      '+5% found by 10 pairs, deviation 0.02',
      least(of(0.05, 0.02), (line) => line.early),
      'share',
      '>=',
      0.95,
      peer,
    ),
    figure(
      '+10% found, deviation 0.10',
      least(of(0.1, 0.1), (line) => line.fail),
      'share',
      '>=',
      0.95,
      peer,
    ),
    figure(
      '+20% found, deviation 0.14',
      least(of(0.2, 0.14), (line) => line.fail),
      'share',
      '>=',
      0.99,
      peer,
    ),
  ];
};
