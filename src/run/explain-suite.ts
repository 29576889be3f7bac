import path from 'node:path';
import { type BothSides, type Explained, type ExplainInputs, explainWork } from '../explain/explain-work.ts';
import type { SideWork } from '../explain/side-work.ts';
import type { Host } from '../host/host.ts';
import { measureWork, type WorkRequest } from '../side/measure-work.ts';
import type { SideName } from '../side/slice-order.ts';
import { type ChangeRoots, placeReader, readChanges, readDependencyChanges } from './read-change.ts';

/** What the judged pairs say, where there are any. */
export type JudgedEvidence = Pick<ExplainInputs, 'latencyMs' | 'cpuMs' | 'runQueueMs' | 'loopDelayMs'>;

export type ExplainRequest = Omit<WorkRequest, 'onProgress' | 'number'> & {
  roots: ChangeRoots;
  /** Null where nothing was judged: the latency of the counted pair itself then tells whether the server waits. */
  evidence: JudgedEvidence | null;
  onProgress: WorkRequest['onProgress'];
};

/** Why one suite got slower, with what was counted; or why that cannot be told, as a clause. */
export type SuiteExplanation =
  | { explained: Explained; work: { baseline: SideWork; head: SideWork } }
  | { unavailable: string };

/** A latency of so few messages must differ by this much to say anything. */
const clearRise = 1.25;

/** Counts both sides once, and says what the counts mean. Throws CANCELLED alone. */
export const explainSuite = async (request: ExplainRequest): Promise<SuiteExplanation> => {
  const { roots, suite } = request;
  const { host } = request.context;
  const latency = new Map<SideName, number>();
  const work = await measureWork({
    ...request,
    number: 0,
    onProgress: (side, load) => {
      if (load?.main != null) latency.set(side, load.main.p50Ms);
      request.onProgress(side, load);
    },
  });
  if ('unavailable' in work) return work;
  return {
    explained: await explainCounted(
      work,
      roots,
      suite.target.cwd,
      request.evidence ?? ownEvidence(latency),
      host,
    ),
    work,
  };
};

async function explainCounted(
  work: { baseline: SideWork; head: SideWork },
  roots: ChangeRoots,
  serverFolder: string,
  evidence: JudgedEvidence,
  host: Host,
): Promise<Explained> {
  const places = {
    baseline: placeReader(work.baseline, roots.baseline),
    head: placeReader(work.head, roots.head),
  };
  const changes = await readChanges(roots, work, places, host);
  const folder = path.relative(roots.head, path.resolve(host.cwd, serverFolder));
  const dependencies = readDependencyChanges(roots, folder.startsWith('..') ? '.' : folder, changes);
  return explainWork({ ...work, places, changes, dependencies, ...evidence });
}

function ownEvidence(latency: ReadonlyMap<SideName, number>): JudgedEvidence {
  const [baseline, head] = [latency.get('baseline'), latency.get('head')];
  const latencyMs: BothSides | null =
    baseline === undefined || head === undefined || head < clearRise * baseline ? null : { baseline, head };
  return { latencyMs, cpuMs: null, runQueueMs: null, loopDelayMs: null };
}
