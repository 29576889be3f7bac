import { setTimeout as delay } from 'node:timers/promises';
import { type TailgateError, tailgateError } from '../errors.ts';
import type { RanScript } from '../explain/side-work.ts';
import type { LoadProgress, PauseOutcome } from '../generator/load-session.ts';
import type { Host } from '../host/host.ts';
import { untilAborted } from '../host/until-aborted.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { ForeignLoad } from './foreign-load.ts';
import { mergeScripts } from './measure-work.ts';
import type { OpenSide } from './open-side.ts';
import { readCustomMetrics } from './target/custom-metrics.ts';
import { nativeFilesOf } from './target/process-tree-usage.ts';
import { type ResourceSampler, sampleResources } from './target/resource-sampler.ts';
import { sampleSource } from './target/sample-source.ts';

/** What a round gave: what was measured, even when a problem ended it early. */
export type RoundOutcome = {
  measurement: RoundMeasurement | null;
  problem: TailgateError | null;
};

const resourceIntervalMs = 250;

/** A turn of one side: when it began and ended, and how much load it had been given before. Milliseconds. */
type Turn = { startMs: number; endMs: number; loadBeforeMs: number };

/** How long load is driven before and while it is measured, milliseconds. */
export type StepTimes = {
  /** Load of which nothing is kept. */
  warmUpMs: number;
  /** Load that is measured; then it is stopped, wherever the scenario stands. */
  measuredMs: number;
};

export type PairOptions = {
  host: Host;
  /** Which side takes each turn. */
  order: readonly OpenSide['name'][];
  sliceMs: number;
  /** Load that each side is given before the first slice, milliseconds; what it measures is forgotten. */
  warmUpMs: number;
  /** Whether both are given it at the same time. */
  warmUpTogether: boolean;
  /** How long messages in flight may take to finish before the other side starts, milliseconds. */
  guardMs: number;
  onProgress: (side: OpenSide['name'], progress: LoadProgress) => void;
};

export type PairOutcome = {
  baseline: RoundOutcome;
  head: RoundOutcome;
  /** Share of the messages of a slice that were unanswered when the other side's turn began, over all slices. */
  unansweredShare: number;
  /** Which code ran; null where that was not asked for, or cannot be told. */
  ran: RanCode | null;
};

/** What the Node processes of one side had loaded when its load was over. */
export type RanScripts = {
  node: string[];
  scripts: RanScript[];
  /** Native code that they had mapped. */
  nativeFiles: string[];
};

/** The same of both sides. */
export type RanCode = { baseline: RanScripts; head: RanScripts };

/** A judged pair does not wait longer to learn that it could have been short. */
const scriptsTimeoutMs = 5_000;

/**
 * Drives one side through its whole scenario, or, with `step`, for a part of it. `onProgress` is called about twice a
 * second. `deadlineMs` bounds the round: a load that has not ended by then is stopped and what it measured is kept.
 */
