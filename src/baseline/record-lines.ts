import type { BaselineHistory, BaselineRecord } from './baseline-record.ts';
import { historyName, historyOf } from './history-name.ts';
import { parseRecord } from './record-format.ts';

/** Lines of a text that hold something. */
export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

/** The text of a file that holds these lines. */
export const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/**
 * Reads the records of one history from texts of lines, oldest first; a line that cannot be read is listed with its
 * place (`file:line`) and never used. A damaged line whose suite cannot be told counts for every suite.
 */
export const readRecordLines = (
  texts: Iterable<readonly [place: string, text: string]>,
  history: string,
): BaselineHistory => {
  const records: BaselineRecord[] = [];
  const damaged: BaselineHistory['damaged'] = [];
  for (const [place, text] of texts) {
    text.split('\n').forEach((line, index) => {
      if (line.trim() === '') return;
      const parsed = parseRecord(line);
      if ('reason' in parsed) damaged.push({ where: `${place}:${index + 1}`, reason: parsed.reason });
      else if (historyOf(parsed.record) === history) records.push(parsed.record);
    });
  }
  records.sort((a, b) => Date.parse(a.recordedAt) - Date.parse(b.recordedAt));
  return { records, damaged };
};

export type Retention = {
  /** Records kept of each history. */
  keep: number;
  /** Days for which a record is kept. */
  keepDays: number;
};

/** Time of a line's record in milliseconds and its history; null for a damaged line. */
export const stampOf = (line: string): { history: string; atMs: number } | null => {
  try {
    const json = JSON.parse(line) as { suite?: unknown; key?: unknown; recordedAt?: unknown } | null;
    const atMs = Date.parse(String(json?.recordedAt));
    if (typeof json?.suite !== 'string' || !Number.isFinite(atMs)) return null;
    const key = typeof json.key === 'string' ? json.key : '';
    return { history: historyName(key, json.suite), atMs };
  } catch {
    return null;
  }
};

/**
 * The lines that retention keeps: of each suite the newest `keep`, none older than `keepDays`. A damaged line is
 * kept, so that it stays to be seen and repaired.
 */
export const retainedLines = (lines: readonly string[], retention: Retention, nowMs: number): string[] => {
  const oldestMs = nowMs - retention.keepDays * 86_400_000;
  const byHistory = new Map<string, { line: string; atMs: number }[]>();
  for (const line of lines) {
    const stamp = stampOf(line);
    if (stamp === null) continue;
    const of = byHistory.get(stamp.history) ?? [];
    of.push({ line, atMs: stamp.atMs });
    byHistory.set(stamp.history, of);
  }
  const dropped = new Set<string>();
  for (const entries of byHistory.values()) {
    entries.sort((a, b) => b.atMs - a.atMs);
    entries.forEach(({ line, atMs }, index) => {
      if (index >= retention.keep || atMs < oldestMs) dropped.add(line);
    });
  }
  return lines.filter((line) => !dropped.has(line));
};
