import { createColors } from 'picocolors';
import stringWidth from 'string-width';

/** Text on a terminal: widths in columns, wrapping, colours, tables. No foreign text reaches it uncleaned. */

export type Paint = Pick<ReturnType<typeof createColors>, 'bold' | 'dim' | 'red' | 'green' | 'yellow'>;

export const paintFor = (color: boolean): Paint => createColors(color);

/** Columns that the text takes. */
export const displayWidth = (text: string): number => stringWidth(text);

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At most `columns` wide, with an ellipsis when something was cut: never inside of what is seen as one character. */
export function fitWidth(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += stringWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}

export const pad = (text: string, columns: number, right = false): string => {
  const space = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return right ? `${space}${text}` : `${text}${space}`;
};

/** Lines of at most `columns`; every line after the first begins with `indent`. A longer word keeps a line of its own. */
export const wrap = (text: string, columns: number, indent = ''): string => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > columns) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line].join('\n');
};
/** A column of a table on a terminal; the columns with the highest `drop` go first when there is no room, 0 stays. */
export type Column = {
  title: string;
  right: boolean;
  cells: string[];
  drop: number;
};

const gap = '  ';

/** Columns side by side within `columns`: the least needed are dropped, then the first one is shortened. */
export const layout = (all: readonly Column[], columns: number, paint: Paint): string => {
  const widthOf = (column: Column) =>
    column.cells.reduce((most, cell) => Math.max(most, displayWidth(cell)), displayWidth(column.title));
  const total = (shown: readonly Column[]) =>
    shown.reduce((sum, column) => sum + widthOf(column) + gap.length, -gap.length);
  let shown = all.filter((column) => column.drop === 0 || column.cells.some((cell) => cell !== ''));
  const minimumFirst = Math.min(16, widthOf(all[0]!));
  while (total(shown) - Math.max(0, widthOf(shown[0]!) - minimumFirst) > columns) {
    const last = Math.max(...shown.map((column) => column.drop));
    if (last === 0) break;
    shown = shown.filter((column) => column.drop !== last);
  }
  const over = Math.max(0, total(shown) - columns);
  const widths = shown.map((column, index) =>
    index === 0 ? Math.max(minimumFirst, widthOf(column) - over) : widthOf(column),
  );
  const line = (cellOf: (column: Column) => string): string =>
    shown
      .map((column, index) => {
        const cell = cellOf(column);
        const fitted = index === 0 ? fitWidth(cell, widths[0]!) : cell;
        return pad(fitted, widths[index]!, column.right);
      })
      .join(gap)
      .trimEnd();
  const rows = all[0]!.cells.map((_, row) => line((column) => column.cells[row]!));
  return [paint.dim(line((column) => column.title)), ...rows].join('\n');
};
