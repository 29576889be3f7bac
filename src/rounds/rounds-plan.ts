import type { VerdictSettings } from '../settings/settings-schema.ts';

/** How much load one side of a pair is given. */
export type PairShape = { warmUpMs: number; sliceMs: number; slicesPerSide: number };

/**
 * The shape of a pair for a scenario that lasts `plannedMs` (null: until it is stopped). A scenario shorter than a
 * pair gives as many slices as it lasts; one too short for a warm-up and a slice is measured from its start.
 */
export const pairShape = (verdict: VerdictSettings, plannedMs: number | null): PairShape => {
  const warmUpMs = verdict.warmUpMs;
  if (plannedMs === null) return { warmUpMs, sliceMs: verdict.sliceMs, slicesPerSide: verdict.slicesPerSide };
  const slices = Math.floor((plannedMs - warmUpMs) / verdict.sliceMs);
  return {
    warmUpMs: slices < 1 ? 0 : warmUpMs,
    sliceMs: verdict.sliceMs,
    slicesPerSide: Math.max(1, Math.min(verdict.slicesPerSide, slices)),
  };
};
