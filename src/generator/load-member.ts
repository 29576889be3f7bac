import type { TailgateError } from '../errors.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { HookVariables, LoadOrder } from './load-protocol.ts';
import type { LoadProgress } from './load-session.ts';

/** One of those that drive a load together: a generator process, or all those of another machine. */
export type LoadMember = {
  /** Sends a command; resolves with its answer. Rejects when there is none within `limitMs`. */
  ask<T>(command: LoadOrder, limitMs?: number): Promise<T>;
  /** Ends its load and gives what each process measured. */
  collect(limitMs: number, hurry: boolean): Promise<RoundMeasurement[]>;
  onProgress(listener: (progress: LoadProgress) => void): void;
  /** As those of a session. */
  readonly finished: Promise<void>;
  readonly failure: TailgateError | null;
  close(): Promise<void>;
};

/** The parts of one load that other machines drive. Closing them ends these parts. */
export type OtherShards = {
  readonly members: readonly LoadMember[];
  /** How long before a start they must be told of it, milliseconds. */
  readonly leadMs: number;
  /** Loads the scenario in each of them, with what the `before` section left. Rejects with what one of them cannot. */
  prepare(hooks: HookVariables, limitMs: number): Promise<void>;
  /** Told when all processes began. Throws SHARDS_APART. */
  started(startedUs: readonly number[]): void;
};
