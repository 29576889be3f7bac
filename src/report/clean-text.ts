import { defuse, spellOut } from '../visible-text.ts';

/**
 * Text that others wrote (error messages, metric and suite names, a server's output) before it is shown anywhere.
 * Nothing in it can hide, reorder or end what surrounds it.
 */

/** At most `maxLength` UTF-16 units, cut between characters, with an ellipsis when something was cut. */
export const clip = (text: string, maxLength: number): string => {
  if (text.length <= maxLength) return text;
  let end = Math.max(maxLength - 1, 0);
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last <= 0xdbff) end -= 1;
  return `${text.slice(0, end).replace(/\s+$/, '')}…`;
};

/** One line: line breaks and runs of blanks become one blank, invisible characters are spelt out. */
export const cleanLine = (text: string, maxLength = 300): string =>
  clip(
    // The cap before cleaning bounds the work on a huge text; the one after it bounds the result.
    spellOut(
      defuse(text.slice(0, maxLength * 8))
        .replaceAll(/\s+/g, ' ')
        .trim(),
    ),
    maxLength,
  );

/** Several lines, each as `cleanLine` but with its indentation; the last `maxLines` of them. */
export const cleanLines = (text: string, maxLines = 30, maxLength = 300): string[] => {
  const lines = text.slice(-maxLines * maxLength * 8).split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  return lines.slice(-maxLines).map((line) =>
    clip(
      spellOut(
        defuse(line.slice(0, maxLength * 8))
          .replaceAll('\t', '  ')
          .replaceAll(/\s/g, ' ')
          .trimEnd(),
      ),
      maxLength,
    ),
  );
};
