import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { mergeAnswers, mergeErrors } from '../metrics/merge-rounds.ts';
import { atSide, formatCount, plural } from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';

/** Sides of a pair must have been meant to get the same load, up to this share. */
const loadTolerance = 0.1;

/** Answers that a step waits for, as they stand in the names of errors. */
const unmatched = /^(?:(ack|response|receipt|message) (timeout|mismatch)|refused|rejected): (.+)$/s;

/** A step whose answer was missed fewer times than this says nothing about a step: one user may have been unlucky. */
const minMissed = 3;

const maxUnheard = 3;

const kindNames: Readonly<Record<string, string>> = {
  ack: 'acknowledgement',
  response: 'response',
  receipt: 'receipt',
  message: 'message',
};

/** Reasons why rounds of the two sides cannot be judged, each a sentence. */
export const inconsistencies = (
  baseline: Values,
  head: Values,
  paired: boolean,
  settings: VerdictSettings,
): string[] => {
  const reasons: string[] = [];
  if (head.rounds.length === 0) return ['Nothing was measured in this PR.'];
  if (!head.latencies.some((metric) => head.samples(metric) > 0))
    reasons.push('Nothing was measured: no latency was recorded in this PR.');
  for (const [side, { damaged }] of [
    ['head', head],
    ['baseline', baseline],
  ] as const)
    if (damaged !== null)
      reasons.push(`The measurement is damaged: ${damaged} ${atSide(side)} is not a number.`);
  if (reasons.length > 0) return reasons;
  for (const [side, values] of [
    ['head', head],
    ['baseline', baseline],
  ] as const)
    if (side === 'baseline' || !isDelivered(baseline)) reasons.push(...neverDelivered(values, side));
  reasons.push(...neverSet(head), ...neverMatched(baseline, head));
  for (const metric of vanishedMetrics(baseline, head, settings))
    reasons.push(`${metric} was measured at the baseline and not at all in this PR.`);
  if (paired) reasons.push(...unequalLoads(baseline, head));
  return reasons;
};

/** Names that had a value at times, each as a sentence for a warning. */
export const partlyEmptyNames = ({ nameUses }: Values): string[] =>
  namesOf(nameUses)
    .filter(({ empty, rendered }) => empty > 0 && empty < rendered)
    .map(
      ({ name, empty, rendered, steps }) =>
        `"{{ ${name} }}" was empty ${formatCount(empty)} of ${plural(rendered, 'time')}, in ${listed(steps)}: those messages were sent without it.`,
    );

/**
 * Steps that were never answered as the scenario expects, at neither side, while others were: each a sentence. Nothing
 * can pass that was to be seen and never was; what fails by a limit all the same is a failure of the server.
 */
export const stepsNeverAnswered = (baseline: Values, head: Values): string[] =>
  mergeAnswers([baseline.answers, head.answers])
    .filter((use) => use.matched === 0 && use.missed >= minMissed && !isKnownAt(baseline, use.step, use.name))
    .map(({ step, name, missed, message }) => missedSentence(name, missed, message, ` in "${step}"`, head));

/** A sentence when stored records were made by different scenarios or settings, so that they are not one history. */
export const mixedHistory = (records: readonly BaselineRecord[]): string | null => {
  const kinds = new Set(
    records.map(({ fingerprint }) => `${fingerprint.scenarioHash}/${fingerprint.settingsHash}`),
  );
  return kinds.size <= 1
    ? null
    : 'The stored runs were made by different scenarios or settings, so they cannot be compared with.';
};

/** What the baseline delivers is watched for as it comes: a head that delivers nothing lost it. */
function isDelivered(values: Values): boolean {
  return (values.value('deliveries.received', 'value') ?? 0) > 0;
}

/** Deliveries were watched and none was ever seen: then the scenario watches for something else than what comes. */
function neverDelivered(values: Values, side: SideName): string[] {
  const expected = values.value('deliveries.expected', 'value') ?? 0;
  if (expected === 0 || isDelivered(values)) return [];
  const came = values.untagged.map(
    ({ event, path, count }) =>
      `${formatCount(count)} ${event === '' ? (count === 1 ? 'message' : 'messages') : `"${event}" ${count === 1 ? 'event' : 'events'}`} came, and none carried a tag${path === '' ? '' : ` at "${path}"`}`,
  );
  return [
    `${expected === 1 ? 'The one delivery' : `None of the ${formatCount(expected)} deliveries`} expected ${atSide(side)} was ever seen: ${came.length === 0 ? 'nothing came of what is watched' : came.join('; ')}. Check the event and the path that are watched ("delivery" of the step, or "measure.deliveries").`,
  ];
}

