/**
 * Which estimator of the difference inside a pair is best: pooled quantiles, the mean of the log ratios of adjacent
 * slices, or their 20%-trimmed mean. Prints, for several simulated machines, the deviation between pairs when nothing
 * changed (smaller needs fewer pairs) and the mean that it finds when the head is 10% slower, has a slower tail, or
 * stalls in one slice of ten.
 */

import { mean } from '../src/metrics/averages.ts';
import { estimatorFor, type PairEstimator, pairLogRatio } from '../src/verdict/statistics/pair-effect.ts';
import { standardDeviation } from '../src/verdict/statistics/robust.ts';
import {
  metricId,
  noRegression,
  quietWorld,
  type Regression,
  simulatePairs,
  type World,
} from '../test/verdict/simulator.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'how steady each estimator of the difference inside a pair is, on simulated machines';

const worlds: Record<string, World> = {
  'quiet machine': { ...quietWorld, burstShare: 0 },
  'bursts in 3% of slices': { ...quietWorld, rate: 150 },
  'bursts in 10% of slices': { ...quietWorld, rate: 150, burstShare: 0.1 },
  'strong drift': { ...quietWorld, rate: 150, driftPerSlice: 0.1 },
  'load that fills up (20 to 200 a slice)': { ...quietWorld, rate: 200, startShare: 0.1 },
  'few messages (20 a slice)': { ...quietWorld, rate: 20 },
};

const regressions: Record<string, Regression> = {
  'nothing changed': noRegression,
  '10% slower': { ...noRegression, slower: 1.1 },
  'tail 20% slower': { ...noRegression, tail: 1.2 },
  'stall in 1 slice of 10': { ...noRegression, stallMs: 200, stallShare: 0.1 },
};

const estimators = ['pooled', 'mean', 'trimmed'] as const;

/** `args[0]`: pairs of each machine and change, 200 if not given. The tables go to stderr. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const pairCount = Number(args[0] ?? 200);
  const print = (line: string): void => void process.stderr.write(`${line}\n`);
  const gains: Figure[] = [];
  for (const [worldName, world] of Object.entries(worlds)) {
    const simulated = Object.values(regressions).map((regression, index) =>
      simulatePairs(world, regression, pairCount, 100 + index),
    );
    print(`\n## ${worldName}\n`);
    print(
      '| statistic | estimator | deviation, nothing changed | 10% slower | slower tail | stall in 1 of 10 |',
    );
    print('|---|---|---|---|---|---|');
    for (const statistic of ['p50', 'p95', 'p99', 'max'] as const) {
      const deviations: Partial<Record<PairEstimator, number>> = {};
      for (const name of estimators) {
        if (statistic === 'max' && name !== 'pooled') continue;
        const cells = simulated.map((pairs) => {
          const values = pairs.flatMap(
            (pair) => pairLogRatio(pair.baseline, pair.head, metricId, statistic, name) ?? [],
          );
          return { mean: mean(values), deviation: standardDeviation(values) };
        });
        const signal = cells
          .slice(1)
          .map(
            (cell) =>
              `${(100 * Math.expm1(cell.mean)).toFixed(1)}% (t ${(cell.mean / cell.deviation).toFixed(1)} a pair)`,
          );
        deviations[name] = cells[0]!.deviation;
        print(`| ${statistic} | ${name} | ${cells[0]!.deviation.toFixed(3)} | ${signal.join(' | ')} |`);
      }
      const shipped = deviations[estimatorFor(statistic)];
      if (statistic !== 'max' && shipped !== undefined && deviations.pooled !== undefined)
        gains.push(
          figure(
            `deviation of the ${statistic} between unchanged pairs, ${worldName}`,
            shipped / deviations.pooled,
            'ratio',
            '<=',
            1.05,
            'pooled quantiles of the same pairs',
          ),
        );
    }
  }
  return gains;
};
