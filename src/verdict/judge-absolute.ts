import { happenedOf } from '../metrics/metric.ts';
import { formatCount, formatValue, plural, subjectName } from '../metrics/notation.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import { type AbsoluteGate, isLatencyGate } from './gates.ts';
import { type GateOutcome, plainOutcome } from './outcome.ts';
import { samplesNeeded } from './sample-sizes.ts';

/** Whether `value` is within the limit. Never for NaN. */
export const holds = (value: number, operator: AbsoluteGate['operator'], limit: number): boolean => {
  switch (operator) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '=':
      return value === limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
  }
};

/**
 * Whether more rounds may change the answer: there are too few values so far, or a sum that only grows is still below
 * what it must reach.
 */
export const mayChange = (gate: AbsoluteGate, head: Values, settings: VerdictSettings): boolean => {
  if (isLatencyGate(gate, head)) {
    const samples = head.samples(gate.metric);
    return samples > 0 && samples < samplesNeeded(gate.statistic, settings);
  }
  const value = head.value(gate.metric, gate.statistic);
  return value !== null && asksForSum(gate, head) && !holds(value, gate.operator, gate.limit);
};

/** Whether a limit is what a sum over all rounds must reach: fewer rounds say nothing against it. */
export const asksForSum = ({ metric, statistic, operator }: AbsoluteGate, head: Values): boolean =>
  (operator === '>' || operator === '>=') &&
  (statistic === 'count' || ['counter', 'error'].includes(head.metric(metric).kind));

const limitWords: Record<AbsoluteGate['operator'], string> = {
  '<': 'below',
  '<=': 'at most',
  '=': 'exactly',
  '>': 'above',
  '>=': 'at least',
};

/**
 * A limit on the value at head over all its rounds. A metric that was never observed, or observed too rarely for the
 * statistic, is invalid: an absent number is not a good one.
 */
export const judgeAbsolute = (
  gate: AbsoluteGate,
  head: Values,
  baseline: Values,
  settings: VerdictSettings,
): GateOutcome => {
  const name = subjectName(gate.metric, gate.statistic);
  const value = head.value(gate.metric, gate.statistic);
  const before = baseline.value(gate.metric, gate.statistic);
  if (value === null || Number.isNaN(value))
    return plainOutcome(
      gate,
      'invalid',
      `${name} was never observed, so the limit "${gate.rule}" cannot be judged.`,
      { baseline: before },
    );
  if (isLatencyGate(gate, head)) {
    const samples = head.samples(gate.metric);
    const needed = samplesNeeded(gate.statistic, settings);
    if (samples < needed)
      return plainOutcome(
        gate,
        'invalid',
        `${name} comes from ${plural(samples, 'value')}, and at least ${formatCount(needed)} are needed to judge it.`,
        { baseline: before, head: value },
      );
  }
  const within = holds(value, gate.operator, gate.limit);
  const over = head.rounds.length > 1 ? ` over ${plural(head.rounds.length, 'round')}` : '';
  const already =
    !within && before !== null && !holds(before, gate.operator, gate.limit)
      ? ` The baseline misses this limit too, at ${formatValue(before, gate.unit)}.`
      : '';
  return plainOutcome(
    gate,
    within ? 'pass' : 'fail',
    `${countSentence(gate, value, over) ?? valueSentence(gate, value, over, within)}${already}`,
    { baseline: before, head: value },
  );
};

/** "5,265 messages were lost; none may be." Null where no failures are counted, or the limit is not an upper one. */
function countSentence(gate: AbsoluteGate, value: number, over: string): string | null {
  const happened = happenedOf(gate.metric);
  const { operator, limit } = gate;
  if (happened === null || operator === '>' || operator === '>=' || (operator === '=' && limit !== 0))
    return null;
  const what = plural(value, happened.one, happened.many);
  const found = `${value === 0 ? what.replace(/^0/, 'No') : what}${over}`;
  if (limit === 0 || (operator === '<' && limit <= 1)) return `${found}; none ${happened.may}.`;
  const most = operator === '<' ? 'fewer than' : 'at most';
  return `${found}; ${most} ${formatCount(limit)} ${happened.may}.`;
}

function valueSentence(gate: AbsoluteGate, value: number, over: string, within: boolean): string {
  const is = `${subjectName(gate.metric, gate.statistic)} is ${formatValue(value, gate.unit)}${over}`;
  const limit = `${limitWords[gate.operator]} ${formatValue(gate.limit, gate.unit)}`;
  return within ? `${is}, ${limit} as it must be.` : `${is}; it must be ${limit}.`;
}
