import { overallVerdict, type Verdict } from '../verdict/verdict.ts';
import type { RunNumber } from './github-context.ts';

/**
 * The text of the comment: a marker at its start, by which it is found again, and a section for each job that reports
 * into it. Everything that the next run needs to know stands in HTML comments of the text itself.
 */
export type CommentDocument = { set: string; sections: CommentSection[] };

/** What one job (a leg of a matrix, some of the suites) has to say. */
export type CommentSection = {
  /** Tells the job apart from others that share the comment; the same in every run. */
  key: string;
  /** Shown above the section when there are several. */
  title: string;
  verdict: Verdict;
  headSha: string;
  run: RunNumber;
  runUrl: string | null;
  /**
   * Tells two publishers of one run apart that have the same key, as a reusable workflow has that is called twice: GitHub
   * tells the calls apart by nothing.
   */
  by?: string | undefined;
  /** Markdown; empty when the section is of an older commit than the others, or was left out for its length. */
  body: string;
};

/** GitHub allows 65,536 characters; some are left for what GitHub or we may add. */
export const maxCommentLength = 60_000;

const emoji: Record<Verdict, string> = { pass: '✅', fail: '❌', inconclusive: '❔', invalid: '⛔' };

const openMarker = '<!-- tailgate:comment ';

const openSection = '<!-- tailgate:section ';

const closeSection = '<!-- tailgate:end -->';

/** Reads a comment of ours; null when the text does not begin with the marker of `set`. */
export const parseComment = (text: string, set: string): CommentDocument | null => {
  const normalised = text.replaceAll('\r\n', '\n');
  const end = normalised.indexOf(' -->');
  if (!normalised.startsWith(openMarker) || end < 0) return null;
  try {
    const marker = JSON.parse(normalised.slice(openMarker.length, end)) as { set?: unknown };
    if (marker.set !== set) return null;
  } catch {
    return null;
  }
  const sections: CommentSection[] = [];
  for (const part of normalised.split(openSection).slice(1)) {
    const headEnd = part.indexOf(' -->\n');
    const bodyEnd = part.indexOf(closeSection);
    const head = headEnd < 0 ? null : sectionHead(part.slice(0, headEnd));
    if (head !== null && bodyEnd > headEnd)
      sections.push({ ...head, body: part.slice(headEnd + ' -->\n'.length, bodyEnd).trim() });
  }
  return { set, sections };
};

/** Negative when `a` is the earlier run. */
export const compareRuns = (a: RunNumber, b: RunNumber): number => a.id - b.id || a.attempt - b.attempt;

/**
 * The document with this section in it, and the key that it got; or `older` when a later run has spoken already: for the
 * same job, or for a newer commit. Sections of an older commit keep their verdict and lose their body.
 */
export const withSection = (
  document: CommentDocument,
  section: CommentSection,
): { document: CommentDocument; key: string } | 'older' => {
  const own = placed(document.sections, section);
  const later = document.sections.some(
    (other) =>
      (other.key === own.key || other.headSha !== own.headSha) && compareRuns(other.run, own.run) > 0,
  );
  if (later) return 'older';
  const others = document.sections
    .filter((other) => other.key !== own.key)
    .map((other) => (other.headSha === own.headSha ? other : { ...other, body: '' }));
  const sections = [...others, own].sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
  return { document: { ...document, sections }, key: own.key };
};

/** Several comments of one set (two jobs made one each at the same time) as one document; the later section wins. */
export const mergedDocuments = (documents: readonly CommentDocument[], set: string): CommentDocument => {
  const byKey = new Map<string, CommentSection>();
  for (const section of documents.flatMap((document) => document.sections)) {
    const own = placed([...byKey.values()], section);
    const known = byKey.get(own.key);
    if (known === undefined || compareRuns(own.run, known.run) >= 0) byKey.set(own.key, own);
  }
  return { set, sections: [...byKey.values()] };
};

/**
 * The text of the comment, at most `maxLength` characters: while it is longer, the longest section gives its place to
 * a line with the link to its run.
 */
export const composeComment = (document: CommentDocument, maxLength = maxCommentLength): string => {
  const sections = document.sections.map((section) => ({ ...section, body: withoutMarkers(section.body) }));
  const shortened = new Set<CommentSection>();
  for (;;) {
    const text = assembled({ ...document, sections });
    const [longest] = sections
      .filter((section) => !shortened.has(section) && section.body !== '')
      .sort((a, b) => b.body.length - a.body.length);
    if (text.length <= maxLength || longest === undefined) return text;
    longest.body = `The details are too long for this comment; they are in the summary of ${link(longest)}.`;
    shortened.add(longest);
  }
};

