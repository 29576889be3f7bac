import { formatCount } from '../metrics/notation.ts';
import { cleanLine, cleanLines } from './clean-text.ts';
import { durationLine, environmentLine, shortSha } from './describe-comparison.ts';
import {
  type Block,
  blocksFor,
  type Document,
  type Inline,
  type Outcome,
  outcomeWord,
  placeOf,
  type TableBlock,
} from './document.ts';
import { type AnyReport, documentOf } from './document-of.ts';
import { intervalPicture } from './interval-picture.ts';
import type { ProblemReport } from './report-model.ts';
import { layout, type Paint, paintFor, wrap } from './terminal-text.ts';

export type TerminalOptions = {
  /** Width in columns; 100 if not given. Narrow terminals get fewer columns of a table, never broken lines. */
  columns?: number | undefined;
  color?: boolean | undefined;
  /** Whether lines and bars can be drawn; they are by default. */
  unicode?: boolean | undefined;
  /** What is folded away as well. */
  full?: boolean | undefined;
};

type Writer = { columns: number; paint: Paint; full: boolean; unicode: boolean };

/** A report for a terminal. Foreign text in it holds no control sequence. Ends with a line break. */
export function renderTerminal(report: AnyReport, options: TerminalOptions = {}): string {
  const writer: Writer = {
    columns: Math.max(options.columns ?? 100, 40),
    paint: paintFor(options.color ?? false),
    full: options.full ?? false,
    unicode: options.unicode ?? true,
  };
  const document = documentOf(report);
  // The verdict comes last: it is what stays on the screen.
  const parts = [
    ...blocksText(document.blocks, writer),
    originText(document, writer),
    headlineText(document, writer),
  ];
  return `${parts.join('\n\n')}\n`;
}

function headlineText({ headline }: Document, { paint, columns }: Writer): string {
  const { verdict, title, detail } = headline;
  const first = wrap(`${outcomeWord[verdict].toUpperCase()}  ${inline(title)}`, columns, '  ');
  return [
    paint.bold(painted(verdict, paint, first)),
    ...(detail.length === 0 ? [] : [wrap(inline(detail, undefined, 1500), columns)]),
  ].join('\n');
}

function originText({ origin }: Document, { paint, columns }: Writer): string {
  const { head, base } = origin.commits;
  const commits =
    head === null
      ? []
      : [`${cleanLine(shortSha(head))}${base === null ? '' : ` against ${cleanLine(shortSha(base))}`}`];
  const parts = [
    ...commits,
    cleanLine(environmentLine(origin.environment), 400),
    durationLine(origin.durations),
  ];
  return paint.dim(wrap(parts.join(' · '), columns));
}

function painted(outcome: Outcome, paint: Paint, text: string): string {
  switch (outcome) {
    case 'pass':
    case 'holds':
      return paint.green(text);
    case 'fail':
    case 'breaks':
      return paint.red(text);
    case 'inconclusive':
    case 'invalid':
      return paint.yellow(text);
    case 'advisory':
      return text;
  }
}

/** The spans as text of a terminal; without `paint`, in one colour. */
function inline(content: Inline, paint?: Paint, maxLength = 600): string {
  return content
    .map((span) => {
      if (typeof span === 'string')
        return `${/^\s/.test(span) ? ' ' : ''}${cleanLine(span, maxLength)}${/\S\s+$/.test(span) ? ' ' : ''}`;
      if ('code' in span) return cleanLine(span.code, span.maxLength ?? 120);
      if ('strong' in span) return paint?.bold(cleanLine(span.strong)) ?? cleanLine(span.strong);
      const word = outcomeWord[span.outcome];
      return paint === undefined ? word : painted(span.outcome, paint, word);
    })
    .join('')
    .trim();
}

const blocksText = (blocks: readonly Block[], writer: Writer): string[] =>
  blocksFor('terminal', blocks).flatMap((block) => blockText(block, writer));

/** A block as paragraphs; nothing for what is folded away. */
function blockText(block: Block, writer: Writer): string[] {
  const { columns, paint } = writer;
  switch (block.kind) {
    case 'paragraph':
      return [wrap(inline(block.content, paint), columns)];
    case 'table':
      return [tableText(block, writer)];
    case 'list':
      return [
        block.items
          .flatMap(({ content, children }) => [
            `  ${wrap(inline(content, paint), columns - 2, '    ')}`,
            ...(children ?? []).map((child) => paint.dim(`    ${inline(child)}`)),
          ])
          .join('\n'),
      ];
    case 'problem':
      return [problemText(block.problem, writer)];
    case 'figure': {
      const caption = inline(block.caption);
      if (block.intervals !== undefined) {
        const picture = intervalPicture(block.intervals, columns - 2, writer.unicode);
        return picture === null ? [] : [`${paint.dim(wrap(caption, columns))}\n${indented(picture)}`];
      }
      if (block.text === undefined) return [];
      return [
        block.text.includes('\n')
          ? `${caption}\n${block.text}`
          : wrap(`${caption}: ${block.text}`, columns, '  '),
      ];
    }
    case 'section': {
      const inner = blocksText(block.blocks, writer);
      if (block.headingIn !== undefined && !block.headingIn.includes('terminal')) return inner;
      return under(paint.bold(wrap(inline(block.heading, paint), columns)), inner);
    }
    case 'details': {
      if (!writer.full && !(block.open ?? []).includes('terminal')) return [];
      return under(paint.bold(wrap(inline(block.summary, paint), columns)), blocksText(block.blocks, writer));
    }
  }
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

/** A title directly above what it is the title of. */
const under = (title: string, [first, ...rest]: string[]): string[] =>
  first === undefined ? [title] : [`${title}\n${first}`, ...rest];

function tableText({ columns: all, rows, caption, noun }: TableBlock, { columns, paint }: Writer): string {
  const shown = rows.slice(0, 2000);
  const table = layout(
    all.map((column, index) => ({
      title: column.title,
      right: column.align === 'right',
      drop: column.drop ?? 0,
      cells: shown.map((row) => inline(row[index] ?? [], paint)),
    })),
    columns,
    paint,
  );
  return [
    ...(caption === undefined ? [] : [paint.dim(wrap(inline(caption), columns))]),
    table,
    ...(rows.length > shown.length
      ? [paint.dim(`and ${formatCount(rows.length - shown.length)} more ${noun}s`)]
      : []),
  ].join('\n');
}

function problemText(problem: ProblemReport, { columns, paint }: Writer): string {
  const where = placeOf(problem);
  const place = where === null ? '' : `${cleanLine(where)}: `;
  const [what = '', ...tail] = cleanLines(problem.what, 40, 500);
  const fix = cleanLines(problem.fix, 40, 500);
  return [
    wrap(`${paint.red(cleanLine(problem.code, 60))}  ${place}${what}`, columns, '  '),
    ...tail.map((line) => paint.dim(`  | ${line}`)),
    ...fix.map((line, index) => (index === 0 ? `  ${wrap(line, columns - 2, '  ')}` : `  ${line}`)),
  ].join('\n');
}
