import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { formatCount, plural } from '../metrics/notation.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';

/** Sides of a pair must have been meant to get the same load, up to this share. */
const loadTolerance = 0.1;

/** Latencies that the baseline has in number and the head does not have at all. */
const vanishedMetrics = (baseline: Values, head: Values, settings: VerdictSettings): string[] => {
  return baseline.latencies.filter((metric) => {
    const before = baseline.samples(metric);
    // What is rare at the baseline can be absent at head by chance, more so when the head was measured for less time.
    const expected = (before * head.rounds.length) / baseline.rounds.length;
    return expected >= settings.minSamplesP50 && head.samples(metric) === 0;
  });
};

/** Reasons why rounds of the two sides cannot be judged, each a sentence. */
export const inconsistencies = (
  baseline: Values,
  head: Values,
  paired: boolean,
  settings: VerdictSettings,
): string[] => {
  const reasons: string[] = [];
  if (head.rounds.length === 0) return ['Nothing was measured at head.'];
  if (!head.latencies.some((metric) => head.samples(metric) > 0))
    reasons.push('Nothing was measured: no latency was recorded at head.');
  for (const [side, { damaged }] of [
    ['head', head],
    ['baseline', baseline],
  ] as const)
    if (damaged !== null) reasons.push(`The measurement is damaged: ${damaged} at ${side} is not a number.`);
  if (reasons.length > 0) return reasons;
  for (const [side, values] of [
    ['head', head],
    ['the baseline', baseline],
  ] as const)
    reasons.push(...neverDelivered(values, side));
  reasons.push(...neverSet(head), ...neverMatched(baseline, head));
  for (const metric of vanishedMetrics(baseline, head, settings))
    reasons.push(`${metric} was measured at the baseline and not at all at head.`);
  if (paired) reasons.push(...unequalLoads(baseline, head));
  return reasons;
};

/** Deliveries were watched and none was ever seen: then the scenario watches for something else than what comes. */
const neverDelivered = (values: Values, side: string): string[] => {
  const expected = values.value('deliveries.expected', 'value') ?? 0;
  if (expected === 0 || (values.value('deliveries.lost', 'value') ?? 0) < expected) return [];
  const came = values.untagged.map(
    ({ event, path, count }) =>
      `${formatCount(count)} ${event === '' ? (count === 1 ? 'message' : 'messages') : `"${event}" ${count === 1 ? 'event' : 'events'}`} came, and none carried a tag${path === '' ? '' : ` at "${path}"`}`,
  );
  return [
    `${expected === 1 ? 'The one delivery' : `None of the ${formatCount(expected)} deliveries`} expected at ${side} was ever seen: ${came.length === 0 ? 'nothing came of what is watched' : came.join('; ')}. Check the event and the path that are watched ("delivery" of the step, or "measure.deliveries").`,
  ];
};

/** A name that never had a value is a mistake in the scenario: nothing was sent as it was meant. */
const neverSet = ({ nameUses }: Values): string[] =>
  namesOf(nameUses)
    .filter(({ empty, rendered }) => rendered > 0 && empty === rendered)
    .map(
      ({ name, empty, steps }) =>
        `Nothing ever set "{{ ${name} }}": it was empty all ${plural(empty, 'time')}, in ${listed(steps)}. Set "context.vars.${name}" in the processor before that step, or correct the name.`,
    );

/** Names that had a value at times, each as a sentence for a warning. */
export const partlyEmptyNames = ({ nameUses }: Values): string[] =>
  namesOf(nameUses)
    .filter(({ empty, rendered }) => empty > 0 && empty < rendered)
    .map(
      ({ name, empty, rendered, steps }) =>
        `"{{ ${name} }}" was empty ${formatCount(empty)} of ${plural(rendered, 'time')}, in ${listed(steps)}: those messages were sent without it.`,
    );

/** Uses of each name over all steps, and the steps where it was empty. */
const namesOf = (
  uses: Values['nameUses'],
): { name: string; empty: number; rendered: number; steps: string[] }[] =>
  [...new Set(uses.map(({ name }) => name))].map((name) => {
    const own = uses.filter((use) => use.name === name);
    const sum = (of: (use: (typeof own)[number]) => number) => own.reduce((total, use) => total + of(use), 0);
    const steps = own.filter(({ empty }) => empty > 0).map(({ step }) => step);
    return { name, empty: sum(({ empty }) => empty), rendered: sum(({ rendered }) => rendered), steps };
  });

const listed = (steps: readonly string[]): string =>
  steps
    .slice(0, 3)
    .map((step) => `"${step}"`)
    .join(', ') + (steps.length > 3 ? ` and ${steps.length - 3} more` : '');

/** Answers that a step waits for, as they stand in the names of errors. */
const unmatched = /^(ack|response|receipt) (timeout|mismatch): (.+)$/s;

/** An answer that neither side ever gave as the scenario expects it says nothing about either. */
const neverMatched = (baseline: Values, head: Values): string[] => {
  const matched = (kind: string): boolean =>
    [baseline, head].some((side) => side.latencies.some((id) => id.endsWith(`.${kind}`)));
  const kinds = new Set<string>();
  return head.errors.flatMap(({ name, count, messages }) => {
    const [, kind, how, subject] = unmatched.exec(name) ?? [];
    if (kind === undefined || kinds.has(kind) || matched(kind)) return [];
    kinds.add(kind);
    const what = how === 'timeout' ? 'never came' : 'was never what the scenario expects';
    return [
      `The ${kindNames[kind]} of "${subject}" ${what}, ${formatCount(count)} ${count === 1 ? 'time' : 'times'}${messages[0] === undefined ? '' : ` (${messages[0]})`}.`,
    ];
  });
};

const kindNames: Readonly<Record<string, string>> = {
  ack: 'acknowledgement',
  response: 'response',
  receipt: 'receipt',
};

/**
 * Arrivals are scheduled without regard to the server, so both sides must have been meant to get as many. Sends are
 * not compared: a server that refuses users gets fewer of them.
 */
const unequalLoads = (baseline: Values, head: Values): string[] =>
  head.rounds.flatMap((round, index) => {
    const before = baseline.rounds[index]!.intendedArrivals;
    const after = round.intendedArrivals;
    const most = Math.max(before, after);
    // Random arrivals differ by about the root of their number.
    if (Math.abs(before - after) <= Math.max(loadTolerance * most, 3 * Math.sqrt(most))) return [];
    return [
      `The sides of pair ${index + 1} were not given the same load: ${plural(before, 'arrival')} at the baseline, ${formatCount(after)} at head.`,
    ];
  });

/** A sentence when stored records were made by different scenarios or settings, so that they are not one history. */
export const mixedHistory = (records: readonly BaselineRecord[]): string | null => {
  const kinds = new Set(
    records.map(({ fingerprint }) => `${fingerprint.scenarioHash}/${fingerprint.settingsHash}`),
  );
  return kinds.size <= 1
    ? null
    : 'The stored runs were made by different scenarios or settings, so they cannot be compared with.';
};
