import { enduranceValue } from '../metrics/endurance-series.ts';
import { latency, metricOf } from '../metrics/metric.ts';
import type { Statistic } from '../metrics/threshold.ts';
import { eventsIn, peakOf, statisticOfSummary, type Values, valueFromCounters } from '../metrics/values.ts';
import type { LatencySummaryReport, MetricReport, ResourceReport, SuiteReport } from './report-model.ts';

/**
 * What a report holds of the head of one suite, and nothing else: what it does not hold was not observed. It is one round,
 * because the rounds behind it are not all told.
 */
export function valuesOfReport(suite: SuiteReport): Values {
  const heads = suite.rounds.filter(({ side }) => side === 'head');
  const activeMs = heads.reduce((sum, round) => sum + round.activeMs, 0);
  const counters = countersOf(suite);
  const quiet = heads.flatMap((round) => round.quiet ?? []);
  const resources = suite.resources?.head ?? null;
  const find = (id: string): MetricReport | undefined => suite.metrics.find((metric) => metric.id === id);
  const summary = (id: string): LatencySummaryReport | null => find(id)?.head ?? null;
  const latencies = suite.metrics.filter(({ head }) => head !== null).map(({ id }) => id);
  const metric: Values['metric'] = (id) => (latencies.includes(id) ? latency(id) : metricOf(id));
  const value = (id: string, statistic: Statistic): number | null => {
    const { kind, of } = metric(id);
    switch (kind) {
      case 'latency': {
        const known = summary(id);
        return known === null ? null : statisticOfSummary(known, statistic);
      }
      case 'error':
        return suite.errors.find(({ name }) => name === of)?.count ?? 0;
      case 'peak':
        return suite.sendRate?.head?.maxPerSecond ?? null;
      case 'resource':
        return resourceOf(resources, counters, id, statistic) ?? heldValue(find(id), statistic);
      case 'endurance':
        return enduranceValue(quiet, id) ?? heldValue(find(id), statistic);
      case 'work':
      case 'custom':
        return heldValue(find(id), statistic);
      default:
        return valueFromCounters(id, counters, activeMs) ?? heldValue(find(id), statistic);
    }
  };
  const values: Values = {
    rounds: [],
    latencies: latencies.sort(),
    custom: suite.metrics.flatMap(({ id, headValue }) => {
      const { kind, of } = metric(id);
      return kind === 'custom' && headValue !== null ? [of!] : [];
    }),
    errors: suite.errors.map(({ name, count, messages, steps }) => ({ name, count, messages, steps })),
    untagged: [],
    nameUses: [],
    answers: [],
    unheard: [],
    quiet,
    checks: [],
    intendedArrivals: suite.generator?.intendedArrivals ?? 0,
    damaged: null,
    metric,
    value,
    samples: (id) => summary(id)?.count ?? 0,
    summary: (id) => {
      const known = summary(id);
      const entries = Object.entries(known ?? {}).map(([field, number]) => [field, number ?? Number.NaN]);
      return known === null ? null : (Object.fromEntries(entries) as ReturnType<Values['summary']>);
    },
    events: (id) => eventsIn(counters, suite.errors, id),
  };
  return { ...values, rounds: [values] };
}

function countersOf(suite: SuiteReport): Record<string, number> {
  return Object.fromEntries(
    Object.entries(suite.counters).flatMap(([name, { head }]) => (head === null ? [] : [[name, head]])),
  );
}

function resourceOf(
  usage: ResourceReport | null,
  counters: Readonly<Record<string, number>>,
  id: string,
  statistic: Statistic,
): number | null {
  if (usage === null) return null;
  if (statistic === 'max') return peakOf(usage, id);
  const messages = counters['messages.sent'] ?? 0;
  return id === 'server.cpuPerMessage' && messages > 0 && usage.cpuSeconds !== null
    ? (1000 * usage.cpuSeconds) / messages
    : null;
}

/** The one value of a metric, where it is that of the statistic: an absolute limit tells what it was held against. */
function heldValue(metric: MetricReport | undefined, statistic: Statistic): number | null {
  if (metric === undefined) return null;
  const limit = metric.limit.find((one) => one.statistic === statistic && one.value != null);
  if (limit !== undefined) return limit.value!;
  const shown = metric.limit[0]?.statistic ?? metric.change[0]?.statistic ?? 'value';
  return shown === statistic ? metric.headValue : null;
}