/** A name that never had a value is a mistake in the scenario: nothing was sent as it was meant. */
function neverSet({ nameUses }: Values): string[] {
  return namesOf(nameUses)
    .filter(({ empty, rendered }) => rendered > 0 && empty === rendered)
    .map(
      ({ name, empty, steps }) =>
        `Nothing ever set "{{ ${name} }}": it was empty all ${plural(empty, 'time')}, in ${listed(steps)}. Set "context.vars.${name}" in the processor before that step, or correct the name.`,
    );
}

/** Uses of each name over all steps, and the steps where it was empty. */
function namesOf(
  uses: Values['nameUses'],
): { name: string; empty: number; rendered: number; steps: string[] }[] {
  return [...new Set(uses.map(({ name }) => name))].map((name) => {
    const own = uses.filter((use) => use.name === name);
    const sum = (of: (use: (typeof own)[number]) => number) => own.reduce((total, use) => total + of(use), 0);
    const steps = own.filter(({ empty }) => empty > 0).map(({ step }) => step);
    return { name, empty: sum(({ empty }) => empty), rendered: sum(({ rendered }) => rendered), steps };
  });
}

function listed(steps: readonly string[]): string {
  return (
    steps
      .slice(0, 3)
      .map((step) => `"${step}"`)
      .join(', ') + (steps.length > 3 ? ` and ${steps.length - 3} more` : '')
  );
}

/** An answer that neither side ever gave as the scenario expects it, and no other of its kind, says nothing about either. */
function neverMatched(baseline: Values, head: Values): string[] {
  const matched = (kind: string): boolean =>
    [baseline, head].some((side) => side.latencies.some((id) => id.endsWith(`.${kind}`)));
  const kinds = new Set<string>();
  return mergeErrors([head.errors]).flatMap(({ name, count, messages }) => {
    const [, kind] = unmatched.exec(name) ?? [];
    if (kind === undefined || kind === 'message' || kinds.has(kind) || matched(kind)) return [];
    kinds.add(kind);
    return [missedSentence(name, count, messages[0] ?? '', '', head)];
  });
}

function missedSentence(
  name: string,
  count: number,
  message: string,
  where: string,
  { unheard }: Values,
): string {
  const [, kind = 'ack', how, subject] = unmatched.exec(name)!;
  const times = `${formatCount(count)} ${count === 1 ? 'time' : 'times'}`;
  const detail = message === '' ? '' : ` (${message})`;
  if (how === undefined)
    return `Every "${subject}"${where} was refused, ${times}${detail}. If the server means something else by that, say what the step expects with "match", or set "measure.refusals".`;
  const what = how === 'timeout' ? 'never came' : 'was never what the scenario expects';
  const came = unheard.slice(0, maxUnheard).map((one) => `${formatCount(one.count)} "${one.event}"`);
  const instead =
    how !== 'timeout' || kind === 'ack' || kind === 'receipt' || came.length === 0
      ? ''
      : ` What came, and no step looks at: ${came.join(', ')}.`;
  return `The ${kindNames[kind]} of "${subject}"${where} ${what}, ${times}${detail}.${instead}`;
}

/** Latencies that the baseline has in number and the head does not have at all. */
function vanishedMetrics(baseline: Values, head: Values, settings: VerdictSettings): string[] {
  return baseline.latencies.filter((metric) => {
    const before = baseline.samples(metric);
    // What is rare at the baseline can be absent at head by chance, more so when the head was measured for less time.
    const expected = (before * head.rounds.length) / baseline.rounds.length;
    return expected >= settings.minSamplesP50 && head.samples(metric) === 0;
  });
}

/**
 * Arrivals are scheduled without regard to the server, so both sides must have been meant to get as many. Sends are
 * not compared: a server that refuses users gets fewer of them.
 */
function unequalLoads(baseline: Values, head: Values): string[] {
  return head.rounds.flatMap((round, index) => {
    const before = baseline.rounds[index]!.intendedArrivals;
    const after = round.intendedArrivals;
    const most = Math.max(before, after);
    // Random arrivals differ by about the root of their number.
    if (Math.abs(before - after) <= Math.max(loadTolerance * most, 3 * Math.sqrt(most))) return [];
    return [
      `The sides of pair ${index + 1} were not given the same load: ${plural(before, 'arrival')} at the baseline, ${formatCount(after)} in this PR.`,
    ];
  });
}

/** Whether what is stored of the baseline, which has no steps, has such an answer. */
function isKnownAt(baseline: Values, step: string, name: string): boolean {
  const [, kind, , subject] = unmatched.exec(name) ?? [];
  return (
    baseline.answers.every((use) => use.step !== step) &&
    baseline.latencies.includes(`${subject}.${kind ?? 'ack'}`)
  );
}
