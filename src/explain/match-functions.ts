import { type FileChange, lineAfter } from './parse-diff.ts';
import type { FunctionWork } from './work-of-functions.ts';

/** One function at the base and at the head; null on the side where it did not run. */
export type FunctionPair = { baseline: FunctionWork | null; head: FunctionWork | null };

/**
 * Finds each function of the base at the head: unchanged text first, then the place that the change moved it to, then
 * its name, and last text that moved to another file.
 */
export const matchFunctions = (
  baseline: readonly FunctionWork[],
  head: readonly FunctionWork[],
  changes: readonly FileChange[],
): FunctionPair[] => {
  const byBefore = new Map(
    changes.flatMap((change) => (change.before === null ? [] : [[change.before, change]])),
  );
  const fileNow = (one: FunctionWork): string => byBefore.get(one.file)?.after ?? one.file;
  const lineNow = (one: FunctionWork): number | null => lineAfter(byBefore.get(one.file), one.line);
  const pairs: FunctionPair[] = [];
  let left = [...baseline].sort(inOrder);
  let right = [...head].sort(inOrder);
  /** Pairs those of both sides that have the same key, in the order in which they stand. */
  const pairBy = (
    before: (one: FunctionWork) => string | null,
    after: (one: FunctionWork) => string | null,
    onlySingle = false,
  ): void => {
    const waiting = grouped(right, after);
    const candidates = grouped(left, before);
    const taken = new Set<FunctionWork>();
    for (const [key, group] of candidates) {
      const others = waiting.get(key) ?? [];
      if (onlySingle && (group.length !== 1 || others.length !== 1)) continue;
      for (const [index, one] of group.entries()) {
        const other = others[index];
        if (other === undefined) break;
        pairs.push({ baseline: one, head: other });
        taken.add(one).add(other);
      }
    }
    left = left.filter((one) => !taken.has(one));
    right = right.filter((one) => !taken.has(one));
  };
  pairBy(
    (one) => `${fileNow(one)}\n${one.name}\n${one.body}\n${lineNow(one) ?? ''}`,
    (one) => `${one.file}\n${one.name}\n${one.body}\n${one.line}`,
  );
  pairBy(
    (one) => `${fileNow(one)}\n${one.name}\n${one.body}`,
    (one) => `${one.file}\n${one.name}\n${one.body}`,
  );
  pairBy(
    (one) => (lineNow(one) === null ? null : `${fileNow(one)}\n${one.name}\n${lineNow(one)}`),
    (one) => `${one.file}\n${one.name}\n${one.line}`,
  );
  pairBy(
    (one) => (one.name === '' ? null : `${fileNow(one)}\n${one.name}`),
    (one) => (one.name === '' ? null : `${one.file}\n${one.name}`),
    true,
  );
  pairBy(
    (one) => `${one.name}\n${one.body}`,
    (one) => `${one.name}\n${one.body}`,
    true,
  );
  pairBy(
    (one) => `${one.owner.kind}\n${one.body}`,
    (one) => `${one.owner.kind}\n${one.body}`,
    true,
  );
  // An anonymous one in a line that was changed: the only one left in its file on both sides.
  pairBy(fileNow, (one) => one.file, true);
  return [
    ...pairs,
    ...left.map((one) => ({ baseline: one, head: null })),
    ...right.map((one) => ({ baseline: null, head: one })),
  ];
};

function inOrder(a: FunctionWork, b: FunctionWork): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line;
}

function grouped(
  functions: readonly FunctionWork[],
  keyOf: (one: FunctionWork) => string | null,
): Map<string, FunctionWork[]> {
  const groups = new Map<string, FunctionWork[]>();
  for (const one of functions) {
    const key = keyOf(one);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}
