import { namedErrorPrefix, rates } from '../metrics/metric-names.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { EventCount } from './statistics/error-counts.ts';

const rateOfCounter = (metric: string) =>
  (Object.hasOwn(rates, metric) ? rates[metric] : undefined) ??
  Object.values(rates).find((rate) => rate.part === metric);

/**
 * Failures and attempts of one round for a failure count or its rate: attempts are those of the rate where there is
 * one, the users started for `disconnects`, and those of `errors.rate` for an error by name. Null when the counter was
 * not kept.
 */
export const eventCountOf = (round: RoundMeasurement, metric: string): EventCount | null => {
  const sum = (names: readonly string[]) =>
    names.reduce((total, name) => total + (round.counters[name] ?? 0), 0);
  if (metric.startsWith(namedErrorPrefix)) {
    const name = metric.slice(namedErrorPrefix.length);
    const events = round.errors.reduce((total, error) => total + (error.name === name ? error.count : 0), 0);
    return { events, attempts: sum(rates['errors.rate']!.of) };
  }
  const rate = rateOfCounter(metric);
  const events = round.counters[rate?.part ?? metric];
  if (events === undefined || Number.isNaN(events)) return null;
  return { events, attempts: sum(rate?.of ?? ['users.created']) };
};
