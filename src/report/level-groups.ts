import { chooseMain } from '../metrics/main-metric.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import { valueFromCounters } from '../metrics/values.ts';
import { arrivalSentence } from './describe-comparison.ts';
import type { MetricReport, SuiteReport } from './report-model.ts';

/** One suite run at several loads: its suites are named `suite/level`. */
export type LevelGroup = { name: string; levels: { name: string; suite: SuiteReport }[] };

/** `suite/level` in its two parts; the level is null for a suite without levels. */
export const suiteAndLevel = (name: string): { suite: string; level: string | null } => {
  const slash = name.lastIndexOf('/');
  return slash <= 0 || slash === name.length - 1
    ? { suite: name, level: null }
    : { suite: name.slice(0, slash), level: name.slice(slash + 1) };
};

/** The suites in their order, with those that are levels of one suite put together. */
export const groupLevels = (suites: readonly SuiteReport[]): (SuiteReport | LevelGroup)[] => {
  const prefixOf = (name: string): string | null => {
    const { suite, level } = suiteAndLevel(name);
    return level === null ? null : suite;
  };
  const members = new Map<string, SuiteReport[]>();
  for (const suite of suites) {
    const prefix = prefixOf(suite.name);
    if (prefix === null) continue;
    const found = members.get(prefix);
    if (found === undefined) members.set(prefix, [suite]);
    else found.push(suite);
  }
  const done = new Set<string>();
  return suites.flatMap((suite): (SuiteReport | LevelGroup)[] => {
    const prefix = prefixOf(suite.name);
    const together = prefix === null ? [] : (members.get(prefix) ?? []);
    if (prefix === null || together.length < 2) return [suite];
    if (done.has(prefix)) return [];
    done.add(prefix);
    return [
      {
        name: prefix,
        levels: together.map((member) => ({ name: member.name.slice(prefix.length + 1), suite: member })),
      },
    ];
  });
};

export const isLevelGroup = (entry: SuiteReport | LevelGroup): entry is LevelGroup => 'levels' in entry;

/** The metric that stands for all levels of a group: of their main ones, the main one of all of them together. */
export const mainOfLevels = (group: LevelGroup): string | null => {
  const counts = new Map<string, number>();
  for (const main of new Set(group.levels.map(({ suite }) => suite.main)))
    if (main)
      counts.set(
        main,
        group.levels.reduce((sum, { suite }) => sum + (metricNamed(suite, main)?.head?.count ?? 0), 0),
      );
  return chooseMain(counts);
};

export const metricNamed = (suite: SuiteReport, id: string | null): MetricReport | null =>
  suite.metrics.find((metric) => metric.id === id) ?? null;

/** A rate of one side (errors per attempt, for example), from the counters; null when that side was not measured. */
export const valueOfSide = (suite: SuiteReport, side: SideName, rate: string): number | null => {
  const counters: Record<string, number> = {};
  for (const [name, values] of Object.entries(suite.counters)) {
    const value = values[side];
    if (value !== null) counters[name] = value;
  }
  return valueFromCounters(rate, counters, 0);
};

/** For the levels whose users the generator could not start on time, and that are judged all the same: how fast it was. */
export const arrivalNotes = (group: LevelGroup): { level: string; note: string }[] =>
  group.levels.flatMap(({ name, suite: { generator } }) => {
    const note = generator?.bestEffort === true ? arrivalSentence(generator) : null;
    return note === null ? [] : [{ level: name, note }];
  });
