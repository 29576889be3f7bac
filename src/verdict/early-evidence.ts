import { formatValue, plural, subjectName } from '../metrics/notation.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import { type AbsoluteGate, type Gate, isLatencyGate } from './gates.ts';
import { holds } from './judge-absolute.ts';
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

/** A sentence when most attempts at head failed in every round, while the baseline (where there is one) works. */
export const overwhelmingErrors = (head: Values, baseline: Values): string | null => {
  if (head.rounds.length === 0) return null;
  const shares = head.rounds.map(failedShare);
  if (!shares.every((share) => share !== null && share >= overwhelmingShare)) return null;
  if (baseline.rounds.some((round) => (failedShare(round) ?? 0) > baselineShare)) return null;
  const counts = head.rounds.map((round) => round.events('errors.rate')!);
  const events = counts.reduce((sum, count) => sum + count.events, 0);
  const attempts = counts.reduce((sum, count) => sum + count.attempts, 0);
  return `${plural(events, 'error')} in ${plural(attempts, 'attempt')} in this PR${baseline.rounds.length > 0 ? ', hardly any at the baseline' : ''}: this needs no statistics.`;
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

function failedShare(round: Values): number | null {
  const counts = round.events('errors.rate');
  return counts === null || counts.attempts < minAttempts ? null : counts.events / counts.attempts;
}
