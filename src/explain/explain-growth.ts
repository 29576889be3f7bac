import { literalPattern } from '../metrics/literal-pattern.ts';
import { formatBytes } from '../metrics/notation.ts';
import type { HeldGrowth } from './heap-growth.ts';
import { addedLines, type FileChange } from './parse-diff.ts';
import { type PlaceReader, Places, shownName } from './places.ts';
import { eachHeapNode } from './profile-trees.ts';
import type { CallFrame, HeapNode } from './side-work.ts';

export type GrowthInputs = {
  /** What came to be while it was looked at, of the process that keeps most; null where the heap was too large to look. */
  held: readonly HeldGrowth[] | null;
  /** What was allocated meanwhile and is alive, of all processes and threads. */
  profiles: readonly HeapNode[];
  /** Users that came and went meanwhile, and their messages. */
  sessions: number;
  messages: number;
  places: PlaceReader;
  /** URLs of the scripts of the process of `held`. */
  scripts: ReadonlyMap<string, string>;
  /** What the change did; empty where it is not known. */
  changes: readonly FileChange[];
  /** Lines of a file of the repository at the head; null where it cannot be read. */
  linesOf: (file: string) => readonly string[] | null;
};

export type GrowthSentence = { text: string; place?: { file: string; line: number } };

/** A function of the repository, and what it allocated that is alive, for each session. */
type Allocating = { name: string; file: string; line: number; bytes: number };

/** What is named makes up so much of all that is kept, and comes with so many of the sessions. */
const leastShare = 0.25;
const leastOfSessions = 0.3;

/**
 * What keeps memory, of which class, where it is allocated, and whether a line of the change does it. Empty when nothing
 * stands out.
 */
export const explainGrowth = (inputs: GrowthInputs): GrowthSentence[] => {
  const kept = mainGrowth(inputs);
  const made = kept === null ? null : madeAt(kept, inputs);
  if (kept !== null && made !== null)
    return [
      {
        text: `${whatIsKept(kept, inputs)}${isAdded(inputs, made) ? ', made in a line of this change' : ''}.`,
        place: made,
      },
    ];
  const allocating = allocatingFunctions(inputs, kept?.kind === 'object' ? kept.name : null);
  const [first] = allocating;
  const total = allocating.reduce((sum, one) => sum + one.bytes, 0);
  const site = first !== undefined && first.bytes >= leastShare * total ? first : undefined;
  // A function alone is no answer where the heap was seen and nothing in it stands out.
  if (kept === null && (site === undefined || inputs.held !== null)) return [];
  const line = site === undefined ? null : changedLine(inputs, site, kept);
  const what = kept === null ? null : whatIsKept(kept, inputs);
  if (site === undefined) return [{ text: `${what}.` }];
  const place = line ?? { file: site.file, line: site.line };
  const does = line === null ? '' : ', in a line of this change';
  if (what === null)
    return [
      {
        text: `What \`${shownName(site.name)}\` allocates stays, ${formatBytes(site.bytes)} a session${does}.`,
        place,
      },
    ];
  return [{ text: `${what}, allocated in \`${shownName(site.name)}\`${does}.`, place }];
};

/** Where a function that is kept stands, when that is in the repository: what it keeps is allocated anywhere. */
function madeAt(
  { kind, at }: Kept,
  { places, scripts }: GrowthInputs,
): { file: string; line: number } | null {
  const url = at === undefined ? undefined : scripts.get(at.scriptId);
  if (kind !== 'function' || at === undefined || url === undefined) return null;
  const { file, line, owner } = new Places(places).at(url, at.line + 1, at.column);
  return owner.kind === 'own' ? { file, line } : null;
}

function isAdded({ changes }: GrowthInputs, { file, line }: { file: string; line: number }): boolean {
  return changes.some(
    (change) => change.after === file && addedLines(change).some((added) => added.line === line),
  );
}

type Kept = HeldGrowth & { holders: string[] };

/** What most memory hangs on, with what is kept beside it by the same holder: the keys of a map with its values. */
function mainGrowth({ held, sessions }: GrowthInputs): Kept | null {
  if (held === null || sessions === 0) return null;
  const many = held.filter(({ count }) => count >= Math.max(5, leastOfSessions * sessions));
  const all = held.reduce((sum, { bytes }) => sum + bytes, 0);
  const merged = new Map<string, Kept>();
  for (const one of many) {
    const key = one.holders.join('.');
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...one });
    else {
      known.bytes += one.bytes;
      if (known.kind === 'value' && one.kind !== 'value')
        Object.assign(known, { kind: one.kind, name: one.name, count: one.count });
    }
  }
  const [most] = [...merged.values()].sort((a, b) => b.bytes - a.bytes);
  return most !== undefined && most.bytes >= leastShare * all ? most : null;
}

