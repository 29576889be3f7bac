import path from 'node:path';
import { type Explained, type ExplainInputs, explainWork } from '../explain/explain-work.ts';
import type { SideWork } from '../explain/side-work.ts';
import type { Host } from '../host/host.ts';
import { measureWork, type WorkRequest } from '../side/measure-work.ts';
import { mean } from '../verdict/statistics/robust.ts';
import { type ChangeRoots, placeReader, readChanges, readDependencyChanges } from './read-change.ts';

/** What the judged pairs say, where there are any. */
export type JudgedEvidence = Pick<ExplainInputs, 'latencyMs' | 'cpuMs' | 'runQueueMs' | 'loopDelayMs'>;

export type ExplainRequest = Omit<WorkRequest, 'onProgress' | 'number'> & {
  roots: ChangeRoots;
  /** Null where nothing was judged: the latency of the counted pair itself then tells whether the server waits. */
  evidence: JudgedEvidence | null;
  onProgress: WorkRequest['onProgress'];
};

type CountedWork = { baseline: SideWork; head: SideWork };
type Places = ExplainInputs['places'];

/** Why one suite got slower, with what was counted; or why that cannot be told, as a clause. */
export type SuiteExplanation =
  | { explained: Explained; work: CountedWork; places: Places }
  | { unavailable: string };

/** A latency of so few messages must differ by this much to say anything. */
const clearRise = 1.25;

/** Counts both sides once, and says what the counts mean. Throws CANCELLED alone. */
export const explainSuite = async (request: ExplainRequest): Promise<SuiteExplanation> => {
  const { roots, suite } = request;
  const { host } = request.context;
  const work = await measureWork({ ...request, number: 0 });
  if ('unavailable' in work) return work;
  const places = {
    baseline: placeReader(work.baseline, roots.baseline),
    head: placeReader(work.head, roots.head),
  };
  const evidence = request.evidence ?? ownEvidence(work);
  const explained = await explainCounted(work, places, roots, suite.target.cwd, evidence, host);
  return { explained, work, places };
};

async function explainCounted(
  work: CountedWork,
  places: Places,
  roots: ChangeRoots,
  serverFolder: string,
  evidence: JudgedEvidence,
  host: Host,
): Promise<Explained> {
  const changes = await readChanges(roots, work, places, host);
  const folder = path.relative(roots.head, path.resolve(host.cwd, serverFolder));
  const dependencies = readDependencyChanges(roots, folder.startsWith('..') ? '.' : folder, changes);
  return explainWork({ ...work, places, changes, dependencies, ...evidence });
}

/** The latency is longer where every slice of the head is slower than any of the base, and clearly so. */
function ownEvidence({ baseline, head }: { baseline: SideWork; head: SideWork }): JudgedEvidence {
  const [before, after] = [baseline.latenciesMs, head.latenciesMs];
  const isLonger =
    before.length > 0 &&
    after.length > 0 &&
    Math.min(...after) > Math.max(...before) &&
    mean(after) >= clearRise * mean(before);
  return {
    latencyMs: isLonger ? { baseline: mean(before), head: mean(after) } : null,
    cpuMs: null,
    runQueueMs: null,
    loopDelayMs: null,
  };
}
