/**
 * False alarms and power of the shipped decision, side by side, by simulation: one line per noise level and change,
 * with all default gates together.
 *
 *     node bench/verdict-power.ts [jobs]
 */

import { evenJob, type FastJob, ratesOf, runJobs, typicalJob } from '../test/verdict/series-simulator.ts';
import { defaultSettings } from '../test/verdict/simulator.ts';

const jobs = Number(process.argv[2] ?? 8000);
const minutesPerPair = 0.5;

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

console.log(
  `${jobs} jobs a line; looks from ${defaultSettings.minPairs} to ${defaultSettings.maxPairs} pairs.\n`,
);
console.log(
  '| deviations of p50, p95, p99 | correlation | change | fail | fail by 10 pairs | pass | inconclusive | median pairs | mean minutes |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
const shapes: [string, (effect: number, deviation: number, correlation: number) => FastJob][] = [
  ['even', evenJob],
  ['typical', typicalJob],
];
let seed = 1;
for (const [, make] of shapes) {
  for (const [deviation, effects] of [
    [0.02, [0, 0.05]],
    [0.05, [0, 0.05, 0.1]],
    [0.1, [0, 0.1, 0.2]],
    [0.14, [0, 0.2]],
  ] as const) {
    for (const correlation of [0, 0.6, 0.9]) {
      for (const effect of effects) {
        seed += 1;
        const job = make(effect, deviation, correlation);
        const outcomes = runJobs(job, jobs, seed);
        const rates = ratesOf(outcomes);
        const early =
          outcomes.filter(({ verdict, pairs }) => verdict === 'fail' && pairs <= 10).length / jobs;
        const deviations = job.deviations.slice(0, 3).map((one) => one.toFixed(3));
        console.log(
          `| ${deviations.join(', ')} | ${correlation} | +${Math.round(effect * 100)}% | ${percent(rates.fail)} | ${percent(early)} | ${percent(rates.pass)} | ${percent(rates.inconclusive)} | ${rates.medianPairs} | ${(rates.meanPairs * minutesPerPair).toFixed(1)} |`,
        );
      }
    }
  }
}
