/** A text as a part of a regular expression in which nothing of it is special. */
export const literalPattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
