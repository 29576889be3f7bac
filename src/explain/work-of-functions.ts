import { functionRange } from './function-range.ts';
import { type Owner, type PlaceReader, Places } from './places.ts';
import { eachCpuNode, eachHeapNode } from './profile-trees.ts';
import type { CallFrame, ProfiledFrame, SideWork } from './side-work.ts';

/** The work of one function of one side, for each message. */
export type FunctionWork = {
  name: string;
  /** Relative to the root of the side for `own`; a URL or path otherwise. After source maps. */
  file: string;
  /** Lines count from 1. */
  line: number;
  endLine: number;
  owner: Owner;
  body: string;
  isScript: boolean;
  /** Calls for each message, in each counted slice; none where calls cannot be counted. */
  calls: number[];
  /** Self time with that of everything below it that is not the repository's own, microseconds; 0 if not profiled. */
  timeUs: number;
  /** Samples behind `timeUs`. */
  ticks: number;
  /** Memory that it, and what below it is not own, allocated, bytes; and the samples behind it. */
  allocatedBytes: number;
  allocationSamples: number;
  /** Samples by line. */
  ticksByLine: ReadonlyMap<number, number>;
};

/** Bytes between two samples of the heap. */
const heapInterval = 4096;

/** Functions by the line that they begin on, in the script that ran. */
type FunctionStarts = Map<string, { column: number; work: FunctionWork }[]>;

/** Every function that ran on one side, at its place in the source. */
export const workOfFunctions = (work: SideWork, reader: PlaceReader): FunctionWork[] => {
  const places = new Places(reader);
  const found = new Map<string, FunctionWork>();
  const starts: FunctionStarts = new Map();
  for (const {
    url,
    name: shortName,
    line,
    column,
    endLine,
    endColumn,
    body,
    isScript,
    calls,
  } of work.functions) {
    const name = places.nameOf(url, line, column, shortName);
    const start = places.at(url, line, column);
    const end = places.at(url, endLine, Math.max(0, endColumn - 1));
    const key = `${start.file}:${start.line}:${start.column}:${name}`;
    const perMessage = calls.map((count, index) => count / Math.max(1, work.messages[index] ?? 0));
    const known = found.get(key);
    if (known !== undefined) {
      known.calls = known.calls.map((value, index) => value + perMessage[index]!);
      addStart(starts, url, line, column, known);
      continue;
    }
    const one: FunctionWork = {
      name,
      file: start.file,
      line: start.line,
      endLine: end.file === start.file ? Math.max(start.line, end.line) : start.line,
      owner: start.owner,
      body,
      isScript,
      calls: perMessage,
      timeUs: 0,
      ticks: 0,
      allocatedBytes: 0,
      allocationSamples: 0,
      ticksByLine: new Map(),
    };
    found.set(key, one);
    addStart(starts, url, line, column, one);
  }
  const uncounted = addProfiles(work, starts, places);
  const known = [...found.values(), ...uncounted];
  return [...known, ...addStacks(work, known, places)];
};

/**
 * Time on the processor for each message, of all code, microseconds: as the kernel counts it, else by the samples; null
 * when it was not profiled.
 */
export const busyTimeUs = (work: SideWork): number | null => {
  if (work.profiledMessages === 0) return null;
  if (work.profiledCpuUs !== null) return work.profiledCpuUs / work.profiledMessages;
  let busy = work.stacks.reduce((sum, { timeUs }) => sum + timeUs, 0);
  for (const { cpu } of work.profiles) {
    const idle = new Set(
      cpu.nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id),
    );
    cpu.samples.forEach((id, index) => {
      if (!idle.has(id)) busy += cpu.timeDeltas[index] ?? 0;
    });
  }
  return busy / work.profiledMessages;
};

/** The word that a call has: of `main.(*Conn).send`, `ns::send(int)` and `Room.send` it is `send`. */
export function wordOf(name: string): string {
  const plain = name.replace(/\((?!\*?\w+\)\.).*$/, '').replace(/<[^<>]*>$/, '');
  return plain.split(/\.|::/).at(-1) ?? '';
}

function addStart(
  starts: FunctionStarts,
  url: string,
  line: number,
  column: number,
  work: FunctionWork,
): void {
  const key = `${url}:${line}`;
  const same = starts.get(key) ?? [];
  same.push({ column, work });
  starts.set(key, same);
}

/**
 * Books time and memory on the nearest function of the repository's own above it, else on the function itself. Gives own
 * functions that no call was counted of: what hangs was called before, and does not return.
 */
