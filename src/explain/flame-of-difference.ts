import type { SampledStack } from './sampled-stacks.ts';
import type { BothSides } from './side-work.ts';

/**
 * One box of the flame graph of the difference: a function below one chain of callers, with the time that it and what
 * it calls take on the processor for a message, microseconds, on both sides.
 */
export type FlameNode = {
  name: string;
  file: string;
  /** At the head where it ran there; 0 where it is not known. */
  line: number;
  /** Index of its caller in the list; null for the outermost. */
  parent: number | null;
  timeUs: BothSides;
};

/** So many boxes can be read; what is smaller than this share of the whole cannot be seen. */
const mostNodes = 400;
const leastShare = 0.001;
/** Recursion and deep chains of a framework end somewhere. */
const deepest = 100;

type Tree = {
  frame: { name: string; file: string; line: number };
  timeUs: BothSides;
  below: Map<string, Tree>;
};

/**
 * Joins the stacks of both sides by name and file, so that code which only moved down in its file is the same box. A
 * caller stands before what it calls; siblings stand in the order of their time. Empty where nothing was profiled.
 */
export const flameOfDifference = (stacks: {
  baseline: readonly SampledStack[];
  head: readonly SampledStack[];
}): FlameNode[] => {
  const root: Tree = {
    frame: { name: '', file: '', line: 0 },
    timeUs: { baseline: 0, head: 0 },
    below: new Map(),
  };
  for (const side of ['baseline', 'head'] as const)
    for (const { frames, timeUs } of stacks[side]) {
      let at = root;
      at.timeUs[side] += timeUs;
      for (const frame of frames.slice(0, deepest)) {
        const key = `${frame.name}\n${frame.file}`;
        let next = at.below.get(key);
        if (next === undefined) {
          next = { frame, timeUs: { baseline: 0, head: 0 }, below: new Map() };
          at.below.set(key, next);
        }
        if (side === 'head') next.frame = frame;
        next.timeUs[side] += timeUs;
        at = next;
      }
    }
  const least = Math.max(leastShare * larger(root), leastOfMost(root));
  const nodes: FlameNode[] = [];
  const visit = (tree: Tree, parent: number | null): void => {
    const children = [...tree.below.values()].sort((a, b) => larger(b) - larger(a));
    for (const child of children) {
      if (larger(child) < least || larger(child) === 0 || nodes.length === mostNodes) return;
      nodes.push({ ...child.frame, parent, timeUs: child.timeUs });
      visit(child, nodes.length - 1);
    }
  };
  visit(root, null);
  return nodes;
};

function larger({ timeUs }: Tree): number {
  return Math.max(timeUs.baseline, timeUs.head);
}

/** The time from which on no more boxes are left than can be read. */
function leastOfMost(root: Tree): number {
  const all: number[] = [];
  const waiting = [...root.below.values()];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    all.push(larger(next));
    waiting.push(...next.below.values());
  }
  return all.sort((a, b) => b - a)[mostNodes - 1] ?? 0;
}
