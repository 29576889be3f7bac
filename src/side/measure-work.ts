import { setTimeout as delay } from 'node:timers/promises';
import { eachHeapNode } from '../explain/profile-trees.ts';
import type { ReadStack } from '../explain/read-profile.ts';
import type { CalledFunction, CpuProfile, HeapNode, RanScript, SideWork } from '../explain/side-work.ts';
import type { LoadProgress } from '../generator/load-session.ts';
import { untilAborted } from '../host/until-aborted.ts';
import { LatencySketch } from '../metrics/latency-sketch.ts';
import { isOfMessages } from '../metrics/metric-names.ts';
import { formatElapsed } from '../metrics/notation.ts';
import type { RoundMeasurement, SideName } from '../metrics/round-measurement.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { type OpenSide, openSide, type SideSource } from './open-side.ts';
import type { RoundContext } from './round-context.ts';
import { sliceOrder } from './slice-order.ts';
import { treeCpuSeconds } from './target/process-tree-usage.ts';
import { hasPerf, isMostlyNode, type ProfileSource, profileSource } from './target/profile-source.ts';
import type { CountAction, CountReply, WorkCounter } from './target/work-counter.ts';

export type WorkRequest = {
  suite: SuitePlan;
  baseline: SideSource;
  head: SideSource;
  context: RoundContext;
  /** Begins the names of its logs. */
  label: string;
  /** Tells counted pairs of one suite apart, and decides which side begins. */
  number: number;
  /** Whether the load can alternate between the sides; else one side is counted after the other. */
  sliced: boolean;
  guardMs: number;
  /** Load of each side before anything is counted, milliseconds; at least a second and a half. */
  warmUpMs: number;
  /** Length of the scenario, milliseconds; null when it has no end. A short one is counted in shorter slices. */
  plannedMs: number | null;
  /** Whether time and memory are profiled too, which takes another eight seconds. */
  profile: boolean;
  /** The pair is given up when it has not ended by then, milliseconds. */
  withinMs: number;
  onProgress: (side: SideName, load: LoadProgress | null) => void;
};

/** What both sides did, or why it could not be counted (a clause). */
export type WorkOutcome = { baseline: SideWork; head: SideWork } | { unavailable: string };

/** Code is compiled and users arrive before anything is counted. */
const leastWarmUpMs = 1_500;

const allocatedSliceMs = 750;

const countedSliceMs = 750;

const countedSlices = 4;

/** What counting undid is compiled again before time is profiled. */
const profileWarmUpMs = 1_000;

const profiledSliceMs = 1_500;

const profiledSlices = 2;

/** Profiles that are not of V8 have a hundred samples a second, some of them. */
const sampledSliceMs = 5_000;

/** More samples than any sampler takes in a second of one thread are weights of another kind: time, for example. */
const mostSamplesPerSecond = 20_000;

const usualSampleUs = 10_000;

/** Of a short scenario. */
const usedShare = 0.9;

/** How long each part is driven, milliseconds. */
type Times = {
  warmUpMs: number;
  allocatedSliceMs: number;
  countedSliceMs: number;
  profileWarmUpMs: number;
  profiledSliceMs: number;
};

/** One side while its work is counted. */
class CountedSide {
  readonly name: SideName;
  readonly #side: OpenSide;
  readonly #guardMs: number;
  readonly #times: Times;
  readonly #signal: AbortSignal;
  readonly #counter: WorkCounter | null;
  /** Takes the profiles; null where the inspector of V8 does. */
  readonly #source: ProfileSource | null;
  /** Calls in each slice, by process, thread and function. */
  readonly #calls: Map<string, number>[] = [];
  readonly #messages: number[] = [];
  readonly #profiles: SideWork['profiles'] = [];
  readonly #stacks: SideWork['stacks'] = [];
  #profiledMessages = 0;
  #profiledCpuUs: number | null = null;
  #profiledQueueUs = 0;
  #allocated: SideWork['allocated'] = null;

