import { standardCounters } from '../measurement/round-measurement.ts';
import {
  customPrefix,
  isLatencyMetric,
  metricAliases,
  namedErrorPrefix,
  rates,
  resourceMetrics,
  throughputSuffix,
  unitOfMetric,
} from './metric-names.ts';
import { mainMetric, type Statistic, type Unit } from './threshold.ts';

/** What a threshold is about: a metric and one statistic of it. */
export type Subject = { metric: string; statistic: Statistic };

/** Why the parts of a name are not a subject; `part` is the index of the part that is wrong. */
export type SubjectProblem = { part: number; problem: string; expected: string };

const statisticNames: Readonly<Record<string, Statistic>> = {
  count: 'count',
  mean: 'mean',
  avg: 'mean',
  average: 'mean',
  p50: 'p50',
  median: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  p999: 'p999',
  max: 'max',
};

const statisticList = 'count, mean, p50, p90, p95, p99, p999 or max';

const isSingleNumber = (metric: string): boolean =>
  metric in rates ||
  metric.endsWith(throughputSuffix) ||
  (standardCounters as readonly string[]).includes(metric);

/** Splits the statistic from the end of the parts; `p99.9` is two parts. */
const splitStatistic = (parts: readonly string[]): { name: string; statistic: Statistic | null } => {
  if (parts.at(-1) === '9' && parts.at(-2) === 'p99')
    return { name: parts.slice(0, -2).join('.'), statistic: 'p999' };
  const statistic = statisticNames[parts.at(-1) ?? ''];
  return statistic === undefined
    ? { name: parts.join('.'), statistic: null }
    : { name: parts.slice(0, -1).join('.'), statistic };
};

/** The metric and statistic that the dotted `parts` of a name mean, aliases replaced. */
export const readSubject = (parts: readonly string[]): Subject | SubjectProblem => {
  const lastPart = parts.length - 1;
  const whole = parts.join('.');
  if (whole.startsWith(customPrefix) || whole.startsWith(namedErrorPrefix))
    return { metric: whole, statistic: 'value' };

  const { name, statistic } = splitStatistic(parts);
  const metric = name === '' ? mainMetric : (metricAliases[name] ?? name);
  const resource = resourceMetrics[metric];
  if (resource !== undefined) {
    const chosen = statistic ?? resource.statistics[0]!;
    if (resource.statistics.includes(chosen)) return { metric, statistic: chosen };
    const allowed = resource.statistics.filter((each) => each !== 'value');
    return {
      part: lastPart,
      problem: `"${metric}" has no ${statistic}`,
      expected:
        allowed.length > 0
          ? `Write ${allowed.map((each) => `"${metric}.${each}"`).join(' or ')}.`
          : `Write "${metric}" alone.`,
    };
  }
  if (isSingleNumber(metric)) {
    if (statistic === null || statistic === 'count') return { metric, statistic: 'value' };
    return {
      part: lastPart,
      problem: `"${metric}" is one number and has no ${statistic}`,
      expected: `Write "${metric}" alone.`,
    };
  }
  if (statistic === null && /^p\d+$/.test(parts.at(-1)!))
    return {
      part: lastPart,
      problem: `there is no statistic "${parts.at(-1)}"`,
      expected: `A statistic is ${statisticList}.`,
    };
  if (statistic === null && (isLatencyMetric(metric) || metric === mainMetric))
    return {
      part: lastPart,
      problem: `"${metric}" is a latency and needs a statistic`,
      expected: `Write for example "${metric}.p95"; a statistic is ${statisticList}.`,
    };
  return { metric, statistic: statistic ?? 'value' };
};

/** Unit in which limits on a subject are given; null for a custom metric, which has any. */
export const unitOfSubject = ({ metric, statistic }: Subject): Unit | null => {
  if (metric.startsWith(customPrefix)) return null;
  if (metric in resourceMetrics) return resourceMetrics[metric]!.unit;
  if (statistic === 'count') return 'count';
  return statistic === 'value' ? unitOfMetric(metric) : 'ms';
};
