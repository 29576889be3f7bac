/** How long a step takes, and how much of it is measured. */
export type StepShape = {
  /** Load before what is measured: `rampMs` of it rises from a tenth of the load. */
  warmUpMs: number;
  rampMs: number;
  stepMs: number;
};

const defaultRampMs = 2_000;
/** Longest wait for sessions to end as fast as they start; what is longer is said in the report. */
const longestSettleMs = 60_000;
/** Where nothing is known of the sessions. */
const unknownSessionMs = 3_000;
/** Arrivals go on for this long after the step, so that it never sees their end. */
const spareMs = 30_000;

/**
 * The shape of a step. `warmUpMs` is the setting; without it a step warms up for a ramp and the length of a session
 * (`sessionMs`: measured before, or from the scenario's thinks; null when it is not known yet).
 */
export const stepShape = (settings: {
  stepMs: number;
  warmUpMs: number | undefined;
  sessionMs: number | null;
}): StepShape => {
  const { stepMs } = settings;
  const settleMs = Math.min(settings.sessionMs ?? unknownSessionMs, longestSettleMs);
  const warmUpMs = settings.warmUpMs ?? defaultRampMs + settleMs;
  return { warmUpMs, rampMs: Math.min(defaultRampMs, warmUpMs), stepMs };
};

/** Whether sessions of this length end as fast as they start when the measured part begins. */
export const isSettled = (shape: StepShape, sessionMs: number | null): boolean =>
  sessionMs !== null && sessionMs <= shape.warmUpMs - shape.rampMs / 2;

/** `config.phases` of a step at `load` users a second: they take the place of the scenario's own. */
export const stepPhases = (load: number, shape: StepShape): Record<string, unknown>[] => [
  {
    name: `up to ${load}/s`,
    duration: `${shape.rampMs}ms`,
    arrivalRate: load / 10,
    rampTo: load,
  },
  {
    name: `${load}/s`,
    duration: `${shape.warmUpMs - shape.rampMs + shape.stepMs + spareMs}ms`,
    arrivalRate: load,
  },
];
