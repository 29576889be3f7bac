import { suiteAndLevel } from '../report/level-groups.ts';

/**
 * The name among `before` that the suite `name` of `after` is compared with: the same one. Where each of the reports
 * has one suite, and they are called differently (two variants of a server, each in a suite of its own), it is that one,
 * and of its levels the one of the same name. Null when there is none.
 */
export const matchingSuite = (
  name: string,
  before: readonly string[],
  after: readonly string[],
): string | null => {
  if (before.includes(name)) return name;
  const suitesIn = (names: readonly string[]) => new Set(names.map((each) => suiteAndLevel(each).suite));
  if (suitesIn(before).size !== 1 || suitesIn(after).size !== 1) return null;
  const { level } = suiteAndLevel(name);
  return before.find((each) => suiteAndLevel(each).level === level) ?? null;
};
