import { markdownTable } from 'markdown-table';
import { formatCount } from '../metrics/notation.ts';
import { durationLine, environmentLine, shortSha } from './describe-comparison.ts';
import {
  type Block,
  blocksFor,
  type DetailsBlock,
  type Document,
  type FigureBlock,
  type Inline,
  type ListBlock,
  type Outcome,
  outcomeWord,
  placeOf,
  type TableBlock,
} from './document.ts';
import { type AnyReport, documentOf } from './document-of.ts';
import { codeSpan, fenced, htmlText, prose, safeUrl, tableCell } from './escape-markdown.ts';
import { fitSections, type Section } from './fit-sections.ts';
import type { ProblemReport } from './report-model.ts';

/** GitHub refuses a comment of more than 65,536 characters; room is left for what a publisher adds. */
const maxCommentLength = 60_000;

export type MarkdownOptions = {
  /** Hidden marker at the very start, by which the comment is found again: an HTML comment on one line. */
  marker?: string | undefined;
  /** UTF-16 units; `maxCommentLength` if not given. */
  maxLength?: number | undefined;
  /**
   * Links that the publisher vouches for. Where `run` is not given the report's own `runUrl` is used, which must not be
   * done with a report that came from an untrusted place: pass null then.
   */
  links?:
    | {
        run?: string | null | undefined;
        report?: string | null | undefined;
        /** `https://github.com/owner/repo`, to link commits. */
        repository?: string | null | undefined;
      }
    | undefined;
};

/**
 * A report as GitHub Flavored Markdown: the comment on the pull request and the job summary. Foreign text in it is
 * inert; it is never longer than asked for, and never cut inside a table, a tag, a fence or a character.
 */
export function renderMarkdown(report: AnyReport, options: MarkdownOptions = {}): string {
  const document = documentOf(report);
  const { verdict, title, detail } = document.headline;
  const marker = options.marker === undefined ? '' : `${options.marker}\n`;
  const sections: Section[] = [
    { variants: [`${marker}## ${emoji[verdict]} ${inline(title, false, 300)}`], importance: 100 },
    { variants: [inline(detail, true, 1500), ''], importance: 98 },
    ...sectionsOf(document.blocks),
    footer(document, options),
  ];
  const reportUrl = safeUrl(options.links?.report) ?? safeUrl(options.links?.run);
  const note =
    reportUrl === null
      ? '*Shortened to fit; the report files of the run have everything.*'
      : `*Shortened to fit; [the full report](${reportUrl}) has everything.*`;
  return `${fitSections(sections, (options.maxLength ?? maxCommentLength) - 1, note).text}\n`;
}

const emoji: Record<Outcome, string> = {
  pass: '✅',
  fail: '❌',
  inconclusive: '❔',
  invalid: '⛔',
  advisory: '',
  holds: '✅',
  breaks: '❌',
};

const outcomeText = (outcome: Outcome): string =>
  outcome === 'advisory' ? '' : `${emoji[outcome]} ${outcomeWord[outcome]}`;

/** The spans as markdown. A blank at either end of a string stands between it and its neighbour. */
function inline(content: Inline, atStart = true, maxLength = 600): string {
  return content
    .map((span, index) => {
      if (typeof span !== 'string') {
        if ('code' in span) return codeSpan(span.code, span.maxLength ?? 120);
        return 'strong' in span ? `**${prose(span.strong, 120, false)}**` : outcomeText(span.outcome);
      }
      const text = prose(span, maxLength, atStart && index === 0);
      if (text === '') return span === '' ? '' : ' ';
      return `${/^\s/.test(span) ? ' ' : ''}${text}${/\s$/.test(span) ? ' ' : ''}`;
    })
    .join('')
    .trim();
}

/** The spans in raw HTML (a `<summary>`). */
function htmlInline(content: Inline): string {
  return content
    .map((span) => {
      if (typeof span === 'string')
        return `${/^\s/.test(span) ? ' ' : ''}${htmlText(span)}${/\S\s+$/.test(span) ? ' ' : ''}`;
      if ('code' in span) return `<code>${htmlText(span.code, span.maxLength ?? 120)}</code>`;
      return 'strong' in span ? `<strong>${htmlText(span.strong)}</strong>` : outcomeText(span.outcome);
    })
    .join('')
    .trim();
}

const sectionsOf = (blocks: readonly Block[]): Section[] =>
  blocksFor('markdown', blocks).flatMap(blockSections);

function blockSections(block: Block): Section[] {
  const importance = block.importance ?? 50;
  switch (block.kind) {
    case 'section': {
      const inner = sectionsOf(block.blocks);
      if (block.headingIn !== undefined && !block.headingIn.includes('markdown')) return inner;
      // A heading goes only after everything under it has gone.
      const most = Math.max(importance, ...inner.map((section) => section.importance));
      const heading = {
        variants: [`### ${inline(block.heading, false)}`, ''],
        importance: Math.min(most + 1, 95),
      };
      return [heading, ...inner];
    }
    case 'problem':
      return [{ variants: problemVariants(block.problem), importance }];
    default:
      return [{ variants: [...new Set([...variantsOf(block), ''])], importance }];
  }
}

/** A block from the fullest to the shortest; each is whole by itself. */
function variantsOf(block: Exclude<Block, { kind: 'section' | 'problem' }>): string[] {
  switch (block.kind) {
    case 'paragraph':
      return [inline(block.content)];
    case 'table':
      return tableVariants(block);
    case 'list':
      return listVariants(block);
    case 'figure':
      return [figureText(block)];
    case 'details':
      return detailsVariants(block);
  }
}

