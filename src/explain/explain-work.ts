import { formatBytes, formatDuration } from '../metrics/notation.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { DependencyChange } from './dependency-changes.ts';
import { type Cause, findCauses, type Line } from './find-cause.ts';
import { type FlameNode, flameOfDifference } from './flame-of-difference.ts';
import { changeOfFunctions, type FunctionChange } from './function-change.ts';
import { matchFunctions } from './match-functions.ts';
import type { FileChange } from './parse-diff.ts';
import { type PlaceReader, Places, shownName } from './places.ts';
import { sampledStacks } from './sampled-stacks.ts';
import type { BothSides, SideWork } from './side-work.ts';
import { withinWitness } from './within-witness.ts';
import { busyTimeUs, workOfFunctions } from './work-of-functions.ts';

export type ExplainInputs = {
  baseline: SideWork;
  head: SideWork;
  places: { baseline: PlaceReader; head: PlaceReader };
  changes: readonly FileChange[];
  dependencies: readonly DependencyChange[];
  /** The main latency, milliseconds; null when it is not known or did not change beyond doubt. */
  latencyMs: BothSides | null;
  /** CPU time for each message, milliseconds; null when only the profiles tell. */
  cpuMs: BothSides | null;
  /** Memory that main threads allocated for each message of judged pairs, bytes; null when it is not known. */
  allocatedBytes: BothSides | null;
  /** Time that threads waited for a core, and the highest event-loop delay, milliseconds; null when not known. */
  runQueueMs: BothSides | null;
  loopDelayMs: BothSides | null;
};

export type Sentence = { text: string; place?: Line };

/** A row of the table of functions: work for each message. Times in microseconds; `calls` null where not counted. */
export type FunctionRow = {
  name: string;
  file: string;
  line: number;
  owner: 'own' | 'package' | 'node';
  calls: (BothSides & { difference: number; low: number; high: number }) | null;
  timeUs: BothSides;
  allocatedBytes: BothSides;
};

export type Explained = {
  kind: 'more-work' | 'waits-longer' | 'dependency' | 'none';
  sentences: Sentence[];
  functions: FunctionRow[];
  /** Calls of all functions for each message; absent where calls cannot be counted. */
  calls?: BothSides;
  /** Where time goes on both sides, by chains of callers; absent where nothing was profiled. */
  flame?: FlameNode[];
};

/** Rows beyond this many say nothing to a reader. */
const mostRows = 40;
/** Latency that rises by so many times the CPU time is spent waiting; the less if no work was found that explains it. */
const surelyWaiting = 20;
const perhapsWaiting = 5;
/** And where a timer is set by so many messages more, which tells that it waits, by so many times. */
const leastTimers = 0.3;
const timedWaiting = 2;
/** A function blocks whose time rose by so many times the CPU time, and by so much of the CPU time of a message. */
const blockedTimes = 3;
const blockedShare = 0.5;
/** Share of the time of a message below which a function that runs more often does not explain a latency. */
const substantialShare = 0.02;
const leastWaitMs = 0.3;
/** Of all memory, from which on threads that the judged pairs do not look into matter. */
const workersShare = 0.05;

/** Why a message costs more at the head, from what both sides counted. */
export const explainWork = (inputs: ExplainInputs): Explained => {
  const { changes } = inputs;
  const functions = withinWitness(
    changeOfFunctions(
      matchFunctions(
        workOfFunctions(inputs.baseline, inputs.places.baseline),
        workOfFunctions(inputs.head, inputs.places.head),
        changes,
      ),
    ),
    allocationWitness(inputs),
  );
  const rows = functions
    .filter(
      ({ calls, timeUs, allocatedBytes }) =>
        Math.abs(calls.difference) > 0.005 ||
        timeUs.head + timeUs.baseline + allocatedBytes.head + allocatedBytes.baseline > 0,
    )
    .sort((a, b) => interest(b) - interest(a))
    .slice(0, mostRows)
    .map(rowOf);
  const isCounted = functions.some((one) => one.isCounted);
  const callsOf = (name: SideName) => functions.reduce((sum, { calls }) => sum + calls[name], 0);
  const flame = flameOfDifference({
    baseline: sampledStacks(inputs.baseline, inputs.places.baseline),
    head: sampledStacks(inputs.head, inputs.places.head),
  });
  const told = {
    functions: rows,
    ...(isCounted ? { calls: { baseline: callsOf('baseline'), head: callsOf('head') } } : {}),
    ...(flame.length === 0 ? {} : { flame }),
  };
  const headPlaces = new Places(inputs.places.head);
  const causes = findCauses(functions, changes, (file) => headPlaces.textOf(file));
  if (waits(inputs, causes[0], newTimer(functions) !== undefined))
    return { kind: 'waits-longer', sentences: waitingSentences(inputs, functions, causes), ...told };
  const [cause] = causes.filter(({ line }) => line !== null);
  if (cause !== undefined) return { kind: 'more-work', sentences: causeSentences(cause), ...told };
  const [elsewhere] = causes;
  const dependency = dependencySentences(inputs.dependencies, functions, elsewhere);
  if (dependency !== null) return { kind: 'dependency', sentences: dependency, ...told };
  if (elsewhere !== undefined && sameScripts(inputs) === false)
    return { kind: 'more-work', sentences: causeSentences(elsewhere), ...told };
  return {
    kind: 'none',
    sentences: [
      {
        text: isCounted
          ? 'No function does more work for a message than before.'
          : 'No function takes more of the processor for a message than before, as far as the samples of a profile tell.',
      },
      ...platformSentences(inputs),
    ],
    ...told,
  };
};

