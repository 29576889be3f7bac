import type { BaseCommit } from '../baseline/base-commit.ts';
import type { BaselineStore } from '../baseline/baseline-record.ts';
import type { Host } from '../host/host.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { Rendezvous } from '../settings/shard-inputs.ts';
import type { Watcher } from './dashboard.ts';
import type { Provenance } from './provenance.ts';
import type { NamedBlob } from './shards/join-blobs.ts';

/** What a run needs from outside: all that differs between GitHub, other CI systems and a terminal. */
export type GateRequest = {
  loaded: LoadedSettings;
  host: Host;
  provenance: Provenance;
  /** Store of the settings' baseline. */
  store: BaselineStore;
  /** Whose history it is in the store, see `historyName`. */
  key: string;
  /** Whether it is compared with a baseline; not when it is to be one. */
  compares: boolean;
  /** Makes the base version available, for side by side. */
  openBase: () => Promise<BaseCommit>;
  /** Reads what the shards of this run left, to be judged here; everything is measured here if not given. */
  readShards?: (() => Promise<NamedBlob[]>) | undefined;
  /** Where this run meets the other shards, which it leads, and how many there are with it; it has none if not given. */
  lead?: { rendezvous: Rendezvous; count: number } | undefined;
  /** Whoever watches while it is measured. */
  watcher?: Watcher | undefined;
};
