import type { CpuProfile, HeapNode } from './side-work.ts';

type CpuNode = CpuProfile['nodes'][number];

/** Visits every node of a CPU profile, callers first. What `see` gives of a node is `above` to what it calls. */
export const eachCpuNode = <T>({ nodes }: CpuProfile, top: T, see: (node: CpuNode, above: T) => T): void => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const called = new Set(nodes.flatMap(({ children = [] }) => children));
  const roots = nodes.filter(({ id }) => !called.has(id));
  descend(roots, ({ children = [] }) => children.flatMap((id) => byId.get(id) ?? []), top, see);
};

/** Visits every node of heap profiles in the same way. */
export const eachHeapNode = <T>(
  roots: readonly HeapNode[],
  top: T,
  see: (node: HeapNode, above: T) => T,
): void => descend(roots, ({ children }) => children, top, see);

function descend<N, T>(
  roots: readonly N[],
  childrenOf: (node: N) => readonly N[],
  top: T,
  see: (node: N, above: T) => T,
): void {
  const waiting = roots.map((node) => ({ node, above: top }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const above = see(next.node, next.above);
    for (const node of childrenOf(next.node)) waiting.push({ node, above });
  }
}
