import { setTimeout as sleep } from 'node:timers/promises';
import { TailgateError, tailgateError } from '../errors.ts';
import type { BaselineHistory, BaselineRecord, BaselineStore } from './baseline-record.ts';
import { historyOf } from './history-name.ts';
import type { RecordBranch } from './record-branch.ts';
import { formatRecord } from './record-format.ts';
import { type Retention, readRecordLines, textOf } from './record-lines.ts';
import { gitAdvice } from './run-git.ts';
import { appendToSegments, segmentFrom, segmentsOf } from './trend/segments.ts';
import { trendFiles } from './trend/trend-files.ts';

export type BranchStoreOptions = {
  retention: Retention;
  /** Ends an append that goes on against other writers. */
  signal?: AbortSignal | undefined;
  now?: () => number;
  /** How long an append goes on against other writers, milliseconds. */
  patienceMs?: number;
  /** First wait after a conflict, milliseconds; it doubles up to sixteen times as much, at random. */
  backoffMs?: number;
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Records on a branch that many jobs write at once: each append is a commit on top of the branch as it was read, and
 * is made again from a fresh reading when somebody else was faster. Nothing is ever forced, so nothing is lost.
 */
export class BranchStore implements BaselineStore {
  readonly where: string;
  readonly #branch: RecordBranch;
  readonly #options: Required<Omit<BranchStoreOptions, 'signal'>> & Pick<BranchStoreOptions, 'signal'>;

  constructor(branch: RecordBranch, options: BranchStoreOptions) {
    this.#branch = branch;
    this.where = branch.where;
    this.#options = { now: Date.now, patienceMs: 180_000, backoffMs: 250, ...options };
  }

  #failure(error: unknown): { where: string; reason: string; advice: string | undefined } {
    return { where: this.where, reason: reasonOf(error), advice: gitAdvice(error) ?? undefined };
  }

  #assertGoingOn(): void {
    const { signal } = this.#options;
    if (signal?.aborted === true) throw tailgateError('CANCELLED', { signal: String(signal.reason) });
  }

  async read(suite: string): Promise<BaselineHistory> {
    try {
      const snapshot = await this.#branch.snapshot();
      if (snapshot.absent !== undefined) return { records: [], damaged: [], absent: snapshot.absent };
      const paths = segmentsOf(snapshot.paths, suite);
      const texts = await snapshot.read(paths);
      return readRecordLines(
        paths.map((path, index) => [path, texts[index] ?? '']),
        suite,
      );
    } catch (error) {
      this.#assertGoingOn();
      if (error instanceof TailgateError) throw error;
      throw tailgateError('BASELINE_UNREADABLE', this.#failure(error), {}, error);
    }
  }

  async append(records: BaselineRecord[]): Promise<void> {
    if (records.length === 0) return;
    const bySuite = new Map<string, string[]>();
    for (const record of records) {
      const history = historyOf(record);
      bySuite.set(history, [...(bySuite.get(history) ?? []), formatRecord(record)]);
    }
    const deadline = this.#options.now() + this.#options.patienceMs;
    try {
      for (let tries = 0; ; tries += 1) {
        if ((await this.#tryAppend(bySuite, messageFor(records))) === 'done') return;
        if (this.#options.now() > deadline)
          throw new Error(`other writers were faster ${tries + 1} times in a row`);
        const most = this.#options.backoffMs * 2 ** Math.min(tries, 4);
        await sleep(most * (0.25 + 0.75 * Math.random()), null, { signal: this.#options.signal });
      }
    } catch (error) {
      this.#assertGoingOn();
      if (error instanceof TailgateError) throw error;
      throw tailgateError('BASELINE_WRITE_FAILED', this.#failure(error), {}, error);
    }
  }

  async #tryAppend(bySuite: ReadonlyMap<string, string[]>, message: string): Promise<'done' | 'conflict'> {
    const snapshot = await this.#branch.snapshot();
    const changes = new Map<string, string | null>();
    const records = new Map<string, BaselineRecord[]>();
    for (const [suite, added] of bySuite) {
      const paths = segmentsOf(snapshot.paths, suite);
      const texts = await snapshot.read(paths);
      const existing = paths.map((path, index) => segmentFrom(path, texts[index] ?? ''));
      const { retention, now } = this.#options;
      const planned = appendToSegments(suite, existing, added, retention, now());
      for (const [path, text] of planned.changes) changes.set(path, text);
      const after = planned.segments.map((segment) => [segment.path, textOf(segment.lines)] as const);
      records.set(suite, readRecordLines(after, suite).records);
    }
    if (changes.size === 0) return 'done';
    for (const [path, text] of await trendFiles(snapshot, records)) changes.set(path, text);
    return this.#branch.commit(snapshot, changes, message);
  }
}

const messageFor = (records: readonly BaselineRecord[]): string => {
  const suites = [...new Set(records.map(historyOf))].join(', ');
  const commit = records[0]?.commit;
  const accepted = records.find((record) => record.accepted !== null)?.accepted;
  const subject = `Record ${suites}${commit ? ` at ${commit.slice(0, 10)}` : ''}`;
  return accepted ? `${subject}\n\nAccepted by ${accepted.by}: ${accepted.why}` : subject;
};