  constructor(side: OpenSide, request: WorkRequest) {
    const { target, suite } = side;
    const { host } = request.context;
    this.name = side.name;
    this.#side = side;
    this.#guardMs = request.guardMs;
    this.#signal = host.signal;
    this.#counter = target.counter !== null && target.counter.threads() > 0 ? target.counter : null;
    const options = { target, cwd: host.cwd, env: host.env, secrets: host.secrets };
    this.#source =
      profileSource(suite.measure.profile, options) ??
      (this.countsCalls ? null : profileSource(canBeSampled(side, host.env) ? 'perf' : undefined, options));
    if (!this.countsCalls && (this.#source === null || !request.profile))
      throw new Error(whyNothing(side, this.#source !== null));
    this.#times = timesOf(request, { countsCalls: this.countsCalls, sampled: this.#source !== null });
    side.load.onProgress((progress) => request.onProgress(side.name, progress));
    side.room?.loadStarts();
  }

  /** Whether its calls can be counted. */
  get countsCalls(): boolean {
    return this.#counter !== null;
  }

  async #drive(forMs: number, slice = -1): Promise<number> {
    const driven = this.#side.load.driveSlice(slice, forMs, this.#guardMs);
    const ended = this.#side.load.finished.then(
      () => new Error('the scenario ended before the work was counted'),
    );
    const { aborted, forget } = untilAborted(this.#signal);
    try {
      const end = await Promise.race([driven, this.#side.failed, ended, aborted]);
      if (!(end instanceof Error)) return end.messages;
      driven.catch(() => {});
      throw end;
    } finally {
      forget();
    }
  }

  async warmUp(): Promise<void> {
    await this.#drive(this.#times.warmUpMs);
  }

  async warmUpAgain(): Promise<void> {
    if (this.#times.profileWarmUpMs > 0) await this.#drive(this.#times.profileWarmUpMs);
  }

  #ask(action: CountAction): Promise<CountReply[]> {
    return this.#counter!.ask(action, undefined, this.#signal);
  }

  /** What it allocates as users have it: counting calls and profiling undo what the compiler spared. */
  async countAllocations(): Promise<void> {
    if (!this.countsCalls) return;
    await this.#ask('start-inlining');
    await this.warmUpAgain();
    await this.#ask('start-heap');
    const messages = await this.#drive(this.#times.allocatedSliceMs);
    const allocated = { bytes: 0, inWorkersBytes: 0, messages };
    for (const { thread, value } of await this.#ask('stop-heap')) {
      const { head } = (value as { heap: { head: HeapNode } }).heap;
      eachHeapNode([head], null, ({ selfSize }) => {
        allocated.bytes += selfSize;
        if (thread !== '0') allocated.inWorkersBytes += selfSize;
        return null;
      });
    }
    this.#allocated = allocated;
  }

  async startCalls(): Promise<void> {
    await this.#ask('start-calls');
  }

  async stopCalls(): Promise<void> {
    await this.#ask('stop-calls');
  }

  async countSlice(): Promise<void> {
    // What ran while the other side had its turn belongs to no message.
    await this.#ask('take-calls');
    const messages = await this.#drive(this.#times.countedSliceMs, this.#messages.length);
    const calls = new Map<string, number>();
    for (const reply of await this.#ask('take-calls'))
      for (const [key, count] of reply.value.calls as [string, number][])
        calls.set(`${reply.process}.${reply.thread} ${key}`, count);
    this.#calls.push(calls);
    this.#messages.push(messages);
  }

  async profileSlice(): Promise<void> {
    await (this.#source === null ? this.#inspectedSlice() : this.#sampledSlice(this.#source));
  }

  async #inspectedSlice(): Promise<void> {
    await this.#ask('start-profile');
    this.#profiledMessages += await this.#drive(this.#times.profiledSliceMs);
    const cpuUs = new Map<string, number>();
    const queuedUs = new Map<string, number>();
    for (const { process, value } of await this.#ask('stop-profile')) {
      const { profile, heap, ...told } = value as ToldProfile;
      this.#profiles.push({ cpu: profile, heap: heap.head });
      // Every thread tells that of its whole process.
      cpuUs.set(process, Math.max(cpuUs.get(process) ?? 0, told.cpuUs));
      queuedUs.set(process, Math.max(queuedUs.get(process) ?? 0, told.queuedUs));
    }
    for (const each of queuedUs.values()) this.#profiledQueueUs += each;
    for (const each of cpuUs.values()) this.#profiledCpuUs = (this.#profiledCpuUs ?? 0) + each;
  }

  async #sampledSlice(source: ProfileSource): Promise<void> {
    const forMs = this.#times.profiledSliceMs;
    const { pid } = this.#side.target;
    const cpuSeconds = () => (pid === null ? null : treeCpuSeconds(pid));
    const before = cpuSeconds();
    const ending = new AbortController();
    const profiled = source.take(forMs, AbortSignal.any([this.#signal, ending.signal]));
    let messages = 0;
    try {
      // Where calls are counted, latencies are those of the counted slices.
      messages = await this.#drive(forMs, this.countsCalls ? undefined : this.#messages.length);
    } catch (failure) {
      ending.abort();
      await profiled.catch(() => {});
      throw failure;
    }
    const after = cpuSeconds();
    const cpuUs = before === null || after === null ? null : 1e6 * Math.max(0, after - before);
    const profile = await profiled;
    if ('cpu' in profile) this.#profiles.push({ cpu: profile.cpu, heap: noHeap });
    else this.#stacks.push(...timed(profile.stacks, cpuUs, forMs));
    this.#profiledMessages += messages;
    if (!this.countsCalls) this.#messages.push(messages);
    if (cpuUs !== null) this.#profiledCpuUs = (this.#profiledCpuUs ?? 0) + cpuUs;
  }

  async #latencies(): Promise<Record<string, number[]>> {
    const collected = this.#side.load.collect().catch(() => null);
    const measurement = await Promise.race([collected, delay(longestCollectMs, null, { ref: false })]);
    return measurement === null ? {} : mediansOf(measurement);
  }

  async finish(): Promise<SideWork> {
    if (this.#messages.every((count) => count === 0))
      throw new Error('no message was sent while it was counted');
    const replies = this.countsCalls ? await this.#ask('scripts') : [];
    return {
      ...mergeScripts(replies, this.#calls),
      messages: this.#messages,
      latenciesMs: await this.#latencies(),
      profiles: this.#profiles,
      stacks: this.#stacks,
      // A server that hangs gets no more: users wait for their answers.
      profiledMessages:
        this.#profiles.length + this.#stacks.length > 0
          ? Math.max(1, this.#profiledMessages)
          : this.#profiledMessages,
      profiledCpuUs: this.#profiledCpuUs,
      profiledQueueUs: this.#profiledQueueUs,
      allocated: this.#allocated,
    };
  }
}

const noHeap: HeapNode = {
  callFrame: { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 },
  selfSize: 0,
  children: [],
};

/** What the load measured must not keep the pair waiting for answers that never come. */
const longestCollectMs = 4_000;

type ToldProfile = { cpuUs: number; queuedUs: number; profile: CpuProfile; heap: { head: HeapNode } };

type ToldFunction = Omit<CalledFunction, 'calls'> & { key: string };

/**
 * Counts the work of both sides under the load of the suite, in fresh processes: calls of each function, then, if
 * wanted, where time goes and memory is allocated. Nothing of it is judged. Never throws but CANCELLED.
 */
export const measureWork = async (request: WorkRequest): Promise<WorkOutcome> => {
  const { host } = request.context;
  const tooLate = AbortSignal.timeout(Math.round(request.withinMs));
  const bounded = {
    ...request,
    context: { ...request.context, host: { ...host, signal: AbortSignal.any([host.signal, tooLate]) } },
  };
  try {
    return request.sliced ? await countInTurns(bounded) : await countOneAfterTheOther(bounded);
  } catch (failure) {
    if (host.signal.aborted) throw failure;
    if (tooLate.aborted)
      return { unavailable: `counting had not ended after ${formatElapsed(request.withinMs)}` };
    return unavailableFor(failure);
  }
};

/** The outcome of what could not be looked at because of `failure`. */
export const unavailableFor = (failure: unknown): { unavailable: string } => {
  const reason = failure instanceof Error ? failure.message : String(failure);
  return { unavailable: reason.split('\n')[0]!.replace(/\.$/, '') };
};

/** Which scripts ran in all threads, and how often each function of them did. */
export function mergeScripts(
  replies: readonly CountReply[],
  slices: readonly ReadonlyMap<string, number>[],
): Pick<SideWork, 'node' | 'scripts' | 'functions'> {
  const node = new Set<string>();
  const scripts = new Map<string, RanScript>();
  const functions = new Map<string, CalledFunction>();
  for (const { process, thread, value } of replies) {
    node.add(String(value.node));
    for (const { url, hash, sourceMapUrl } of value.scripts as RanScript[])
      scripts.set(`${url} ${hash}`, { url, hash, sourceMapUrl });
    for (const {
      key,
      url,
      name,
      line,
      column,
      endLine,
      endColumn,
      body,
      isScript,
    } of value.functions as ToldFunction[]) {
      const calls = slices.map((slice) => slice.get(`${process}.${thread} ${key}`) ?? 0);
      const same = `${url}:${line}:${column}:${body}`;
      const known = functions.get(same);
      if (known === undefined)
        functions.set(same, { url, name, line, column, endLine, endColumn, body, isScript, calls });
      else known.calls = known.calls.map((count, index) => count + calls[index]!);
    }
  }
  return { node: [...node].sort(), scripts: [...scripts.values()], functions: [...functions.values()] };
}

async function countInTurns(request: WorkRequest): Promise<WorkOutcome> {
  const order = sliceOrder(request.context.seed + request.number, 0, countedSlices);
  const sources = order[0] === 'head' ? [request.head, request.baseline] : [request.baseline, request.head];
  await using first = await open(request, sources[0]!);
  await using second = await open(request, sources[1]!);
  const counted = [new CountedSide(first, request), new CountedSide(second, request)];
  const side = (name: SideName): CountedSide => counted.find((one) => one.name === name)!;
  for (const one of counted) await one.warmUp();
  if (counted.every((one) => one.countsCalls)) {
    for (const one of counted) await one.startCalls();
    for (const name of order) await side(name).countSlice();
    for (const one of counted) await one.stopCalls();
  }
  if (request.profile) {
    for (const one of counted) await one.warmUpAgain();
    for (const name of order.slice(0, 2 * profiledSlices)) await side(name).profileSlice();
    for (const name of order.slice(0, 2)) await side(name).countAllocations();
  }
  const [baseline, head] = await Promise.all([side('baseline').finish(), side('head').finish()]);
  return { baseline, head };
}

function open(request: WorkRequest, source: SideSource): Promise<OpenSide> {
  request.onProgress(source.name, null);
  return openSide(
    request.suite,
    source,
    { ...request.context, counting: 'work' },
    `${request.label}-counted${request.number + 1}-${source.name}`,
  );
}

async function countOneAfterTheOther(request: WorkRequest): Promise<WorkOutcome> {
  const alone = async (source: SideSource): Promise<SideWork> => {
    await using opened = await open(request, source);
    const side = new CountedSide(opened, request);
    await side.warmUp();
    if (side.countsCalls) {
      await side.startCalls();
      for (let slice = 0; slice < countedSlices; slice += 1) await side.countSlice();
      await side.stopCalls();
    }
    if (request.profile) {
      await side.warmUpAgain();
      for (let slice = 0; slice < profiledSlices; slice += 1) await side.profileSlice();
      await side.countAllocations();
    }
    return side.finish();
  };
  const baseline = await alone(request.baseline);
  return { baseline, head: await alone(request.head) };
}

/** Whether `perf` can tell what a server does in which nothing can be loaded. */
function canBeSampled(
  { target: { pid } }: OpenSide,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return pid !== null && hasPerf(env) && !isMostlyNode(pid);
}

function whyNothing({ target, suite }: OpenSide, hasSource: boolean): string {
  if (hasSource) return 'calls are counted in Node servers alone';
  const { pid } = target;
  if (pid !== null && !isMostlyNode(pid))
    return 'the server does not run on Node, `perf` is not installed here, and `measure.profile` names no profile of its own';
  if (pid === null || !suite.target.nodePreload) return 'nothing can be loaded into the server';
  return target.counter === null
    ? 'this machine cannot load a module into the server'
    : 'no Node process of the server loaded the preload';
}

/** A scenario that ends before everything is counted has all parts shortened alike. */
function timesOf(
  { warmUpMs, plannedMs, profile }: WorkRequest,
  { countsCalls, sampled }: { countsCalls: boolean; sampled: boolean },
): Times {
  const wantedMs = Math.max(leastWarmUpMs, warmUpMs);
  const sliceMs = sampled ? sampledSliceMs : profiledSliceMs;
  const againMs = countsCalls ? profileWarmUpMs : 0;
  const allocatedMs = countsCalls ? allocatedSliceMs : 0;
  const profilingMs = profile ? 2 * againMs + allocatedMs + profiledSlices * sliceMs : 0;
  const neededMs = wantedMs + (countsCalls ? countedSlices * countedSliceMs : 0) + profilingMs;
  const scale = plannedMs === null ? 1 : Math.min(1, (usedShare * plannedMs) / neededMs);
  return {
    warmUpMs: scale * wantedMs,
    allocatedSliceMs: scale * allocatedMs,
    countedSliceMs: scale * countedSliceMs,
    profileWarmUpMs: scale * againMs,
    profiledSliceMs: scale * sliceMs,
  };
}

/** A profile that counts samples alone shares the time that the kernel counted. */
function timed(stacks: readonly ReadStack[], cpuUs: number | null, forMs: number): SideWork['stacks'] {
  const all = stacks.reduce((sum, { samples }) => sum + samples, 0);
  const isWeighed = all > (mostSamplesPerSecond * forMs) / 1_000;
  return stacks.map(({ frames, samples, timeUs }) => {
    const us = timeUs ?? (samples / all) * (cpuUs ?? 1_000 * forMs);
    return { frames, timeUs: us, samples: isWeighed ? us / usualSampleUs : samples };
  });
}

/** Medians of each latency by slice; a latency that is missing in a slice, or has too few values there, is left out. */
function mediansOf({ slices }: RoundMeasurement): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const metric of Object.keys(slices[0] ?? {}).filter(isOfMessages)) {
    const medians = slices.flatMap((slice) => {
      const sketch = slice[metric];
      return sketch === undefined || sketch.count < 10
        ? []
        : [LatencySketch.fromJSON(sketch).quantileMs(0.5)];
    });
    if (medians.length === slices.length) found[metric] = medians;
  }
  return found;
}
