import { z } from 'zod';

/**
 * The report: the one model that every renderer reads, and the published contract of `--json FILE`
 * (`report.schema.json` is generated from it). Pure data, no secrets.
 */

const verdict = z.enum(['pass', 'fail', 'inconclusive', 'invalid']);
const finiteOrNull = z.number().nullable();

export const latencySummarySchema = z.strictObject({
  count: z.number().int(),
  meanMs: finiteOrNull,
  p50Ms: finiteOrNull,
  p90Ms: finiteOrNull,
  p95Ms: finiteOrNull,
  p99Ms: finiteOrNull,
  p999Ms: finiteOrNull,
  maxMs: finiteOrNull,
});

/** A change of one statistic, head against baseline, as a ratio minus one (0.1 is +10%). */
export const changeSchema = z.strictObject({
  statistic: z.string(),
  relative: z.number(),
  /** Confidence interval of `relative`; null when there is only one round a side. */
  low: finiteOrNull,
  high: finiteOrNull,
  confidence: finiteOrNull,
  /** Pairs or stored records behind it. */
  samples: z.number().int(),
});

/** One limit that was applied, and what came of it. */
export const limitSchema = z.strictObject({
  /** As the user wrote it, or the default rule in the same grammar. */
  rule: z.string(),
  statistic: z.string(),
  verdict,
  /** One sentence: what was compared, the effect, how many pairs, and why this verdict. */
  explanation: z.string(),
  /** Smallest change that could have been detected, as a ratio minus one. */
  detectable: finiteOrNull,
  file: z.string().nullable(),
  line: z.number().int().nullable(),
});

/** `advisory`: shown and compared, but no limit is set on it. */
export const metricReportSchema = z.strictObject({
  id: z.string(),
  unit: z.enum(['ms', 'count', 'ratio', 'bytes', 'cores', 'perSecond']),
  baseline: latencySummarySchema.nullable(),
  head: latencySummarySchema.nullable(),
  /** For counters, rates, resources and custom metrics, which have one value and no distribution. */
  baselineValue: finiteOrNull,
  headValue: finiteOrNull,
  change: z.array(changeSchema),
  limit: z.array(limitSchema),
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'invalid', 'advisory']),
  /** Quantiles (0 to 1, ascending) and the latency of each side at them, for drawing; only for distributions. */
  distribution: z
    .strictObject({
      quantiles: z.array(z.number()),
      baselineMs: z.array(z.number()).nullable(),
      headMs: z.array(z.number()).nullable(),
    })
    .optional(),
});

export const errorReportSchema = z.strictObject({
  name: z.string(),
  count: z.number().int(),
  baselineCount: z.number().int().nullable(),
  messages: z.array(z.string()),
  steps: z.array(z.string()),
});

export const roundReportSchema = z.strictObject({
  index: z.number().int(),
  side: z.enum(['baseline', 'head']),
  /** Rounds with the same number were measured side by side. */
  pair: z.number().int().nullable(),
  activeMs: z.number(),
  /** Number of slices in which the sides alternated; 0 when the round was driven in one piece. */
  slices: z.number().int().optional(),
  metrics: z.record(z.string(), latencySummarySchema),
  counters: z.record(z.string(), z.number()),
});

export const generatorReportSchema = z.strictObject({
  cpuShare: z.number(),
  loopDelayP50Ms: z.number(),
  loopDelayP99Ms: z.number(),
  loopDelayMaxMs: z.number(),
  intendedArrivals: z.number(),
  startedArrivals: z.number(),
  lateArrivals: z.number(),
  intendedSends: z.number(),
  lateSends: z.number(),
  maxLagMs: z.number(),
  peakRssBytes: z.number(),
  /** Why the generator was the bottleneck; null when it was not. */
  bottleneck: z.string().nullable(),
});

export const resourceReportSchema = z.strictObject({
  cpuSeconds: z.number(),
  maxCpuShare: z.number(),
  maxRssBytes: z.number(),
  maxOpenFiles: z.number(),
  openFilesLimit: finiteOrNull,
  maxThreads: z.number(),
  maxHeapUsedBytes: finiteOrNull,
  maxLoopDelayMs: finiteOrNull,
  gcPauseMs: finiteOrNull,
});

/** Something that went wrong: an entry of the error catalogue. */
export const problemSchema = z.strictObject({
  code: z.string(),
  what: z.string(),
  fix: z.string(),
  file: z.string().nullable(),
  line: z.number().int().nullable(),
});

export const environmentSchema = z.strictObject({
  cpuModel: z.string(),
  cores: z.number(),
  memoryGiB: z.number(),
  os: z.string(),
  node: z.string(),
  tailgate: z.string(),
  artillery: z.string(),
  /** Which cores the server and the generator were given; null when not pinned. */
  pinning: z.string().nullable(),
});

export const suiteReportSchema = z.strictObject({
  name: z.string(),
  verdict,
  /** One sentence. */
  reason: z.string(),
  /** How the baseline was obtained: `side-by-side`, `history`, `single` (one stored record), `none`. */
  comparison: z.enum(['side-by-side', 'history', 'single', 'none']),
  scenario: z.string(),
  /** Id of the metric that is gated first; null when nothing was measured. */
  main: z.string().nullable().optional(),
  /** Where the suite was measured, when that differs from `environment` of the report (merged reports). */
  environment: environmentSchema.optional(),
  metrics: z.array(metricReportSchema),
  counters: z.record(z.string(), z.strictObject({ baseline: finiteOrNull, head: finiteOrNull })),
  errors: z.array(errorReportSchema),
  unmeasured: z.array(z.strictObject({ event: z.string(), step: z.string(), count: z.number().int() })),
  rounds: z.array(roundReportSchema),
  generator: generatorReportSchema.nullable(),
  resources: z
    .strictObject({ baseline: resourceReportSchema.nullable(), head: resourceReportSchema.nullable() })
    .nullable(),
  problems: z.array(problemSchema),
  warnings: z.array(z.string()),
  /** The gated main statistic of recent stored runs, oldest first, for a sparkline. */
  trend: z
    .strictObject({ metric: z.string(), statistic: z.string(), values: z.array(z.number()) })
    .nullable(),
});

export const reportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  verdict,
  /** The verdicts that fail the step, as set. */
  failOn: z.array(z.enum(['fail', 'inconclusive', 'invalid'])),
  suites: z.array(suiteReportSchema),
  problems: z.array(problemSchema),
  environment: environmentSchema,
  commits: z.strictObject({ head: z.string().nullable(), base: z.string().nullable() }),
  /** Link to the run, null outside CI. */
  runUrl: z.string().nullable(),
  startedAt: z.string(),
  durations: z.strictObject({ totalMs: z.number(), buildMs: z.number(), loadMs: z.number() }),
});

export type Report = z.output<typeof reportSchema>;
export type SuiteReport = z.output<typeof suiteReportSchema>;
export type MetricReport = z.output<typeof metricReportSchema>;
export type LimitReport = z.output<typeof limitSchema>;
export type ChangeReport = z.output<typeof changeSchema>;
export type RoundReport = z.output<typeof roundReportSchema>;
export type ProblemReport = z.output<typeof problemSchema>;
export type ResourceReport = z.output<typeof resourceReportSchema>;
export type ErrorReport = z.output<typeof errorReportSchema>;
export type EnvironmentReport = z.output<typeof environmentSchema>;
export type LatencySummaryReport = z.output<typeof latencySummarySchema>;
export type TrendReport = NonNullable<SuiteReport['trend']>;
export type GeneratorReport = z.output<typeof generatorReportSchema>;
