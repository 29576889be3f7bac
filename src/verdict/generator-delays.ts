import { metricOf } from '../metrics/metric.ts';
import { subjectName } from '../metrics/notation.ts';
import type { Values } from '../metrics/values.ts';
import { type Gate, isLatencyGate } from './gates.ts';
import { type GateOutcome, plainOutcome } from './outcome.ts';

/**
 * Whether most errors of these rounds are waits that were given up. A generator that is late to read an answer may give
 * up on one that came; it can not refuse a connection, or answer no.
 */
export const mostlyTimeouts = ({ errors }: Values): boolean => {
  let all = 0;
  let timeouts = 0;
  for (const { name, count } of errors) {
    all += count;
    if (isTimeout(name)) timeouts += count;
  }
  return all > 0 && timeouts * 2 > all;
};

/** Changes that the generator's delays hide or make up: none of them can be judged. */
export const hiddenByDelays = (gate: Gate, ...sides: readonly Values[]): boolean =>
  gate.kind === 'change' && hasDelays(gate, ...sides);

/** The outcome of a gate that cannot be judged because of the delays; a default one is left out. */
export const unjudgedForDelays = (gate: Gate, delays: string): GateOutcome =>
  plainOutcome(
    gate,
    gate.source === 'default' ? 'skipped' : 'invalid',
    `${subjectName(gate.metric, gate.statistic)} cannot be compared: the load generator was the bottleneck (${delays}), and its own delays are in the values of both sides.`,
  );

/**
 * An outcome as it stands when the generator was the bottleneck for the reason `delays`: without a verdict where the
 * generator may be what decided it.
 */
export const withDelays = (outcome: GateOutcome, delays: string, head: Values): GateOutcome => {
  const { gate, state } = outcome;
  const holds = state === 'pass' && hasDelays(gate, head) && !heldInSpite(gate);
  const missed = state === 'fail' && mayBeGenerators(gate, head);
  if (!holds && !missed) return outcome;
  return {
    ...outcome,
    state: 'invalid',
    explanation: `${outcome.explanation} That says nothing of the server: the load generator was the bottleneck (${delays}), and its own delays are in the value.`,
  };
};

function isTimeout(name: string): boolean {
  return /\btimeout\b/.test(name);
}

/** Whether the generator's delays are in the value of a gate. */
function hasDelays(gate: Gate, ...sides: readonly Values[]): boolean {
  return isRate(gate.metric) || isLatencyGate(gate, ...sides);
}

/**
 * What can be said of a server when the load generator was at its end, as it is in a burst. Its delays only add to a
 * latency, and only take from a rate: a limit that holds in spite of them holds. A limit that is missed may have been
 * missed by them, and is not held against the server. What the server itself counted or used, what it refused, and what
 * it never delivered cannot come from them.
 */
function isRate(metric: string): boolean {
  return ['throughput', 'peak'].includes(metricOf(metric).kind);
}

/** Whether the delays can only have made it harder for a limit to hold. */
function heldInSpite(gate: Gate): boolean {
  if (gate.kind !== 'absolute') return false;
  const upper = gate.operator === '<' || gate.operator === '<=';
  const lower = gate.operator === '>' || gate.operator === '>=';
  return isRate(gate.metric) ? lower : upper;
}

function mayBeGenerators(gate: Gate, head: Values): boolean {
  const { kind, of, topic, failure } = metricOf(gate.metric);
  if (hasDelays(gate, head) || failure?.part === 'deliveries.late') return true;
  if (topic === 'loss' || failure === null) return false;
  return kind === 'error' ? isTimeout(of!) : mostlyTimeouts(head);
}
