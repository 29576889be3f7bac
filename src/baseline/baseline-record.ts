import type { RoundMeasurement } from '../metrics/round-measurement.ts';

/** What must be equal, or alike, for two measurements to be comparable. */
export type Fingerprint = {
  scenarioHash: string;
  settingsHash: string;
  environment: {
    cpuModel: string;
    cores: number;
    memoryGiB: number;
    os: string;
    node: string;
    tailgate: string;
    artillery: string;
  };
};

/** The highest load that a server took, in a record of a search for it. */
export type RecordedCapacity = {
  /** Virtual users a second: the highest load that held, null when none did. */
  holds: number | null;
  /** The lowest load above it that broke, null when none was found. The capacity lies between the two. */
  breaks: number | null;
  /** Both were measured more than once. */
  confirmed: boolean;
  /** Messages that were sent a second at `holds`. */
  messagesPerSecond: number | null;
};

/** One record of a stored baseline: one suite of one run. Append-only. */
export type BaselineRecord = {
  schemaVersion: 1;
  suite: string;
  /** Tells services with suites of the same name apart; absent at the root of a repository, see `historyName`. */
  key?: string;
  commit: string | null;
  branch: string | null;
  recordedAt: string;
  fingerprint: Fingerprint;
  /** Rounds of this run, sketches included, so that any statistic can be computed again later. */
  rounds: RoundMeasurement[];
  /** Verdict of the run that made it. A failing run is stored only by `accept`. */
  verdict: 'pass' | 'fail' | 'inconclusive' | 'invalid' | 'none';
  accepted: { by: string; why: string; at: string } | null;
  runUrl: string | null;
  /** Tells the machine that measured it from others, see `machineId`; absent in records of earlier versions. */
  machine?: string;
  /**
   * What a search for the capacity found; absent in the records of runs. `rounds` are then those at its edge, and the
   * suite is `capacityHistory` of the suite that was searched.
   */
  capacity?: RecordedCapacity;
};

/** The history of one suite, oldest first, and what could not be read. */
export type BaselineHistory = {
  records: BaselineRecord[];
  damaged: { where: string; reason: string }[];
  /** Why there can be no records, as a clause; not given where there could be. */
  absent?: string | undefined;
};

/** Where records are kept. Reading never fails on one damaged record; it is listed in `damaged`. */
export type BaselineStore = {
  /** Named in messages, for example `branch tailgate of owner/repo`. */
  readonly where: string;
  /** The records of one history, see `historyName`. */
  read(history: string): Promise<BaselineHistory>;
  /** Appends without losing what others wrote meanwhile; prunes by the retention settings. */
  append(records: BaselineRecord[]): Promise<void>;
};
