import { ResourceStack } from '../host/resource-stack.ts';
import { mergeShards } from '../metrics/merge-rounds.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { answerMs, GeneratorProcess, type GeneratorProcessOptions } from './generator-process.ts';
import type { Prepared } from './load-protocol.ts';
import type { LoadProgress, LoadRequest, LoadSession, PauseOutcome } from './load-session.ts';

export type LoadSessionOptions = GeneratorProcessOptions & {
  /** Generator processes that share the arrivals; 1 if not given. */
  workers?: number | undefined;
  /** How long the preparation may take, milliseconds; ten minutes if not given. */
  prepareMs?: number | undefined;
};

const defaultPrepareMs = 600_000;
/** Time for the `after` section, which is a scenario of its own. */
const afterMs = 60_000;

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

/** Progress of several processes as one: counts add up; the latency is that of the process with most values. */
const sumProgress = (parts: readonly LoadProgress[]): LoadProgress => {
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
};

const shardPath = (file: string, index: number): string => (index === 0 ? file : `${file}.${index}`);

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
      ? request
      : {
          ...request,
          engine: {
            ...request.engine,
            shard: { index: shard.index * workers + index, count: shard.count * workers },
          },
          rawPath: request.rawPath === null ? null : shardPath(request.rawPath, index),
        };
  const prepareMs = options.prepareMs ?? defaultPrepareMs;
  const giveUp = (): void => {
    for (const worker of processes) void worker.close();
  };
  const first = processes[0]!;
  let collectMs = request.engine.drainMs + request.engine.timeoutMs + answerMs;
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    // `before` runs once, in the first process; the others get the variables it left.
    const { variables, hasAfter } = await first.ask<Prepared>(
      { type: 'prepare', request: requestOf(0), hooks: null },
      prepareMs,
    );
    if (hasAfter) collectMs += afterMs;
    await Promise.all(
      processes
        .slice(1)
        .map((worker, index) =>
          worker.ask({ type: 'prepare', request: requestOf(index + 1), hooks: variables }, prepareMs),
        ),
    );
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
  for (const worker of processes) worker.watch();
  const finished = Promise.all(processes.map((worker) => worker.finished)).then(() => {});
  finished.catch(() => {});
  const all = async (command: Parameters<GeneratorProcess['ask']>[0]): Promise<void> => {
    await Promise.all(processes.map((worker) => worker.ask(command)));
  };
  /** Asks all for what ends in a pause after `forMs`, and adds up how it left them. */
  const paused = async (
    command: Parameters<GeneratorProcess['ask']>[0],
    forMs: number,
  ): Promise<PauseOutcome> => {
    const outcomes = await Promise.all(
      processes.map((worker) => worker.ask<PauseOutcome>(command, forMs + answerMs)),
    );
    return {
      sent: outcomes.reduce((sum, { sent }) => sum + sent, 0),
      messages: outcomes.reduce((sum, { messages }) => sum + messages, 0),
      unanswered: outcomes.reduce((sum, { unanswered }) => sum + unanswered, 0),
    };
  };
  const owned = starting.move();
  return {
    pid: first.pid,
    pids: processes.map((worker) => worker.pid),
    pinnedTo: first.pinnedTo,
    finished,
    resume: (slice = -1) => all({ type: 'resume', slice }),
    pause: (guardMs = 0) => paused({ type: 'pause', guardMs }, guardMs),
    driveSlice: (slice, forMs, guardMs) => paused({ type: 'slice', slice, forMs, guardMs }, forMs + guardMs),
    reset: () => all({ type: 'reset' }),
    get failure() {
      return processes.find((worker) => worker.failure !== null)?.failure ?? null;
    },
    async collect(hurry = false) {
      const results = await Promise.allSettled(processes.map((worker) => worker.collect(collectMs, hurry)));
      const parts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const [lost] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (parts.length === 0) throw lost;
      const measurement = parts.length === 1 ? parts[0]! : mergeShards(parts);
      if (lost !== undefined)
        measurement.warnings.push(
          `${results.length - parts.length} of ${results.length} generator processes told nothing.`,
        );
      // Plugins judge the whole, in the process that ran the hooks.
      if (first.failure !== null || hurry) return measurement;
      return await first.ask<RoundMeasurement>({ type: 'conclude', measurement });
    },
    onProgress(listener) {
      const latest = processes.map(() => noProgress);
      for (const [index, worker] of processes.entries())
        worker.onProgress((progress) => {
          latest[index] = progress;
          if (index === 0) listener(sumProgress(latest));
        });
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
};
