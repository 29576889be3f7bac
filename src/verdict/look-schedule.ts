import type { VerdictSettings } from '../settings/settings-schema.ts';
import { studentTUpperQuantile } from './statistics/distributions.ts';
import { nominalLevels, type SequentialDesign } from './statistics/group-sequential.ts';

/** Probability of a false fail of a whole job, over all its gates and looks. */
export const jobAlpha = 0.01;

/** Probability, per gate, of passing a change as large as the margin. */
export const passBeta = 0.05;

/** Fails are proven late (close to O'Brien and Fleming): a fail at the first look needs a very clear change. */
const failGamma = -4;

/**
 * Passes are spent evenly. With -2 the median unchanged run at a pair deviation of 0.1 takes 12 pairs, with 0 it
 * takes 10, for 1.2 points more of inconclusive runs; `bench/verdict-power.ts` shows both.
 */
const passGamma = 0;

/**
 * One-sided p below which a rise that would matter keeps a guard (or a count of failures) open, though it is not proven.
 */
export const suspicionP = 0.02;

/** One-sided p below which a rise is hinted at: no pass before the last look. */
const hintP = 0.1;

/** One look at the data: what must be exceeded now. */
export type Look = {
  pairs: number;
  /** No more pairs can come: what is open stays open. */
  last: boolean;
  /** t that proves a change, for a gate that has this share of the job's false alarms. */
  failBoundary: (share: number) => number;
  /** One-sided p that proves a change, for the same. */
  failLevel: (share: number) => number;
  /** t by which the margin is ruled out. */
  passBoundary: number;
  /** t beyond which a rise is suspected. */
  suspicionBoundary: number;
  /** t beyond which a rise is hinted at. */
  hintBoundary: number;
};

const quantileCache = new Map<string, number>();

type Schedule = Pick<VerdictSettings, 'minPairs' | 'maxPairs'>;

/**
 * Numbers of pairs at which a verdict may be given: after every pair from the least to the most. A look costs a little
 * of what there is to spend and saves a pair where the boundary is crossed at an odd one.
 */
export const scheduledLooks = (settings: Pick<VerdictSettings, 'minPairs' | 'maxPairs'>): number[] => {
  const { minPairs, maxPairs } = settings;
  return Array.from({ length: Math.max(1, maxPairs - minPairs + 1) }, (_, index) =>
    Math.min(minPairs + index, maxPairs),
  );
};

/** The look that the schedule has at `pairs`; null between looks. `suites` share the false alarms of the job. */
export const plannedLook = (pairs: number, settings: Schedule, suites: number): Look | null => {
  const looks = scheduledLooks(settings);
  const index = looks.indexOf(Math.min(pairs, settings.maxPairs));
  if (index === -1 || pairs < 2) return null;
  const last = index === looks.length - 1;
  return makeLook(
    pairs > settings.maxPairs ? [...looks.slice(0, -1), pairs] : looks,
    index,
    settings.maxPairs,
    suites,
    last,
  );
};

/**
 * The last look when the time ran out at `pairs`: it spends all that the planned looks before it have not. Time runs
 * out by the clock and not by what was measured, so the false alarms stay what they are. Null below two pairs.
 */
export const lastLook = (pairs: number, settings: Schedule, suites: number): Look | null => {
  if (pairs < 2) return null;
  const before = scheduledLooks(settings).filter((look) => look < pairs);
  return makeLook([...before, pairs], before.length, Math.max(settings.maxPairs, pairs), suites, true);
};

function makeLook(
  looks: readonly number[],
  index: number,
  maxPairs: number,
  suites: number,
  last: boolean,
): Look {
  const pairs = looks[index]!;
  const levelOf = (alpha: number, gamma: number): number => {
    const design: SequentialDesign = { looks, maxPairs, alpha, gamma };
    return nominalLevels(design)[index]!;
  };
  const failLevel = (share: number): number => levelOf((jobAlpha * share) / suites, failGamma);
  return {
    pairs,
    last,
    failLevel,
    failBoundary: (share) => studentQuantile(failLevel(share), pairs - 1),
    passBoundary: studentQuantile(levelOf(passBeta, passGamma), pairs - 1),
    suspicionBoundary: studentQuantile(suspicionP, pairs - 1),
    hintBoundary: studentQuantile(hintP, pairs - 1),
  };
}

function studentQuantile(level: number, degrees: number): number {
  const key = `${level}/${degrees}`;
  const known = quantileCache.get(key);
  if (known !== undefined) return known;
  const made = studentTUpperQuantile(level, degrees);
  quantileCache.set(key, made);
  return made;
}
