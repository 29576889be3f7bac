/** What a change did to one file. Paths are relative to the root of the repository; null where the file is not there. */
export type FileChange = { before: string | null; after: string | null; hunks: Hunk[] };

/** Lines that were replaced. Lines count from 1; a count of 0 stands after its line. */
export type Hunk = {
  beforeStart: number;
  beforeCount: number;
  afterStart: number;
  afterCount: number;
  /** Text of the added lines. */
  added: string[];
  removed: string[];
};

/** Reads what `git diff --unified=0 --find-renames --src-prefix=a/ --dst-prefix=b/` prints. */
export const parseDiff = (text: string): FileChange[] => {
  const changes: FileChange[] = [];
  let change: FileChange | null = null;
  let hunk: Hunk | null = null;
  for (const line of text.split('\n')) {
    if (line.startsWith('diff --git ')) {
      // Where the names differ, the lines below have them.
      const same = /^diff --git ("?)a\/(.*)\1 \1b\/\2\1$/.exec(line);
      const file = same === null ? null : unquoted(`${same[1]}${same[2]}${same[1]}`);
      change = { before: file, after: file, hunks: [] };
      changes.push(change);
      hunk = null;
      continue;
    }
    if (change === null) continue;
    const at = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (at !== null) {
      hunk = {
        beforeStart: Number(at[1]),
        beforeCount: Number(at[2] ?? 1),
        afterStart: Number(at[3]),
        afterCount: Number(at[4] ?? 1),
        added: [],
        removed: [],
      };
      change.hunks.push(hunk);
    } else if (hunk !== null && line.startsWith('+') && hunk.added.length < hunk.afterCount)
      hunk.added.push(line.slice(1));
    else if (hunk !== null && line.startsWith('-') && hunk.removed.length < hunk.beforeCount)
      hunk.removed.push(line.slice(1));
    else if (hunk === null) readHeader(line, change);
  }
  return changes;
};

/** Where a line of the base stands now; null when it was changed or removed. */
export const lineAfter = (change: FileChange | undefined, line: number): number | null => {
  let shift = 0;
  for (const { beforeStart, beforeCount, afterCount } of change?.hunks ?? []) {
    // An insertion stands after its line, anything else begins at it.
    if (beforeCount === 0 ? line <= beforeStart : line < beforeStart) break;
    if (line < beforeStart + beforeCount) return null;
    shift += afterCount - beforeCount;
  }
  return line + shift;
};

/** Lines of the head that the change wrote. */
export const addedLines = (change: FileChange): { line: number; text: string }[] =>
  change.hunks.flatMap(({ afterStart, added }) =>
    added.map((text, index) => ({ line: afterStart + index, text })),
  );

function readHeader(line: string, change: FileChange): void {
  // A tab stands behind a path with a blank in it.
  const side = (text: string): string | null =>
    text === '/dev/null' ? null : unquoted(text.replace(/\t$/, '')).replace(/^[ab]\//, '');
  if (line.startsWith('rename from ')) change.before = unquoted(line.slice(12));
  else if (line.startsWith('rename to ')) change.after = unquoted(line.slice(10));
  else if (line.startsWith('new file')) change.before = null;
  else if (line.startsWith('deleted file')) change.after = null;
  else if (line.startsWith('--- ')) change.before = side(line.slice(4));
  else if (line.startsWith('+++ ')) change.after = side(line.slice(4));
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
};

/** A path as it is: in quotes git writes what is not plain as in C, and bytes beyond ASCII in octal. */
function unquoted(path: string): string {
  const inner = /^"(.*)"$/.exec(path)?.[1];
  if (inner === undefined) return path;
  return inner.replaceAll(/((?:\\[0-7]{3})+)|\\(.)/g, (_, octal: string | undefined, letter: string) =>
    octal === undefined
      ? (escapes[letter] ?? letter)
      : Buffer.from(octal.match(/[0-7]{3}/g)!.map((byte) => Number.parseInt(byte, 8))).toString('utf8'),
  );
}
