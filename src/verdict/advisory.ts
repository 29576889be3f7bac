import { resourceMetrics } from '../metrics/metric-names.ts';
import { formatChange, formatInterval, plural, subjectName } from '../metrics/notation.ts';
import type { Statistic } from '../metrics/threshold.ts';
import type { Change, MeasuredPair } from './judgement.ts';
import type { GateOutcome } from './outcome.ts';
import { studentTUpperQuantile, studentTUpperTail } from './statistics/distributions.ts';
import { falseDiscoveries } from './statistics/false-discovery.ts';
import { pairLogRatio, sketchResolution, summarisePairs, typicalValues } from './statistics/pair-effect.ts';

/** Share of the advisory findings that may be false: Benjamini and Hochberg. */
const falseDiscoveryRate = 0.05;

const confidence = 0.95;

export type AdvisoryChange = {
  metric: string;
  statistic: Statistic;
  change: Change & { low: number; high: number };
  p: number;
};

/**
 * The change of every metric that no limit on a change holds for, with an ordinary 95% interval, and sentences for those that stand
 * out. They never fail a run.
 */
export const adviseOnPairs = (
  pairs: readonly MeasuredPair[],
  metrics: readonly string[],
  latencies: ReadonlySet<string>,
  gated: ReadonlySet<string>,
  materialityPercent: number,
): { changes: AdvisoryChange[]; findings: string[] } => {
  if (pairs.length < 2) return { changes: [], findings: [] };
  const changes = metrics.flatMap((metric) =>
    statisticsOf(metric, latencies).flatMap((statistic): AdvisoryChange[] => {
      if (gated.has(`${metric}/${statistic}`)) return [];
      const ratios = pairs.map((pair) => pairLogRatio(pair.baseline, pair.head, metric, statistic));
      if (!ratios.every((ratio) => ratio !== null)) return [];
      const summary = summarisePairs(ratios, latencies.has(metric) ? sketchResolution : 1e-6);
      const degrees = summary.pairs - 1;
      const reach = studentTUpperQuantile((1 - confidence) / 2, degrees) * summary.standardError;
      const change = {
        statistic,
        relative: Math.expm1(summary.mean),
        ...typicalValues(pairs, metric, statistic, summary.mean),
        low: Math.expm1(summary.mean - reach),
        high: Math.expm1(summary.mean + reach),
        confidence,
        samples: summary.pairs,
      };
      const p = 2 * studentTUpperTail(Math.abs(summary.mean) / summary.standardError, degrees);
      return [{ metric, statistic, change, p }];
    }),
  );
  const standOut = falseDiscoveries(
    changes.map(({ p }) => p),
    falseDiscoveryRate,
  );
  const findings = changes
    .filter((one, index) => standOut[index] && Math.abs(one.change.relative) * 100 >= materialityPercent)
    .map(
      ({ metric, statistic, change }) =>
        `Worth a look, though no limit is on its change: ${subjectName(metric, statistic)} changed by ${formatChange(change)} in ${plural(change.samples, 'pair')}.`,
    );
  return { changes, findings };
};

/**
 * What the server's CPU time per message says of latencies that failed, in a sentence: whether the code does more, or
 * waits longer. It is measured by the kernel and not by the generator, so it is a second witness. Null when no latency
 * failed, when it was not sampled, or when it cannot tell: its interval holds both no rise and one that matters.
 */
export const cpuWitness = (
  outcomes: readonly GateOutcome[],
  changes: readonly AdvisoryChange[],
  materialityPercent: number,
): string | null => {
  const failed = outcomes.some(
    ({ gate, state }) =>
      state === 'fail' &&
      gate.kind === 'change' &&
      gate.unit === 'ms' &&
      gate.metric !== 'server.cpuPerMessage',
  );
  const found = changes.find(({ metric }) => metric === 'server.cpuPerMessage');
  if (!failed || found === undefined) return null;
  const { low, high } = found.change;
  if (low > 0)
    return `The CPU time that a message costs the server changed by ${formatChange(found.change)} too: the code does more.`;
  if (high * 100 < materialityPercent)
    return `The CPU time that a message costs the server did not rise (${formatInterval(low, high)}): it is not work that takes longer, but waiting, for example for a database, a lock or a timer.`;
  return null;
};

function statisticsOf(metric: string, latencies: ReadonlySet<string>): readonly Statistic[] {
  if (latencies.has(metric)) return ['p50', 'p95', 'p99'];
  return [resourceMetrics[metric]?.statistics[0] ?? 'value'];
}
