import type { DeliveryShard } from './delivery-shards.ts';
import type { SerializedSketch } from './latency-sketch.ts';

/** The version under test, or the one that it is compared with. */
export type SideName = 'baseline' | 'head';

/**
 * The name of a latency distribution: `<subject>.<kind>`, for example `chat.delivery`, `joinRoom.ack`,
 * `connect.handshake`, `session.length`, `http.response`.
 */
export type MetricId = string;

/** Error name with what was seen: how often, the first different messages (at most 5), and the steps it came from. */
export type ErrorRecord = {
  name: string;
  count: number;
  messages: string[];
  steps: string[];
};

/** Health of the load generator over one round. */
export type GeneratorHealth = {
  /** CPU time over wall time of the generator process; 1 is one full core. */
  cpuShare: number;
  /** Event-loop delay of the generator, milliseconds. */
  loopDelayP50Ms: number;
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
  /** Arrivals (and fixed-rate sends) intended, started, and started over 50 ms after the intended instant. */
  intendedArrivals: number;
  startedArrivals: number;
  lateArrivals: number;
  intendedSends: number;
  lateSends: number;
  /** Largest lag behind an intended instant, milliseconds. */
  maxLagMs: number;
  /**
   * Time from the first to the last arrival: as it was intended, and as it was. Milliseconds of driven load; absent in
   * what earlier versions stored.
   */
  intendedArrivalsMs?: number | undefined;
  arrivalsMs?: number | undefined;
  peakRssBytes: number;
};

/**
 * One sample of the server. `atMs` counts from the start of the load. What the machine, or the source that the user
 * named, does not tell is absent.
 */
export type ResourceSample = {
  atMs: number;
  /** CPU time over wall time since the previous sample; 1 is one full core. */
  cpuShare?: number;
  rssBytes?: number;
  openFiles?: number;
  threads?: number;
  /** Milliseconds of this server's own load when it was taken; absent while only the other side was driven. */
  loadAtMs?: number;
  /** Only for Node servers with the preload, or from the user's source. */
  loopDelayP99Ms?: number;
  heapUsedBytes?: number;
  gcPauseMs?: number;
};

/**
 * Work that the server did over one round, counted by the kernel for its process tree and by V8 for its Node
 * processes. Null where it could not be counted.
 */
export type ServerWork = {
  /** Reads and writes: files, pipes and connections (`syscr` and `syscw` of proc_pid_io(5)). */
  systemCalls: number | null;
  bytesRead: number | null;
  bytesWritten: number | null;
  /** Voluntary and involuntary, of all threads. */
  contextSwitches: number | null;
  pageFaults: number | null;
  userCpuSeconds: number | null;
  systemCpuSeconds: number | null;
  /** Time that threads were ready to run and waited for a core. */
  runQueueSeconds: number | null;
  /** Memory that programs allocated on the heaps of Node processes. */
  allocatedBytes: number | null;
  /** Garbage collections. */
  collections: number | null;
};

/** Bytes that the load generator put on the wire and took from it, handshakes and pings among them. */
export type WireTraffic = {
  /** Null where some went over TLS, whose bytes are not those of the messages. */
  bytesSent: number | null;
  bytesReceived: number | null;
  /** WebSocket messages; absent where some went uncounted, and in what earlier versions stored. */
  framesSent?: number;
  framesReceived?: number;
};

/** What was left of the server after one wave of users had come and gone. Null where it could not be counted. */
export type QuietInstant = {
  /** Milliseconds since the first wave began. */
  atMs: number;
  /** Virtual users, and messages, of the wave. */
  sessions: number;
  messages: number;
  /** Heap and memory outside of it that programs hold, of all Node processes, after a forced collection. */
  heapBytes: number | null;
  rssBytes: number | null;
  /** By the last part of the metric `server.left.NAME`. */
  left: Readonly<Record<string, number | null>>;
};

