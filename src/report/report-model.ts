import * as z from 'zod';

/**
 * The report: the one model that every renderer reads, and the published contract of `--json FILE`
 * (`report.schema.json` is generated from it, with the descriptions given here). Pure data, no secrets.
 * Changes with `relative` are ratios minus one: 0.1 is +10%.
 */

const verdict = z
  .enum(['pass', 'fail', 'inconclusive', 'invalid'])
  .describe('invalid: no verdict can be trusted; it never counts as a pass');
const finiteOrNull = z.number().nullable();

export const latencySummarySchema = z.strictObject({
  count: z.number().int().describe('Values in the distribution'),
  meanMs: finiteOrNull,
  p5Ms: finiteOrNull.optional(),
  p10Ms: finiteOrNull.optional(),
  p50Ms: finiteOrNull,
  p90Ms: finiteOrNull,
  p95Ms: finiteOrNull,
  tailMs: finiteOrNull.optional().describe('Geometric mean of the percentiles 80 to 97'),
  p99Ms: finiteOrNull,
  p999Ms: finiteOrNull,
  maxMs: finiteOrNull,
});

const changeSchema = z
  .strictObject({
    statistic: z.string().describe('mean, p5, p10, p50, p90, p95, tail, p99, p999, max, count, or value'),
    relative: z.number().describe('Head against baseline, as a ratio minus one'),
    baseline: finiteOrNull
      .optional()
      .describe(
        'What it is a change from: side by side the typical value of a pair (geometric mean over the pairs), else the stored one',
      ),
    head: finiteOrNull.optional().describe('What it is a change to: baseline * (1 + relative)'),
    low: finiteOrNull.describe('Lower end of the confidence interval of "relative"; null when there is none'),
    high: finiteOrNull.describe('Upper end of the confidence interval'),
    confidence: finiteOrNull.describe('Confidence of the interval, for example 0.95'),
    samples: z.number().int().describe('Pairs or stored records behind it'),
  })
  .describe('A change of one statistic, head against baseline');

export const limitSchema = z
  .strictObject({
    rule: z.string().describe('As the user wrote it, or the default rule in the same grammar'),
    statistic: z.string(),
    verdict,
    explanation: z
      .string()
      .describe('One sentence: what was compared, the effect, how many pairs, and why this verdict'),
    detectable: finiteOrNull.describe('Smallest change that could have been detected, as a ratio minus one'),
    value: finiteOrNull
      .optional()
      .describe('What an absolute limit was held against: the value in this PR over all its messages'),
    isDefault: z
      .boolean()
      .optional()
      .describe('Whether nobody wrote it: docs/how-it-decides.md has the defaults'),
    margin: finiteOrNull
      .optional()
      .describe(
        'What must be ruled out to pass, as a ratio minus one; null where the limit is not on a change',
      ),
    allowed: finiteOrNull
      .optional()
      .describe('Which change is let through, as a ratio minus one; with "looks"'),
    looks: z
      .array(
        z.strictObject({
          pairs: z.number().int(),
          relative: z.number(),
          low: finiteOrNull,
          high: finiteOrNull,
        }),
      )
      .optional()
      .describe('The change and its interval after so many pairs, look by look; side by side'),
    file: z.string().nullable().describe('Where the rule stands'),
    line: z.number().int().nullable(),
  })
  .describe('One limit that was applied, and what came of it');

const metricReportSchema = z.strictObject({
  id: z
    .string()
    .describe('<subject>.<kind>, for example chat.delivery; or a counter, rate, resource or custom metric'),
  unit: z.enum(['ms', 'count', 'ratio', 'bytes', 'cores', 'perSecond']),
  baseline: latencySummarySchema
    .nullable()
    .describe('The distribution of the baseline over all its messages, for latencies'),
  head: latencySummarySchema
    .nullable()
    .describe('The distribution of the head over all its messages, for latencies'),
  baselineValue: finiteOrNull.describe(
    'For counters, rates, resources and custom metrics, which have one value',
  ),
  headValue: finiteOrNull,
  change: z.array(changeSchema),
  limit: z.array(limitSchema),
  verdict: z
    .enum(['pass', 'fail', 'inconclusive', 'invalid', 'advisory'])
    .describe('advisory: shown and compared, but no limit is set on it'),
  distribution: z
    .strictObject({
      quantiles: z.array(z.number()).describe('0 to 1, ascending'),
      baselineMs: z.array(z.number()).nullable().describe('Latency of the baseline at each quantile'),
      headMs: z.array(z.number()).nullable().describe('Latency of the head at each quantile'),
    })
    .optional()
    .describe('For drawing; only for distributions'),
});

