import { parse } from 'yaml';

/** What became of a script of another tool. */
export type Imported = {
  tool: 'Artillery' | 'k6' | 'JMeter';
  /** Files by name; `tailgate.yml` for a shell script, a scenario for the others. */
  files: Record<string, string>;
  /** What does not map, with its line in the script, in order. */
  left: { line: number; what: string }[];
};

/** Reads a file beside the script; null if there is none. */
export type ReadBeside = (name: string) => string | null;

/** The line of a place in a text, from 1 on. */
export const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

export const inOrder = (left: Imported['left']): Imported['left'] => left.sort((a, b) => a.line - b.line);

/** A literal of JavaScript as a value; undefined for what only running it would tell. */
export const literal = (text: string): unknown => {
  const plain = text.trim().replaceAll(/`([^`$]*)`/g, "'$1'");
  if (/[`$]|\b(?:process|__ENV|__VU|Math|Date|new)\b|\w\(|=>/.test(plain)) return undefined;
  const outside = plain.replaceAll(/'[^']*'|"[^"]*"/g, '""');
  const isName = (name: string | undefined): boolean => !['true', 'false', 'null', undefined].includes(name);
  const names = [...outside.matchAll(/(?:^|[:,[{]\s*)([A-Za-z_]\w*(?:\.\w+)*)\s*(?=[,}\]]|$)/g)];
  if (names.some(([, name]) => isName(name))) return undefined;
  try {
    // Objects of JavaScript are flow mappings of YAML, but for the blank behind a colon.
    return parse(plain.replaceAll(/([{,]\s*['"]?\w+['"]?):(?=\S)/g, '$1: '));
  } catch {
    return undefined;
  }
};

/** The text up to the bracket that closes the one before `start`. */
export const untilClosed = (text: string, start: number): string => {
  let depth = 1;
  for (let at = start; at < text.length; at += 1) {
    if ('([{'.includes(text[at]!)) depth += 1;
    if (')]}'.includes(text[at]!)) depth -= 1;
    if (depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
};
