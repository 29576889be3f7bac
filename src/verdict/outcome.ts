import type { Gate } from './gates.ts';
import type { Change, ChangeAtLook } from './judgement.ts';
import type { Verdict } from './verdict.ts';

/**
 * What came of one gate. `undecided` needs more pairs (or rounds); `skipped` is a default gate that there are too few
 * samples for, which is said in a warning and not held against the run.
 */
export type GateState = Verdict | 'undecided' | 'skipped';

export type GateOutcome = {
  gate: Gate;
  state: GateState;
  /** One sentence: what was compared, the effect with its interval, how many pairs or records, and why. */
  explanation: string;
  change: Change | null;
  /** How the change narrowed, and which one is let through (ratios minus one); only side by side. */
  narrowing?: { allowed: number; looks: ChangeAtLook[] };
  /** Smallest change that could have been detected, as a ratio minus one. */
  detectable: number | null;
  baselineValue: number | null;
  headValue: number | null;
};

/** An outcome without a comparison. */
export const plainOutcome = (
  gate: Gate,
  state: GateState,
  explanation: string,
  values: { baseline?: number | null; head?: number | null } = {},
): GateOutcome => ({
  gate,
  state,
  explanation,
  change: null,
  detectable: null,
  baselineValue: values.baseline ?? null,
  headValue: values.head ?? null,
});
