import type { FunctionChange } from './function-change.ts';
import type { BothSides } from './side-work.ts';

/**
 * Scales what functions allocated down to what the server is known to allocate for a message, so that no function, and
 * not all together, are told to allocate more than that, nor to have risen by more than it rose. A profile sees more:
 * where no function is inlined, for the sake of its lines, numbers that functions hand each other are put on the heap.
 * Nothing is scaled up: what no function allocated is V8's own.
 */
export const withinWitness = (
  functions: readonly FunctionChange[],
  witness: BothSides | null,
): FunctionChange[] => {
  if (witness === null) return [...functions];
  const sum = (side: keyof BothSides): number =>
    functions.reduce((all, { allocatedBytes }) => all + allocatedBytes[side], 0);
  const seen = { baseline: sum('baseline'), head: sum('head') };
  const before = shareOf(witness.baseline, seen.baseline);
  return functions.map((one): FunctionChange => {
    const { baseline, head } = one.allocatedBytes;
    const more = head - baseline;
    // One function may rise by more than all together do, where others fall.
    const known = witness.head - witness.baseline;
    const share = more > 0 ? shareOf(known, Math.max(more, seen.head - seen.baseline)) : before;
    return {
      ...one,
      allocatedBytes: { baseline: before * baseline, head: before * baseline + share * more },
      allocationScore: share * one.allocationScore,
    };
  });
};

function shareOf(known: number, seen: number): number {
  return seen <= 0 ? 1 : Math.min(1, Math.max(0, known) / seen);
}
