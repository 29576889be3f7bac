import { mean } from '../src/metrics/averages.ts';
import type { RoundMeasurement } from '../src/metrics/round-measurement.ts';
import { observedValue } from '../src/metrics/values.ts';
import type { MeasuredPair } from '../src/verdict/judgement.ts';
import { minSlices, pairLogRatio } from '../src/verdict/statistics/pair-effect.ts';
import { standardDeviation } from '../src/verdict/statistics/robust.ts';
import type { RestoredJob } from '../src/verdict/summarise-jobs.ts';

/*
 * Whether slices should be left out of a pair: the first ones, in which a server may still be warming up, and those in
 * which others kept the machine busy. Both sides lose the same slices.
 */

type Keep = (pair: MeasuredPair, index: number) => boolean;

const statistics = ['p5', 'p50', 'tail', 'p95', 'p99'] as const;

/** Cores that others kept busy while a slice was driven at either side; 0 where nothing told. */
const foreignCores = ({ baseline, head }: MeasuredPair, index: number): number =>
  Math.max(baseline.foreignCores?.[index] ?? 0, head.foreignCores?.[index] ?? 0);

const byTurn: readonly [name: string, keep: Keep][] = [
  ['all slices', () => true],
  ['without the first', (_, index) => index >= 1],
  ['without the first two', (_, index) => index >= 2],
];

const byOthers = [0.5, 0.3, 0.2, 0.1].map((most): [name: string, keep: Keep] => [
  `without those beside ${most} cores of others`,
  (pair, index) => foreignCores(pair, index) <= most,
]);

/** The pair with the slices that are kept; whole, where fewer are left than an estimate needs. */
export const withSlices = (pair: MeasuredPair, keep: Keep): MeasuredPair => {
  const kept = pair.head.slices.map((_, index) => keep(pair, index));
  if (kept.filter(Boolean).length < minSlices) return pair;
  const cut = (round: RoundMeasurement): RoundMeasurement => ({
    ...round,
    slices: round.slices.filter((_, index) => kept[index] ?? false),
  });
  return { baseline: cut(pair.baseline), head: cut(pair.head) };
};

/** Deviation of ln(head / baseline) between the pairs of unchanged jobs, by the shipped estimator, for each choice. */
export const choicesTable = (jobs: readonly RestoredJob[]): string => {
  const equal = jobs.filter(({ record }) => record.truth === 1);
  const all = equal.flatMap(({ pairs }) => pairs);
  const areKnown = all.some(({ head }) => head.foreignCores !== undefined);
  const rows = [...byTurn, ...(areKnown ? byOthers : [])].map(([name, keep]) => {
    const left = all.flatMap((pair) => pair.head.slices.map((_, index) => keep(pair, index)));
    const cells = statistics.map((statistic) => {
      const variances = equal
        .map(({ record, pairs }) =>
          pairs.flatMap((pair) => {
            const { baseline, head } = withSlices(pair, keep);
            return pairLogRatio(baseline, head, record.metric, statistic) ?? [];
          }),
        )
        .filter((job) => job.length > 1)
        .map((job) => standardDeviation(job) ** 2);
      return variances.length === 0 ? '–' : Math.sqrt(mean(variances)).toFixed(4);
    });
    const share = left.length === 0 ? 1 : left.filter(Boolean).length / left.length;
    return `| ${name} | ${Math.round(100 * share)}% | ${cells.join(' | ')} |`;
  });
  return [
    `| slices that count | of all | ${statistics.join(' | ')} |`,
    `|---|---|${statistics.map(() => '---').join('|')}|`,
    ...rows,
  ].join('\n');
};

/** Slice by slice: how far a side lies above its own last five, and how much the log ratio of the two sides deviates. */
export const warmUpTable = (jobs: readonly RestoredJob[]): string => {
  const equal = jobs.filter(({ record }) => record.truth === 1);
  const count = Math.max(0, ...equal.flatMap(({ pairs }) => pairs.map(({ head }) => head.slices.length)));
  const logs = (of: 'p5' | 'p50') =>
    equal.flatMap(({ record, pairs }) =>
      pairs.flatMap(({ baseline, head }) => {
        const sides = [baseline, head].map(({ slices }) =>
          slices.map((metrics) =>
            Math.log(observedValue([{ ...head, metrics }], record.metric, of) ?? Number.NaN),
          ),
        );
        return sides.every((side) => side.length === count && side.every(Number.isFinite)) ? [sides] : [];
      }),
    );
  const rows = (['p5', 'p50'] as const).flatMap((statistic) => {
    const all = logs(statistic);
    const above = (index: number): number =>
      Math.expm1(mean(all.flatMap((sides) => sides.map((side) => side[index]! - mean(side.slice(-5))))));
    const deviation = (index: number): number =>
      standardDeviation(all.map(([baseline, head]) => head![index]! - baseline![index]!));
    const indexes = Array.from({ length: count }, (_, index) => index);
    return all.length < 2
      ? []
      : [
          `| ${statistic}, above the last five | ${indexes.map((index) => `${(100 * above(index)).toFixed(0)}%`).join(' | ')} |`,
          `| ${statistic}, deviation of the ratio | ${indexes.map((index) => deviation(index).toFixed(3)).join(' | ')} |`,
        ];
  });
  return [
    `| slice | ${Array.from({ length: count }, (_, index) => index + 1).join(' | ')} |`,
    `|---|${'---|'.repeat(count)}`,
    ...rows,
  ].join('\n');
};
