import { setTimeout as delay } from 'node:timers/promises';
import type { LoadProgress } from '../generator/load-session.ts';
import type { QuietInstant } from '../metrics/round-measurement.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { measureRound, type RoundOutcome } from './measure-round.ts';
import type { PreparedLoad } from './open-load.ts';
import { type OpenServer, openLoad, openServer, prepareLoad, type SideSource } from './open-side.ts';
import type { RoundContext } from './round-context.ts';
import { readTreeUsage, treeOpenFiles } from './target/process-tree-usage.ts';
import type { RunningTarget } from './target/running-target.ts';

/** One server that users come to and leave in waves. Closing it stops the server. */
export type WaveSide = AsyncDisposable & {
  readonly name: SideSource['name'];
  readonly server: OpenServer;
  /** Starts what drives the next wave, so that nobody waits for it. */
  prepare(): void;
  /** Drives the scenario for `waveMs`, or whole where it is no longer, and disconnects all users. */
  wave(waveMs: number, onProgress: (load: LoadProgress) => void): Promise<RoundOutcome>;
  /** Reads what is left of a wave once the server has noticed that its users have gone, and notes it there. */
  settle(outcome: RoundOutcome): Promise<void>;
  /**
   * Leaves the server alone for as long as less and less of `left` is there, half a minute at most. Gives what is left
   * then. Nothing more goes when nothing went for `stillMs`.
   */
  rest(left: QuietInstant['left'], stillMs: number): Promise<QuietInstant['left']>;
};

export type WaveRequest = {
  suite: SuitePlan;
  source: SideSource;
  context: RoundContext;
  /** Begins the names of its logs. */
  label: string;
  /** Length of the scenario, milliseconds; null when it has no end. */
  plannedMs: number | null;
};

/** A scenario that ends by itself may take so much longer than its phases: its last users have to finish. */
const longestTailMs = 120_000;
/** What a server keeps of those who left for longer is seen by that it stops growing in the waves. */
const longestRestMs = 30_000;
const restStepMs = 1_000;

/** Starts one server for all waves and opens its room. Throws the errors of target and room. */
export const openWaves = async ({
  suite,
  source,
  context,
  label,
  plannedMs,
}: WaveRequest): Promise<WaveSide> => {
  const server = await openServer(suite, source, context, label);
  const beganMs = performance.now();
  const waiting: PreparedLoad[] = [];
  let prepared = 0;
  const prepare = (): void => {
    prepared += 1;
    // Other users than those before, or a server that knows them would keep nothing new.
    const own = { ...context, seed: context.seed + prepared };
    waiting.push(prepareLoad(suite, source.name, own, `${label}-wave${prepared}`));
  };
  return {
    name: source.name,
    server,
    prepare,
    wave: async (waveMs, onProgress) => {
      if (waiting.length === 0) prepare();
      await using load = await openLoad(server, context.host, waiting.shift()!);
      const isWhole = plannedMs !== null && plannedMs <= waveMs;
      return await measureRound(
        { ...server, load },
        {
          host: context.host,
          deadlineMs: waveMs + longestTailMs,
          onProgress,
          ...(isWhole ? {} : { step: { warmUpMs: 0, measuredMs: waveMs } }),
        },
      );
    },
    settle: async ({ measurement, problem }) => {
      if (measurement === null || problem !== null) return;
      const { counters } = measurement;
      measurement.quiet = {
        atMs: Math.round(performance.now() - beganMs),
        sessions: counters['users.created'] ?? 0,
        messages: counters['messages.sent'] ?? 0,
        ...(await whatIsLeft(server.target)),
      };
    },
    rest: (left, stillForMs) => leftAfterRest(server.target, left, stillForMs, context.host.signal),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(waiting.map((load) => load[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
    },
  };
};

/** The server has noticed that its users have gone when its open files stay the same for so long. */
const stillMs = 250;
const longestSettleMs = 5_000;
/** A collection of gigabytes takes seconds. */
const collectMs = 60_000;

/** What of `left` is still there once nothing more went for `stillForMs`, or after half a minute. */
export const leftAfterRest = async (
  target: Pick<RunningTarget, 'pid' | 'counter'>,
  left: QuietInstant['left'],
  stillForMs: number,
  signal: AbortSignal,
): Promise<QuietInstant['left']> => {
  const began = performance.now();
  let [least, since] = [left, began];
  const isOver = (): boolean => signal.aborted || performance.now() - began > longestRestMs;
  while (performance.now() - since < stillForMs && !isOver()) {
    await delay(restStepMs);
    const lower = lowerOf(least, (await whatIsLeft(target)).left);
    if (Object.keys(left).some((name) => (lower[name] ?? 0) < (least[name] ?? 0))) since = performance.now();
    least = lower;
  }
  return least;
};

/** Of each count the lower one; what cannot be read any more stays as it was. */
function lowerOf(one: QuietInstant['left'], other: QuietInstant['left']): QuietInstant['left'] {
  return Object.fromEntries(
    Object.entries(one).map(([name, count]) => {
      const now = other[name] ?? null;
      return [name, count === null || now === null ? count : Math.min(count, now)];
    }),
  );
}

type Left = Pick<QuietInstant, 'heapBytes' | 'rssBytes' | 'left'>;

/** Waits until the server is quiet, has it collect its garbage, and counts what is there. Null is what cannot be read. */
export const whatIsLeft = async ({ pid, counter }: Pick<RunningTarget, 'pid' | 'counter'>): Promise<Left> => {
  if (pid !== null) await becomesQuiet(pid);
  let heapBytes: number | null = null;
  const left: Record<string, number | null> = {};
  try {
    if (counter !== null && counter.threads() > 0) {
      const replies = (await counter.ask('memory', collectMs)).map(({ value }) => value as MemoryReply);
      heapBytes = addUp(replies.map((reply) => reply.heapBytes));
      const resources = replies.some((reply) => reply.resources === null)
        ? null
        : replies.flatMap((reply) => reply.resources!);
      for (const [name, isOfKind] of resourceKinds)
        left[name] = resources === null ? null : resources.filter(isOfKind).length;
      left.listeners = replies.some((reply) => reply.listeners === null)
        ? null
        : addUp(replies.map((reply) => reply.listeners));
      left.rooms = addUp(replies.map((reply) => reply.rooms));
    }
  } catch {
    // What was not told is missing, and whoever judges it says so.
  }
  const usage = pid === null ? null : readTreeUsage(pid);
  left.fds = pid === null ? null : treeOpenFiles(pid);
  left.threads = usage?.threads ?? null;
  return { heapBytes, rssBytes: usage?.rssBytes ?? null, left };
};

type MemoryReply = {
  heapBytes: number;
  resources: string[] | null;
  listeners: number | null;
  rooms: number | null;
};

const isSocket = (resource: string): boolean => /^(TCP|TLS|UDP|Pipe|SendWrap)/.test(resource);
const isTimer = (resource: string): boolean => /^(Timeout|Immediate)$/.test(resource);
const resourceKinds: readonly (readonly [string, (resource: string) => boolean])[] = [
  ['sockets', isSocket],
  ['timers', isTimer],
  ['handles', (resource) => !isSocket(resource) && !isTimer(resource)],
];

/** The sum of what is known; null when nothing is. */
function addUp(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

async function becomesQuiet(pid: number): Promise<void> {
  const began = performance.now();
  let since = began;
  let before = treeOpenFiles(pid);
  while (performance.now() - since < stillMs && performance.now() - began < longestSettleMs) {
    await delay(50);
    const now = treeOpenFiles(pid);
    if (now !== before) since = performance.now();
    before = now;
  }
}
