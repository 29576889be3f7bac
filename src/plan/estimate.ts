import type { VerdictSettings } from '../settings/settings-schema.ts';

/** What is known of a scenario before it runs. */
export type ScenarioOutline = {
  /** Length of its phases, milliseconds; null when it has no end. */
  plannedMs: number | null;
  /** Values that its main latency will get in the whole of it; null when that cannot be told. */
  plannedSamples: number | null;
};

/** Time from a stopped server to the next one that is ready with its room open, on top of the load, milliseconds. */
export const changeoverMs = 3_000;

/** Duration of one pair: both sides warmed up and driven in turn, milliseconds. */
export const pairMs = (verdict: VerdictSettings): number =>
  2 * verdict.warmUpMs + 2 * verdict.slicesPerSide * (verdict.sliceMs + verdict.guardMs) + changeoverMs;

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
  const drivenMs = Math.min(plannedMs, verdict.slicesPerSide * verdict.sliceMs);
  return Math.floor((plannedSamples * drivenMs * pairs) / plannedMs);
};
