import { literalPattern } from '../metrics/literal-pattern.ts';
import type { FunctionChange } from './function-change.ts';
import { addedLines, type FileChange } from './parse-diff.ts';
import { type FunctionWork, wordOf } from './work-of-functions.ts';

/** A line of the repository at the head. */
export type Line = { file: string; line: number };

/** What made a message cost more. */
export type Cause = {
  /** `calls`: runs more often; `time`, `allocation`: costs more each message though nothing is called more often. */
  by: 'calls' | 'time' | 'allocation';
  change: FunctionChange;
  /** The line of the change that did it; null when no line of the change is behind it. */
  line: Line | null;
  /** The function that holds that line. */
  caller: FunctionWork | null;
  /** An unchanged function between that line and the function; absent where the line calls it. */
  through?: FunctionWork;
  /** Others that run more often only because this one does. */
  followers: FunctionChange[];
};

/** Time or allocation of a function in a changed line, and of any other: standard scores that count as a rise. */
const changedScore = 3;
const unchangedScore = 5;
/** Rises below these shares of all time or memory of a message explain nothing. */
const leastShare = 0.02;
const leastCalls = 0.02;

type AddedLine = Line & { words: ReadonlySet<string>; text: string; caller: FunctionChange | null };

/**
 * What the counts say of a change, the strongest first: functions that run more often and that a line of the change
 * calls; then functions with changed lines that take more time or memory; then what grew without a changed line.
 */
export const findCauses = (
  functions: readonly FunctionChange[],
  changes: readonly FileChange[],
  textOf: (file: string) => string | null = () => null,
): Cause[] => {
  const lines = linesOf(functions, changes);
  const risen = functions.filter((one) => one.risen && !one.at.isScript);
  const totals = {
    timeUs: total(functions, (one) => one.timeUs.head),
    bytes: total(functions, (one) => one.allocatedBytes.head),
  };
  const slightly = functions.filter(
    ({ risen, risenSlightly, at }) => !risen && risenSlightly && !at.isScript && at.owner.kind === 'own',
  );
  const lineOf = (change: FunctionChange) =>
    lines.find((one) => one.caller !== change && callsOn(one, change));
  const direct = [...risen, ...slightly].flatMap((change) => calledOn(lineOf(change), change));
  const called = direct.length > 0 ? direct : calledThrough(functions, risen, lineOf, textOf);
  // Who is called by one that itself runs more often only passes the cost on.
  const risenAt = new Set(risen.map(({ at }) => at));
  const roots = called.filter(({ caller }) => caller === null || !risenAt.has(caller));
  const first = (roots.length > 0 ? roots : called).sort((a, b) => weightOf(b, totals) - weightOf(a, totals));
  const named = new Set(first.map(({ change }) => change));
  const top = first[0];
  if (top !== undefined)
    top.followers = risen.filter((one) => !named.has(one) && one.at.owner.kind === 'own');
  const costly = lines.flatMap(({ caller }) => (caller === null ? [] : [caller]));
  const byCost = [...new Set(costly)].flatMap((change) => costOf(change, lines, totals, changedScore));
  byCost.push(...timedCalls(functions, byCost, lines, totals));
  byCost.sort((a, b) => weightOf(b, totals) - weightOf(a, totals));
  const causes = [...first, ...byCost];
  if (causes.length > 0) return causes;
  const elsewhere = functions.flatMap((change) => costOf(change, [], totals, unchangedScore));
  const more = risen
    .filter(({ at }) => at.owner.kind !== 'node')
    .map((change): Cause => ({ by: 'calls', change, line: null, caller: null, followers: [] }));
  return [...more, ...elsewhere].sort((a, b) => weightOf(b, totals) - weightOf(a, totals));
};

function calledOn(line: AddedLine | undefined, change: FunctionChange): Cause[] {
  return line === undefined
    ? []
    : [{ by: 'calls', change, line: placeOf(line), caller: line.caller?.at ?? null, followers: [] }];
}

/**
 * What rises beyond doubt may be called, by the text of an unchanged function, from one that the change calls, and that
 * runs so often anyway that one call more does not show.
 */
function calledThrough(
  functions: readonly FunctionChange[],
  risen: readonly FunctionChange[],
  lineOf: (change: FunctionChange) => AddedLine | undefined,
  textOf: (file: string) => string | null,
): Cause[] {
  const own = functions.filter(
    ({ at, head }) => head !== null && !at.isScript && at.owner.kind === 'own' && at.name !== '',
  );
  return risen.flatMap((change): Cause[] => {
    if (!own.includes(change)) return [];
    const call = new RegExp(`\\b${literalPattern(wordOf(change.at.name))}\\s*\\(`);
    const callers = own.filter(({ at }) => {
      const lines = textOf(at.file)?.split('\n') ?? [];
      // Its own name stands on its first line.
      return lines.slice(at.line, at.endLine).some((line) => call.test(withoutText(line)));
    });
    return callers.flatMap((through) =>
      through === change
        ? []
        : through.calls.difference > leastCalls
          ? calledOn(lineOf(through), through)
          : calledOn(lineOf(through), change).map((cause) => ({ ...cause, through: through.at })),
    );
  });
}

/**
 * Where calls cannot be counted, a function that takes more time and that a line of the change calls: more often, or
 * with more to do.
 */
