import { createHash } from 'node:crypto';
import { linesOf, type Retention, stampOf, textOf } from '../record-lines.ts';

/**
 * How the records of a suite lie on a branch: `records/<suite>/000001.jsonl`, `000002.jsonl`, ... A few dozen records
 * a file keep both what is read for a comparison and what is written for one record small, and old files are never
 * touched again until retention removes them whole.
 */

const recordsFolder = 'records';

const largestSegment = 50;

const segmentPattern = /^records\/([^/]+)\/(\d{6,})\.jsonl$/;

export type Segment = { path: string; lines: string[] };

/** Folder name of a suite: its name where that is plain, else a plain form of it with a hash. */
export const suiteFolder = (suite: string): string => {
  if (/^[a-z0-9][a-z0-9._-]{0,60}$/.test(suite)) return suite;
  const plain = suite
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-.]+/, '')
    .slice(0, 40);
  return `${plain || 'suite'}-${createHash('sha256').update(suite).digest('hex').slice(0, 8)}`;
};

/** Segments of a suite among the paths of a branch, oldest first. */
export const segmentsOf = (paths: readonly string[], suite: string): string[] => {
  const folder = suiteFolder(suite);
  return paths
    .filter((path) => segmentPattern.exec(path)?.[1] === folder)
    .sort((a, b) => Number(segmentPattern.exec(a)![2]) - Number(segmentPattern.exec(b)![2]));
};

/**
 * The segments of a suite (oldest first, as they are) after `added` lines, which are the segments to write: those with
 * new text, and those removed (null) because the ones after them hold `keep` records already or because everything in
 * them is older than `keepDays`. A line that is there already is not added again, so that an append whose answer was
 * lost can be repeated.
 */
export const appendToSegments = (
  suite: string,
  existing: readonly Segment[],
  added: readonly string[],
  retention: Retention,
  nowMs: number,
): { segments: Segment[]; changes: Map<string, string | null> } => {
  const segments = existing.map((segment) => ({ ...segment, lines: [...segment.lines] }));
  const changes = new Map<string, string | null>();
  const known = new Set(segments.flatMap((segment) => segment.lines));
  const size = segmentSize(retention.keep);
  for (const line of added) {
    if (known.has(line)) continue;
    known.add(line);
    let last = segments.at(-1);
    if (last === undefined || last.lines.length >= size) {
      const number = last === undefined ? 1 : Number(segmentPattern.exec(last.path)![2]) + 1;
      last = { path: segmentPath(suite, number), lines: [] };
      segments.push(last);
    }
    last.lines.push(line);
    changes.set(last.path, textOf(last.lines));
  }
  const oldestMs = nowMs - retention.keepDays * 86_400_000;
  const isOld = (line: string) => (stampOf(line)?.atMs ?? 0) < oldestMs;
  const held = (from: number) =>
    segments
      .slice(from)
      .reduce((sum, segment) => sum + segment.lines.filter((line) => stampOf(line) !== null).length, 0);
  while (segments.length > 1 && (held(1) >= retention.keep || segments[0]!.lines.every(isOld))) {
    const [oldest] = segments.splice(0, 1);
    changes.set(oldest!.path, null);
  }
  return { segments, changes };
};

/** A segment as it was read. */
export const segmentFrom = (path: string, text: string): Segment => ({ path, lines: linesOf(text) });

/** Records a segment holds: retention removes whole segments, so that a small `keep` needs small ones. */
function segmentSize(keep: number): number {
  return Math.min(largestSegment, Math.max(1, Math.ceil(keep / 4)));
}

function segmentPath(suite: string, number: number): string {
  return `${recordsFolder}/${suiteFolder(suite)}/${String(number).padStart(6, '0')}.jsonl`;
}
