import type { TailgateError } from '../errors.ts';
import type { ArrivalPhase } from '../scenario/arrival-schedule.ts';
import { plannedPeak } from '../scenario/planned-load.ts';
import { type LimitPlan, type LoadDemand, type MachineLimits, planLimits } from '../side/target/limits.ts';
import { fillPort } from '../side/target/target-address.ts';
import type { CheckedScenario } from './check-scenarios.ts';

/** The limits that a suite runs within, and what to say of them. */
export type SuiteLimits = { plan: LimitPlan; notes: string[] };

/** What a session waits for answers beside its thinks, milliseconds: an estimate on the high side for a healthy server. */
const answersMs = 1_000;

/** What the phases ask of the machine, if sessions last as long as their flow tells; all users at once if it does not. */
export const loadDemand = (
  {
    scenario,
    session,
    suite,
  }: Pick<CheckedScenario, 'session' | 'suite'> & {
    scenario: { phases: readonly ArrivalPhase[] };
  },
  phases: readonly ArrivalPhase[] = scenario.phases,
): LoadDemand => {
  const sessionMs = session.idleMs === null ? null : session.idleMs + answersMs;
  const { users, perSecond } = plannedPeak(phases, sessionMs);
  const url = fillPort(suite.target.url, 80);
  return {
    connections: users,
    connectionsPerSecond: perSecond,
    // What is wrong with a URL is said where it is used.
    targetUrl: URL.canParse(url) ? url : 'http://127.0.0.1',
  };
};

/**
 * Plans how a suite runs within the limits of open files and ports. Throws LIMIT_TOO_LOW when its load does not fit;
 * where it cannot be told how long sessions last, that is a note, because they may be short. `share` is the part of the
 * load that this machine drives.
 */
export const suiteLimits = (checked: CheckedScenario, machine: MachineLimits, share = 1): SuiteLimits => {
  const whole = loadDemand(checked);
  const demand = {
    ...whole,
    connections: Math.ceil(whole.connections * share),
    connectionsPerSecond: whole.connectionsPerSecond * share,
  };
  const name = `Suite "${checked.suite.name}"`;
  try {
    const plan = planLimits(demand, machine);
    return { plan, notes: plan.notes.map((note) => `${name}: ${note}`) };
  } catch (failure) {
    if (checked.session.idleMs !== null) throw failure;
    const { what, fix } = failure as TailgateError;
    const least = planLimits({ ...demand, connections: 0, connectionsPerSecond: 0 }, machine);
    const notes = [`${name}: if no session ended before the last one started: ${what} ${fix}`];
    return { plan: { ...least, openFilesNeeded: least.openFilesNeeded + demand.connections }, notes };
  }
};
