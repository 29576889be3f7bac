import { type PlaceReader, Places, shownName } from './places.ts';
import { eachCpuNode, eachHeapNode } from './profile-trees.ts';
import type { CallFrame, SideWork } from './side-work.ts';

/** One function of a stack, where it stands in the source. Lines count from 1; 0 where it is not known. */
export type StackFrame = { name: string; file: string; line: number };

/** Work that was seen below one chain of callers, the outermost first, for each message. */
export type SampledStack = { frames: StackFrame[]; timeUs: number; allocatedBytes: number };

/** Threads that wait are no work, and the root is no function. */
const noWork = new Set(['(idle)', '(root)']);

/** The stacks of all threads of a side that did something while they were profiled; none when nothing was. */
export const sampledStacks = (work: SideWork, reader: PlaceReader): SampledStack[] => {
  const places = new Places(reader);
  const found = new Map<string, SampledStack>();
  const add = (frames: StackFrame[], timeUs: number, allocatedBytes: number): void => {
    if (frames.length === 0 || timeUs + allocatedBytes <= 0) return;
    const key = frames.map(({ name, file, line }) => `${name}\n${file}\n${line}`).join('\n\n');
    const known = found.get(key);
    if (known === undefined) found.set(key, { frames, timeUs, allocatedBytes });
    else {
      known.timeUs += timeUs;
      known.allocatedBytes += allocatedBytes;
    }
  };
  const frameOf = ({ functionName, url, lineNumber, columnNumber }: CallFrame): StackFrame => {
    const { file, line } = places.at(url, lineNumber + 1, columnNumber);
    const name = places.nameOf(url, lineNumber + 1, columnNumber, functionName);
    return { name: shownName(name), file, line: url === '' ? 0 : line };
  };
  const below = (above: StackFrame[], frame: CallFrame): StackFrame[] =>
    noWork.has(frame.functionName) ? above : [...above, frameOf(frame)];
  for (const { cpu, heap } of work.profiles) {
    const timeUs = new Map<number, number>();
    cpu.samples.forEach((id, index) => {
      timeUs.set(id, (timeUs.get(id) ?? 0) + (cpu.timeDeltas[index] ?? 0));
    });
    eachCpuNode<StackFrame[]>(cpu, [], ({ id, callFrame }, above) => {
      const frames = below(above, callFrame);
      if (!noWork.has(callFrame.functionName)) add(frames, (timeUs.get(id) ?? 0) / work.profiledMessages, 0);
      return frames;
    });
    eachHeapNode<StackFrame[]>([heap], [], ({ callFrame, selfSize }, above) => {
      const frames = below(above, callFrame);
      add(frames, 0, selfSize / work.profiledMessages);
      return frames;
    });
  }
  for (const { frames, timeUs } of work.stacks)
    add(
      frames.map((frame) => ({ name: frame.name, file: places.ofFrame(frame).file, line: frame.line })),
      timeUs / work.profiledMessages,
      0,
    );
  return [...found.values()];
};
