/** `suite/level` in its two parts; the level is null for a suite without levels. */
const partsOf = (name: string): { suite: string; level: string | null } => {
  const slash = name.lastIndexOf('/');
  return slash <= 0
    ? { suite: name, level: null }
    : { suite: name.slice(0, slash), level: name.slice(slash + 1) };
};

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
  const suitesIn = (names: readonly string[]) => new Set(names.map((each) => partsOf(each).suite));
  if (suitesIn(before).size !== 1 || suitesIn(after).size !== 1) return null;
  const { level } = partsOf(name);
  return before.find((each) => partsOf(each).level === level) ?? null;
};
