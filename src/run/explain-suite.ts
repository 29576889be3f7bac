import path from 'node:path';
import { type Explained, type ExplainInputs, explainWork } from '../explain/explain-work.ts';
import { joinWork } from '../explain/join-work.ts';
import type { BothSides, SideWork } from '../explain/side-work.ts';
import type { Host } from '../host/host.ts';
import { mean } from '../metrics/averages.ts';
import { measureWork, type WorkRequest } from '../side/measure-work.ts';
import {
  type ChangeRoots,
  placeReader,
  readChanges,
  readDependencyChanges,
  unreadSentence,
} from './read-change.ts';

/** What the judged pairs say, where there are any. */
export type JudgedEvidence = Pick<
  ExplainInputs,
  'latencyMs' | 'cpuMs' | 'allocatedBytes' | 'runQueueMs' | 'loopDelayMs'
>;

export type ExplainRequest = Omit<WorkRequest, 'onProgress' | 'number' | 'withinMs'> & {
  roots: ChangeRoots;
  /** Within this time all ends, milliseconds. */
  budgetMs: number;
  /** Whether pairs are counted as long as there is time for the next one, three at most. */
  repeated: boolean;
  /** Null where nothing was judged: the latency of the counted pair itself then tells whether the server waits. */
  evidence: JudgedEvidence | null;
  onProgress: WorkRequest['onProgress'];
};

export type CountedWork = { baseline: SideWork; head: SideWork };

type Places = ExplainInputs['places'];

/** Why one suite got slower, with what was counted; or why that cannot be told, as a clause. */
export type SuiteExplanation =
  | { explained: Explained; work: CountedWork; places: Places; pairs: CountedWork[] }
  | { unavailable: string };

/** A latency of so few messages must differ by this much to say anything. */
const clearRise = 1.25;

/** To read what changed, however long the counting took; without it no line is named. */
const leastReadingMs = 1_500;

/** What differs in so many pairs differs. */
const mostPairs = 3;

/** Counts both sides, as often as the time allows, and says what the counts mean. Throws CANCELLED alone. */
export const explainSuite = async (request: ExplainRequest): Promise<SuiteExplanation> => {
  const { roots, suite } = request;
  const startMs = performance.now();
  const pairs = await countPairs(request);
  if ('unavailable' in pairs) return pairs;
  const work = pairs.reduce((all, next) => ({
    baseline: joinWork(all.baseline, next.baseline),
    head: joinWork(all.head, next.head),
  }));
  const places = {
    baseline: placeReader(work.baseline, roots.baseline, { scripts: work.head.scripts, root: roots.head }),
    head: placeReader(work.head, roots.head),
  };
  const evidence = request.evidence ?? ownEvidence(work);
  const { host } = request.context;
  const leftMs = Math.max(leastReadingMs, request.budgetMs - (performance.now() - startMs));
  const signal = AbortSignal.any([host.signal, AbortSignal.timeout(Math.round(leftMs))]);
  const serverFolder = path.resolve(request.head.cwd, suite.target.cwd);
  const explained = await explainCounted(work, places, roots, serverFolder, evidence, {
    ...host,
    signal,
  });
  return { explained, work, places, pairs };
};

/** Of several latencies the one that rose most: an answer may wait where a delivery does not. Null of none. */
export function mostRisen(latencies: readonly BothSides[]): BothSides | null {
  return [...latencies].sort((a, b) => b.head - b.baseline - (a.head - a.baseline))[0] ?? null;
}

async function countPairs(request: ExplainRequest): Promise<CountedWork[] | { unavailable: string }> {
  const startMs = performance.now();
  const first = await measureWork({ ...request, number: 0, withinMs: request.budgetMs });
  if ('unavailable' in first) return first;
  const pairs = [first];
  while (request.repeated && pairs.length < mostPairs) {
    const takenMs = performance.now() - startMs;
    if (takenMs + (1.2 * takenMs) / pairs.length > request.budgetMs) break;
    const withinMs = request.budgetMs - takenMs;
    const next = await measureWork({ ...request, number: pairs.length, withinMs });
    if ('unavailable' in next) break;
    pairs.push(next);
  }
  return pairs;
}

/** A latency is longer where every slice of the head is slower than any of the base, and clearly so. */
function ownEvidence({ baseline, head }: CountedWork): JudgedEvidence {
  const longer = Object.entries(baseline.latenciesMs).flatMap(([metric, before]) => {
    const after = head.latenciesMs[metric] ?? [];
    return after.length > 0 &&
      Math.min(...after) > Math.max(...before) &&
      mean(after) >= clearRise * mean(before)
      ? [{ baseline: mean(before), head: mean(after) }]
      : [];
  });
  return {
    latencyMs: mostRisen(longer),
    cpuMs: null,
    allocatedBytes: null,
    runQueueMs: null,
    loopDelayMs: null,
  };
}

async function explainCounted(
  work: CountedWork,
  places: Places,
  roots: ChangeRoots,
  serverFolder: string,
  evidence: JudgedEvidence,
  host: Host,
): Promise<Explained> {
  const { files: changes, unread } = await readChanges(roots, work, places, host);
  const dependencies = readDependencyChanges(roots, serverFolder, changes);
  const explained = explainWork({ ...work, places, changes, dependencies, ...evidence });
  if (unread === null || explained.kind === 'none') return explained;
  return { ...explained, sentences: [...explained.sentences, { text: unreadSentence(unread) }] };
}