export const measureRound = async (
  side: OpenSide,
  options: {
    host: Host;
    deadlineMs: number;
    onProgress: (progress: LoadProgress) => void;
    /** Told when the load has started. */
    onStart?: () => void;
    step?: StepTimes;
  },
): Promise<RoundOutcome> => {
  const { host, step } = options;
  let sampler: ResourceSampler | null = null;
  let sampledFromMs = performance.now();
  let problem: TailgateError | null = null;
  side.room?.loadStarts();
  try {
    if (step === undefined) {
      side.load.onProgress(options.onProgress);
      sampler = await startSampling(side);
      sampledFromMs = performance.now();
      await side.load.resume();
      options.onStart?.();
      const end = await driveFor(side, host, options.deadlineMs);
      if (end === 'time')
        problem = tailgateError('LOAD_FAILED', {
          reason: `the scenario had not ended after ${Math.round(options.deadlineMs / 1000)} s, the time that "maxMinutes" leaves`,
        });
      else if (end !== 'finished') problem = end;
    } else {
      const startMeasuring = async (): Promise<void> => {
        sampler = await startSampling(side);
        sampledFromMs = performance.now();
        side.load.onProgress(options.onProgress);
      };
      // Without a warm-up all users count, and a source of resources may be slow to start.
      const isWarmedUp = step.warmUpMs > 0;
      if (!isWarmedUp) await startMeasuring();
      await side.load.resume();
      let end = isWarmedUp ? await driveFor(side, host, step.warmUpMs) : 'time';
      if (end === 'time') {
        if (isWarmedUp) {
          await startMeasuring();
          await side.load.reset();
        }
        end = await driveFor(side, host, step.measuredMs);
        // Answers that are still to come belong to the step, the late ones most of all.
        if (end === 'time') end = await lastAnswers(side, host);
      }
      if (end === 'finished')
        problem = tailgateError('LOAD_FAILED', { reason: 'the scenario ended before the step did' });
      else if (end !== 'time') problem = end;
    }
  } catch (failure) {
    problem = asTailgateError(failure);
  }
  const turn = { startMs: sampledFromMs, endMs: performance.now(), loadBeforeMs: 0 };
  const stopSampling = () => sampledBy(sampler, problem !== null, sampledFromMs, [turn]);
  return finishSide(side, stopSampling, problem, host);
};

/**
 * Drives both sides in alternating slices, one at a time: each side's clock stands still while the other is driven,
 * so each server sees one continuous load. Ends early, with both loads, when either scenario is over.
 */
export const measurePair = async (
  baseline: OpenSide,
  head: OpenSide,
  options: PairOptions,
): Promise<PairOutcome> => {
  const sides = { baseline, head };
  const problems: Record<OpenSide['name'], TailgateError | null> = { baseline: null, head: null };
  for (const side of [baseline, head])
    side.load.onProgress((progress) => options.onProgress(side.name, progress));
  const samplers: Record<OpenSide['name'], ResourceSampler | null> = { baseline: null, head: null };
  const sampledFromMs = { baseline: 0, head: 0 };
  const turnsOf: Record<OpenSide['name'], Turn[]> = { baseline: [], head: [] };
  for (const side of [baseline, head]) side.room?.loadStarts();
  const ended = new Set<OpenSide['name']>();
  for (const side of [baseline, head]) {
    side.load.finished.then(
      () => ended.add(side.name),
      (failure) => {
        problems[side.name] ??= asTailgateError(failure);
      },
    );
    side.failed.then((problem) => {
      problems[side.name] ??= problem;
    });
  }
  const over = (): boolean => ended.size > 0 || problems.baseline !== null || problems.head !== null;
  const drive = async (side: OpenSide, slice: number, forMs: number): Promise<PauseOutcome> => {
    const { aborted, forget } = untilAborted(options.host.signal);
    try {
      const driven = side.load.driveSlice(slice, forMs, options.guardMs);
      const end = await Promise.race([driven, side.failed, aborted]);
      if (!('code' in end)) return end;
      driven.catch(() => {});
      // What else can end a turn has been noted for its side.
      if (end.code === 'CANCELLED') throw end;
      return { sent: 0, messages: 0, unanswered: 0, startedUs: [] };
    } finally {
      forget();
    }
  };
  const foreignCores: Record<OpenSide['name'], (number | null)[]> = { baseline: [], head: [] };
  let sent = 0;
  let unanswered = 0;
  try {
    const firstSide = options.order[0] ?? 'baseline';
    const warmUpOrder = firstSide === 'baseline' ? [head, baseline] : [baseline, head];
    if (options.warmUpMs > 0) {
      if (options.warmUpTogether)
        await Promise.all(warmUpOrder.map((side) => drive(side, -1, options.warmUpMs)));
      else for (const side of warmUpOrder) await drive(side, -1, options.warmUpMs);
      for (const side of warmUpOrder) await side.load.reset();
    }
    // From here on, so that what the server spent on starting and warming up is not divided by measured messages.
    for (const side of warmUpOrder) {
      samplers[side.name] = await startSampling(side);
      sampledFromMs[side.name] = performance.now();
    }
    await Promise.all(warmUpOrder.map((side) => samplers[side.name]?.begin()));
    const foreign = new ForeignLoad(
      [baseline, head].flatMap(({ target, load }) => [
        ...(target.pid === null ? [] : [target.pid]),
        ...load.pids,
      ]),
    );
    const turns: Record<OpenSide['name'], number> = { baseline: 0, head: 0 };
    for (const name of options.order) {
      if (over()) break;
      foreign.lap();
      const startMs = performance.now();
      const end = await drive(sides[name], turns[name], options.sliceMs);
      const loadBeforeMs = turns[name] * options.sliceMs;
      turnsOf[name].push({ startMs, endMs: startMs + options.sliceMs, loadBeforeMs });
      foreignCores[name].push(foreign.lap());
      sent += end.sent;
      unanswered += end.unanswered;
      turns[name] += 1;
    }
  } catch (failure) {
    problems.head ??= asTailgateError(failure);
  }
  const [ranBaseline, ranHead] = over() ? [null, null] : await Promise.all([baseline, head].map(ranScripts));
  // Of both at once: a server that idles while the other side is finished would be charged for it.
  const sampled = await Promise.all(
    [baseline, head].map(({ name }) =>
      sampledBy(samplers[name], over() && ended.size === 0, sampledFromMs[name], turnsOf[name]),
    ),
  );
  const [ofBaseline, ofHead] = await Promise.all(
    [baseline, head].map((side, index) =>
      finishSide(side, async () => sampled[index]!, problems[side.name], options.host),
    ),
  );
  for (const [name, { measurement }] of Object.entries({ baseline: ofBaseline!, head: ofHead! }))
    if (measurement !== null) measurement.foreignCores = foreignCores[name as OpenSide['name']];
  return {
    baseline: ofBaseline!,
    head: ofHead!,
    unansweredShare: unanswered / Math.max(1, sent),
    ran: ranBaseline && ranHead ? { baseline: ranBaseline, head: ranHead } : null,
  };
};

