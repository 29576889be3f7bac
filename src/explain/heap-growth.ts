/** A heap snapshot as V8 writes it (`.heapsnapshot`). Only what is read here. */
export type HeapSnapshot = {
  snapshot: {
    meta: {
      node_fields: string[];
      node_types: (string | string[])[];
      edge_fields: string[];
      edge_types: (string | string[])[];
      location_fields?: string[];
    };
  };
  nodes: number[];
  edges: number[];
  strings: string[];
  /** Where functions stand: index into `nodes`, script, line and column, counted from 0. */
  locations?: number[];
};

/** What came to be since an earlier snapshot, and is kept by something that was there then. */
export type HeldGrowth = {
  /** What keeps it, as its variables and properties are called, the nearest first: `closing`, `_events`, `news`. */
  holders: string[];
  /** `object`: an instance of this class. `function`: a closure of this name. Else text, numbers and the like. */
  kind: 'object' | 'function' | 'value';
  /** Empty for an anonymous function. */
  name: string;
  count: number;
  /** With everything that it keeps. */
  bytes: number;
  /** Where a function stands in the script that ran; line and column count from 0. */
  at?: { scriptId: string; line: number; column: number };
};

/** The id that V8 gave last: what has a greater one in a later snapshot is newer. */
export const newestId = (snapshot: HeapSnapshot): number => {
  const nodes = new Nodes(snapshot);
  let newest = 0;
  for (let node = 0; node < nodes.count; node += 1) newest = Math.max(newest, nodes.id(node));
  return newest;
};

/**
 * What is newer than `newest` by what keeps it, the largest first. Each new object belongs to the first one on its
 * shortest way from an older object, and that one to what keeps it. Weak references and compiled code keep nothing here.
 */
export const heapGrowth = (snapshot: HeapSnapshot, newest: number): HeldGrowth[] => {
  const nodes = new Nodes(snapshot);
  /** By node: its group, counted from 1. */
  const groupOf = new Int32Array(nodes.count);
  const groups: { holder: number; edge: string; entry: number; count: number; bytes: number }[] = [];
  const byKey = new Map<string, number>();
  const isNew = (node: number): boolean => nodes.id(node) > newest;
  const queue: number[] = [];
  const enter = (node: number, holder: number, edge: string): void => {
    const key = `${holder} ${edge} ${nodes.type(node)} ${nodes.type(node) === 'string' ? '' : nodes.name(node)}`;
    let group = byKey.get(key);
    if (group === undefined) {
      groups.push({ holder, edge, entry: node, count: 0, bytes: 0 });
      group = groups.length;
      byKey.set(key, group);
    }
    groups[group - 1]!.count += 1;
    groupOf[node] = group;
    queue.push(node);
  };
  /** A table or a list of elements is a part of what it belongs to, and is enlarged from time to time. */
  const passed: { table: number; holder: number; edge: string }[] = [];
  const seen = new Uint8Array(nodes.count);
  /** Whether a reference is the first that leads to something new. */
  const isFirst = (type: string, to: number): boolean => {
    if (!keeps(type) || !isNew(to) || seen[to] === 1 || !nodes.isData(to)) return false;
    seen[to] = 1;
    return true;
  };
  const look = (from: number, holder: number, edge: string | null): void => {
    nodes.eachEdge(from, (type, name, to) => {
      if (!isFirst(type, to)) return;
      const called = edge ?? (type === 'element' || type === 'internal' || type === 'hidden' ? '' : name);
      if (nodes.type(to) === 'array') passed.push({ table: to, holder, edge: called });
      else enter(to, holder, called);
    });
  };
  for (let node = 0; node < nodes.count; node += 1)
    if (!isNew(node) && nodes.holds(node)) look(node, node, null);
  // What an enlarged table takes itself belongs to all that is in it, and is left out.
  for (let next = passed.pop(); next !== undefined; next = passed.pop())
    look(next.table, next.holder, next.edge);
  for (let at = 0; at < queue.length; at += 1) {
    const node = queue[at]!;
    const group = groups[groupOf[node]! - 1]!;
    group.bytes += nodes.size(node);
    nodes.eachEdge(node, (type, _name, to) => {
      if (!isFirst(type, to)) return;
      groupOf[to] = groupOf[node]!;
      queue.push(to);
    });
  }
  const largest = groups.sort((a, b) => b.bytes - a.bytes).slice(0, mostGroups);
  const holders = namesOf(
    nodes,
    largest.map(({ holder }) => holder),
  );
  return largest.map(({ holder, edge, entry, count, bytes }) => ({
    holders: [...(edge === '' ? [] : [edge]), ...holders.get(holder)!],
    kind: nodes.type(entry) === 'closure' ? 'function' : nodes.type(entry) === 'object' ? 'object' : 'value',
    name: nodes.name(entry),
    count,
    bytes,
    ...(nodes.type(entry) === 'closure' ? placeOf(snapshot, entry) : {}),
  }));
};

