import { setTimeout as delay } from 'node:timers/promises';
import { problemsOf, type TailgateError } from '../errors.ts';
import type { LoadProgress } from '../generator/load-session.ts';
import { atSide } from '../metrics/notation.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { distributionOver } from '../metrics/values.ts';
import type { MeasuredLevel } from '../report/build-capacity.ts';
import type { CapacitySettings } from '../settings/settings-schema.ts';
import type { SideSource } from '../side/open-side.ts';
import type { SearchEnd, SideResult } from '../verdict/capacity/capacity-verdict.ts';
import { nextStep, type SearchStep, searchResult, type Trial } from '../verdict/capacity/search.ts';
import { isSettled, stepShape } from '../verdict/capacity/step-load.ts';
import { type LevelContext, measureLevel } from './measure-level.ts';
import { suiteLabel } from './suite-run.ts';

/** What one side gave. */
export type SearchedSide = {
  source: SideSource;
  levels: MeasuredLevel[];
  result: SideResult;
};

export type CapacitySearch = {
  sides: SearchedSide[];
  /** What ended the search before its time. */
  problems: TailgateError[];
  warnings: string[];
  loadMs: number;
};

export type SearchInputs = {
  level: LevelContext;
  settings: CapacitySettings;
  sources: readonly SideSource[];
  /** Time for the whole search, milliseconds. */
  budgetMs: number;
  onProgress: (side: SideSource, step: SearchStep, load: LoadProgress) => void;
  /** Told what there is after each load that was tried. */
  onLevel: (side: SideSource, level: MeasuredLevel, sofar: CapacitySearch) => void;
};

/** The longest sessions that a step at little load saw: one in twenty lasts longer. */
const sessionQuantile = 0.95;

/** A server that Tailgate does not restart is given this long to get over a load that was too much for it. */
const recoveryMs = 3_000;

/** One search on one side. */
class SideSearch {
  readonly source: SideSource;
  readonly levels: MeasuredLevel[] = [];
  readonly #inputs: SearchInputs;
  /** Sessions were longer than the warm-up of a step. */
  unsettledMs: number | null = null;

  constructor(source: SideSource, inputs: SearchInputs) {
    this.source = source;
    this.#inputs = inputs;
  }

  get next(): SearchStep | null {
    return nextStep(this.#inputs.settings, trialsOf(this.levels));
  }

  async measure(step: SearchStep): Promise<MeasuredLevel> {
    const { level, settings } = this.#inputs;
    const sessionMs = sessionLength(this.levels, level.scenario.session.idleMs);
    const shape = stepShape({ stepMs: settings.stepMs, warmUpMs: settings.warmUpMs, sessionMs });
    const settled = isSettled(shape, sessionMs);
    if (!settled && this.levels.length > 0) this.unsettledMs = sessionMs ?? shape.warmUpMs;
    const measured = await measureLevel(level, {
      load: step.load,
      phase: step.phase,
      shape,
      settled,
      source: this.source,
      label: `${suiteLabel(level.suite)}-${this.source.name}-${this.levels.length + 1}-${step.load}`,
      onProgress: (load) =>
        this.#inputs.onProgress(this.source, step, {
          ...load,
          plannedMs: shape.warmUpMs + shape.stepMs,
        }),
    });
    this.levels.push(measured);
    if (level.suite.target.start === undefined && measured.outcome !== 'holds')
      await delay(recoveryMs, undefined, { signal: level.context.host.signal }).catch(() => {});
    return measured;
  }

  result(cut: 'time' | 'problem' | null): SideResult {
    const found = searchResult(this.#inputs.settings, trialsOf(this.levels));
    const isOver = this.next === null;
    return { ...found, end: isOver ? this.#end(found.holds, found.ceiling) : (cut ?? 'problem') };
  }

  #end(holds: number | null, ceiling: number | null): SearchEnd {
    if (ceiling !== null) {
      const reason = this.levels.find(({ load, outcome }) => load === ceiling && outcome === 'invalid')
        ?.reasons[0];
      return reason?.what === 'generator' ? 'generator' : 'unjudged';
    }
    return holds !== null && holds >= this.#inputs.settings.to ? 'top' : 'found';
  }
}

/**
 * Searches the capacity of one or two sides, step by step and side after side, so that a drift of the machine touches
 * both alike. Known failures do not throw: they are in `problems`, with everything that was measured before them.
 */
export const searchCapacity = async (inputs: SearchInputs): Promise<CapacitySearch> => {
  const searches = inputs.sources.map((source) => new SideSearch(source, inputs));
  const problems: TailgateError[] = [];
  const started = performance.now();
  let longestMs = 0;
  let cut: 'time' | 'problem' | null = null;
  const found = (end: typeof cut): CapacitySearch => ({
    sides: searches.map((search) => ({
      source: search.source,
      levels: [...search.levels],
      result: search.result(end),
    })),
    problems,
    warnings: warningsOf(searches),
    loadMs: searches
      .flatMap(({ levels }) => levels)
      .reduce((sum, { round }) => sum + (round?.activeMs ?? 0), 0),
  });
  try {
    for (let turn = 0; cut === null && searches.some(({ next }) => next !== null); turn += 1) {
      for (const search of turn % 2 === 0 ? searches : [...searches].reverse()) {
        const step = search.next;
        if (step === null) continue;
        const before = performance.now();
        if (before - started + longestMs > inputs.budgetMs) {
          cut = 'time';
          break;
        }
        const level = await search.measure(step);
        inputs.onLevel(search.source, level, found(null));
        longestMs = Math.max(longestMs, performance.now() - before);
      }
    }
  } catch (failure) {
    cut = 'problem';
    problems.push(...problemsOf(failure));
  }
  return found(cut);
};

/** The rounds at a load that counted: not those that say nothing, of which the load generator was the bottleneck for example. */
export function roundsAt({ levels }: Pick<SearchedSide, 'levels'>, load: number | null): RoundMeasurement[] {
  return levels.flatMap((level) =>
    level.load === load && level.outcome !== 'invalid' && level.round !== null ? [level.round] : [],
  );
}

function warningsOf(searches: readonly SideSearch[]): string[] {
  return searches.flatMap(({ source, unsettledMs, levels }) => [
    ...(unsettledMs === null
      ? []
      : [
          `Sessions ${atSide(source.name)} last ${Math.round(unsettledMs / 100) / 10} s or more, longer than a step warms up: users were still gathering while it was measured, so whether they pile up could not be told. Raise "capacity.warmUpMs".`,
        ]),
    ...new Set(levels.flatMap(({ round }) => round?.warnings ?? [])),
  ]);
}

function trialsOf(levels: readonly MeasuredLevel[]): Trial[] {
  return levels.map(({ load, outcome }) => ({ load, outcome }));
}

/** How long a session lasts: as measured where the limits held, else as its flow tells, else unknown. */
function sessionLength(levels: readonly MeasuredLevel[], idleMs: number | null): number | null {
  const calm = levels.find(({ outcome }) => outcome === 'holds')?.round ?? null;
  const sketch = calm === null ? null : distributionOver([calm], 'session.length');
  const measuredMs = sketch === null ? null : sketch.quantileMs(sessionQuantile);
  return measuredMs === null ? idleMs : Math.max(measuredMs, idleMs ?? 0);
}
