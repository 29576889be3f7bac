import { type TailgateError, tailgateError } from '../errors.ts';
import { literalPattern } from './literal-pattern.ts';
import { metricOf, standardCounters } from './metric.ts';
import { enduranceMetrics, metricAliases, rates, resourceMetrics, workMetrics } from './metric-names.ts';
import { nearestName } from './nearest-name.ts';
import { mainMetric, type Threshold } from './threshold.ts';

/** What a suite can measure, as far as it is known before the run. */
export type KnownMetrics = {
  /** Latency metrics; null when the scenario does not tell them all (functions, variables in event names). */
  latencies: readonly string[] | null;
  /** Counters beside the standard ones, for example of the scenario's own functions; null when not known. */
  counters: readonly string[] | null;
  /** Names of custom metrics with `custom.`; null when not known until the command has run. */
  custom: readonly string[] | null;
  /** Whether the process tree of the server can be sampled. */
  resources: boolean;
  /** Whether what stays when the users have gone is measured. */
  endurance?: boolean;
};

/** Names that are shown at most: the nearest to what was written. */
const shownNames = 6;

/**
 * `over` on top of `under`: a limit of `over` replaces those of `under` on the same metric and statistic and of the same
 * kind (absolute, or against the baseline); the others of `under` stay.
 */
export const mergeThresholds = (under: readonly Threshold[], over: readonly Threshold[]): Threshold[] => {
  const replaced = new Set(over.map(subjectKey));
  return [...under.filter((threshold) => !replaced.has(subjectKey(threshold))), ...over];
};

/** Whether `over` takes the place of `under` where both are set: same metric, statistic and kind. */
export const replacesLimit = (over: Threshold, under: Threshold): boolean =>
  subjectKey(over) === subjectKey(under);

/** Whether a name is one of those that `pattern` stands for, in which `*` is any characters. */
export const matchesPattern = (pattern: string): ((metric: string) => boolean) => {
  const literals = pattern.split('*').map(literalPattern);
  const whole = new RegExp(`^${literals.join('.*')}$`, 'su');
  return (metric) => whole.test(metric);
};

/**
 * THRESHOLD_UNKNOWN_METRIC for each metric that the suite cannot measure, once, with the nearest that it can and what
 * would measure the wanted one. What is not known before the run (null) is accepted here, and judged invalid if it
 * never appears.
 */
export const checkThresholds = (thresholds: readonly Threshold[], known: KnownMetrics): TailgateError[] => {
  const unknown = new Map<string, Threshold[]>();
  for (const threshold of thresholds.filter((each) => !canMeasure(each, known)))
    unknown.set(threshold.metric, [...(unknown.get(threshold.metric) ?? []), threshold]);
  return [...unknown].map(([metric, [first, ...others]]) => {
    const { statistic, where } = first!;
    const names = listed(known);
    const candidates = statistic === 'value' ? [...names, ...standardCounters, ...Object.keys(rates)] : names;
    const latencies = known.latencies ?? [];
    // "chat.p95" for "chat.ack.p95": the subject is right and the kind is missing.
    const suggestion =
      latencies.find((name) => name.startsWith(`${metric}.`)) ?? nearestName(metric, candidates);
    return tailgateError(
      'THRESHOLD_UNKNOWN_METRIC',
      {
        sources: [first!, ...others].map(({ source }) => source),
        metric,
        suggestion,
        nearest: nearestNames(
          metric,
          statistic === 'value' ? names.filter((name) => !latencies.includes(name)) : latencies,
        ),
        how: howToMeasure(metric),
      },
      where,
    );
  });
};

function subjectKey({ metric, statistic, bound }: Threshold): string {
  return `${metric} ${statistic} ${bound.kind}`;
}

function canMeasure({ metric, statistic, wildcard }: Threshold, known: KnownMetrics): boolean {
  const { kind, by, of } = metricOf(metric);
  if (kind === 'error' || kind === 'rate' || kind === 'peak') return true;
  if (kind === 'custom') return known.custom === null || known.custom.includes(metric);
  if (kind === 'endurance') return known.resources && known.endurance === true;
  if (kind === 'resource' || kind === 'work') return known.resources || by === 'generator';
  if (statistic !== 'value') {
    if (known.latencies === null) return true;
    if (metric === mainMetric) return known.latencies.length > 0;
    return wildcard ? known.latencies.some(matchesPattern(metric)) : known.latencies.includes(metric);
  }
  const counter = kind === 'throughput' ? of! : metric;
  return standardCounters.includes(counter) || known.counters === null || known.counters.includes(counter);
}

/** What can be written: latencies first, a counter by its short name if it has one. */
function listed(known: KnownMetrics): string[] {
  const named = new Set(Object.values(metricAliases));
  const counters = [...standardCounters, ...(known.counters ?? [])].filter((name) => !named.has(name));
  return [
    ...new Set([
      ...(known.latencies ?? []),
      ...(known.custom ?? []),
      ...Object.keys(metricAliases),
      ...counters,
      'errors.rate',
      ...(known.resources ? Object.keys(resourceMetrics) : []),
      ...(known.endurance === true && known.resources ? Object.keys(enduranceMetrics) : []),
      ...Object.keys(workMetrics).filter((name) => known.resources || name.startsWith('wire.')),
    ]),
  ];
}

/** Names that share most with a metric: its subject or its kind first, then by their letters. */
function nearestNames(metric: string, names: readonly string[]): string[] {
  const [subject = '', kind = ''] = [
    metric.slice(0, metric.lastIndexOf('.')),
    metric.slice(metric.lastIndexOf('.') + 1),
  ];
  const rank = (name: string): number =>
    (name.startsWith(`${metric}.`) || (subject !== '' && name.startsWith(`${subject}.`)) ? 0 : 1) +
    (name.endsWith(`.${kind}`) ? 0 : 1);
  return [...names].sort((a, b) => rank(a) - rank(b)).slice(0, shownNames);
}

/** What makes a latency of this name, by its kind. */
function howToMeasure(metric: string): string | null {
  if (metricOf(metric).kind === 'endurance') return 'a suite with "kind: endurance" measures it';
  const subject = metric.slice(0, metric.lastIndexOf('.'));
  switch (metric.slice(metric.lastIndexOf('.') + 1)) {
    case 'delivery':
      return `a step that sends "${subject}" has it with "{{ $tag }}" in its message and "delivery:" beside it`;
    case 'ack':
      return `a step that emits "${subject}" has it with "acknowledge: {}", or with "measure.acknowledgements: [${subject}]"`;
    case 'response':
      return `a step that sends "${subject}" has it with "response:"`;
    case 'receipt':
      return `a step that sends "${subject}" has it with "receipt: true"`;
    default:
      return null;
  }
}
