import { markdownTable } from 'markdown-table';
import { tableCell } from './escape-markdown.ts';

/** A table in which every cell is already markdown; nothing in a cell can end it. */
export const table = (rows: string[][], align: string[]): string =>
  markdownTable(
    rows.map((row) => row.map(tableCell)),
    { align, alignDelimiters: false },
  );

/** A collapsed block. `summary` is our own text. */
export const details = (summary: string, content: string): string =>
  `<details>\n<summary>${summary}</summary>\n\n${content}\n\n</details>`;

/**
 * How many of `count` things to show, from the most to the fewest. The first size is a cap: however much room there is,
 * nobody reads further, and what stands below would be pushed out.
 */
export const shrinkingSizes = (count: number, sizes: readonly number[]): number[] => {
  const smaller = sizes.filter((size) => size < count);
  return count <= sizes[0]! ? [count, ...smaller] : smaller;
};

/** A list as variants of a section: all of it, and its beginning with how much is left out. `wrap` frames it. */
export const itemVariants = (items: readonly string[], wrap: (list: string) => string): string[] => {
  return shrinkingSizes(items.length, [60, 20, 10, 3]).map((size) => {
    const left = items.length - size;
    const list = items.slice(0, size).join('\n');
    return wrap(left > 0 ? `${list}\n${items[0]!.charAt(0)} *and ${left} more*` : list);
  });
};
