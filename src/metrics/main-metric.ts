import { metricOf } from './metric.ts';
import type { RoundMeasurement } from './round-measurement.ts';

/**
 * The main latency of a suite where none is named: the one with most values, but a handshake or the length of a session
 * only where nothing else was measured, because every user has one and it is not what the server is for. `counts` are the
 * values of each latency, on both sides. Null when there are none.
 */
export function chooseMain(counts: ReadonlyMap<string, number>): string | null {
  return byImportance(counts)[0] ?? null;
}

/** The main latency of a suite: the one that is `named`, else the one that `chooseMain` finds in the rounds of both sides. */
export function mainOf(named: string | null, rounds: readonly RoundMeasurement[]): string | null {
  return named ?? chooseMain(countValues(rounds));
}

/** Latencies in the order of `chooseMain`, the main one first. */
export function byImportance(counts: ReadonlyMap<string, number>): string[] {
  return [...counts]
    .sort(
      ([a, countA], [b, countB]) =>
        // Of as many values the shorter name: all answers (`http.response`) before those of a kind (`http.2xx.response`).
        rankOf(a) - rankOf(b) || countB - countA || a.length - b.length || (a < b ? -1 : 1),
    )
    .map(([metric]) => metric);
}

/** Those of some latencies of which the main one is chosen by how many values they have. */
export function mainCandidates(metrics: Iterable<string>): string[] {
  const all = [...metrics];
  const best = all.reduce((least, metric) => Math.min(least, rankOf(metric)), Number.POSITIVE_INFINITY);
  return all.filter((metric) => rankOf(metric) === best);
}

/** How many values of each latency the rounds hold. */
function countValues(rounds: readonly RoundMeasurement[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const round of rounds)
    for (const [metric, { count }] of Object.entries(round.metrics))
      counts.set(metric, (counts.get(metric) ?? 0) + count);
  return counts;
}

function rankOf(metric: string): number {
  const { of } = metricOf(metric);
  if (of === 'session') return 2;
  return of === 'handshake' ? 1 : 0;
}