const errorReportSchema = z.strictObject({
  name: z.string(),
  count: z.number().int().describe('At the head'),
  baselineCount: z.number().int().nullable().describe('Null when the baseline was not measured'),
  messages: z.array(z.string()).describe('The first different messages'),
  steps: z.array(z.string()).describe('The steps of the scenario it came from'),
});

const sendRateSchema = z.strictObject({
  meanPerSecond: z.number().describe('Messages sent over the time of driven load'),
  maxPerSecond: finiteOrNull.describe('The most in one second; null where seconds were not counted'),
});

const roundReportSchema = z.strictObject({
  index: z.number().int(),
  side: z.enum(['baseline', 'head']),
  pair: z.number().int().nullable().describe('Rounds with the same number were measured side by side'),
  activeMs: z.number().describe('Time during which load was driven, without pauses'),
  slices: z
    .number()
    .int()
    .optional()
    .describe('Slices in which the sides alternated; 0 when the round was driven in one piece'),
  metrics: z.record(z.string(), latencySummarySchema),
  counters: z.record(z.string(), z.number()),
  quiet: z
    .strictObject({
      atMs: z.number().describe('Since the first wave began'),
      sessions: z.number().int().describe('Virtual users of the wave'),
      messages: z.number().int(),
      heapBytes: finiteOrNull.describe('Heap after a forced collection; only for Node servers'),
      rssBytes: finiteOrNull,
      left: z.record(z.string(), finiteOrNull).describe('By the last part of the metrics server.left.*'),
    })
    .optional()
    .describe('What was left when the users of this round had gone; only in suites of kind endurance'),
});

const generatorReportSchema = z
  .strictObject({
    cpuShare: z.number().describe('CPU time over wall time; 1 is one core'),
    loopDelayP50Ms: z.number(),
    loopDelayP99Ms: z.number(),
    loopDelayMaxMs: z.number(),
    intendedArrivals: z.number(),
    startedArrivals: z.number(),
    lateArrivals: z.number(),
    intendedSends: z.number().describe('Sends of fixed-rate steps'),
    lateSends: z.number(),
    maxLagMs: z.number().describe('Largest lag behind an intended instant'),
    intendedArrivalsMs: z
      .number()
      .optional()
      .describe('From the first to the last user of a round, as it was intended; all rounds added up'),
    arrivalsMs: z.number().optional().describe('The same, as it was'),
    peakRssBytes: z.number(),
    bottleneck: z.string().nullable().describe('Why the generator was the bottleneck; null when it was not'),
    bestEffort: z
      .boolean()
      .optional()
      .describe(
        'With a bottleneck: what was measured was judged all the same ("measure.arrivals: best-effort")',
      ),
  })
  .describe('Health of the load generator: the worst of all rounds, counts added up');

export const resourceReportSchema = z
  .strictObject({
    cpuSeconds: finiteOrNull,
    maxCpuShare: finiteOrNull.describe('1 is one core'),
    maxRssBytes: finiteOrNull,
    maxOpenFiles: finiteOrNull,
    openFilesLimit: finiteOrNull,
    maxThreads: finiteOrNull,
    maxHeapUsedBytes: finiteOrNull.describe(
      'Only for Node servers with the preload, or from "target.resources"',
    ),
    maxLoopDelayMs: finiteOrNull.describe(
      'Only for Node servers with the preload, or from "target.resources"',
    ),
    gcPauseMs: finiteOrNull.describe(
      'Garbage collection in a round, the largest; only with the preload, or from "target.resources"',
    ),
  })
  .describe('The server over all rounds; null is what was not sampled');

export const problemSchema = z
  .strictObject({
    code: z.string(),
    what: z.string(),
    fix: z.string(),
    file: z.string().nullable(),
    line: z.number().int().nullable(),
  })
  .describe('Something that went wrong, and what to do about it');

export const environmentSchema = z
  .strictObject({
    cpuModel: z.string(),
    cores: z.number(),
    memoryGiB: z.number(),
    os: z.string(),
    node: z.string(),
    tailgate: z.string(),
    artillery: z.string(),
    pinning: z
      .string()
      .nullable()
      .describe('Which cores the server and the generator were given; null when not pinned'),
  })
  .describe('Where it was measured');

