import { cleanLine, cleanLines } from './clean-text.ts';

/** Mentions, references, addresses, commits, emoji names, mathematics, tags and entities. */
const acted =
  /[@#`<>|$\\&~^]|:\/\/|\bwww\.|\bmailto:|\bxmpp:|\bGH-\d|\b[0-9a-f]{7,}\b|:[a-z0-9_+-]+:|!\[|\]\(|\[[ x]?\]/i;

/** The text in a code span, on one line. */
export const codeSpan = (text: string, maxLength?: number): string => {
  const line = cleanLine(text, maxLength);
  return line === '' ? '*(empty)*' : spanOf(line);
};

/**
 * The text as prose, on one line: words that GitHub would act on in code spans, everything else escaped.
 * `atStart`: the text is the first thing in its line or list item.
 */
export const prose = (text: string, maxLength = 600, atStart = true): string => {
  const words = cleanLine(text, maxLength).split(' ');
  const parts: string[] = [];
  let acting: string[] = [];
  const flush = () => {
    if (acting.length === 0) return;
    const span = acting.join(' ');
    // Quotes and stops around an address are the sentence's, not the address's.
    const [, before = '', inner = '', after = ''] = /^([("']*)(.*?)([)"'.,;:!?]*)$/.exec(span) ?? [];
    parts.push(inner === '' ? spanOf(span) : `${before}${spanOf(inner)}${after}`);
    acting = [];
  };
  for (const word of words) {
    if (acted.test(word) && !isLoneSign(word)) acting.push(word);
    else {
      flush();
      parts.push(escapeWord(word, atStart && parts.length === 0));
    }
  }
  flush();
  return parts.join(' ');
};

/** A fenced block of several lines, at the top level of the document. */
export const fenced = (text: string, maxLines?: number): string => {
  const lines = cleanLines(text, maxLines);
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n'), '`') + 1));
  return `${fence}text\n${lines.join('\n')}\n${fence}`;
};

/** A cell of a table, from markdown that is already escaped: no pipe can stand in it, whatever parses it. */
export const tableCell = (markdown: string): string => markdown.replaceAll('|', '¦').replaceAll('\n', ' ');

/** Text in raw HTML (a `<summary>`). */
export const htmlText = (text: string, maxLength?: number): string =>
  cleanLine(text, maxLength)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** The address if it is a plain web address that can stand in a markdown link, else null. */
export const safeUrl = (url: string | null | undefined): string | null =>
  url && url.length <= 500 && /^https?:\/\/[A-Za-z0-9.-]+(:\d+)?(\/[A-Za-z0-9\-._~/%?#=&+,:@]*)?$/.test(url)
    ? url.replaceAll('@', '%40')
    : null;

function spanOf(line: string): string {
  const fence = '`'.repeat(longestRun(line, '`') + 1);
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

/**
 * Foreign text in GitHub Flavored Markdown. Nothing in it may become markup, a mention, a reference, a link or the
 * end of a table row. What GitHub would act on stands in a code span, which GitHub leaves alone; the rest is escaped
 * (CommonMark 0.31, sections 2.4 and 6.1; GFM, section 6.9).
 */
function longestRun(text: string, character: string): number {
  let longest = 0;
  let run = 0;
  for (const current of text) {
    run = current === character ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** One sign between blanks: GitHub does nothing with it, but for what it may begin at the start of a line. */
function isLoneSign(word: string): boolean {
  return /^[@#<>&~^]$/.test(word);
}

function escapeWord(word: string, atStart: boolean): string {
  if (isLoneSign(word)) return word === '&' ? '&amp;' : `\\${word}`;
  const escaped = word.replaceAll(/[*_[\]]/g, '\\$&');
  if (!atStart) return escaped;
  // At the start of a line these would begin a list, a heading underline or a thematic break.
  return escaped.replace(/^([-+]$|[-=]+$)/, '\\$1').replace(/^(\d+)([.)])$/, '$1\\$2');
}
