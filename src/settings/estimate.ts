import type { VerdictSettings } from './settings-schema.ts';

/** What is known of a scenario before it runs. */
export type ScenarioOutline = {
  /** Length of its phases, milliseconds; null when it has no end. */
  plannedMs: number | null;
  /** Values that its main latency will get in the whole of it; null when that cannot be told. */
  plannedSamples: number | null;
  /** Whether it brings checks of its own, which fail a run without a limit: Artillery's `ensure` and `expect`. */
  hasChecks?: boolean;
};

/** Time from a stopped server to the next one that is ready with its room open, on top of the load, milliseconds. */
const changeoverMs = 3_000;

/**
 * Longest duration of one pair: both sides warmed up and driven in turn, every guard waited for to its end,
 * milliseconds.
 */
export const pairMs = (verdict: VerdictSettings, plannedMs: number | null): number => {
  const measuredMs = drivenMs(verdict, plannedMs);
  const guards = Math.ceil(measuredMs / verdict.sliceMs);
  return 2 * (verdict.warmUpMs + measuredMs + guards * verdict.guardMs) + changeoverMs;
};

/** Duration of the rounds of a suite that is not side by side, milliseconds; null for a scenario without an end. */
export const roundsMs = (outline: ScenarioOutline, rounds: number, drainMs: number): number | null =>
  outline.plannedMs === null ? null : rounds * (outline.plannedMs + drainMs + changeoverMs);

/** Values of the main latency on one side after `pairs` pairs; null when the scenario does not tell its rate. */
export const pairedSamples = (
  outline: ScenarioOutline,
  verdict: VerdictSettings,
  pairs: number,
): number | null => {
  const { plannedMs, plannedSamples } = outline;
  if (plannedMs === null || plannedSamples === null || plannedMs <= 0) return null;
  return Math.floor((plannedSamples * drivenMs(verdict, plannedMs) * pairs) / plannedMs);
};

/** Load that one side of a pair is measured under, milliseconds; a scenario may be shorter than the slices. */
function drivenMs(verdict: VerdictSettings, plannedMs: number | null): number {
  const slicesMs = verdict.slicesPerSide * verdict.sliceMs;
  if (plannedMs === null) return slicesMs;
  const left = plannedMs - verdict.warmUpMs;
  return Math.min(slicesMs, left < verdict.sliceMs ? plannedMs : left);
}
