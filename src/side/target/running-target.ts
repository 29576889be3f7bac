import type { TailgateError } from '../../errors.ts';
import type { NodeSamples } from './node-samples.ts';
import type { WorkCounter } from './work-counter.ts';

/** A server under test. Closing it (`await using`) stops its whole process group. */
export type RunningTarget = AsyncDisposable & {
  /** Base URL, with the port filled in. */
  readonly url: string;
  readonly port: number | null;
  /** Folder that it was started in; null when somebody else started it. */
  readonly cwd: string | null;
  /** The environment variables of its settings, with the port filled in. */
  readonly env: Readonly<Record<string, string>>;
  /** Root of its process tree; null when it was started by somebody else and no pid is set. */
  readonly pid: number | null;
  /** What the preload in its Node processes hands over, for `sampleResources`; null without the preload. */
  readonly nodeSamples: NodeSamples | null;
  /** Asks its Node processes what they do; null where that was not asked for, or cannot be. */
  readonly counter: WorkCounter | null;
  /** Resolves with TARGET_DIED if it ends before it is closed; never rejects. */
  readonly died: Promise<TailgateError>;
  /** Throws TARGET_DIED if it ended or no longer answers. Ask after the load, before the numbers are trusted. */
  assertAlive(): Promise<void>;
  /** The last lines of its output, secrets masked. */
  tail(): string;
};
