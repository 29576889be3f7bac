import type { CapacitySettings } from '../../settings/settings-schema.ts';

/** What a load showed: every limit held, one did not, or nothing can be said of the server. */
export type Outcome = 'holds' | 'breaks' | 'invalid';

/** One measurement of one load. */
export type Trial = { load: number; outcome: Outcome };

export type SearchPhase = 'growing' | 'bisecting' | 'confirming';

/** The load to be measured next, and why. */
export type SearchStep = { load: number; phase: SearchPhase };

export type SearchSettings = Pick<
  CapacitySettings,
  'from' | 'to' | 'growth' | 'precisionPercent' | 'confirmations' | 'atLeast'
>;

/** Where a search stands. Loads are virtual users a second. */
export type SearchResult = {
  /** Highest load that holds and below which none breaks; null when there is none. */
  holds: number | null;
  /** Lowest load above that at which a limit broke; null when none did. */
  breaks: number | null;
  /** Load between the two (or above the first) of which nothing can be said, which ended the search; null otherwise. */
  ceiling: number | null;
  /** Both ends were measured more than once. */
  confirmed: boolean;
  /** A load above one that breaks holds: what breaks may come and go with something else than load. */
  contradicted: boolean;
};

/** Loads below this share of the first step are not looked for: a step would have next to no users. */
const lowestShare = 1 / 64;

/** A bound on everything: no search needs as many. */
const maxTrials = 80;

type Rung = { load: number; trials: Outcome[]; answers: number; outcome: Outcome | null };

/**
 * The load to measure next; null when the search is over. Grows by `growth` from `from` until a load does not hold,
 * goes down from `from` when that does not, then halves the ratio between the highest that holds and the lowest that
 * does not until they are `precisionPercent` apart, and measures both again. A load whose measurements disagree is
 * measured once more than they are; a first break is looked at twice before the search goes down for it. A load that
 * gives no answer (the generator was at its end) is tried again, and then bounds the search like one that breaks.
 */
export const nextStep = (settings: SearchSettings, trials: readonly Trial[]): SearchStep | null => {
  if (trials.length === 0) return { load: settings.from, phase: 'growing' };
  if (trials.length >= maxTrials) return null;
  const ladder = ladderOf(trials, settings);
  const open = ladder.find(({ outcome }) => outcome === null);
  if (open !== undefined) return { load: open.load, phase: 'confirming' };

  const { lower, upper } = edgeOf(ladder);
  const wanted = 1 + settings.confirmations;
  const again = (rung: Rung, times: number): SearchStep | null =>
    // Of a load that was given up nothing more is asked, nor of one that keeps giving no answer.
    rung.outcome !== 'invalid' &&
    rung.answers < Math.min(times, wanted) &&
    rung.trials.length < 2 * mostAnswers(settings)
      ? { load: rung.load, phase: 'confirming' }
      : null;

  if (upper === null) {
    const top = lower!;
    if (top.load >= settings.to) return again(top, wanted);
    return { load: Math.min(settings.to, rounded(top.load * settings.growth, settings)), phase: 'growing' };
  }
  if (lower === null) {
    const load = rounded(upper.load / settings.growth, settings);
    return (
      again(upper, 2) ??
      // What can not be judged at the lowest load is nothing that less load would mend.
      (upper.outcome === 'breaks' && load >= settings.from * lowestShare ? { load, phase: 'growing' } : null)
    );
  }
  if (!isNarrow(lower, upper, settings)) {
    const isFirstBreak = upper.load / lower.load > settings.growth ** 0.75;
    const load = rounded(Math.sqrt(lower.load * upper.load), settings);
    return (isFirstBreak ? again(upper, 2) : null) ?? { load, phase: 'bisecting' };
  }
  const { atLeast } = settings;
  if (atLeast !== undefined && lower.load < atLeast && atLeast < upper.load)
    return { load: atLeast, phase: 'bisecting' };
  return again(lower, wanted) ?? again(upper, wanted);
};

/** What the measurements so far say of the capacity. */
export const searchResult = (settings: SearchSettings, trials: readonly Trial[]): SearchResult => {
  const ladder = ladderOf(trials, settings);
  const { lower, upper } = edgeOf(ladder.filter(({ outcome }) => outcome !== null));
  const broken = ladder.find(({ outcome }) => outcome === 'breaks');
  const twice = (rung: Rung | null): boolean =>
    rung === null || rung.answers > 1 || rung.outcome === 'invalid';
  return {
    holds: lower?.load ?? null,
    breaks: broken?.load ?? null,
    ceiling: upper !== null && upper.outcome === 'invalid' ? upper.load : null,
    confirmed: ladder.length > 0 && twice(lower) && twice(upper),
    contradicted:
      broken !== undefined && ladder.some(({ load, outcome }) => load > broken.load && outcome === 'holds'),
  };
};

function ladderOf(trials: readonly Trial[], settings: SearchSettings): Rung[] {
  const rungs = new Map<number, Outcome[]>();
  for (const { load, outcome } of trials) rungs.set(load, [...(rungs.get(load) ?? []), outcome]);
  return [...rungs]
    .map(([load, outcomes]) => ({
      load,
      trials: outcomes,
      answers: outcomes.length - count(outcomes, 'invalid'),
      outcome: outcomeOf(outcomes, settings),
    }))
    .sort((a, b) => a.load - b.load);
}

function count(trials: readonly Outcome[], outcome: Outcome): number {
  return trials.filter((trial) => trial === outcome).length;
}

/**
 * What most answers for a load say; null when another measurement is needed. One that says nothing of the server is no
 * answer: the load is measured again, and given up when that happens as often as answers are wanted, or when answers
 * that disagree get no majority.
 */
function outcomeOf(trials: readonly Outcome[], settings: SearchSettings): Outcome | null {
  const holds = count(trials, 'holds');
  const breaks = count(trials, 'breaks');
  if (holds + breaks === 0) return trials.length > settings.confirmations ? 'invalid' : null;
  if (holds === breaks && trials.length >= 2 * mostAnswers(settings)) return 'invalid';
  if (holds === breaks && holds + breaks < mostAnswers(settings)) return null;
  return holds > breaks ? 'holds' : 'breaks';
}

/** Answers for one load after which there is no other: enough for a majority when one of them was an accident. */
function mostAnswers({ confirmations }: SearchSettings): number {
  return 2 * confirmations + 1;
}

/** The rungs between which the capacity lies. */
function edgeOf(ladder: readonly Rung[]): { lower: Rung | null; upper: Rung | null } {
  const upper = ladder.find(({ outcome }) => outcome !== 'holds') ?? null;
  const lower = ladder.filter(({ load }) => upper === null || load < upper.load).at(-1) ?? null;
  return { lower, upper };
}

/** Loads are round enough to be read, and fine enough for the precision asked for. */
function rounded(load: number, { precisionPercent }: SearchSettings): number {
  return Number(load.toPrecision(precisionPercent >= 1 ? 3 : 5));
}

function isNarrow(lower: Rung, upper: Rung, settings: SearchSettings): boolean {
  const middle = rounded(Math.sqrt(lower.load * upper.load), settings);
  return (
    upper.load / lower.load <= 1 + settings.precisionPercent / 100 ||
    middle <= lower.load ||
    middle >= upper.load
  );
}
