import { hostTimeUs } from '../engines/core/delivery/host-time.ts';
import { ResourceStack } from '../host/resource-stack.ts';
import { mergeShards } from '../metrics/merge-rounds.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { generatorBottleneck } from './generator-bottleneck.ts';
import { answerMs, GeneratorProcess, type GeneratorProcessOptions } from './generator-process.ts';
import type { LoadMember, OtherShards } from './load-member.ts';
import type { HookVariables, LoadOrder, Prepared } from './load-protocol.ts';
import type { LoadProgress, LoadRequest, LoadSession, PauseOutcome, Started } from './load-session.ts';

export type LoadSessionOptions = GeneratorProcessOptions & {
  /** Generator processes that share the arrivals; 1 if not given. */
  workers?: number | undefined;
  /** How long the preparation may take, milliseconds; ten minutes if not given. */
  prepareMs?: number | undefined;
  /** Machines that drive the other parts of this load, where this one leads it. */
  others?: OtherShards | undefined;
  /** What the `before` section left, where another machine ran it. */
  hooks?: HookVariables | undefined;
};

const defaultPrepareMs = 600_000;
/** Time for the `after` section, which is a scenario of its own. */
const afterMs = 60_000;

/** How long before they start together the processes of one machine are told when. */
const ownLeadMs = 10;

const noProgress: LoadProgress = {
  activeMs: 0,
  plannedMs: null,
  phase: null,
  usersActive: 0,
  usersCreated: 0,
  usersFailed: 0,
  errors: 0,
  messagesSent: 0,
  main: null,
};

/** Generator processes that have no scenario yet. Closing them ends them, whatever they do. */
export type Generators = AsyncDisposable & { readonly processes: readonly GeneratorProcess[] };

/**
 * Starts the generator process(es) of one side. They take a quarter of a second to load, which need not wait for the
 * server that they will drive.
 */
export const startGenerators = (options: LoadSessionOptions): Generators => {
  const processes = Array.from(
    { length: options.workers ?? 1 },
    (_, index) => new GeneratorProcess({ ...options, logPath: shardPath(options.logPath, index) }),
  );
  return {
    processes,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(processes.map((worker) => worker.close()));
    },
  };
};

/**
 * Prepares the scenario of one side, its `before` section included, in the generators, which it owns from then on; the
 * load itself waits for `resume`. Throws SCENARIO_* errors and LOAD_FAILED, also when `signal` fires; then nothing is
 * left running.
 */