/** Whether both sides ran the same scripts with the same content; null when a side told of none. */
export const sameScripts = ({
  baseline,
  head,
  places,
}: Pick<ExplainInputs, 'baseline' | 'head' | 'places'>): boolean | null => {
  const of = (work: SideWork, { root }: PlaceReader) =>
    work.scripts
      .filter(({ url }) => !url.startsWith('node:'))
      .map(({ url, hash }) => `${url.replace(`file://${root}/`, '')} ${hash}`)
      .sort();
  const [before, after] = [of(baseline, places.baseline), of(head, places.head)];
  if (before.length === 0 || after.length === 0) return null;
  return before.length === after.length && before.every((one, index) => one === after[index]);
};

/**
 * What a reader looks for: first what surely changed, own functions before those of packages and these before those of
 * Node; among them what surely runs more often, then what surely costs more or less.
 */
function interest({ calls, risen, timeUs, timeScore, at }: FunctionChange): number {
  const isCertain = calls.low > 0 || calls.high < 0;
  const costs = Math.abs(timeScore) >= 3;
  const nearness = { own: 3, package: 2, node: 1 }[at.owner.kind];
  return (
    (risen || isCertain || costs ? 1e9 * nearness : 0) +
    (risen ? 1e6 : 0) +
    (isCertain ? Math.min(Math.abs(calls.difference), 1e5) : 0) +
    (costs ? Math.abs(timeUs.head - timeUs.baseline) / 10 : 0) +
    (timeUs.head + timeUs.baseline) / 1e6
  );
}

/**
 * Allocation for each message, of the judged pairs where they tell of all that allocates, which they do not where worker
 * threads do; else of slices of their own. Null when neither is known.
 */
function allocationWitness({ baseline, head, allocatedBytes }: ExplainInputs): BothSides | null {
  const [before, after] = [baseline.allocated, head.allocated];
  if (before === null || after === null || before.messages === 0 || after.messages === 0)
    return allocatedBytes;
  const isOfWorkers = [before, after].some(
    ({ bytes, inWorkersBytes }) => inWorkersBytes > workersShare * bytes,
  );
  return allocatedBytes !== null && !isOfWorkers
    ? allocatedBytes
    : { baseline: before.bytes / before.messages, head: after.bytes / after.messages };
}

function rowOf({ at, calls, isCounted, timeUs, allocatedBytes }: FunctionChange): FunctionRow {
  return {
    name: shownName(at.name),
    file: at.file,
    line: at.line,
    owner: at.owner.kind,
    calls: isCounted ? calls : null,
    timeUs,
    allocatedBytes,
  };
}

/** `verifyToken`; where it stands follows as the place of the sentence, unless it is not of the repository. */
function subject({ name, file, line, owner }: FunctionChange['at']): string {
  if (owner.kind === 'own') return name === '' ? 'The function' : `\`${name}\``;
  const place = file === '' ? 'V8' : line === 0 ? file : `${file}:${line}`;
  return name === '' ? `The function at ${place}` : `\`${name}\` (${place})`;
}

function times(value: number): string {
  return value.toFixed(2);
}

function placeOf({ at }: FunctionChange): Pick<Sentence, 'place'> {
  return at.owner.kind === 'own' ? { place: { file: at.file, line: at.line } } : {};
}

function causeSentences({ by, change, line, caller, through, followers }: Cause): Sentence[] {
  const { at, calls, isCounted, timeUs, allocatedBytes } = change;
  const sentences: Sentence[] = [];
  const moreUs = timeUs.head - timeUs.baseline;
  const moreBytes = allocatedBytes.head - allocatedBytes.baseline;
  if (by === 'calls') {
    sentences.push({
      text: `${subject(at)} runs ${times(calls.head)} times a message instead of ${times(calls.baseline)}.`,
      ...placeOf(change),
    });
    if (line !== null)
      sentences.push({
        text:
          through === undefined
            ? `${calls.baseline === 0 || caller === null ? 'It is called' : 'The new call is'}${inCaller(caller)}, on a line of this change.`
            : `It is called by \`${shownName(through.name)}\`, and that${inCaller(caller)} on a line of this change.`,
        place: line,
      });
    const own = followers.slice(0, 3).map((one) => `\`${shownName(one.at.name)}\``);
    if (own.length > 0)
      sentences.push({ text: `With it ${own.join(', ')} run${own.length === 1 ? 's' : ''} more often.` });
  } else {
    const what =
      by === 'time'
        ? `costs ${formatDuration(moreUs / 1000)} more of the processor a message`
        : `allocates ${formatBytes(moreBytes)} more a message`;
    // What hangs is called less often.
    const often = isCounted && calls.head > 0.9 * calls.baseline ? 'runs as often as before and ' : '';
    sentences.push({ text: `${subject(at)} ${often}${what}.`, ...placeOf(change) });
    const isCalled = caller !== at && line !== null;
    if (isCalled)
      sentences.push({ text: `It is called${inCaller(caller)}, on a line of this change.`, place: line });
    else if (line !== null) sentences.push({ text: 'This change touches it.', place: line });
  }
  if (by !== 'allocation' && moreBytes >= 100 && change.allocationScore >= 3)
    sentences.push({ text: `It allocates ${formatBytes(moreBytes)} more a message.` });
  return sentences;
}

function inCaller(caller: FunctionChange['at'] | null): string {
  return caller === null || caller.name === '' || caller.isScript ? '' : ` in \`${caller.name}\``;
}

/**
 * More latency, and hardly more time on the processor. Where cores are busy, waiting for one multiplies what a message
 * costs, so that latency alone may rise by several times the work: then the work that was found decides.
 */
function waits(inputs: ExplainInputs, cause: Cause | undefined, setsTimer: boolean): boolean {
  const { latencyMs } = inputs;
  const busy = { baseline: busyTimeUs(inputs.baseline), head: busyTimeUs(inputs.head) };
  const cpuMs =
    inputs.cpuMs ??
    (busy.baseline === null || busy.head === null
      ? null
      : { baseline: busy.baseline / 1000, head: busy.head / 1000 });
  if (cpuMs === null) return false;
  const moreCpuMs = Math.max(0, cpuMs.head - cpuMs.baseline);
  const moreMs = cause === undefined ? 0 : (cause.change.timeUs.head - cause.change.timeUs.baseline) / 1000;
  // A busy function that waits for a core is not idle to V8 either.
  const moreQueueMs = Math.max(0, queuedMs(inputs.head) - queuedMs(inputs.baseline));
  if (isBlocked(cause, moreMs, moreCpuMs + moreQueueMs, cpuMs.head)) return true;
  if (latencyMs === null) return false;
  const longerMs = latencyMs.head - latencyMs.baseline;
  if (longerMs < Math.max(leastWaitMs, 0.1 * latencyMs.baseline)) return false;
  // What only moved into the function that a timer calls is no more work, however much of it there is.
  const isSmall =
    cause === undefined || (cause.by === 'calls' && (setsTimer || moreMs < substantialShare * cpuMs.head));
  // A latency that nobody judged may be the machine's: what is surely work then goes before it.
  if (longerMs > surelyWaiting * moreCpuMs) return inputs.cpuMs !== null || isSmall;
  return busy.head !== null && longerMs > (setsTimer ? timedWaiting : perhapsWaiting) * moreCpuMs && isSmall;
}

function queuedMs({ profiledQueueUs, profiledMessages }: SideWork): number {
  return profiledQueueUs / 1_000 / Math.max(1, profiledMessages);
}

/**
 * A thread that blocks is not idle to V8, which books its waiting as time of the function: time that the kernel knows
 * nothing of.
 */
function isBlocked(cause: Cause | undefined, moreMs: number, moreCpuMs: number, cpuMs: number): boolean {
  return cause?.by === 'time' && moreMs > blockedTimes * moreCpuMs && moreMs > blockedShare * cpuMs;
}

/** What sets a timer more often. */
function newTimer(functions: readonly FunctionChange[]): FunctionChange | undefined {
  return functions.find(
    ({ at, calls, risen, risenSlightly }) =>
      at.name === 'setTimeout' &&
      at.file.startsWith('node:') &&
      calls.difference >= leastTimers &&
      (risen || risenSlightly),
  );
}

function waitingSentences(
  { latencyMs, cpuMs, runQueueMs, loopDelayMs }: ExplainInputs,
  functions: readonly FunctionChange[],
  causes: readonly Cause[],
): Sentence[] {
  const longer = latencyMs === null ? '' : ` ${formatDuration(latencyMs.head - latencyMs.baseline)}`;
  const sentences: Sentence[] = [{ text: `The server does no more work: a message waits${longer} longer.` }];
  const evidence = [
    both('CPU time a message', cpuMs),
    both('waiting for a core', runQueueMs),
    both('the longest delay of the event loop', loopDelayMs),
  ].filter((part) => part !== null);
  if (evidence.length > 0) sentences.push({ text: `Before and now: ${evidence.join('; ')}.` });
  const timer = newTimer(functions);
  const own = causes.find(({ line, by }) => by === 'calls' && line !== null);
  const blocked = causes.find(({ line, by }) => by === 'time' && line !== null);
  if (timer !== undefined && own?.line != null)
    sentences.push({
      text: `A timer is set ${times(timer.calls.difference)} times more a message, by what this change added.`,
      place: own.line,
    });
  else if (own?.line != null)
    sentences.push({
      text: 'What this change added is called there.',
      place: own.line,
    });
  else if (blocked?.line != null)
    sentences.push({
      text: `Its thread blocks in ${subject(blocked.change.at)}, which this change touches.`,
      place: blocked.line,
    });
  return sentences;
}

function both(name: string, sides: BothSides | null): string | null {
  return sides === null
    ? null
    : `${name} ${formatDuration(sides.baseline)} and ${formatDuration(sides.head)}`;
}

/** What a package that changed its version does more; null when none does. */
function dependencySentences(
  dependencies: readonly DependencyChange[],
  functions: readonly FunctionChange[],
  cause: Cause | undefined,
): Sentence[] | null {
  const costOf = (name: string): FunctionChange | undefined =>
    functions
      .filter(
        ({ at, risen, timeScore, allocationScore }) =>
          at.owner.kind === 'package' &&
          at.owner.name === name &&
          (risen || timeScore >= 3 || allocationScore >= 4),
      )
      .sort((a, b) => interest(b) - interest(a))[0];
  const packages = dependencies.filter(({ kind }) => kind === 'package');
  const changed = packages.flatMap((dependency) => {
    const change = costOf(dependency.name);
    return change === undefined ? [] : [{ dependency, change }];
  });
  const [found] = changed.sort((a, b) => interest(b.change) - interest(a.change));
  if (found === undefined || (cause?.by === 'calls' && cause.change.at.owner.kind === 'own')) return null;
  const { dependency, change } = found;
  const moreUs = change.timeUs.head - change.timeUs.baseline;
  const does = change.risen
    ? `runs ${times(change.calls.head)} times a message instead of ${times(change.calls.baseline)}`
    : moreUs > 0
      ? `costs ${formatDuration(moreUs / 1000)} more a message`
      : `allocates ${formatBytes(change.allocatedBytes.head - change.allocatedBytes.baseline)} more a message`;
  return [
    {
      text: `No function of yours does more work; \`${dependency.name}\` went from ${dependency.before ?? 'nothing'} to ${dependency.after ?? 'nothing'} in ${dependency.file}, and its \`${shownName(change.at.name)}\` ${does}.`,
      ...(dependency.line === null ? {} : { place: { file: dependency.file, line: dependency.line } }),
    },
  ];
}

/** What lies below the code and changed: the base image, and Node itself. */
function platformSentences({ dependencies, baseline, head }: ExplainInputs): Sentence[] {
  const images = dependencies
    .filter(({ kind, before, after }) => kind === 'image' && before !== null && after !== null)
    .map(({ name, before, after, file, line }): Sentence => {
      const text = `The base image \`${name}\` went from ${before} to ${after} in ${file}.`;
      return line === null ? { text } : { text, place: { file, line } };
    });
  const [before, after] = [baseline.node.join(', '), head.node.join(', ')];
  return before === after || before === '' || after === ''
    ? images
    : [...images, { text: `The baseline ran on Node ${before} and this PR on ${after}.` }];
}
