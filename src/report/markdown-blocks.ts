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

/** A list as variants of a section: all of it, and its beginning with how much is left out. `wrap` frames it. */
export const itemVariants = (items: readonly string[], wrap: (list: string) => string): string[] => {
  const sizes = [200, 50, 10, 3].filter((size) => size < items.length);
  return [items.length, ...sizes].map((size) => {
    const left = items.length - size;
    const list = items.slice(0, size).join('\n');
    return wrap(left > 0 ? `${list}\n- *and ${left} more*` : list);
  });
};
