/**
 * Text that others wrote, so that nothing in it can hide, reorder or end what surrounds it. Every line that is printed and
 * every page goes through this.
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

/**
 * Terminal sequences are dropped whole: what is left of one reads as noise. Of a title or link that does not end on its line
 * only the beginning is: the rest may be of somebody else.
 */
const terminalSequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what begins a sequence
  /\u001B(?:\[[0-?]*[ -/]*[@-~]|\](?:[^\u0007\u001B\n\r\u0085\u2028\u2029]*(?:\u0007|\u001B\\))?|[@-Z\\^_])/g;

/** Text to be printed: its line breaks and tabs stay. */
export const visibleText = (text: string): string =>
  defuse(text)
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .split('\n')
    .map((line) => line.split('\t').map(spellOut).join('\t'))
    .join('\n');

/** `text` without terminal sequences, lone surrogates and piled-up marks. */
export const defuse = (text: string): string =>
  text
    .replaceAll(loneSurrogate, '\uFFFD')
    .replaceAll(terminalSequence, '')
    .replaceAll(selectors, '')
    .replaceAll(manyMarks, '$1');

/** `text` with every character spelt out that is not seen; line breaks and tabs too. */
export const spellOut = (text: string): string => text.replaceAll(invisible, named);

function named(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}
