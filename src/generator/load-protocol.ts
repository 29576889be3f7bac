import type { TailgateError } from '../errors.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { LoadProgress, LoadRequest } from './load-session.ts';

/**
 * What the session asks of its generator process. Every command is answered by one `reply` with its id. The code of a
 * scenario runs in that process too and could send messages: those of ours carry the `key` that came with `prepare`,
 * before any of that code was loaded.
 */
export type LoadCommand =
  | { type: 'check'; id: number; key: string; request: LoadRequest }
  | { type: 'prepare'; id: number; key: string; request: LoadRequest; hooks: HookVariables | null }
  /** `atUs`: when, on the clock of the load (`hostTimeUs`); at once if null. */
  | { type: 'resume'; id: number; slice: number; atUs: number | null }
  | { type: 'pause'; id: number; guardMs: number; atUs: number | null }
  | { type: 'slice'; id: number; slice: number; forMs: number; guardMs: number; atUs: number | null }
  | { type: 'reset'; id: number; atUs: number | null }
  /** `hurry` drains nothing and runs no `after` section. */
  | { type: 'collect'; id: number; hurry: boolean }
  | { type: 'conclude'; id: number; measurement: RoundMeasurement };

/** A command before it is sent. */
export type LoadOrder = LoadCommand extends infer C
  ? C extends LoadCommand
    ? Omit<C, 'id' | 'key'>
    : never
  : never;

/** Variables that the scenario's `before` section left, for the other shards, which do not run it. */
export type HookVariables = Record<string, unknown>;

/** An error of the catalogue on its way between processes. */
export type PlainError = Pick<TailgateError, 'code' | 'what' | 'fix' | 'exit' | 'where'>;

export type LoadReply = { type: 'reply'; id: number; value?: unknown; error?: PlainError };

/** What a generator process tells without being asked. */
export type LoadEvent =
  | { type: 'progress'; progress: LoadProgress }
  /** What was measured so far, in case this process ends before it is asked. */
  | { type: 'checkpoint'; measurement: RoundMeasurement }
  | { type: 'finished' }
  | { type: 'failed'; error: PlainError };

/** Answer to `prepare`. */
export type Prepared = { variables: HookVariables; hasAfter: boolean };
