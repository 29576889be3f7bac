/**
 * The name of `known` that `name` was probably meant to be; undefined when none is near (more than a third of its
 * letters differ).
 */
export const nearestName = (name: string, known: readonly string[]): string | undefined => {
  const wanted = bare(name);
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const found = distance(wanted, bare(candidate));
    if (best === undefined || found < best.distance) best = { name: candidate, distance: found };
  }
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  return best !== undefined && best.distance <= allowed ? best.name : undefined;
};

/** Letters and digits alone: `max_minutes`, `maxMinutes` and `max-minutes` are one word misspelt in three ways. */
function bare(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}.*]/gu, '');
}

/** Edit distance with swaps of neighbours counted as one (optimal string alignment), ignoring case. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, beforeLast[column - 2]! + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