export const startLoadSession = async (
  request: LoadRequest,
  options: LoadSessionOptions,
  generators: Generators = startGenerators(options),
): Promise<LoadSession> => {
  await using starting = new ResourceStack();
  const { processes } = starting.use(generators);
  const workers = processes.length;
  for (const worker of processes) worker.keepSecret(request.secrets ?? []);
  const { shard } = request.engine;
  // A process of a machine that drives a part of the load drives a part of that part.
  const requestOf = (index: number): LoadRequest =>
    workers === 1
      ? { ...request, engine: { ...request.engine, shard: { ...shard, perMachine: 1 } } }
      : {
          ...request,
          engine: {
            ...request.engine,
            shard: {
              index: shard.index * workers + index,
              count: shard.count * workers,
              perMachine: workers,
            },
          },
          rawPath: request.rawPath === null ? null : shardPath(request.rawPath, index),
        };
  const prepareMs = options.prepareMs ?? defaultPrepareMs;
  const giveUp = (): void => {
    for (const worker of processes) void worker.close();
  };
  const first = processes[0]!;
  const { others } = options;
  const members: readonly LoadMember[] = [...processes, ...(others?.members ?? [])];
  for (const member of others?.members ?? []) starting.use({ [Symbol.asyncDispose]: () => member.close() });
  let collectMs = request.engine.drainMs + request.engine.timeoutMs + answerMs;
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    // `before` runs once, in the first process; the others get the variables it left.
    const { variables, hasAfter } = await first.ask<Prepared>(
      { type: 'prepare', request: requestOf(0), hooks: options.hooks ?? null },
      prepareMs,
    );
    if (hasAfter) collectMs += afterMs;
    await Promise.all([
      ...processes
        .slice(1)
        .map((worker, index) =>
          worker.ask({ type: 'prepare', request: requestOf(index + 1), hooks: variables }, prepareMs),
        ),
      others?.prepare(variables, prepareMs),
    ]);
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
  for (const worker of processes) worker.watch();
  const finished = Promise.all(members.map((member) => member.finished)).then(() => {});
  finished.catch(() => {});
  /** When all can do the same at once; null where only one does it. */
  const soon = (): number | null =>
    members.length === 1 ? null : hostTimeUs() + 1_000 * (others?.leadMs ?? ownLeadMs);
  const all = <T>(command: LoadOrder): Promise<T[]> =>
    Promise.all(members.map((member) => member.ask<T>(command)));
  const begun = (parts: readonly Started[]): Started => {
    const startedUs = parts.flatMap((part) => part.startedUs);
    others?.started(startedUs);
    return { startedUs };
  };
  /** Asks all for what ends in a pause after `forMs`, and adds up how it left them. */
  const paused = async (command: LoadOrder, forMs: number): Promise<PauseOutcome> => {
    const outcomes = await Promise.all(
      members.map((member) => member.ask<PauseOutcome>(command, forMs + answerMs)),
    );
    return {
      ...begun(outcomes),
      sent: outcomes.reduce((sum, { sent }) => sum + sent, 0),
      messages: outcomes.reduce((sum, { messages }) => sum + messages, 0),
      unanswered: outcomes.reduce((sum, { unanswered }) => sum + unanswered, 0),
    };
  };
  const collectParts = async (hurry: boolean): Promise<RoundMeasurement[]> => {
    const results = await Promise.allSettled(members.map((member) => member.collect(collectMs, hurry)));
    const parts = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    // What a part of the load measured is missing: only a run that ends anyway does without.
    if (parts.length === 0 || (lost.length > 0 && !hurry)) throw lost[0];
    if (lost.length > 0)
      parts[0]!.warnings.push(
        `${lost.length} of ${results.length} ${others === undefined ? 'generator processes' : 'parts of the load'} told nothing.`,
      );
    return parts;
  };
  const owned = starting.move();
  return {
    pid: first.pid,
    pids: processes.map((worker) => worker.pid),
    pinnedTo: first.pinnedTo,
    finished,
    resume: async (slice = -1, atUs = soon()) => begun(await all<Started>({ type: 'resume', slice, atUs })),
    pause: (guardMs = 0, atUs = soon()) => paused({ type: 'pause', guardMs, atUs }, guardMs),
    driveSlice: (slice, forMs, guardMs, atUs = soon()) =>
      paused({ type: 'slice', slice, forMs, guardMs, atUs }, forMs + guardMs),
    reset: async (atUs = soon()) => {
      await all({ type: 'reset', atUs });
    },
    get failure() {
      return members.find((member) => member.failure !== null)?.failure ?? null;
    },
    collectParts: (hurry = false) => collectParts(hurry),
    async collect(hurry = false) {
      const parts = await collectParts(hurry);
      const measurement = parts.length === 1 ? parts[0]! : mergeShards(parts);
      const slowest = parts.findIndex(({ generator }) => generatorBottleneck(generator) !== null);
      if (parts.length > 1 && slowest >= 0 && generatorBottleneck(measurement.generator) !== null)
        measurement.warnings.push(
          others === undefined
            ? `The bottleneck was generator process ${slowest + 1} of ${parts.length}.`
            : `The bottleneck was a load generator of shard ${1 + Math.floor(slowest / workers)}.`,
        );
      // Plugins judge the whole, in the process that ran the hooks.
      if (first.failure !== null || hurry) return measurement;
      return await first.ask<RoundMeasurement>({ type: 'conclude', measurement });
    },
    onProgress(listener) {
      const latest = members.map(() => noProgress);
      for (const [index, member] of members.entries())
        member.onProgress((progress) => {
          latest[index] = progress;
          if (index === 0) listener(sumProgress(latest));
        });
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
};

function shardPath(file: string, index: number): string {
  return index === 0 ? file : `${file}.${index}`;
}

/** Progress of several processes as one: counts add up; the latency is that of the process with most values. */
function sumProgress(parts: readonly LoadProgress[]): LoadProgress {
  const sum = (of: (part: LoadProgress) => number) => parts.reduce((total, part) => total + of(part), 0);
  const mains = parts.flatMap((part) => (part.main === null ? [] : [part.main]));
  const main = mains.reduce<LoadProgress['main']>(
    (most, next) => (most === null || next.count > most.count ? next : most),
    null,
  );
  return {
    ...(parts[0] ?? noProgress),
    usersActive: sum((part) => part.usersActive),
    usersCreated: sum((part) => part.usersCreated),
    usersFailed: sum((part) => part.usersFailed),
    errors: sum((part) => part.errors),
    messagesSent: sum((part) => part.messagesSent),
    main:
      main === null
        ? null
        : {
            ...main,
            count: mains.filter(({ id }) => id === main.id).reduce((total, { count }) => total + count, 0),
          },
  };
}
