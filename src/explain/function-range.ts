import { literalPattern } from '../metrics/literal-pattern.ts';

/**
 * The lines of a function that a profile saw at work on the lines from `low` to `high`, by the indentation of its text: a
 * profile seldom tells where a function begins, and never where it ends. Lines count from 1. Where its name does not
 * stand above, as with an anonymous one, the lines that were seen.
 */
export const functionRange = (
  text: readonly string[],
  name: string,
  { low, high }: { low: number; high: number },
): { line: number; endLine: number } => {
  const word = new RegExp(`(^|[^\\w$])${literalPattern(name)}([^\\w$]|$)`);
  const at = (line: number): string => text[line - 1] ?? '';
  let line = low;
  while (line > 0 && !(word.test(at(line)) && (line === low || indentOf(at(line)) < indentOf(at(low)))))
    line -= 1;
  // A profile that knows nothing of inlining shows the lines of others in it.
  if (line === 0)
    line = 1 + text.findIndex((one) => indentOf(one) === 0 && word.test(one) && one.includes('('));
  if (name === '' || line === 0) return { line: low, endLine: high };
  const indent = indentOf(at(line));
  for (let end = Math.max(high, line + 1); end <= text.length; end += 1) {
    const words = at(end).trim();
    if (words === '' || words.startsWith('#') || indentOf(at(end)) > indent || (end <= high && words === '{'))
      continue;
    return { line, endLine: Math.max(high, /^[}\])]|^end\b/.test(words) ? end : end - 1) };
  }
  return { line, endLine: text.length };
};

function indentOf(line: string): number {
  return line.replaceAll('\t', '    ').search(/\S|$/);
}
