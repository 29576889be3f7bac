import type { LoadProgress } from '../generator/load-session.ts';
import {
  formatChange,
  formatCount,
  formatDuration,
  formatElapsed,
  plural,
  theSide,
} from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { SuiteJudgement } from '../verdict/judgement.ts';
import { scheduledLooks } from '../verdict/look-schedule.ts';
import { cleanLine } from './clean-text.ts';
import { displayWidth, fitWidth } from './terminal-text.ts';

export type PairProgress = {
  done: number;
  /** How long those took, and how long ago the last of them ended. */
  doneMs: number;
  sinceMs: number;
  /** Between how many and how many there will be. */
  min: number;
  max: number;
};

/** What is known while a suite runs. */
export type ProgressView = {
  suite: string;
  /** What is being done, in a word or two of ours: "warming up", "measuring". */
  stage: string;
  side: SideName | null;
  load: LoadProgress | null;
  /** Pairs (or rounds); null when it is not known how many there will be. */
  pairs: PairProgress | null;
  /** The interval of the primary metric now. */
  interval: SuiteJudgement['progress'];
  elapsedMs: number;
  /** Time budget of the run; null when there is none. */
  budgetMs: number | null;
};

type Part = { text: string /** Highest goes first when there is no room; 0 stays. */; drop: number };

/** One line of at most `columns` that says where the run is. Foreign names in it are cleaned. */
export const renderProgress = (view: ProgressView, columns = 100): string => {
  const { load, pairs, interval } = view;
  const failed = load === null ? 0 : load.usersFailed;
  const errors = load === null ? 0 : load.errors;
  const left = remainingText(view);
  const side = view.side === null ? '' : ` ${theSide(view.side)}`;
  const parts: Part[] = [
    { text: cleanLine(view.suite, 40), drop: 1 },
    ...(pairs === null ? [] : [{ text: pairsText(pairs), drop: 0 }]),
    { text: `${view.stage}${side}${load === null ? '' : ` ${loadText(load)}`}`, drop: 3 },
    ...(load === null ? [] : [{ text: plural(load.usersActive, 'user'), drop: 6 }]),
    ...(load?.main
      ? [{ text: `${cleanLine(load.main.id, 40)} p95 ${formatDuration(load.main.p95Ms)}`, drop: 5 }]
      : []),
    ...(errors > 0 ? [{ text: plural(errors, 'error'), drop: 2 }] : []),
    ...(failed > 0 ? [{ text: `${formatCount(failed)} failed`, drop: 4 }] : []),
    ...(interval === null
      ? []
      : [{ text: `${cleanLine(interval.statistic, 12)} ${formatChange(interval)}`, drop: 0 }]),
    ...(left === null ? [] : [{ text: left, drop: 2 }]),
  ];
  const separator = ' · ';
  let shown = parts;
  const join = () => shown.map((part) => part.text).join(separator);
  while (displayWidth(join()) > columns) {
    const last = Math.max(...shown.map((part) => part.drop));
    if (last === 0) break;
    shown = shown.filter((part) => part.drop !== last);
  }
  return fitWidth(join(), columns);
};

/**
 * How much longer it takes, from the time the pairs so far took: until the next look at the earliest, and until the last
 * at the latest, milliseconds. Null before the first pair.
 */
export const estimateRemaining = (
  view: Pick<ProgressView, 'pairs' | 'elapsedMs' | 'budgetMs'>,
): { earliestMs: number; latestMs: number } | null => {
  const { pairs, elapsedMs, budgetMs } = view;
  if (pairs === null || pairs.done === 0) return null;
  const perPairMs = pairs.doneMs / pairs.done;
  const untilBudgetMs = budgetMs === null ? Number.POSITIVE_INFINITY : Math.max(0, budgetMs - elapsedMs);
  const until = (count: number): number =>
    Math.min(Math.max(0, (count - pairs.done) * perPairMs - pairs.sinceMs), untilBudgetMs);
  return { earliestMs: until(nextLook(pairs)), latestMs: until(pairs.max) };
};

function remainingText(view: ProgressView): string | null {
  const left = estimateRemaining(view);
  if (left === null) return null;
  const coarse = (ms: number): string =>
    formatElapsed(ms < 90_000 ? Math.ceil(ms / 5000) * 5000 : Math.ceil(ms / 60_000) * 60_000);
  const earliest = coarse(left.earliestMs);
  const latest = coarse(left.latestMs);
  if (left.latestMs <= 0) return 'longer than expected';
  if (left.earliestMs <= 0) return `at most ${latest} left`;
  return earliest === latest ? `about ${latest} left` : `${earliest} to ${latest} left`;
}

function pairsText(pairs: PairProgress): string {
  const now = Math.min(pairs.done + 1, pairs.max);
  if (pairs.min === pairs.max) return `round ${now} of ${pairs.max}`;
  const next = nextLook(pairs);
  if (next === pairs.max) return `pair ${now} of ${next}`;
  return next === now ? `pair ${now} of at most ${pairs.max}` : `pair ${now} of ${next} to ${pairs.max}`;
}

/** At how many pairs the verdict may be given next. */
function nextLook({ done, min, max }: PairProgress): number {
  return scheduledLooks({ minPairs: min, maxPairs: max }).find((look) => look > done) ?? max;
}

function loadText(load: LoadProgress): string {
  return load.plannedMs === null
    ? formatElapsed(load.activeMs)
    : `${formatElapsed(load.activeMs)} of ${formatElapsed(load.plannedMs)}`;
}