/** Samples the server of one side, when its process tree is known or the user's source tells of it. */
async function startSampling(side: OpenSide): Promise<ResourceSampler | null> {
  if (side.resources !== null) return await sampleSource(side.resources);
  if (side.target.pid === null) return null;
  return sampleResources(side.target.pid, {
    intervalMs: resourceIntervalMs,
    nodeSamples: side.target.nodeSamples,
  });
}

/** Waits until the load is over, something makes it worthless, or `forMs` have passed: `'time'`. */
async function driveFor(
  side: OpenSide,
  host: Host,
  forMs: number,
): Promise<'time' | 'finished' | TailgateError> {
  const timer = new AbortController();
  const time = delay(forMs, 'time' as const, { signal: timer.signal });
  time.catch(() => {});
  const { aborted, forget } = untilAborted(host.signal);
  try {
    return await Promise.race([
      side.load.finished.then(() => 'finished' as const),
      side.failed,
      time,
      aborted,
    ]);
  } finally {
    forget();
    timer.abort();
  }
}

/** Stops the load and waits for the answers that are still to come, as long as each of them may take. */
async function lastAnswers(side: OpenSide, host: Host): Promise<'time' | TailgateError> {
  const { aborted, forget } = untilAborted(host.signal);
  try {
    const paused = side.load.pause(side.suite.measure.timeoutMs).then(() => 'time' as const);
    return await Promise.race([paused, side.failed, aborted]);
  } finally {
    forget();
  }
}

function asTailgateError(failure: unknown): TailgateError {
  return failure instanceof Error && failure.name === 'TailgateError'
    ? (failure as TailgateError)
    : tailgateError(
        'LOAD_FAILED',
        { reason: failure instanceof Error ? failure.message : String(failure) },
        {},
        failure,
      );
}