/** Resources of the server over one round; null is what could not be sampled. */
export type ResourceUsage = {
  samples: ResourceSample[];
  cpuSeconds: number | null;
  maxCpuShare: number | null;
  maxRssBytes: number | null;
  maxOpenFiles: number | null;
  openFilesLimit: number | null;
  maxThreads: number | null;
  maxHeapUsedBytes: number | null;
  maxLoopDelayMs: number | null;
  gcPauseMs: number | null;
  /** Absent in what earlier versions stored. */
  work?: ServerWork;
};

/** Messages of a kind that deliveries are watched in, which carried no tag at the place (`path`; '' for anywhere). */
export type UntaggedArrival = { event: string; path: string; count: number };

/** A name of the scenario's templates: how often a step read it, and how often it had no value then. */
export type NameUse = { name: string; step: string; rendered: number; empty: number };

/**
 * How the waits of a step for an answer ended: with the answer that the scenario expects, or without it. `name` and
 * `message` are the error of the first that was missed.
 */
export type AnswerUse = { step: string; matched: number; missed: number; name: string; message: string };

/** Events or messages that came and that no step or delivery looks at. */
export type UnheardEvent = { event: string; count: number };

/** An emit that nothing answers and no delivery watches: counted, never in a latency. */
export type UnmeasuredEmit = { event: string; step: string; count: number };

/**
 * A condition that a plugin of the scenario judged (`ensure`, `expect`). A strict one that does not hold fails the run,
 * as it fails `artillery run`.
 */
export type PluginCheck = { plugin: string; expression: string; strict: boolean; ok: boolean };

/** Latencies by the time of driven load at which they were recorded, in steps of equal length. */
export type LatencyCourse = { stepMs: number; steps: Record<MetricId, SerializedSketch>[] };

/**
 * What one round of load measured on one side. Plain JSON: it crosses process borders and is stored.
 *
 * `slices` holds, per metric and per one-second slice of this side, the sketch of the messages sent in it; it is
 * present only when the round was driven in slices.
 */
export type RoundMeasurement = {
  /** Wall time during which load was driven, without pauses, milliseconds. */
  activeMs: number;
  metrics: Record<MetricId, SerializedSketch>;
  slices: Record<MetricId, SerializedSketch>[];
  /** Cores that processes of others kept busy in each slice; null where the machine does not tell. Absent unsliced. */
  foreignCores?: (number | null)[];
  /** Counters by name. The standard ones are always present, and those of the engines that ran. */
  counters: Record<string, number>;
  /** What the counters had reached when the measurement began: the load of the warm-up. Absent without one. */
  warmUpCounters?: Record<string, number>;
  /** Absent where a connection was not counted, and in what earlier versions stored. */
  wire?: WireTraffic;
  /** Messages sent in each second of driven load, the last one begun and not over. */
  sentPerSecond?: number[];
  /** Errors, and the most virtual users at once, in each second of driven load. Not stored. */
  errorsPerSecond?: number[];
  usersPerSecond?: number[];
  /** How latencies went where the round was not sliced. Not stored. */
  course?: LatencyCourse;
  errors: ErrorRecord[];
  unmeasured: UnmeasuredEmit[];
  /** What arrived where deliveries are watched, and was none. */
  untagged?: UntaggedArrival[];
  /** Names that steps read, which only running the scenario gives a value. Absent where there are none. */
  nameUses?: NameUse[];
  /** Answers that steps waited for; absent where there are none. Not stored. */
  answers?: AnswerUse[];
  /** Not stored. */
  unheard?: UnheardEvent[];
  warnings: string[];
  generator: GeneratorHealth;
  resources: ResourceUsage | null;
  /** Calls of functions in the server. Only where they were counted, and then nothing else is. */
  calls?: number;
  /** Numbers from the custom metrics command or URL, by name. */
  custom: Record<string, number>;
  /** Only where the round was a wave of a suite of `kind: endurance`. */
  quiet?: QuietInstant;
  /** Conditions that the scenario's own plugins judged. */
  checks?: PluginCheck[];
  /** What the other processes of one load must know to count deliveries; gone when they are merged. */
  deliveryShard?: DeliveryShard;
  /** How wrong the clock of the load may be on the machine that measured this part; gone when they are merged. */
  clockErrorMs?: number;
};
