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

/** Reads what `git diff --unified=0 --find-renames` prints. */
export const parseDiff = (text: string): FileChange[] => {
  const changes: FileChange[] = [];
  let change: FileChange | null = null;
  let hunk: Hunk | null = null;
  for (const line of text.split('\n')) {
    const head = /^diff --git (?:"?a\/(.*?)"? "?b\/(.*?)"?|(.*))$/.exec(line);
    if (head !== null) {
      change = { before: head[1] ?? null, after: head[2] ?? null, hunks: [] };
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
  const path = (text: string): string => text.replace(/^"(.*)"$/, '$1').replace(/^[ab]\//, '');
  if (line.startsWith('rename from ')) change.before = line.slice(12);
  else if (line.startsWith('rename to ')) change.after = line.slice(10);
  else if (line.startsWith('new file')) change.before = null;
  else if (line.startsWith('deleted file')) change.after = null;
  else if (line.startsWith('--- ')) change.before = line === '--- /dev/null' ? null : path(line.slice(4));
  else if (line.startsWith('+++ ')) change.after = line === '+++ /dev/null' ? null : path(line.slice(4));
}