function placeOf({ snapshot, locations = [] }: HeapSnapshot, node: number): Pick<HeldGrowth, 'at'> {
  const { node_fields: fields, location_fields: parts = [] } = snapshot.meta;
  const width = parts.length;
  const [object, script, line, column] = ['object_index', 'script_id', 'line', 'column'].map((part) =>
    parts.indexOf(part),
  ) as [number, number, number, number];
  if (width === 0 || [object, script, line, column].includes(-1)) return {};
  for (let at = 0; at < locations.length; at += width)
    if (locations[at + object] === node * fields.length)
      return {
        at: {
          scriptId: String(locations[at + script]),
          line: locations[at + line]!,
          column: locations[at + column]!,
        },
      };
  return {};
}

/** Whether a reference keeps what it leads to. */
const keeps = (type: string): boolean => type !== 'weak' && type !== 'shortcut';

const mostGroups = 20;
/** Steps from what holds something up to the variable that it is known by. */
const mostSteps = 5;
/** Names that V8 gives to parts, and properties that say nothing. */
const isTelling = (name: string): boolean =>
  /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) &&
  !/^(__proto__|constructor|prototype|this|context|code)$/.test(name);

/** What each node is called by those that refer to it, up to a variable. One pass over all references for each step. */
function namesOf(nodes: Nodes, wanted: readonly number[]): Map<number, string[]> {
  const names = new Map(wanted.map((node) => [node, [] as string[]]));
  let at = new Map(wanted.map((node) => [node, node]));
  for (let step = 0; step < mostSteps && at.size > 0; step += 1) {
    const targets = new Set(at.values());
    const best = new Map<number, { from: number; name: string; rank: number }>();
    for (let node = 0; node < nodes.count; node += 1)
      nodes.eachEdge(node, (type, name, to) => {
        if (!targets.has(to) || !keeps(type) || node === to) return;
        const rank =
          type === 'context' && isTelling(name)
            ? 3
            : type === 'property' && isTelling(name)
              ? 2
              : nodes.holds(node) && (type === 'internal' || type === 'element')
                ? 1
                : 0;
        if (rank > (best.get(to)?.rank ?? 0)) best.set(to, { from: node, name, rank });
      });
    const next = new Map<number, number>();
    for (const [node, current] of at) {
      const found = best.get(current);
      if (found === undefined) continue;
      if (found.rank >= 2) names.get(node)!.push(found.name);
      if (found.rank < 3) next.set(node, found.from);
    }
    at = next;
  }
  return names;
}

/** Reads the flat arrays of a snapshot. Nodes count from 0. */
class Nodes {
  readonly count: number;
  readonly #snapshot: HeapSnapshot;
  readonly #width: number;
  readonly #at: Record<'type' | 'name' | 'id' | 'size' | 'edges', number>;
  readonly #types: string[];
  readonly #edgeTypes: string[];
  readonly #edgeWidth: number;
  readonly #firstEdge: Uint32Array;

  constructor(snapshot: HeapSnapshot) {
    const { meta } = snapshot.snapshot;
    const field = (name: string) => meta.node_fields.indexOf(name);
    this.#snapshot = snapshot;
    this.#width = meta.node_fields.length;
    this.#edgeWidth = meta.edge_fields.length;
    this.#types = meta.node_types[0] as string[];
    this.#edgeTypes = meta.edge_types[0] as string[];
    this.#at = {
      type: field('type'),
      name: field('name'),
      id: field('id'),
      size: field('self_size'),
      edges: field('edge_count'),
    };
    if (Object.values(this.#at).includes(-1)) throw new Error('the heap snapshot is of an unknown form');
    this.count = snapshot.nodes.length / this.#width;
    this.#firstEdge = new Uint32Array(this.count + 1);
    for (let node = 0; node < this.count; node += 1)
      this.#firstEdge[node + 1] = this.#firstEdge[node]! + this.#field(node, 'edges');
  }

  id(node: number): number {
    return this.#field(node, 'id');
  }

  size(node: number): number {
    return this.#field(node, 'size');
  }

  type(node: number): string {
    return this.#types[this.#field(node, 'type')]!;
  }

  name(node: number): string {
    return this.#snapshot.strings[this.#field(node, 'name')] ?? '';
  }

  /** What programs make, and not what V8 makes of programs. */
  isData(node: number): boolean {
    return !['code', 'hidden', 'synthetic', 'object shape'].includes(this.type(node));
  }

  /** What keeps something on purpose of the program. */
  holds(node: number): boolean {
    return ['object', 'array', 'closure', 'native'].includes(this.type(node));
  }

  eachEdge(node: number, see: (type: string, name: string, to: number) => void): void {
    const { edges, strings } = this.#snapshot;
    for (let edge = this.#firstEdge[node]!; edge < this.#firstEdge[node + 1]!; edge += 1) {
      const at = edge * this.#edgeWidth;
      const type = this.#edgeTypes[edges[at]!]!;
      // Of elements and hidden references the name is an index.
      const name = type === 'element' || type === 'hidden' ? '' : (strings[edges[at + 1]!] ?? '');
      see(type, name, edges[at + 2]! / this.#width);
    }
  }

  #field(node: number, name: 'type' | 'name' | 'id' | 'size' | 'edges'): number {
    return this.#snapshot.nodes[node * this.#width + this.#at[name]]!;
  }
}