const designSchema = z.strictObject({
  kind: z
    .enum(['slices', 'rounds'])
    .describe('slices: both servers ran, and the load alternated; rounds: one server after the other'),
  warmUpMs: z.number().describe('Load of each side before it was measured'),
  warmUpTogether: z.boolean().optional().describe('Whether both sides were warmed up at the same time'),
  sliceMs: finiteOrNull.describe('Length of a slice; null in rounds'),
  slicesPerSide: finiteOrNull.describe('Slices of each side in a pair; null in rounds'),
});

const bothSides = z.strictObject({ baseline: z.number(), head: z.number() });

const course = z.array(finiteOrNull);

const timelineSideSchema = z.strictObject({
  rounds: z.array(z.number()).describe('When each round began'),
  latency: z
    .strictObject({ atMs: z.array(z.number()), p50Ms: course, p95Ms: course, p99Ms: course })
    .describe('Of the main latency: one value for each slice, or step of a round that is not sliced'),
  load: z
    .strictObject({ atMs: z.array(z.number()), messages: course, errors: course, users: course })
    .describe('Messages and errors a second, and the most virtual users at once'),
  server: z
    .strictObject({
      atMs: z.array(z.number()),
      cpuCores: course,
      rssBytes: course,
      openFiles: course,
      heapUsedBytes: course.optional(),
      loopDelayP99Ms: course.optional(),
      gcPauseMs: course.optional(),
    })
    .nullable()
    .describe('Samples of the server while it was under load; null when it was not sampled'),
});

export const timelineSchema = z
  .strictObject({
    metric: z.string().describe('The main latency'),
    baseline: timelineSideSchema.nullable(),
    head: timelineSideSchema.nullable(),
  })
  .describe(
    "How it went, at most 600 points a line. Times are milliseconds of the side's own load, one round after the other",
  );

const explanationSchema = z
  .strictObject({
    kind: z
      .enum(['more-work', 'waits-longer', 'dependency', 'keeps-memory', 'none', 'unavailable'])
      .describe(
        'more-work: the server does more for a message; waits-longer: it does no more work and waits; dependency: the work is in a package; keeps-memory: what stays when the users have gone; none: looked, and found nothing; unavailable: could not look',
      ),
    sentences: z.array(
      z.strictObject({
        text: z.string().describe('One plain sentence'),
        place: z
          .strictObject({ file: z.string(), line: z.number().int() })
          .optional()
          .describe('Where in the repository the sentence points'),
      }),
    ),
    calls: bothSides.optional().describe('Calls of all functions for a message'),
    functions: z
      .array(
        z.strictObject({
          name: z.string(),
          file: z.string().describe('In the repository; or of a package or library, or of Node'),
          line: z.number().int(),
          owner: z.enum(['own', 'package', 'node']),
          calls: bothSides
            .extend({
              difference: z.number(),
              low: z.number().describe('Lower end of the 99.9% confidence interval of the difference'),
              high: z.number().describe('Upper end of it'),
            })
            .nullable()
            .describe('null where calls cannot be counted'),
          timeUs: bothSides.describe(
            'Time on the processor, with what it calls that is not of the repository; 0 where it was not profiled',
          ),
          allocatedBytes: bothSides.describe('Memory allocated likewise'),
        }),
      )
      .optional()
      .describe('Functions whose work for a message differs or costs most, the most telling first'),
    flame: z
      .array(
        z.strictObject({
          name: z.string(),
          file: z
            .string()
            .describe('In the repository; or of a package or library, or of Node; empty for V8 itself'),
          line: z.number().int().describe('At the head where it ran there; 0 where it is not known'),
          parent: z
            .number()
            .int()
            .nonnegative()
            .nullable()
            .describe('Index of its caller in this list, which stands before it; null for the outermost'),
          timeUs: bothSides.describe('Time on the processor for a message, with all that it calls'),
        }),
      )
      .max(400)
      .refine((nodes) => nodes.every(({ parent }, index) => parent === null || parent < index), {
        message: 'a caller stands before what it calls',
      })
      .optional()
      .describe(
        'A flame graph of both sides: functions by chains of callers; absent where nothing was profiled',
      ),
  })
  .describe('Why it changed: what the witnesses show, and where');