function addProfiles(work: SideWork, starts: FunctionStarts, places: Places): FunctionWork[] {
  if (work.profiledMessages === 0) return [];
  const uncounted = new Map<string, FunctionWork>();
  const functionAt = (frame: CallFrame): FunctionWork | null => {
    // A profile has a function begin at its parameters, a count at its first word.
    const before = (starts.get(`${frame.url}:${frame.lineNumber + 1}`) ?? []).filter(
      ({ column }) => column <= frame.columnNumber,
    );
    return before.sort((a, b) => b.column - a.column)[0]?.work ?? notCounted(frame);
  };
  const notCounted = ({ url, functionName, lineNumber, columnNumber }: CallFrame): FunctionWork | null => {
    if (!url.startsWith('file:') || functionName === '') return null;
    const key = `${url}:${lineNumber}:${columnNumber}`;
    const known = uncounted.get(key);
    if (known !== undefined) return known;
    const { file, line, owner } = places.at(url, lineNumber + 1, columnNumber);
    if (owner.kind !== 'own') return null;
    const name = places.nameOf(url, lineNumber + 1, columnNumber, functionName);
    const text = places.textOf(file)?.split('\n');
    // Its first line has its name; the range goes to where its indentation ends.
    const range =
      text === undefined ? { endLine: line } : functionRange(text, wordOf(name), { low: line, high: line });
    const one = { ...withoutCalls(name, file, owner), line, endLine: range.endLine };
    uncounted.set(key, one);
    return one;
  };
  const booked = (frame: CallFrame, above: FunctionWork | null): FunctionWork | null => {
    const one = functionAt(frame);
    if (one?.owner.kind === 'own') return one;
    return above ?? one;
  };
  for (const { cpu, heap } of work.profiles) {
    const owners = new Map<number, FunctionWork | null>();
    eachCpuNode<FunctionWork | null>(cpu, null, (node, above) => {
      const owner = booked(node.callFrame, above);
      owners.set(node.id, owner);
      if (owner !== null && functionAt(node.callFrame) === owner) {
        const byLine = owner.ticksByLine as Map<number, number>;
        for (const { line, ticks } of node.positionTicks ?? []) {
          const place = places.at(node.callFrame.url, line, 0);
          byLine.set(place.line, (byLine.get(place.line) ?? 0) + ticks);
        }
      }
      return owner?.owner.kind === 'own' ? owner : null;
    });
    cpu.samples.forEach((id, index) => {
      const owner = owners.get(id);
      if (owner === null || owner === undefined) return;
      owner.ticks += 1;
      owner.timeUs += (cpu.timeDeltas[index] ?? 0) / work.profiledMessages;
    });
    eachHeapNode<FunctionWork | null>([heap], null, ({ callFrame, selfSize }, above) => {
      const owner = booked(callFrame, above);
      if (owner !== null) {
        owner.allocatedBytes += selfSize / work.profiledMessages;
        owner.allocationSamples += selfSize / heapInterval;
      }
      return owner?.owner.kind === 'own' ? owner : null;
    });
  }
  return [...uncounted.values()];
}

function withoutCalls(name: string, file: string, owner: Owner): FunctionWork {
  return {
    name,
    file,
    line: 0,
    endLine: 0,
    owner,
    // Its text is not known: what has another name is another function.
    body: name,
    isScript: false,
    calls: [],
    timeUs: 0,
    ticks: 0,
    allocatedBytes: 0,
    allocationSamples: 0,
    ticksByLine: new Map(),
  };
}

/**
 * Books time as `addProfiles` does, from stacks that name functions and lines: on the innermost function of the
 * repository, else on the innermost of all. Gives the functions that were not known.
 */
function addStacks(work: SideWork, known: readonly FunctionWork[], places: Places): FunctionWork[] {
  const keyOf = (file: string, name: string): string => `${file}\n${name}`;
  const found = new Map(known.map((one) => [keyOf(one.file, one.name), one]));
  const added = new Map<FunctionWork, { low: number; high: number }>();
  const functionOf = (frame: ProfiledFrame): FunctionWork => {
    const { file, owner } = places.ofFrame(frame);
    const key = keyOf(file, frame.name);
    const one = found.get(key) ?? withoutCalls(frame.name, file, owner);
    found.set(key, one);
    const lines = added.get(one);
    if (lines !== undefined && frame.line > 0) {
      lines.low = Math.min(lines.low, frame.line);
      lines.high = Math.max(lines.high, frame.line);
    } else if (!known.includes(one)) added.set(one, { low: frame.line || Infinity, high: frame.line });
    return one;
  };
  for (const { frames, samples, timeUs } of work.stacks) {
    let booked: { one: FunctionWork; line: number } | null = null;
    for (const frame of frames) {
      const one = functionOf(frame);
      if (one.owner.kind === 'own' || booked?.one.owner.kind !== 'own') booked = { one, line: frame.line };
    }
    if (booked === null) continue;
    const { one, line } = booked;
    one.ticks += samples;
    one.timeUs += timeUs / work.profiledMessages;
    const byLine = one.ticksByLine as Map<number, number>;
    byLine.set(line, (byLine.get(line) ?? 0) + samples);
  }
  for (const [one, { low, high }] of added) {
    if (high === 0) continue;
    const text = one.owner.kind === 'own' ? places.textOf(one.file) : null;
    const range = { line: low, endLine: high };
    Object.assign(
      one,
      text === null ? range : functionRange(text.split('\n'), wordOf(one.name), { low, high }),
    );
  }
  return [...added.keys()];
}
