/** Text on a terminal: widths in columns, wrapping, colours, tables. No foreign text reaches it uncleaned. */

export type Paint = {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
};

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001B[${on}m${text}\u001B[${off}m`;

const coloured: Paint = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
};

const same = (text: string): string => text;
const plain: Paint = { bold: same, dim: same, red: same, green: same, yellow: same };

export const paintFor = (color: boolean): Paint => (color ? coloured : plain);

// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colour sequences have no width
const colourSequence = /\u001B\[\d+m/g;
/** East Asian wide and fullwidth characters, and emoji (Unicode Standard Annex 11). */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]/u;

/** Columns that the text takes. */
export const displayWidth = (text: string): number => {
  let width = 0;
  for (const character of text.replaceAll(colourSequence, ''))
    width += /\p{M}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
};

/** At most `columns` wide, with an ellipsis when something was cut. For text without colours. */
export const fitWidth = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += displayWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns < 1 ? '' : `${kept}…`;
};

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
