/** A part of a document that can be shown at several lengths. */
export type Section = {
  /** From the fullest to the shortest; an empty string leaves the part out. Each is whole by itself. */
  variants: string[];
  /** The least important part is shortened first; among equals, the last. */
  importance: number;
};

/** What was left out, for the sentence at the end. */
export type Fitted = { text: string; shortened: boolean };

const separator = '\n\n';

/**
 * Joins sections by blank lines into at most `maxLength` UTF-16 units, by stepping the least important ones to their
 * shorter variants. Nothing is ever cut inside a section, so no table, tag or fence is left open. `note` is added at
 * the end when something was shortened.
 */
export const fitSections = (sections: readonly Section[], maxLength: number, note: string): Fitted => {
  const chosen = sections.map(() => 0);
  const textAt = (index: number): string => sections[index]!.variants[chosen[index]!] ?? '';
  const sizeAt = (index: number): number => {
    const { length } = textAt(index);
    return length === 0 ? 0 : length + separator.length;
  };
  let size = sections.reduce((total, _, index) => total + sizeAt(index), 0);
  const order = sections
    .map((section, index) => ({ index, importance: section.importance }))
    .sort((a, b) => a.importance - b.importance || b.index - a.index);
  let shortened = false;
  const budget = () => maxLength - (shortened ? note.length + separator.length : 0);
  for (const { index } of order) {
    while (size > budget() && chosen[index]! < sections[index]!.variants.length - 1) {
      size -= sizeAt(index);
      chosen[index]! += 1;
      size += sizeAt(index);
      shortened = true;
    }
  }
  // A step may have been larger than needed: what room is left goes to the most important of those that were shortened.
  // What was left out stays out, or a heading could come back without what it is the heading of.
  for (const { index } of [...order].reverse()) {
    while (chosen[index]! > 0 && textAt(index) !== '') {
      const before = sizeAt(index);
      chosen[index]! -= 1;
      const grown = size - before + sizeAt(index);
      if (grown > budget()) {
        chosen[index]! += 1;
        break;
      }
      size = grown;
    }
  }
  const parts = sections.map((_, index) => textAt(index)).filter((text) => text !== '');
  return { text: [...parts, ...(shortened ? [note] : [])].join(separator), shortened };
};
