import type { ArrivalPhase } from './arrival-schedule.ts';

/** Steps in which the arrivals of a phase are looked at; the highest point lies at the end of one, or near. */
const stepsPerPhase = 50;

/**
 * Most users at the same time, if each stays for `sessionMs` (null: until the end), and most that start in a second.
 * `maxVusers` holds where it is set for all phases.
 */
export const plannedPeak = (
  phases: readonly ArrivalPhase[],
  sessionMs: number | null,
): { users: number; perSecond: number } => {
  const instants: number[] = [];
  let startMs = 0;
  for (const { durationMs } of phases) {
    for (let step = 1; step <= stepsPerPhase; step += 1)
      instants.push(startMs + (durationMs * step) / stepsPerPhase);
    startMs += durationMs;
  }
  const users = instants.map(
    (atMs) => startedBy(phases, atMs) - (sessionMs === null ? 0 : startedBy(phases, atMs - sessionMs)),
  );
  const limits = phases.map(({ maxUsers }) => maxUsers);
  const most = limits.every((limit) => limit !== null) ? Math.max(0, ...limits) : Number.POSITIVE_INFINITY;
  return {
    users: Math.min(Math.max(0, Math.ceil(Math.max(...users) - 1e-9)), most),
    perSecond: Math.max(0, ...phases.flatMap(({ startRate, endRate }) => [startRate, endRate])),
  };
};

/** Users that phases have started by `atMs`, on average. */
function startedBy(phases: readonly ArrivalPhase[], atMs: number): number {
  let startMs = 0;
  let users = 0;
  for (const { durationMs, startRate, endRate } of phases) {
    const ms = Math.min(Math.max(atMs - startMs, 0), durationMs);
    const rate = startRate + ((endRate - startRate) * ms) / durationMs;
    users += (((startRate + rate) / 2) * ms) / 1000;
    startMs += durationMs;
  }
  return users;
}
