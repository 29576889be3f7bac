import type { SideName } from '../metrics/round-measurement.ts';
import type { Verdict } from '../verdict/verdict.ts';
import type { Chart } from './chart.ts';
import type { Intervals } from './interval-picture.ts';
import type { FlameReport, ProblemReport, Report } from './report-model.ts';

/**
 * A report as a document: blocks in the order in which they are read. Each writer (markdown, terminal, page) knows every
 * kind of block once, so that what is shown is said once, and each table exists once.
 */
export type Document = {
  headline: Headline;
  blocks: Block[];
  /** Where it comes from: commits, run, machine, time. */
  origin: Pick<Report, 'commits' | 'runUrl' | 'environment' | 'durations' | 'startedAt'>;
};

/** The verdict in words: what was found, and by how much and how sure. */
export type Headline = { verdict: Verdict; title: Inline; detail: Inline };

/** What a limit, a suite or a load came to; nothing is shown for `advisory`. */
export type Outcome = Verdict | 'advisory' | 'holds' | 'breaks';

/** A piece of a line. Foreign text is inert in each of them: a string is prose, `code` a name as somebody wrote it. */
export type Span = string | { code: string; maxLength?: number } | { strong: string } | { outcome: Outcome };

export type Inline = readonly Span[];

export type Medium = 'markdown' | 'terminal' | 'page';

type Shared = {
  /** When a document must fit into so many characters, the least important blocks are shortened first. */
  importance?: number;
  /** The media that it is for; all if not given. */
  only?: readonly Medium[];
};

export type ParagraphBlock = { kind: 'paragraph'; content: Inline; tone?: 'quiet' | 'warning' };

export type Column = {
  title: string;
  align?: 'right';
  /** Where there is no room on a terminal the columns with the highest number go first; those without one stay. */
  drop?: number;
};

export type TableBlock = {
  kind: 'table';
  columns: Column[];
  rows: Inline[][];
  /** What a row is called, where some are left out: "row", "level". */
  noun: string;
  caption?: Inline;
  /** On the page a reader sorts and filters its rows. */
  searchable?: boolean;
};

export type ListItem = { content: Inline; children?: Inline[] };
export type ListBlock = { kind: 'list'; title?: string; items: ListItem[] };

/** A problem of the catalogue: what, where, and what to do about it. */
export type ProblemBlock = { kind: 'problem'; problem: ProblemReport };

export type FigureBlock = {
  kind: 'figure';
  caption: Inline;
  /** Which colours need a key. */
  sides: readonly SideName[];
  /** The drawing of the page. */
  chart?: Chart | undefined;
  /** Or a flame graph. */
  flame?: FlameReport | undefined;
  /** The same in block characters, for a terminal and a comment. */
  text?: string | undefined;
  /** Or intervals, drawn as wide as the terminal is. */
  intervals?: Intervals | undefined;
  /** For GitHub, which draws it itself. */
  mermaid?: string | undefined;
};

/** Folded away, and on a terminal only shown when everything is asked for; `open`: the media that show it at once. */
export type DetailsBlock = { kind: 'details'; summary: Inline; blocks: Block[]; open?: readonly Medium[] };

/** Blocks under a heading of their own; `headingIn`: the media that show the heading, all if not given. */
export type SectionBlock = {
  kind: 'section';
  heading: Inline;
  blocks: Block[];
  headingIn?: readonly Medium[];
};

export type Block = Shared &
  (ParagraphBlock | TableBlock | ListBlock | ProblemBlock | FigureBlock | DetailsBlock | SectionBlock);

/** The spans as plain text that may hold foreign names. */
export const plainText = (content: Inline): string =>
  content
    .map((span) => {
      if (typeof span === 'string') return span;
      if ('code' in span) return span.code;
      return 'strong' in span ? span.strong : outcomeWord[span.outcome];
    })
    .join('');

export const outcomeWord: Record<Outcome, string> = {
  pass: 'pass',
  fail: 'fail',
  inconclusive: 'inconclusive',
  invalid: 'invalid',
  advisory: '',
  holds: 'holds',
  breaks: 'breaks',
};

/** The blocks that a medium shows. */
export const blocksFor = (medium: Medium, blocks: readonly Block[]): Block[] =>
  blocks.filter(({ only }) => only === undefined || only.includes(medium));

/** `tailgate.yml:14`; null when it is not known where something stands. */
export const placeOf = (of: { file: string | null; line: number | null }): string | null =>
  of.file === null || of.line === null ? of.file : `${of.file}:${of.line}`;

/** A file as readers see it: the way out of the folder to one that lies elsewhere tells them nothing. */
export const shownFile = (file: string): string => file.replace(/^(\.\.\/)+/, '');

/** The parts one after the other, with a separator between them. */
export const joined = (parts: readonly Inline[], separator: string): Inline =>
  parts.flatMap((part, index) => (index === 0 ? part : [separator, ...part]));
