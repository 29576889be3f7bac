/**
 * Text that others wrote (error messages, metric and suite names, a server's output) before it is shown anywhere.
 * Nothing in it can hide, reorder or end what surrounds it.
 */

/**
 * Characters that are not seen but change what is: controls, bidirectional controls, zero-width and other format
 * characters, tags, blank fillers, unassigned and private use. They are spelt out.
 */
const invisible = /\p{Cc}|\p{Cf}|\p{Co}|\p{Cn}|\p{Zl}|\p{Zp}|[\u115F\u1160\u2800\u3164\uFFA0]/gu;
/** Marks that only choose how the character before them looks. */
const selectors = /[\uFE00-\uFE0F]|[\u180B-\u180F]|[\u{E0100}-\u{E01EF}]|\u034F/gu;
const loneSurrogate = /\p{Cs}/gu;
const manyMarks = /(\p{M}{3})\p{M}+/gu;
/** Terminal sequences are dropped whole: what is left of one reads as noise. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what begins a sequence
const terminalSequence = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[@-Z\\^_])/g;

const visible = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
};

/** At most `maxLength` UTF-16 units, cut between characters, with an ellipsis when something was cut. */
export const clip = (text: string, maxLength: number): string => {
  if (text.length <= maxLength) return text;
  let end = Math.max(maxLength - 1, 0);
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last <= 0xdbff) end -= 1;
  return `${text.slice(0, end).replace(/\s+$/, '')}…`;
};

const defuse = (text: string): string =>
  text
    .replaceAll(loneSurrogate, '\uFFFD')
    .replaceAll(terminalSequence, '')
    .replaceAll(selectors, '')
    .replaceAll(manyMarks, '$1');

/** One line: line breaks and runs of blanks become one blank, invisible characters are spelt out. */
export const cleanLine = (text: string, maxLength = 300): string =>
  clip(
    // The cap before cleaning bounds the work on a huge text; the one after it bounds the result.
    defuse(text.slice(0, maxLength * 8))
      .replaceAll(/\s+/g, ' ')
      .trim()
      .replaceAll(invisible, visible),
    maxLength,
  );

/** Several lines, each as `cleanLine` but with its indentation; the last `maxLines` of them. */
export const cleanLines = (text: string, maxLines = 30, maxLength = 300): string[] => {
  const lines = text.slice(-maxLines * maxLength * 8).split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  return lines.slice(-maxLines).map((line) =>
    clip(
      defuse(line.slice(0, maxLength * 8))
        .replaceAll('\t', '  ')
        .replaceAll(/\s/g, ' ')
        .trimEnd()
        .replaceAll(invisible, visible),
      maxLength,
    ),
  );
};
