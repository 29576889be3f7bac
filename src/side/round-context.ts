import type { EngineSettings } from '../engines/core/engine-settings.ts';
import type { OtherShards } from '../generator/load-member.ts';
import type { Host } from '../host/host.ts';
import type { CorePinning } from '../host/processes/core-pinning.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { LimitPlan } from './target/limits.ts';
import type { CountingMode } from './target/work-counter.ts';

/** What every round of a run shares. */
export type RoundContext = {
  host: Host;
  /** Folder for logs and raw values; one sub-folder per side and round is not needed, labels tell them apart. */
  logDir: string;
  seed: number;
  /** Which part of the load this machine drives; all of it if not given. */
  part?: LoadPart | undefined;
  pinning: CorePinning | null;
  /** What is counted in the server's Node processes, and not judged. */
  counting?: CountingMode | undefined;
  /** How the load is driven within the limits of the machine. */
  limits?: LimitPlan | null;
  /** When the time for all of it is over, by `performance.now()`. */
  endsAtMs?: number | undefined;
};

/** The part of a load that one machine drives, and what it shares with the others. */
export type LoadPart = {
  /** Counts from 0. */
  shard: EngineSettings['shard'];
  clock?: EngineSettings['clock'];
  /** Opens the same load on the other machines, where this one leads it. */
  others?: ((load: SharedLoad) => OtherShards) | undefined;
};

/** What the machine that leads a load tells the others of it. */
export type SharedLoad = {
  suite: string;
  side: SideName;
  seed: number;
  url: string;
  /** Of the room. */
  variables: Record<string, unknown>;
};