function tableVariants({ columns, rows, noun, caption }: TableBlock): string[] {
  const titles = columns.map(({ title }) => title);
  const align = columns.map((column) => (column.align === 'right' ? 'r' : 'l'));
  const cells = rows.map((row) => row.map((cell) => tableCell(inline(cell, false))));
  const above = caption === undefined ? '' : `${inline(caption)}\n\n`;
  return shrinkingSizes(rows.length, noun === 'row' ? [400, 200, 100, 50, 20, 8] : [60, 20, 8]).map(
    (size) => {
      const shown = markdownTable([titles, ...cells.slice(0, size)], { align, alignDelimiters: false });
      return `${above}${shown}${left(rows.length - size, noun)}`;
    },
  );
}

const left = (count: number, noun: string): string =>
  count > 0 ? `\n\n*and ${formatCount(count)} more ${noun}${count === 1 ? '' : 's'}*` : '';

/** A list, and its beginning with how much is left out. */
function listVariants({ items, title }: ListBlock): string[] {
  const lines = items.map(({ content, children }) =>
    [`- ${inline(content)}`, ...(children ?? []).map((child) => `  - ${inline(child)}`)].join('\n'),
  );
  const above = title === undefined ? '' : `**${prose(title, 200, false)}**\n\n`;
  return shrinkingSizes(items.length, [60, 20, 10, 3]).map((size) => {
    const more = items.length - size;
    return `${above}${lines.slice(0, size).join('\n')}${more > 0 ? `\n- *and ${formatCount(more)} more*` : ''}`;
  });
}

/**
 * How many of `count` things to show, from the most to the fewest. The first size is a cap: however much room there is,
 * nobody reads further, and what stands below would be pushed out.
 */
function shrinkingSizes(count: number, sizes: readonly number[]): number[] {
  const smaller = sizes.filter((size) => size < count);
  return count <= sizes[0]! ? [count, ...smaller] : smaller;
}

function figureText({ caption, text, mermaid }: FigureBlock): string {
  const title = inline(caption);
  if (mermaid !== undefined) return `${title === '' ? '' : `${title}\n\n`}\`\`\`mermaid\n${mermaid}\n\`\`\``;
  return text === undefined ? '' : `${title}: ${text}`;
}

/** Several blocks in one folded block stay together, so that each is whole when others are left out. */
function detailsVariants({ summary, blocks, open }: DetailsBlock): string[] {
  const shown = blocksFor('markdown', blocks);
  const [only] = shown;
  const inner =
    shown.length === 1 && only !== undefined && only.kind !== 'section' && only.kind !== 'problem'
      ? variantsOf(only)
      : [
          fitSections(shown.flatMap(blockSections), 12_000, '*Shortened; the full report has the rest.*')
            .text,
        ];
  const tag = open?.includes('markdown') ? '<details open>' : '<details>';
  return inner
    .filter((text) => text !== '')
    .map((text) => `${tag}\n<summary>${htmlInline(summary)}</summary>\n\n${text}\n\n</details>`);
}

/** A problem in full (a server's output and lines to add are kept as blocks), and in a line. */
function problemVariants(problem: ProblemReport): string[] {
  const [what = '', ...tail] = problem.what.split('\n');
  const [fix = '', ...lines] = problem.fix.split('\n');
  const where = placeOf(problem);
  const place = where === null ? '' : ` ${codeSpan(where)}`;
  const code = `⛔ **Problem** ${codeSpan(problem.code, 60)}`;
  const blocks = [`${code}${place}: ${prose(what, 600, false)}`];
  if (tail.some((line) => line.trim() !== '')) blocks.push(fenced(tail.join('\n')));
  blocks.push(`**What to do:** ${prose(fix, 600, false)}`);
  if (lines.length > 0) blocks.push(fenced(lines.join('\n')));
  return [blocks.join('\n\n'), `${code}: ${prose(what, 300, false)}`, ''];
}

const link = (title: string, url: string | null): string[] => (url === null ? [] : [`[${title}](${url})`]);

function commitText(sha: string, repository: string | null): string {
  const span = codeSpan(shortSha(sha));
  return repository !== null && /^[0-9a-f]{7,64}$/.test(sha)
    ? `[${span}](${repository}/commit/${sha})`
    : span;
}

/** Commits, links, machine and time. */
function footer({ origin }: Document, options: MarkdownOptions): Section {
  const links = options.links ?? {};
  const repository = safeUrl(links.repository);
  const run = safeUrl(links.run === undefined ? origin.runUrl : links.run);
  const { head, base, merged } = origin.commits;
  const commits =
    head === null
      ? []
      : [
          `${commitText(merged ?? head, repository)}${merged === undefined ? '' : ` (measured as the merge ${commitText(head, repository)})`}${base === null ? '' : ` against ${commitText(base, repository)}`}`,
        ];
  const first = [...commits, ...link('run', run), ...link('full report', safeUrl(links.report))].join(' · ');
  const environment = `${prose(environmentLine(origin.environment), 400, false)} · ${durationLine(origin.durations)}`;
  const lines = [first, environment].filter((line) => line !== '').map((line) => `<sub>${line}</sub>`);
  return { variants: [lines.join('<br>\n'), first === '' ? '' : `<sub>${first}</sub>`], importance: 97 };
}
