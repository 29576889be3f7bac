import { isDeepStrictEqual } from 'node:util';

/** A step of a flow, with the pause before it. */
export type FlowItem = {
  /** Steps with the same signature do the same with other values. */
  signature: string;
  thinkMs: number;
  step: Record<string, unknown>;
};

const longestBlock = 8;
const leastRepeats = 3;
/** Shorter pauses are the client's own work. */
const leastThinkMs = 50;
const longestThinkMs = 10_000;

/**
 * A flow of Artillery: pauses become `think`, blocks that repeat three times or more become a `loop` of the first one, in
 * which a number that counts up from 1 is `{{ $loopCount }}`.
 */
export const foldLoops = (items: readonly FlowItem[]): Record<string, unknown>[] => {
  const flow: Record<string, unknown>[] = [];
  for (let at = 0; at < items.length; ) {
    const { length, count } = bestRepeat(items, at);
    if (count < leastRepeats) {
      flow.push(...plain(items[at]!));
      at += 1;
      continue;
    }
    const blocks = Array.from({ length: count }, (_, index) =>
      items.slice(at + index * length, at + (index + 1) * length),
    );
    const body = blocks[0]!.map((item, index) => {
      const same = blocks.map((block) => block[index]!);
      const pauses = same.slice(index === 0 ? 1 : 0).map(({ thinkMs }) => thinkMs);
      return {
        ...item,
        thinkMs: pauses.sort((a, b) => a - b)[pauses.length >> 1] ?? 0,
        step: counted(same.map(({ step }) => step)) as Record<string, unknown>,
      };
    });
    const [first, ...others] = body;
    // The pause between two rounds stands at the end of the loop.
    flow.push(...think(items[at]!.thinkMs), {
      loop: [first!.step, ...others.flatMap(plain), ...think(first!.thinkMs)],
      count,
    });
    at += length * count;
  }
  return flow;
};

/** The same flow step by step, with each pause as it was: a replay holds its place among those of others. */
export const inFull = (items: readonly FlowItem[]): Record<string, unknown>[] =>
  items.flatMap(({ thinkMs, step }) => [...thinkFor(Math.round(thinkMs / 10) * 10), step]);

function bestRepeat(items: readonly FlowItem[], at: number): { length: number; count: number } {
  let best = { length: 1, count: 1 };
  for (let length = 1; length <= longestBlock && at + length * leastRepeats <= items.length; length += 1) {
    const same = (index: number): boolean =>
      items[index]?.signature === items[at + ((index - at) % length)]!.signature;
    let end = at + length;
    while (end < items.length && same(end)) end += 1;
    const count = Math.floor((end - at) / length);
    if (count >= leastRepeats && count * length > best.count * best.length) best = { length, count };
  }
  return best;
}

const plain = ({ thinkMs, step }: FlowItem): Record<string, unknown>[] => [...think(thinkMs), step];

const think = (ms: number): Record<string, unknown>[] => {
  if (ms < leastThinkMs) return [];
  return thinkFor(ms < 1_000 ? Math.round(ms / 10) * 10 : Math.round(ms / 100) * 100);
};

function thinkFor(wantedMs: number): Record<string, unknown>[] {
  const ms = Math.min(longestThinkMs, wantedMs);
  if (ms === 0) return [];
  return [{ think: ms % 1_000 === 0 ? ms / 1_000 : `${ms}ms` }];
}

/** The first of values that differ only in numbers: those that count 1, 2, 3 are the number of the round. */
function counted(values: readonly unknown[]): unknown {
  const [first] = values;
  if (values.every((value) => isDeepStrictEqual(value, first))) return first;
  if (values.every((value, index) => value === index + 1)) return '{{ $loopCount }}';
  if (Array.isArray(first))
    return first.map((_, index) => counted(values.map((value) => (value as unknown[])?.[index])));
  if (typeof first === 'object' && first !== null)
    return Object.fromEntries(
      Object.keys(first).map((key) => [
        key,
        counted(values.map((value) => (value as Record<string, unknown>)?.[key])),
      ]),
    );
  return first;
}
