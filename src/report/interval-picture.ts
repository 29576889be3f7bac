import { formatLimit, formatPercentChange } from '../metrics/notation.ts';
import { pad } from './terminal-text.ts';

/** Changes with their intervals, one a row, and what they are held against. All as ratios minus one. */
export type Intervals = {
  rows: readonly { label: string; value: number; low: number; high: number }[];
  /** Where it is decided; no change is marked besides. */
  limits: readonly number[];
};

const maxRows = 8;
const widestAxis = 60;
const narrowestAxis = 24;

type Marks = { left: string; right: string; line: string; value: string; zero: string; limit: string };
const drawn: Marks = { left: '├', right: '┤', line: '─', value: '●', zero: '│', limit: '┊' };
const typed: Marks = { left: '[', right: ']', line: '-', value: 'o', zero: '|', limit: ':' };

/**
 * The intervals as lines of a terminal, with no change and the limit marked, under an axis in percent. The first
 * intervals may be many times as wide as those that decide: what leaves the picture ends in an arrow. Null where there
 * is no room, or nothing that narrows.
 */
export function intervalPicture(
  { rows, limits }: Intervals,
  columns: number,
  unicode: boolean,
): string | null {
  const shown = thinned(rows);
  const labels = Math.max(...shown.map(({ label }) => label.length));
  const values = shown.map(({ value, low, high }) => formatPercentChange(value, { low, high }));
  const widest = Math.max(...values.map((text) => text.length));
  const width = Math.min(widestAxis, columns - labels - widest - 4);
  if (shown.length < 2 || width < narrowestAxis) return null;
  const [from, to] = scaleOf(shown, limits);
  const place = (change: number): number => Math.round(((change - from) / (to - from)) * (width - 1));
  const marks = unicode ? drawn : typed;
  const lines = shown.map(({ label, value, low, high }, index) => {
    const cells = Array.from({ length: width }, () => ' ');
    for (let cell = Math.max(0, place(low)); cell <= Math.min(width - 1, place(high)); cell += 1)
      cells[cell] = marks.line;
    const put = (change: number, mark: string): void => {
      if (change >= from && change <= to) cells[place(change)] = mark;
    };
    put(0, marks.zero);
    for (const limit of limits) put(limit, limit === 0 ? marks.zero : marks.limit);
    if (low < from) cells[0] = unicode ? '◂' : '<';
    else put(low, marks.left);
    if (high > to) cells[width - 1] = unicode ? '▸' : '>';
    else put(high, marks.right);
    put(value, marks.value);
    return `${pad(label, labels, true)}  ${cells.join('')}  ${pad(values[index]!, widest, true)}`;
  });
  return [...lines, `${' '.repeat(labels + 2)}${axis(place, width, limits)}`].join('\n');
}

/** The first, the last and some between them, evenly taken. */
function thinned<T>(rows: readonly T[]): T[] {
  if (rows.length <= maxRows) return [...rows];
  const step = (rows.length - 1) / (maxRows - 1);
  return Array.from({ length: maxRows }, (_, index) => rows[Math.round(index * step)]!);
}

/** Everything that decides is in it with room around; of what is far wider, only so much. */
function scaleOf(rows: Intervals['rows'], limits: readonly number[]): [from: number, to: number] {
  const last = rows.at(-1)!;
  const kept = [last.low, last.high, 0, ...limits];
  const [least, most] = [Math.min(...kept), Math.max(...kept)];
  const room = 0.75 * Math.max(most - least, 1e-6);
  return [
    Math.max(least - room, Math.min(least - 0.1 * room, ...rows.map(({ low }) => low))),
    Math.min(most + room, Math.max(most + 0.1 * room, ...rows.map(({ high }) => high))),
  ];
}

/** What is marked below its mark; where two do not fit beside each other, the limit farther out. */
function axis(place: (change: number) => number, width: number, limits: readonly number[]): string {
  const cells = Array.from({ length: width }, () => ' ');
  const marked = [...new Set([0, ...limits])].sort((a, b) => Math.abs(b) - Math.abs(a));
  for (const change of marked) {
    const text = change === 0 ? '0' : formatLimit(change);
    const start = Math.max(0, Math.min(width - text.length, place(change) - Math.floor(text.length / 2)));
    const end = start + text.length;
    const isFree = cells.slice(Math.max(0, start - 1), end + 1).every((cell) => cell === ' ');
    if (isFree) cells.splice(start, text.length, ...text);
  }
  return cells.join('').trimEnd();
}