export const suiteReportSchema = z.strictObject({
  name: z.string().describe('A level of a suite is named suite/level'),
  originalName: z
    .string()
    .optional()
    .describe(
      'Its name in its own report, where several of those that were merged have a suite of that name',
    ),
  verdict,
  reason: z.string().describe('One sentence'),
  comparison: z
    .enum(['side-by-side', 'history', 'single', 'none'])
    .describe(
      'What the baseline is: the base commit measured in the same job; ten stored runs or more; fewer of them, or another report; none',
    ),
  suspect: z
    .boolean()
    .optional()
    .describe('Stored runs make it look worse, and only a measurement on another machine can tell'),
  design: designSchema.optional().describe('How the sides took turns, when they were measured side by side'),
  scenario: z.string(),
  main: z.string().nullable().optional().describe('Id of the metric that is gated first'),
  environment: environmentSchema
    .optional()
    .describe('Where the suite was measured, when that differs from the environment of the report'),
  explanation: explanationSchema.optional().describe('Why it changed, where somebody looked'),
  metrics: z.array(metricReportSchema),
  counters: z.record(z.string(), z.strictObject({ baseline: finiteOrNull, head: finiteOrNull })),
  sendRate: z
    .strictObject({ baseline: sendRateSchema.nullable(), head: sendRateSchema.nullable() })
    .optional()
    .describe('How many messages a second the virtual users sent'),
  errors: z.array(errorReportSchema),
  unmeasured: z
    .array(z.strictObject({ event: z.string(), step: z.string(), count: z.number().int() }))
    .describe('Emits that nothing answers and no delivery watches: counted, in no latency'),
  rounds: z.array(roundReportSchema),
  timeline: timelineSchema.optional(),
  generator: generatorReportSchema.nullable(),
  resources: z
    .strictObject({ baseline: resourceReportSchema.nullable(), head: resourceReportSchema.nullable() })
    .nullable()
    .describe('Null when they were not sampled'),
  problems: z.array(problemSchema),
  warnings: z.array(z.string()),
  trend: z
    .strictObject({ metric: z.string(), statistic: z.string(), values: z.array(z.number()) })
    .nullable()
    .describe('A statistic of recent stored runs and of this one, oldest first'),
});

export const commitsSchema = z.strictObject({
  head: z.string().nullable().describe('The commit that was checked out, so measured'),
  base: z.string().nullable().describe('The commit that it was compared with, measured in the same job'),
  merged: z.string().optional().describe('Head of the pull request, where `head` is its merge into the base'),
});

const madeBySchema = z
  .strictObject({
    runId: z.number().int(),
    runAttempt: z.number().int(),
    job: z.string(),
    leg: z.string().describe('Values of the job in its matrix; empty outside of one'),
    settings: z.string().describe('Which settings, where they are not those at the root'),
    key: z.string().describe('Tells the reports of one run apart, the same in every run and attempt'),
  })
  .describe('The job on GitHub that made the report');

export const reportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  verdict,
  failOn: z
    .array(z.enum(['fail', 'inconclusive', 'invalid']))
    .describe('The verdicts that fail the step, as set'),
  suites: z.array(suiteReportSchema),
  problems: z.array(problemSchema).describe('Problems of the run as a whole'),
  environment: environmentSchema,
  commits: commitsSchema,
  madeBy: madeBySchema.optional(),
  runUrl: z.string().nullable().describe('Link to the run; null outside CI'),
  startedAt: z.string().describe('ISO 8601'),
  durations: z.strictObject({
    totalMs: z.number(),
    buildMs: z.number(),
    loadMs: z.number(),
    explainMs: z
      .number()
      .optional()
      .describe('What looking for the cause of a change took, of `totalMs`; absent where nobody looked'),
  }),
});

export type Report = z.output<typeof reportSchema>;
export type SuiteReport = z.output<typeof suiteReportSchema>;
export type MetricReport = z.output<typeof metricReportSchema>;
export type LimitReport = z.output<typeof limitSchema>;
export type ChangeReport = z.output<typeof changeSchema>;
export type RoundReport = z.output<typeof roundReportSchema>;
export type ProblemReport = z.output<typeof problemSchema>;
export type ResourceReport = z.output<typeof resourceReportSchema>;
export type SendRateReport = z.output<typeof sendRateSchema>;
export type ErrorReport = z.output<typeof errorReportSchema>;
export type EnvironmentReport = z.output<typeof environmentSchema>;
export type LatencySummaryReport = z.output<typeof latencySummarySchema>;
export type TimelineReport = z.output<typeof timelineSchema>;
export type TimelineSide = z.output<typeof timelineSideSchema>;
export type FlameReport = NonNullable<z.output<typeof explanationSchema>['flame']>;
export type TrendReport = NonNullable<SuiteReport['trend']>;
export type Explanation = z.output<typeof explanationSchema>;
