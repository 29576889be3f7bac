import { formatCount, formatValue, plural, subjectName } from '../metrics/notation.ts';
import type { Events, Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import { type AbsoluteGate, type Gate, isLatencyGate } from './gates.ts';
import { asksForSum, holds } from './judge-absolute.ts';
import { type GateOutcome, plainOutcome } from './outcome.ts';
import { samplesNeeded } from './sample-sizes.ts';

/** Share of failed attempts in every round from which no statistics are needed. */
const overwhelmingShare = 0.5;

/** The baseline must be far from failing itself. */
const baselineShare = 0.05;

/** Fewer attempts than this in a round prove nothing. */
const minAttempts = 20;

/** Rounds that must all agree, so that one accident is not taken for a regression. */
const minRounds = 2;

/** How far beyond an absolute limit every round must be, as a factor. */
const wideMargin = 1.5;

/**
 * A sentence when most attempts at head failed in every round, or most of what was sent reached nobody, while the
 * baseline works. Of errors it needs no baseline; without one, what never comes may as well be watched for in vain.
 */
export const overwhelmingFailures = (head: Values, baseline: Values): string | null => {
  const than = baseline.rounds.length > 0 ? ', hardly any at the baseline' : '';
  const errors = overwhelming(head, baseline, 'errors.rate');
  if (errors !== null)
    return `${plural(errors.events, 'error')} in ${plural(errors.attempts, 'attempt')} in this PR${than}: this needs no statistics.`;
  if (baseline.rounds.some((round) => failedShare(round, 'deliveries.lost.rate') === null)) return null;
  const losses = baseline.rounds.length === 0 ? null : overwhelming(head, baseline, 'deliveries.lost.rate');
  return losses === null
    ? null
    : `${formatCount(losses.events)} of ${formatCount(losses.attempts)} deliveries were lost in this PR${than}: this needs no statistics.`;
};

/** Absolute limits that every one of several rounds misses by half again or more. */
export const widelyMissed = (
  gates: readonly Gate[],
  head: Values,
  settings: VerdictSettings,
): GateOutcome[] => {
  if (head.rounds.length < minRounds) return [];
  const absolute = gates.filter((gate): gate is AbsoluteGate => gate.kind === 'absolute');
  return absolute.flatMap((gate) => {
    if (asksForSum(gate, head)) return [];
    const values = head.rounds.map((round) => round.value(gate.metric, gate.statistic));
    const upper = gate.operator === '<' || gate.operator === '<=';
    const lower = gate.operator === '>' || gate.operator === '>=';
    const wide = values.every(
      (value) =>
        value !== null &&
        !holds(value, gate.operator, gate.limit) &&
        ((upper && value > wideMargin * gate.limit) || (lower && value < gate.limit / wideMargin)),
    );
    if (!wide) return [];
    if (isLatencyGate(gate, head) && head.samples(gate.metric) < samplesNeeded(gate.statistic, settings))
      return [];
    const value = head.value(gate.metric, gate.statistic)!;
    const sentence = `${subjectName(gate.metric, gate.statistic)} is ${formatValue(value, gate.unit)}, and in each of ${plural(head.rounds.length, 'round')} it misses the limit of ${formatValue(gate.limit, gate.unit)} by half again or more: this needs no statistics.`;
    return [plainOutcome(gate, 'fail', sentence, { head: value })];
  });
};

/** The failures over all rounds of the head, where each of them has that many and the baseline hardly any. */
function overwhelming(head: Values, baseline: Values, metric: string): Events | null {
  if (head.rounds.length === 0) return null;
  const shares = head.rounds.map((round) => failedShare(round, metric));
  if (!shares.every((share) => share !== null && share >= overwhelmingShare)) return null;
  if (baseline.rounds.some((round) => (failedShare(round, metric) ?? 0) > baselineShare)) return null;
  return head.events(metric);
}

function failedShare(round: Values, metric: string): number | null {
  const counts = round.events(metric);
  return counts === null || counts.attempts < minAttempts ? null : counts.events / counts.attempts;
}
