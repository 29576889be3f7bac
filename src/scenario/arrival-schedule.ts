import { durationMs } from '../engines/core/flow/think.ts';
import { seededRandom } from '../metrics/seeded-random.ts';

/** One phase of a scenario's load, with the quirks of its notation resolved. */
export type ArrivalPhase = {
  index: number;
  name: string | null;
  durationMs: number;
  /** Users per second at the start and at the end; the rate is linear in between. Both 0 for a pause. */
  startRate: number;
  endRate: number;
  /** `uniform` spaces arrivals evenly; `poisson` draws exponential gaps. */
  mode: 'uniform' | 'poisson';
  /** Arrivals wanted in all, for `arrivalCount`; null when the rate decides. */
  count: number | null;
  /** Virtual users at the same time; arrivals beyond it are skipped. */
  maxUsers: number | null;
};

/** One virtual user to start. */
export type Arrival = {
  /** Number over the whole load, from 0: the same in every shard. */
  number: number;
  /** Intended instant on the load clock. */
  atMs: number;
  phase: ArrivalPhase;
};

/** A phase that cannot be run; `key` is the setting at fault. */
export class PhaseError extends Error {
  readonly phase: number;
  readonly key: string | null;

  constructor(phase: number, key: string | null, problem: string) {
    super(problem);
    this.name = 'PhaseError';
    this.phase = phase;
    this.key = key;
  }
}

/**
 * A phase's `duration` or `pause` in milliseconds: a number of seconds, or a text with a unit. NaN when it is neither.
 * Artillery rejects fractional seconds; here they are seconds like whole ones.
 */
export const phaseDurationMs = (value: unknown): number => {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
  if (isNumber && Number.isFinite(Number(value))) return Number(value) * 1_000;
  return durationMs(value);
};

/**
 * Reads `config.phases`. Numbers may be strings, since they often come from the environment.
 * Throws `PhaseError` for a phase that says nothing, has no length, or has a value that is not a number.
 */
export const readPhases = (specs: readonly unknown[]): ArrivalPhase[] =>
  specs.map((given, index) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new PhaseError(index, null, `phase ${index + 1} is not a mapping`);
    const spec = given as Record<string, unknown>;
    const name = typeof spec.name === 'string' ? spec.name : null;
    const maxUsers = numberOf(index, spec, 'maxVusers');
    const mode = spec.mode === 'poisson' ? 'poisson' : 'uniform';
    if (spec.mode !== undefined && spec.mode !== 'poisson' && spec.mode !== 'uniform')
      throw new PhaseError(
        index,
        'mode',
        `phase ${index + 1} has "mode: ${String(spec.mode)}"; it can be "uniform" or "poisson"`,
      );
    const lengthOf = (key: 'duration' | 'pause'): number => {
      const lengthMs = phaseDurationMs(spec[key]);
      if (spec[key] === undefined)
        throw new PhaseError(index, null, `phase ${index + 1} has no "${key}", so it would never end`);
      if (!(lengthMs > 0))
        throw new PhaseError(
          index,
          key,
          `phase ${index + 1} has "${key}: ${String(spec[key])}"; write seconds (30) or a time with its unit ("30s", "2m")`,
        );
      return lengthMs;
    };
    const base = { index, name, mode, maxUsers } as const;
    if (spec.pause !== undefined)
      return { ...base, durationMs: lengthOf('pause'), startRate: 0, endRate: 0, count: null };
    const count = numberOf(index, spec, 'arrivalCount');
    if (count !== null) {
      const durationMs = lengthOf('duration');
      const whole = Math.floor(count);
      const rate = whole / (durationMs / 1_000);
      return { ...base, mode: 'uniform', durationMs, startRate: rate, endRate: rate, count: whole };
    }
    const rate = numberOf(index, spec, 'arrivalRate');
    const rampTo = numberOf(index, spec, 'rampTo');
    if (rate === null)
      throw new PhaseError(
        index,
        null,
        `phase ${index + 1} has none of "arrivalRate", "arrivalCount" and "pause"${rampTo === null ? '' : '; a ramp starts from "arrivalRate"'}`,
      );
    // Artillery gives a ramp without a duration one second.
    const durationMs = rampTo !== null && spec.duration === undefined ? 1_000 : lengthOf('duration');
    return { ...base, durationMs, startRate: rate, endRate: rampTo ?? rate, count: null };
  });