function timedCalls(
  functions: readonly FunctionChange[],
  known: readonly Cause[],
  lines: readonly AddedLine[],
  totals: Totals,
): Cause[] {
  return functions.flatMap((change): Cause[] => {
    if (change.isCounted || known.some((cause) => cause.change === change)) return [];
    const line = lines.find((one) => one.caller !== change && callsOn(one, change));
    if (line === undefined) return [];
    return costOf(change, [], totals, changedScore).map((cause) => ({
      ...cause,
      line: placeOf(line),
      caller: line.caller?.at ?? null,
    }));
  });
}

type Totals = { timeUs: number; bytes: number };

/** The part of all work that a cause is, and own code before that of others where nothing was profiled. */
function weightOf({ change, by }: Cause, totals: Totals): number {
  const time = (change.timeUs.head - change.timeUs.baseline) / Math.max(1, totals.timeUs);
  const memory = (change.allocatedBytes.head - change.allocatedBytes.baseline) / Math.max(1, totals.bytes);
  const owner = change.at.owner.kind === 'own' ? 2 : change.at.owner.kind === 'package' ? 1 : 0;
  return (
    owner +
    Math.max(0, time) +
    Math.max(0, memory) +
    (by === 'calls' ? Math.min(1, change.calls.difference) : 0)
  );
}

function total(functions: readonly FunctionChange[], of: (one: FunctionChange) => number): number {
  return functions.reduce((sum, one) => sum + of(one), 0);
}

function placeOf({ file, line }: Line): Line {
  return { file, line };
}

/** Time or memory that a function took more of, though it runs as often as before. */
function costOf(change: FunctionChange, lines: readonly AddedLine[], totals: Totals, least: number): Cause[] {
  const more = (side: { baseline: number; head: number }) => side.head - side.baseline;
  const candidates: { by: 'time' | 'allocation'; score: number; share: number }[] = [
    { by: 'time', score: change.timeScore, share: more(change.timeUs) / Math.max(1, totals.timeUs) },
    {
      by: 'allocation',
      score: change.allocationScore,
      share: more(change.allocatedBytes) / Math.max(1, totals.bytes),
    },
  ];
  const [best] = candidates
    .filter(({ score, share }) => score >= least && share >= leastShare)
    .sort((a, b) => b.share - a.share);
  if (best === undefined) return [];
  const line = costliest(
    change,
    lines.filter(({ caller }) => caller === change),
  );
  return [{ by: best.by, change, line, caller: change.at, followers: [] }];
}

/** Of the changed lines of a function, the one most samples fell on; else the first that does something. */
function costliest(change: FunctionChange, lines: readonly AddedLine[]): Line | null {
  const [most] = [...lines].sort(
    (a, b) =>
      (change.at.ticksByLine.get(b.line) ?? 0) - (change.at.ticksByLine.get(a.line) ?? 0) ||
      Number(/[(=]/.test(b.text)) - Number(/[(=]/.test(a.text)) ||
      a.line - b.line,
  );
  return most === undefined ? null : placeOf(most);
}

/** Added lines that do something, each with the innermost function around it that ran. */
function linesOf(functions: readonly FunctionChange[], changes: readonly FileChange[]): AddedLine[] {
  const heads = functions.filter(({ head }) => head !== null && head.owner.kind === 'own');
  return changes.flatMap((change) => {
    const { after } = change;
    if (after === null) return [];
    const inFile = heads.filter(({ head }) => head!.file === after);
    if (inFile.length === 0) return [];
    const lines = [...addedLines(change), ...removals(change)];
    return lines.flatMap(({ line, text }): AddedLine[] => {
      const code = withoutText(text);
      // An import names what it brings and calls nothing.
      if (!/\w/.test(code) || /^\s*(import\b|export\b.*\bfrom\b)/.test(code)) return [];
      const around = inFile
        .filter(({ head }) => head!.line <= line && line <= head!.endLine)
        .sort((a, b) => a.head!.endLine - a.head!.line - (b.head!.endLine - b.head!.line));
      const words = new Set(code.match(/[A-Za-z_$][\w$]*/g) ?? []);
      // A function that begins and ends on one line is not around the rest of that line.
      const caller =
        around.find(({ head }) => head!.line < line || head!.endLine > line) ?? around[0] ?? null;
      return [{ file: after, line, text: code, words, caller }];
    });
  });
}

/** Where lines were only removed, the line after them stands for what is gone. */
function removals(change: FileChange): { line: number; text: string }[] {
  return change.hunks
    .filter(({ afterCount }) => afterCount === 0)
    .map(({ afterStart, removed }) => ({ line: afterStart + 1, text: removed.join(' ') }));
}

/** Without comments and the content of strings, in which words are not code. */
function withoutText(text: string): string {
  return text
    .replace(/(['"])(?:\\.|(?!\1).)*\1/g, '""')
    .replace(/\/\/.*$/, '')
    .replace(/^\s*\*.*$/, '')
    .replace(/\/\*.*?\*\//g, '');
}

/** Whether an added line calls the function, or is where an anonymous one begins. */
function callsOn(line: AddedLine, { at }: FunctionChange): boolean {
  const begins = at.owner.kind === 'own' && at.file === line.file && at.line === line.line;
  const name = wordOf(at.name);
  if (name === '') return begins;
  const isOwnDefinition =
    begins && !new RegExp(`\\b${literalPattern(name)}\\b.*\\b${literalPattern(name)}\\b`).test(line.text);
  return line.words.has(name) && !isOwnDefinition;
}