/** "`visits` keeps 240 B a session: `Visit`". */
function whatIsKept(kept: Kept, { sessions, messages }: GrowthInputs): string {
  const { holders, kind, name, count, bytes } = kept;
  const far = (units: number) => Math.abs(Math.log(count / Math.max(1, units)));
  const isOfMessages = messages > 0 && far(messages) < far(sessions);
  const each = formatBytes(bytes / (isOfMessages ? messages : sessions));
  const of = isOfMessages ? 'a message' : 'a session';
  const what =
    kind === 'object'
      ? /^(Object|Array|Map|Set)$/.test(name)
        ? `${/^[AO]/.test(name) ? 'an' : 'a'} \`${name}\``
        : `class \`${name}\``
      : kind === 'function'
        ? name === ''
          ? 'a function'
          : `the function \`${name}\``
        : 'text and numbers';
  const events = holders.indexOf('_events');
  if (events > 0) {
    const emitter = holders[events + 1];
    return `The listeners of \`${holders[0]}\`${emitter === undefined ? '' : ` on \`${emitter}\``} keep ${each} ${of}: ${what}`;
  }
  // The name of the variable, or of the property and the nearest thing above it that has a name.
  const holder = holders.length === 0 ? null : holders.slice(0, 2).reverse().join('.');
  return holder === null ? `${each} ${of} stay: ${what}` : `\`${holder}\` keeps ${each} ${of}: ${what}`;
}

/**
 * Functions of the repository by what they allocated that is alive. Memory belongs to the nearest one above it; what a
 * class allocates for itself belongs to who makes an instance of it.
 */
function allocatingFunctions(
  { profiles, places: reader, sessions }: GrowthInputs,
  className: string | null,
): Allocating[] {
  const places = new Places(reader);
  const found = new Map<string, Allocating>();
  const functionAt = (
    { functionName, url, lineNumber, columnNumber }: CallFrame,
    above: Allocating | null,
  ): Allocating | null => {
    const { file, line, owner } = places.at(url, lineNumber + 1, columnNumber);
    if (owner.kind !== 'own' || isPreload(file) || (functionName === className && above !== null))
      return above;
    const name = places.nameOf(url, lineNumber + 1, columnNumber, functionName);
    const key = `${file}:${line}:${name}`;
    const one = found.get(key) ?? { name, file, line, bytes: 0 };
    found.set(key, one);
    return one;
  };
  eachHeapNode<Allocating | null>(profiles, null, ({ callFrame, selfSize }, above) => {
    const one = functionAt(callFrame, above);
    if (one !== null) one.bytes += selfSize / Math.max(1, sessions);
    return one;
  });
  return [...found.values()].filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
}

/** What Tailgate itself loads into the server. */
function isPreload(file: string): boolean {
  return /[\\/]node-(answers|count|left|preload|inject)\.cjs$/.test(file);
}

/** The line of the change in this function that makes what is kept, or puts it there; else the first that does something. */
function changedLine(
  { changes, linesOf }: GrowthInputs,
  site: Allocating,
  kept: Kept | null,
): { file: string; line: number } | null {
  const change = changes.find(({ after }) => after === site.file);
  if (change === undefined) return null;
  const end = endOfFunction(linesOf(site.file), site.line);
  const words = [kept?.name ?? '', ...(kept?.holders ?? [])].filter((word) => /^\w{2,}$/.test(word));
  const rank = (text: string): number =>
    (kept?.kind === 'object' &&
    kept.name !== '' &&
    new RegExp(`\\bnew\\s+${literalPattern(kept.name)}\\b`).test(text)
      ? 4
      : 0) +
    (words.some((word) => new RegExp(`\\b${word}\\b`).test(text)) ? 2 : 0) +
    (/[(=]/.test(text) ? 1 : 0);
  const [best] = addedLines(change)
    .filter(({ line, text }) => line >= site.line && line <= end && text.trim() !== '')
    .sort((a, b) => rank(b.text) - rank(a.text) || a.line - b.line);
  return best === undefined ? null : { file: site.file, line: best.line };
}

/** Where the function that begins on a line ends, by its indentation; the line itself where that is not known. */
function endOfFunction(lines: readonly string[] | null, start: number): number {
  const first = lines?.[start - 1];
  if (lines === null || first === undefined) return start;
  const indent = (text: string) => text.length - text.trimStart().length;
  for (let line = start; line < lines.length; line += 1) {
    const text = lines[line]!;
    if (text.trim() !== '' && indent(text) <= indent(first)) return line + 1;
  }
  return lines.length;
}
