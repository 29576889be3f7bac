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
  const limit = `${limitWords[gate.operator]} ${formatValue(gate.limit, gate.unit)}`;
  const already =
    !within && before !== null && !holds(before, gate.operator, gate.limit)
      ? ` The baseline misses it too, at ${formatValue(before, gate.unit)}.`
      : '';
  return plainOutcome(
    gate,
    within ? 'pass' : 'fail',
    `${name} is ${formatValue(value, gate.unit)}${over}; the limit is ${limit}, so it ${within ? 'holds' : 'is missed'}.${already}`,
    { baseline: before, head: value },
  );
};
