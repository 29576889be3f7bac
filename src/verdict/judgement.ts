import type { BaselineRecord } from '../baseline/baseline-record.ts';
import type { LatencySummary } from '../metrics/latency-sketch.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { Threshold, Unit } from '../metrics/threshold.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import type { Verdict } from './verdict.ts';

/** Pairs in which calls were counted and nothing was timed, or why they could not be (a clause). */
export type CountedPairs =
  | { pairs: { baseline: CountedCalls; head: CountedCalls }[] }
  | { unavailable: string };

/** Calls of functions, while so many messages were sent. */
export type CountedCalls = { calls: number; messages: number };

/** Both sides measured in the same job, in alternating slices or rounds. */
export type MeasuredPair = {
  baseline: RoundMeasurement;
  head: RoundMeasurement;
};

/** What is asked of one suite: everything a verdict is made from but what was measured. Pure data. */
export type SuiteQuestion = {
  suite: string;
  /**
   * `side-by-side`: pairs hold both sides. `history`: ten or more comparable stored records. `single`: fewer, or one
   * report against another. `none`: absolute limits alone.
   */
  comparison: 'side-by-side' | 'history' | 'single' | 'none';
  /** `endurance`: each round is a wave of users, and what stays when they have gone is judged. */
  kind?: 'endurance';
  thresholds: Threshold[];
  settings: VerdictSettings;
  /** The latency metric that is gated by default; null for the one that `mainOf` finds. */
  mainMetric: string | null;
  /**
   * Where the confirmation was measured; the same machine if not given. A machine that is slow today is slow twice, so a
   * confirmation of its own proves less.
   */
  confirmedOn?: 'same-machine' | 'fresh-machine';
  /** Number of suites in this job, over which the false alarms of the job are split; one if not given. */
  suitesInJob?: number;
  /** True when no more rounds can be measured (cap or time budget): undecided becomes inconclusive. */
  final: boolean;
  /** Reasons found outside (server died, room lost) for which no verdict can be trusted. */
  invalid: string[];
  /** What was compared to find that both sides ran the same code (a clause): no change can then come from it. */
  sameCode?: string | null;
  /**
   * Why the load generator was the bottleneck (a clause), where the rounds are to be judged all the same: what its own
   * delays may have missed is then not held against the server. Null, or not given, when it kept up.
   */
  generatorDelays?: string | null;
  /** What limits on counted calls are judged by; none of them can pass where it is missing. */
  counted?: CountedPairs | null;
};

/** A question with the rounds that answer it. Pure data. */
export type SuiteEvidence = SuiteQuestion & {
  pairs: MeasuredPair[];
  /** Rounds of the head, when not in pairs. */
  head: RoundMeasurement[];
  /** Comparable records, oldest first, since the last accepted change. */
  history: BaselineRecord[];
  /** Second, independent set of rounds of the head, measured because the first exceeded the screen. */
  confirmation: RoundMeasurement[] | null;
};

/** What was measured, read once. */
export type Measured = {
  /** Both sides over everything; of stored runs those that the head is compared with. */
  baseline: Values;
  head: Values;
  /** Side by side, for what is read slice by slice; else empty. */
  pairs: readonly MeasuredPair[];
  /** Each stored run, oldest first; empty side by side. */
  history: readonly Values[];
  confirmation: Values | null;
};

export type Change = {
  statistic: string;
  /** Ratio minus one. */
  relative: number;
  /**
   * What it is a change between, so that `head` is `baseline * (1 + relative)`: side by side the typical values of a
   * pair, where the summaries of a metric are over all messages of all pairs; else the stored value and this run's.
   */
  baseline: number;
  head: number;
  low: number | null;
  high: number | null;
  confidence: number | null;
  samples: number;
};

/** The change as it was known after so many pairs, with the interval of the boundaries at that look. */
export type ChangeAtLook = { pairs: number; relative: number; low: number; high: number };

export type AppliedLimit = {
  rule: string;
  statistic: string;
  verdict: Verdict;
  explanation: string;
  detectable: number | null;
  /** The value at head that an absolute limit was held against; absent for a limit on a change. */
  value?: number | null;
  /** What must be ruled out to pass, as a ratio minus one; null for limits that are not on a change in percent. */
  margin: number | null;
  /** Whether nobody wrote it. */
  isDefault: boolean;
  /** Which change is let through, as a ratio minus one; with `looks`. */
  allowed?: number;
  /** How the interval narrowed, look by look; side by side, for limits on a change in percent. */
  looks?: ChangeAtLook[];
  file: string | null;
  line: number | null;
};

export type JudgedMetric = {
  id: string;
  unit: Unit;
  baseline: LatencySummary | null;
  head: LatencySummary | null;
  baselineValue: number | null;
  headValue: number | null;
  change: Change[];
  limit: AppliedLimit[];
  verdict: Verdict | 'advisory';
};

export type SuiteJudgement = {
  verdict: Verdict;
  /** One sentence. */
  reason: string;
  /** The latency that is gated by default; null when none was measured. */
  main: string | null;
  metrics: JudgedMetric[];
  /**
   * What the run should do next: `decided`; `more-pairs` (side by side, undecided); `confirm` (stored history: the
   * screen was exceeded, measure again before failing).
   */
  next: 'decided' | 'more-pairs' | 'confirm';
  /** Stored runs make it look worse, and only a measurement on another machine can tell. */
  suspect?: boolean;
  /** Width of the interval of the primary metric now, for the progress line; null before two pairs. */
  progress: { metric: string; statistic: string; relative: number; low: number; high: number } | null;
  warnings: string[];
};
