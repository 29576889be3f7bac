import type { CorePinning } from '../host/processes/core-pinning.ts';
import { sum } from '../metrics/averages.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';

/**
 * How the two sides of a pair take turns, and for how long each is driven. In `slices` both servers run, and the load
 * alternates between them; in `rounds` one server after the other is started, driven and stopped.
 */
export type PairDesign =
  | {
      kind: 'slices';
      warmUpMs: number;
      /** Whether both sides are warmed up at the same time. */
      warmUpTogether: boolean;
      sliceMs: number;
      slicesPerSide: number;
      guardMs: number;
    }
  | {
      kind: 'rounds';
      warmUpMs: number;
      /** Load that is measured; null for the whole scenario. */
      measuredMs: number | null;
    };

/** What is known of a scenario that decides how it can be driven. */
export type Sliceability = {
  /** Length of its phases, milliseconds; null when it has no end. */
  plannedMs: number | null;
  /** Why it cannot be driven in slices at all, as a clause; null when it can. */
  obstacle: string | null;
};

type Lengths = Pick<VerdictSettings, 'warmUpMs' | 'sliceMs' | 'slicesPerSide' | 'guardMs' | 'alternate'>;

/** Slices for answers that take longer than the short ones allow. */
const longSliceMs = 5_000;

/** The guard of a long slice: messages of this age still belong to it. */
const longGuardMs = 1_500;

/**
 * Share of the messages of a slice that may still be unanswered when the other side's turn begins. Beyond it each
 * side answers the messages of its last slice in the other's time.
 */
const unansweredLimit = 0.2;

/** Share of their cores that two servers, or two generators, may keep busy at once while both are warmed up. */
const roomShare = 0.7;

/** Whole rounds, as long as the slices of a side together; a scenario that is shorter is driven whole. */
export const roundsDesign = (lengths: Lengths, plannedMs: number | null): PairDesign => {
  const measuredMs = lengths.slicesPerSide * lengths.sliceMs;
  const fits = plannedMs === null || plannedMs >= lengths.warmUpMs + measuredMs;
  return fits
    ? { kind: 'rounds', warmUpMs: lengths.warmUpMs, measuredMs }
    : { kind: 'rounds', warmUpMs: 0, measuredMs: null };
};

/** How the first pair of a suite is measured, and why not in slices (a clause; null when nothing stood against them). */
export const firstDesign = (
  lengths: Lengths,
  scenario: Sliceability,
): { design: PairDesign; because: string | null } => {
  if (lengths.alternate === 'rounds')
    return { design: roundsDesign(lengths, scenario.plannedMs), because: '"verdict.alternate" says so' };
  if (scenario.obstacle !== null)
    return { design: roundsDesign(lengths, scenario.plannedMs), because: scenario.obstacle };
  return {
    design: slices(lengths, scenario.plannedMs, lengths.sliceMs, lengths.guardMs),
    because: null,
  };
};

/**
 * What is tried next when so large a share of a pair's messages outlasted their slices: slices of five seconds, then
 * whole rounds. Null when the design holds, or nothing coarser is left.
 */
export const coarserDesign = (
  design: PairDesign,
  unansweredShare: number,
  lengths: Lengths,
  plannedMs: number | null,
): PairDesign | null => {
  if (design.kind === 'rounds' || lengths.alternate !== 'auto' || unansweredShare <= unansweredLimit)
    return null;
  if (design.sliceMs >= longSliceMs) return roundsDesign(lengths, plannedMs);
  const long = slices(lengths, plannedMs, longSliceMs, Math.max(lengths.guardMs, longGuardMs));
  const fits = plannedMs === null || plannedMs >= lengths.warmUpMs + longSliceMs;
  return fits ? long : roundsDesign(lengths, plannedMs);
};

/**
 * The design of the pairs to come, when one was measured: both sides are warmed up at the same time where the machine has
 * room for the two servers, and for the two generators, at once. That is a quarter of the time of a pair. What a side
 * leaves behind in its warm-up is not measured, but a server that cannot follow would carry a queue into its slices.
 */
export const warmedUpTogether = (
  design: PairDesign,
  pair: { baseline: RoundMeasurement; head: RoundMeasurement },
  cores: CorePinning | number,
): PairDesign => {
  if (design.kind !== 'slices' || design.warmUpTogether) return design;
  const sides = [pair.baseline, pair.head];
  const used = sides.flatMap(({ resources, activeMs }) =>
    resources === null || resources.cpuSeconds === null || activeMs === 0
      ? []
      : [(1_000 * resources.cpuSeconds) / activeMs],
  );
  if (used.length < sides.length) return design;
  const servers = sum(used);
  const generators = sum(sides.map(({ generator }) => generator.cpuShare));
  const hasRoom =
    typeof cores === 'number'
      ? servers + generators <= roomShare * cores
      : servers <= roomShare * cores.server.length && generators <= roomShare * cores.generator.length;
  return hasRoom ? { ...design, warmUpTogether: true } : design;
};

/**
 * Slices for a scenario that lasts `plannedMs` (null: until it is stopped). A scenario shorter than a pair gives as
 * many slices as it lasts; one too short for a warm-up and a slice is measured from its start.
 */
function slices(lengths: Lengths, plannedMs: number | null, sliceMs: number, guardMs: number): PairDesign {
  const wanted = Math.max(1, Math.round((lengths.slicesPerSide * lengths.sliceMs) / sliceMs));
  const fitting =
    plannedMs === null ? Number.POSITIVE_INFINITY : Math.floor((plannedMs - lengths.warmUpMs) / sliceMs);
  return {
    kind: 'slices',
    warmUpMs: fitting < 1 ? 0 : lengths.warmUpMs,
    warmUpTogether: false,
    sliceMs,
    slicesPerSide: Math.max(1, Math.min(wanted, fitting)),
    guardMs,
  };
}
