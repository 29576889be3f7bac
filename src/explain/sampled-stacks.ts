import { type PlaceReader, Places } from './places.ts';
import type { CallFrame, HeapNode, SideWork } from './side-work.ts';

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
    return { name: name === '' ? '(anonymous)' : name, file, line: url === '' ? 0 : line };
  };
  const below = (above: StackFrame[], frame: CallFrame): StackFrame[] =>
    noWork.has(frame.functionName) ? above : [...above, frameOf(frame)];
  for (const { cpu, heap } of work.profiles) {
    const timeUs = new Map<number, number>();
    cpu.samples.forEach((id, index) => {
      timeUs.set(id, (timeUs.get(id) ?? 0) + (cpu.timeDeltas[index] ?? 0));
    });
    const nodes = new Map(cpu.nodes.map((node) => [node.id, node]));
    const children = new Set(cpu.nodes.flatMap((node) => node.children ?? []));
    const waiting = cpu.nodes
      .filter(({ id }) => !children.has(id))
      .map((node) => ({ node, above: [] as StackFrame[] }));
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, above } = next;
      const frames = below(above, node.callFrame);
      if (!noWork.has(node.callFrame.functionName))
        add(frames, (timeUs.get(node.id) ?? 0) / work.profiledMessages, 0);
      for (const id of node.children ?? []) {
        const child = nodes.get(id);
        if (child !== undefined) waiting.push({ node: child, above: frames });
      }
    }
    const allocating = [{ node: heap, above: [] as StackFrame[] }];
    for (let next = allocating.pop(); next !== undefined; next = allocating.pop()) {
      const frames = below(next.above, next.node.callFrame);
      add(frames, 0, next.node.selfSize / work.profiledMessages);
      for (const node of next.node.children as HeapNode[]) allocating.push({ node, above: frames });
    }
  }
  for (const { frames, timeUs } of work.stacks)
    add(
      frames.map((frame) => ({ name: frame.name, file: places.ofFrame(frame).file, line: frame.line })),
      timeUs / work.profiledMessages,
      0,
    );
  return [...found.values()];
};
