import { type Metric, metricOf, standardCounters } from './metric.ts';
import { metricAliases } from './metric-names.ts';
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
  p5: 'p5',
  p10: 'p10',
  p50: 'p50',
  median: 'p50',
  p90: 'p90',
  p95: 'p95',
  tail: 'tail',
  p99: 'p99',
  p999: 'p999',
  max: 'max',
};

const statisticList = 'count, mean, p5, p10, p50, p90, p95, tail, p99, p999 or max';

/** One part of a dotted name; nothing in a quoted one is special. */
export type SubjectPart = { text: string; quoted: boolean };

/** The metric and statistic that the `parts` of a dotted name mean, aliases replaced. */
export const readSubject = (parts: readonly SubjectPart[]): Subject | SubjectProblem => {
  const lastPart = parts.length - 1;
  const whole = join(parts);
  const whatever = metricOf(whole).kind;
  if (whatever === 'custom' || whatever === 'error') return { metric: whole, statistic: 'value' };

  const { name, statistic } = splitStatistic(parts);
  const metric = fullName(name);
  const what = metricOf(metric);
  if (what.kind === 'resource') {
    const chosen = statistic ?? what.statistics[0]!;
    if (what.statistics.includes(chosen)) return { metric, statistic: chosen };
    const allowed = what.statistics.filter((each) => each !== 'value');
    return {
      part: lastPart,
      problem: `"${metric}" has no ${statistic}`,
      expected:
        allowed.length > 0
          ? `Write ${allowed.map((each) => `"${metric}.${each}"`).join(' or ')}.`
          : `Write "${metric}" alone.`,
    };
  }
  if (isSingleNumber(what)) {
    if (statistic === null || statistic === 'count') return { metric, statistic: 'value' };
    return {
      part: lastPart,
      problem: `"${metric}" is one number and has no ${statistic}`,
      expected: `Write "${metric}" alone.`,
    };
  }
  if (statistic === null && parts[lastPart]?.quoted === false && /^p\d+$/.test(join(parts.slice(-1))))
    return {
      part: lastPart,
      problem: `there is no statistic "${join(parts.slice(-1))}"`,
      expected: `A statistic is ${statisticList}.`,
    };
  if (statistic === null && (what.kind === 'latency' || metric === mainMetric))
    return {
      part: lastPart,
      problem: `"${metric}" is a latency and needs a statistic`,
      expected: `Write for example "${metric}.p95"; a statistic is ${statisticList}.`,
    };
  return { metric, statistic: statistic ?? 'value' };
};

/** Unit in which limits on a subject are given; null for a custom metric, which has any. */
export const unitOfSubject = ({ metric, statistic }: Subject): Unit | null => {
  const { kind, unit } = metricOf(metric);
  if (kind === 'custom' || kind === 'resource') return unit;
  if (statistic === 'count') return 'count';
  return statistic === 'value' ? unit : 'ms';
};

/** Whether a subject is a statistic of a latency distribution. */
export const isLatencySubject = ({ metric, statistic }: Subject): boolean =>
  statistic !== 'value' && metricOf(metric).kind !== 'resource';

function join(parts: readonly SubjectPart[]): string {
  return parts.map((part) => part.text).join('.');
}

/** Splits the statistic from the end of the parts; `p99.9` is two parts. */
function splitStatistic(parts: readonly SubjectPart[]): {
  name: readonly SubjectPart[];
  statistic: Statistic | null;
} {
  if (parts.at(-1)?.text === '9' && parts.at(-2)?.text === 'p99')
    return { name: parts.slice(0, -2), statistic: 'p999' };
  const last = parts.at(-1);
  if (last === undefined || last.quoted || !Object.hasOwn(statisticNames, last.text))
    return { name: parts, statistic: null };
  return { name: parts.slice(0, -1), statistic: statisticNames[last.text]! };
}

function fullName(name: readonly SubjectPart[]): string {
  if (name.length === 0) return mainMetric;
  const text = join(name);
  const isAlias = !name.some((part) => part.quoted) && Object.hasOwn(metricAliases, text);
  return isAlias ? metricAliases[text]! : text;
}

/** Counters of others (the scenario's own, a plugin's) may as well be latencies with a name of their own. */
function isSingleNumber({ id, kind }: Metric): boolean {
  return ['rate', 'work', 'endurance', 'throughput', 'peak'].includes(kind) || standardCounters.includes(id);
}