/** Length of all phases together, milliseconds. */
export const plannedMs = (phases: readonly ArrivalPhase[]): number =>
  phases.reduce((total, phase) => total + phase.durationMs, 0);

/**
 * Arrivals of a phase with even spacing: the integral of its rate, rounded down, and at least one where the rate is
 * not zero throughout (a phase of 0.3 users/s for two seconds starts one user).
 */
export const plannedArrivals = (phase: ArrivalPhase): number => {
  if (phase.count !== null) return phase.count;
  const integral = ((phase.startRate + phase.endRate) / 2) * (phase.durationMs / 1_000);
  return integral <= 0 ? 0 : Math.max(1, Math.floor(integral + 1e-9));
};

/** Every arrival of the load in order, numbered over all phases. */
export function* arrivals(phases: readonly ArrivalPhase[], seed: number): Generator<Arrival> {
  let number = 0;
  let startMs = 0;
  for (const phase of phases) {
    for (const atMs of phaseArrivals(phase, seed)) {
      yield { number, atMs: startMs + atMs, phase };
      number += 1;
    }
    startMs += phase.durationMs;
  }
}

/**
 * Whether a shard drives an arrival. Where `maxUsers` is below the number of shards only that many of them take
 * arrivals, so that none falls to a shard that may not start any.
 */
export const drivenBy = (arrival: Arrival, shard: { index: number; count: number }): boolean => {
  const limit = arrival.phase.maxUsers;
  const sharers = limit === null ? shard.count : Math.max(1, Math.min(shard.count, limit));
  return arrival.number % sharers === shard.index;
};

/** This shard's part of a phase's `maxUsers`; the parts add up to it. */
export const maxUsersOf = (phase: ArrivalPhase, shard: { index: number; count: number }): number | null => {
  if (phase.maxUsers === null) return null;
  const limit = Math.floor(phase.maxUsers);
  return Math.floor(limit / shard.count) + (shard.index < limit % shard.count ? 1 : 0);
};

function numberOf(phase: number, spec: Record<string, unknown>, key: string): number | null {
  const value = spec[key];
  if (value === undefined) return null;
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && value.trim() !== ''
        ? Number(value)
        : Number.NaN;
  if (!Number.isFinite(number) || number < 0)
    throw new PhaseError(
      phase,
      key,
      `phase ${phase + 1} has "${key}: ${String(value)}", which is not a number`,
    );
  return number;
}

/**
 * Instants of a phase's arrivals, from its start, in milliseconds: arrival k at the time by which the integral of the
 * rate is k. With rate a + s t that is the positive root of s t^2 / 2 + a t = k, written so that it neither divides
 * by a slope of zero nor cancels.
 */
function* phaseArrivals(phase: ArrivalPhase, seed: number): Generator<number> {
  if (phase.mode === 'poisson' && phase.startRate === phase.endRate) {
    if (phase.startRate === 0) return;
    const random = seededRandom(seed ^ Math.imul(phase.index + 1, 0x9e3779b1));
    const meanMs = 1_000 / phase.startRate;
    for (let atMs = -Math.log(1 - random()) * meanMs; atMs < phase.durationMs; ) {
      yield atMs;
      atMs += -Math.log(1 - random()) * meanMs;
    }
    return;
  }
  const slope = (phase.endRate - phase.startRate) / (phase.durationMs / 1_000);
  const total = plannedArrivals(phase);
  for (let k = 0; k < total; k += 1) {
    const root = Math.sqrt(Math.max(0, phase.startRate ** 2 + 2 * slope * k));
    const seconds = k === 0 ? 0 : (2 * k) / (phase.startRate + root);
    yield Math.min(seconds * 1_000, phase.durationMs);
  }
}
