import { readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { type HeapSnapshot, type HeldGrowth, heapGrowth, newestId } from '../explain/heap-growth.ts';
import type { HeapNode, RanScript } from '../explain/side-work.ts';
import type { LoadProgress } from '../generator/load-session.ts';
import { openWaves, type WaveRequest } from './measure-waves.ts';
import { unavailableFor } from './measure-work.ts';
import type { CountReply, WorkCounter } from './target/work-counter.ts';

/** What a server kept while users came and went, or why that could not be looked at (a clause). */
export type GrowthOutcome =
  | {
      held: HeldGrowth[] | null;
      profiles: HeapNode[];
      scripts: RanScript[];
      /** URLs by the ids that scripts have in the process of `held`. */
      scriptUrls: Map<string, string>;
      sessions: number;
      messages: number;
    }
  | { unavailable: string };

const warmUpWaves = 2;
const lookedWaves = 2;
const waveMs = 3_000;
/** A snapshot takes its time, in which nothing else is done. */
const snapshotMs = 120_000;
/** Of a snapshot, as text. */
const mostBytes = 300_000_000;

/**
 * Lets users come to a fresh server and go, and looks at what they left: by class from what is new in the heap, and by
 * function from what was allocated and is alive. Nothing of it is judged. Never throws but CANCELLED.
 */
export const measureGrowth = async (
  request: WaveRequest & { onProgress: (load: LoadProgress) => void },
): Promise<GrowthOutcome> => {
  const { host } = request.context;
  try {
    await using side = await openWaves({
      ...request,
      context: { ...request.context, counting: 'memory-looked' },
    });
    const { counter } = side.server.target;
    if (counter === null || counter.threads() === 0)
      throw new Error('it is no Node server, or nothing can be loaded into it');
    const drive = async (from: number, waves: number) => {
      let [sessions, messages] = [0, 0];
      for (let number = from; number < from + waves; number += 1) {
        const outcome = await side.wave(waveMs, request.onProgress);
        if (outcome.problem !== null) throw outcome.problem;
        await side.settle(outcome);
        sessions += outcome.measurement?.quiet?.sessions ?? 0;
        messages += outcome.measurement?.quiet?.messages ?? 0;
      }
      return { sessions, messages };
    };
    await drive(0, warmUpWaves);
    const before = await readSnapshots(counter);
    const newest = new Map([...before].map(([thread, snapshot]) => [thread, newestId(snapshot)]));
    before.clear();
    await counter.ask('start-heap', snapshotMs);
    const driven = await drive(warmUpWaves, lookedWaves);
    const profiles = (await counter.ask('stop-heap', snapshotMs)).map(
      ({ value }) => (value.heap as { head: HeapNode }).head,
    );
    const after = await readSnapshots(counter);
    const grown = [...after].flatMap(([thread, snapshot]) => {
      const known = newest.get(thread);
      return known === undefined ? [] : [{ thread, held: heapGrowth(snapshot, known) }];
    });
    const bytes = ({ held }: { held: readonly HeldGrowth[] }) =>
      held.reduce((sum, one) => sum + one.bytes, 0);
    const most = grown.sort((a, b) => bytes(b) - bytes(a))[0] ?? null;
    const replies = await counter.ask('scripts', snapshotMs);
    return {
      ...driven,
      profiles,
      held: most?.held ?? null,
      scripts: replies.flatMap(({ value }) => value.scripts as RanScript[]),
      scriptUrls: scriptUrls(
        replies.filter(({ process, thread }) => `${process}.${thread}` === most?.thread),
      ),
    };
  } catch (failure) {
    if (host.signal.aborted) throw failure;
    return unavailableFor(failure);
  }
};

/** URLs of scripts by the ids that they have in one thread. */
export function scriptUrls(replies: readonly CountReply[]): Map<string, string> {
  const scripts = replies.flatMap(({ value }) => value.scripts as { scriptId: string; url: string }[]);
  return new Map(scripts.map(({ scriptId, url }) => [scriptId, url]));
}

/** The heap of each thread that is small enough to be looked at, by process and thread. */
export async function readSnapshots(counter: WorkCounter): Promise<Map<string, HeapSnapshot>> {
  const found = new Map<string, HeapSnapshot>();
  for (const { process, thread, value } of await counter.ask('snapshot', snapshotMs)) {
    if (typeof value.file !== 'string') continue;
    // Its name is ours, whatever the process says.
    const file = path.join(counter.folder, path.basename(value.file));
    try {
      if (statSync(file).size <= mostBytes)
        found.set(`${process}.${thread}`, JSON.parse(readFileSync(file, 'utf8')) as HeapSnapshot);
    } finally {
      rmSync(file, { force: true });
    }
  }
  return found;
}