type SectionHead = Omit<CommentSection, 'body'>;

function sectionHead(json: string): SectionHead | null {
  try {
    const head = JSON.parse(json) as Partial<SectionHead>;
    const valid =
      typeof head.key === 'string' &&
      typeof head.title === 'string' &&
      isVerdict(head.verdict) &&
      typeof head.headSha === 'string' &&
      Number.isInteger(head.run?.id) &&
      Number.isInteger(head.run?.attempt);
    return valid ? { ...(head as SectionHead), runUrl: head.runUrl ?? null } : null;
  } catch {
    return null;
  }
}

function isVerdict(value: unknown): value is Verdict {
  return typeof value === 'string' && value in emoji;
}

/**
 * The section under the key that is its own: one that it has already, else the first that no other publisher of this run
 * holds. A number tells those of one key apart.
 */
function placed(sections: readonly CommentSection[], section: CommentSection): CommentSection {
  const { key, title } = section;
  let free: CommentSection | null = null;
  for (let number = 1; ; number += 1) {
    const candidate =
      number === 1 ? section : { ...section, key: `${key} #${number}`, title: `${title} (${number})` };
    const held = sections.find((other) => other.key === candidate.key);
    if (held !== undefined && isSame(held, section)) return candidate;
    if (held === undefined || compareRuns(held.run, section.run) !== 0) free ??= candidate;
    if (held === undefined) return free ?? candidate;
  }
}

/** Whether both were written by the same publisher in the same run. */
function isSame(a: CommentSection, b: CommentSection): boolean {
  return compareRuns(a.run, b.run) === 0 && (a.by ?? '') === (b.by ?? '');
}

/** Markers of ours in foreign text must not be read as such. */
function withoutMarkers(markdown: string): string {
  return markdown.replaceAll(/<!--(?=\s*tailgate:)/g, '&lt;!--');
}

function assembled(document: CommentDocument): string {
  const { set, sections } = document;
  const newest = sections.toSorted((a, b) => compareRuns(b.run, a.run))[0];
  const alone = sections.length === 1;
  const parts = sections.map((section) => sectionText(section, alone));
  return [
    `${openMarker}${commentJson({ set })} -->`,
    ...(alone || newest === undefined ? [] : [overview(sections, newest.headSha)]),
    ...parts,
  ].join('\n\n');
}

function sectionText(section: CommentSection, alone: boolean): string {
  const { body, ...head } = section;
  const marker = `${openSection}${commentJson(head)} -->\n`;
  if (body === '' || alone) return `${marker}\n${body}\n\n${closeSection}`;
  const open = section.verdict === 'pass' ? '' : ' open';
  const summary = `<details${open}><summary>${emoji[section.verdict]} ${plainCell(section.title)}</summary>`;
  // The wrapper stands outside of the section's own markers, so that the body is read back as it was.
  return `${summary}\n\n${marker}\n${body}\n\n${closeSection}\n\n</details>`;
}

/** JSON that can stand in an HTML comment: nothing in it can end the comment. */
function commentJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&]|--/g, (match) =>
    [...match].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
}

function plainCell(text: string): string {
  return text.replaceAll(/[|<>@`\\[\]\n]/g, ' ').trim();
}

function overview(sections: readonly CommentSection[], current: string): string {
  const measured = sections.filter((section) => section.headSha === current);
  const verdict = overallVerdict(measured.map((section) => section.verdict));
  const rows = sections.map((section) => {
    const state =
      section.headSha === current
        ? `${emoji[section.verdict]} ${section.verdict}`
        : `not measured on this commit yet (was ${section.verdict} on ${section.headSha.slice(0, 7)})`;
    return `| ${plainCell(section.title)} | ${state} | ${section.runUrl === null ? '' : `[run](${section.runUrl})`} |`;
  });
  return [
    `## ${emoji[verdict]} Tailgate: ${verdict} (${measured.length} of ${sections.length} jobs)`,
    '',
    '| Job | Verdict | |',
    '| :-- | :-- | :-- |',
    ...rows,
  ].join('\n');
}

function link(section: CommentSection): string {
  return section.runUrl === null ? 'the run' : `[the run](${section.runUrl})`;
}
