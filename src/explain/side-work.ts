/** Both sides of a value, for each message or of the run. */
export type BothSides = { baseline: number; head: number };

/**
 * The work of one side of a counted pair, as its Node processes told it. Counted and profiled under load that is not
 * judged. Plain data.
 */
export type SideWork = {
  /** Versions of Node that ran, for example `v24.21.0`. */
  node: string[];
  scripts: RanScript[];
  /** Functions that ran in any counted slice. */
  functions: CalledFunction[];
  /** Messages sent in each counted slice. */
  messages: number[];
  /** Median of each latency in each counted slice, milliseconds; only of those that every slice has enough of. */
  latenciesMs: Record<string, number[]>;
  /** One for each thread and profiled slice. */
  profiles: { cpu: CpuProfile; heap: HeapNode }[];
  /** Where time went by a profile of any program, not by the inspector of V8. */
  stacks: ProfiledStack[];
  /** Messages sent while profiled; 0 when nothing was. */
  profiledMessages: number;
  /** Time on the processor while profiled, as the kernel counts it, microseconds; null when nothing was profiled. */
  profiledCpuUs: number | null;
  /** Time that main threads waited for a core meanwhile, microseconds; 0 where it is not known. */
  profiledQueueUs: number;
  /**
   * What all threads allocated in a slice of their own: as users have it, with functions inlined that a profile must see.
   * Null when nothing was profiled, or another profiler did it.
   */
  allocated: { bytes: number; inWorkersBytes: number; messages: number } | null;
};

/** A function in a chain of callers, as a profile of any program names it. */
export type ProfiledFrame = {
  name: string;
  /** As the profile has it: absolute, or relative to where it was compiled; empty where it is not known. */
  file: string;
  /** Of the call or the sample, from 1; 0 where it is not known. */
  line: number;
  /** The program or library that it is in; empty where it is not known. */
  module: string;
};

/** A chain of callers, the outermost first, in all slices. */
export type ProfiledStack = { frames: ProfiledFrame[]; samples: number; timeUs: number };

/** A script that ran. */
export type RanScript = {
  /** `file://` for what lies on the disk, `node:` for what belongs to Node. */
  url: string;
  /** SHA-256 of its source, as V8 tells it. */
  hash: string;
  /** As it stands in the script; empty when there is none. */
  sourceMapUrl: string;
};

/** A function and how often it ran. Lines count from 1, columns from 0, in the script that ran. */
export type CalledFunction = {
  url: string;
  /** Empty for an anonymous one. */
  name: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  /** Hash of its source text. */
  body: string;
  /** The whole script is a function too: what it runs when it is loaded. */
  isScript: boolean;
  /** Calls in each counted slice. */
  calls: number[];
};

/** Where a sample was taken; lines and columns count from 0. */
export type CallFrame = {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
};

/** A CPU profile as V8 writes it (`.cpuprofile`). Times in microseconds. */
export type CpuProfile = {
  nodes: {
    id: number;
    callFrame: CallFrame;
    hitCount?: number;
    children?: number[];
    /** Lines count from 1. */
    positionTicks?: { line: number; ticks: number }[];
  }[];
  startTime: number;
  endTime: number;
  samples: number[];
  timeDeltas: number[];
};

/** A node of a sampling heap profile: bytes allocated in the function itself. */
export type HeapNode = { callFrame: CallFrame; selfSize: number; children: HeapNode[] };