/** What the sampling of one side gave, and why that is nothing, a sentence. */
type Sampled = { resources: RoundMeasurement['resources']; missing: string | null };

async function sampledBy(
  sampler: ResourceSampler | null,
  quick: boolean,
  sampledFromMs: number,
  turns: readonly Turn[],
): Promise<Sampled> {
  if (sampler === null) return { resources: null, missing: null };
  const resources = datedByLoad(await sampler.stop(quick), sampledFromMs, turns, sampler.intervalMs);
  return { resources, missing: sampler.missing() };
}

/**
 * Dates each sample by the server's own load, where it was taken while that was driven; `startedAtMs` is when the
 * sampling began (`performance.now()`).
 */
function datedByLoad(
  resources: RoundMeasurement['resources'],
  startedAtMs: number,
  turns: readonly Turn[],
  intervalMs: number,
): RoundMeasurement['resources'] {
  return resources === null
    ? null
    : {
        ...resources,
        samples: resources.samples.map((sample) => {
          const atMs = startedAtMs + sample.atMs;
          // The share of CPU is of the time since the sample before: most of it must be of this turn.
          const turn = turns.find(
            ({ startMs, endMs }) => atMs >= startMs + intervalMs / 2 && atMs <= endMs + 20,
          );
          return turn === undefined
            ? sample
            : { ...sample, loadAtMs: Math.round(turn.loadBeforeMs + atMs - turn.startMs) };
        }),
      };
}

/** Ends one side: collects what was measured, with resources and custom metrics. Never throws. */
async function finishSide(
  side: OpenSide,
  stopSampling: () => Promise<Sampled>,
  problem: TailgateError | null,
  host: Host,
): Promise<RoundOutcome> {
  let found = host.signal.aborted ? cancelled(host) : problem;
  let measurement: RoundMeasurement | null = null;
  try {
    measurement = await side.load.collect(host.signal.aborted);
    // What is left of a load whose generator is gone is reported, and judged by nobody.
    found ??= side.load.failure;
  } catch (failure) {
    found ??= asTailgateError(failure);
  }
  const { resources, missing } = await stopSampling();
  try {
    if (found === null) await side.target.assertAlive();
    if (found === null) await side.checkVersion();
  } catch (failure) {
    found = asTailgateError(failure);
  }
  if (measurement === null) return { measurement, problem: found };
  measurement = { ...measurement, resources };
  if (missing !== null) measurement.warnings = [...measurement.warnings, missing];
  const custom = side.suite.measure.custom;
  if (custom !== undefined && found === null) {
    try {
      measurement.custom = await readCustomMetrics(custom, {
        url: side.target.url,
        cwd: host.cwd,
        env: host.env,
        counters: measurement.counters,
        warmUpCounters: measurement.warmUpCounters,
        serverEnv: side.target.env,
        serverCwd: side.target.cwd,
        secrets: host.secrets,
      });
    } catch (failure) {
      found = asTailgateError(failure);
    }
  }
  // A server that died while its last answers were collected died under this load all the same.
  // A room that was lost a moment ago is told only once it is known whether the server died.
  const roomLost = side.room === null ? null : await ifSettled(side.room.lost);
  found ??= roomLost === null ? await ifSettled(side.failed) : await side.failed;
  return { measurement, problem: found };
}

function cancelled({ signal }: Host): TailgateError {
  return tailgateError('CANCELLED', { signal: String(signal.reason) });
}

function ifSettled<T>(promise: Promise<T>): Promise<T | null> {
  return Promise.race([promise, delay(0).then(() => null)]);
}

/** Asks a side which code it ran; null where it cannot tell. */
async function ranScripts({ target }: OpenSide): Promise<RanScripts | null> {
  if (target.counter === null || target.pid === null) return null;
  try {
    const replies = await target.counter.ask('scripts', scriptsTimeoutMs);
    const { node, scripts } = mergeScripts(replies, []);
    return { node, scripts, nativeFiles: nativeFilesOf(target.pid) };
  } catch {
    return null;
  }
}
