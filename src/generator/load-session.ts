import type { EngineSettings } from '../engines/core/engine-settings.ts';
import type { TailgateError } from '../errors.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';

/** What a generator process needs to drive one side for one round. Plain JSON. */
export type LoadRequest = {
  /** Absolute path of the scenario file. */
  scenarioPath: string;
  /** Artillery's `--environment`. */
  environment: string | null;
  /** Artillery's `--overrides`: merged over the script's `config`. */
  overrides: Record<string, unknown>;
  /** Artillery's `--variables`. */
  variables: Record<string, unknown>;
  /** Replaces `config.target`. */
  targetUrl: string;
  engine: EngineSettings;
  /** File for the raw values of every latency, as JSON lines; null for none. */
  rawPath: string | null;
  /** Text that must stand in no message and no log. */
  secrets?: readonly string[] | undefined;
};

/** Progress of one side, sent about twice a second. Cheap to make: counters and two quantiles. */
export type LoadProgress = {
  activeMs: number;
  /** Length of all phases together; null when the script has none that end. */
  plannedMs: number | null;
  phase: string | null;
  usersActive: number;
  usersCreated: number;
  usersFailed: number;
  errors: number;
  messagesSent: number;
  /** The latency metric with most values so far. */
  main: { id: string; count: number; p50Ms: number; p95Ms: number } | null;
};

/** How a pause left the load. */
export type PauseOutcome = {
  /** Sent since it was resumed, with an answer to wait for. */
  sent: number;
  /** All messages sent since it was resumed. */
  messages: number;
  /** Of those sent, how many have no answer yet. */
  unanswered: number;
} & Started;

/** When each process began, on the clock of the load (`hostTimeUs`); empty where nothing was begun. */
export type Started = { startedUs: number[] };

/**
 * One side driven by one generator process. Made by `startLoadSession`; closing it (`await using`) ends the process.
 * The clock is paused at first, so `resume` starts the load.
 */
export type LoadSession = AsyncDisposable & {
  /** Starts, or goes on with, driving the load; `slice` is the index of the slice that begins, -1 for none. */
  resume(slice?: number, atUs?: number | null): Promise<Started>;
  /** Stops arrivals, thinks and sends, and waits until in-flight messages are answered or `guardMs` is over. */
  pause(guardMs?: number, atUs?: number | null): Promise<PauseOutcome>;
  /**
   * Drives the load for exactly `forMs` of its clock as slice `slice` (-1: none), then pauses as `pause` does. The next
   * slice goes on at the same reading, so both sides of a pair have the same instants in the same slices. It begins at
   * `atUs` of the clock of the load; if that is not given, as soon as all who drive it can begin together.
   */
  driveSlice(slice: number, forMs: number, guardMs: number, atUs?: number | null): Promise<PauseOutcome>;
  /** Resolves when every arrival was made and every virtual user ended. Rejects with LOAD_FAILED. */
  readonly finished: Promise<void>;
  /** Forgets what was measured so far (end of the warm-up). */
  reset(atUs?: number | null): Promise<void>;
  /**
   * Ends the load, drains deliveries, and gives what was measured. Also after a failure: nothing is lost. In a `hurry`
   * it drains nothing.
   */
  collect(hurry?: boolean): Promise<RoundMeasurement>;
  /** As `collect`, what each process measured by itself, which the machine that leads the load puts together. */
  collectParts(hurry?: boolean): Promise<RoundMeasurement[]>;
  /** Why a generator process is gone, or was ended because it stopped answering; null while all is well. */
  readonly failure: TailgateError | null;
  onProgress(listener: (progress: LoadProgress) => void): void;
  readonly pid: number;
  /** Every generator process; the first is `pid`. */
  readonly pids: readonly number[];
  /** Cores that the generator is pinned to, as `taskset` writes them; null when it is not pinned. */
  readonly pinnedTo: string | null;
};
