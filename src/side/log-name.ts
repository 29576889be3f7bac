/**
 * A label as the name of a file: a blank becomes `_`, and whatever some file system, or `actions/upload-artifact`, does
 * not take (`:`, `?`, a line break) `%` and its code point, so that different labels stay different.
 */
export const logName = (label: string): string =>
  label
    .replace(
      /[^\p{L}\p{N} .-]/gu,
      (character) => `%${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
    )
    .replaceAll(' ', '_');
