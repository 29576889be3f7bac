import * as z from 'zod';
import {
  commitsSchema,
  environmentSchema,
  latencySummarySchema,
  limitSchema,
  problemSchema,
  resourceReportSchema,
} from './report-model.ts';

/**
 * The report of a search for the highest load that a server takes: which loads were tried, at which the limits held,
 * where latency leaves its linear part (the knee) and what gave out first, for the head and, where there is one, for the baseline.
 */

const finiteOrNull = z.number().nullable();

/** What gave out at a load. `generator` leaves the load without an answer; `server`: it died, or dropped the room. */
const capacityReasonSchema = z.strictObject({
  what: z.enum([
    'latency',
    'errors',
    'loss',
    'descriptors',
    'cpu',
    'memory',
    'throughput',
    'limit',
    'generator',
    'server',
  ]),
  explanation: z.string().describe('One sentence, with the value and the limit'),
});

const capacityLevelSchema = z.strictObject({
  load: z.number().describe('Offered load, in the unit of the report'),
  achieved: finiteOrNull.describe('Load that the generator reached'),
  users: finiteOrNull.describe('Most virtual users at the same time'),
  phase: z.enum(['growing', 'bisecting', 'confirming']),
  verdict: z.enum(['holds', 'breaks', 'invalid']).describe('invalid: nothing can be said of this load'),
  latency: latencySummarySchema.nullable().describe('The distribution of the main metric'),
  errorRate: finiteOrNull.describe('Errors per attempt'),
  lostRate: finiteOrNull.describe('Deliveries that never came, of those expected'),
  resources: resourceReportSchema.nullable(),
  limits: z.array(limitSchema),
  reasons: z
    .array(capacityReasonSchema)
    .describe('Why it does not hold, what gave out first before the others'),
});

const capacitySideSchema = z.strictObject({
  levels: z.array(capacityLevelSchema).describe('In the order in which they were measured'),
  edge: z
    .strictObject({
      holds: finiteOrNull.describe('Highest load at which every limit held; null when it held at none'),
      breaks: finiteOrNull.describe('Lowest load above it at which one did not; null when none was found'),
      confirmed: z
        .boolean()
        .describe('Both were measured more than once; where the answers differ, most of them decide'),
    })
    .describe('The capacity: it lies between the two loads'),
  knee: z
    .strictObject({
      load: z.number(),
      meanMs: z.number().describe('Mean latency of the main metric there'),
    })
    .nullable()
    .describe(
      'Load with the most throughput per latency: beyond it latency rises faster than load. Null when it lies at or beyond the highest load that was measured',
    ),
  gaveOut: capacityReasonSchema.nullable().describe('What gave out first above the edge'),
});

export const capacityReportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('capacity'),
  suite: z.string().describe('Empty where a mistake ended the job before it had one'),
  scenario: z.string(),
  unit: z.enum(['users/s', 'users', 'messages/s']).describe('Of every load'),
  metric: z.string().nullable().describe('The main metric, whose latency is shown'),
  rules: z.array(z.string()).describe('The limits that must hold'),
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'invalid']),
  reason: z.string().describe('One sentence'),
  baseline: capacitySideSchema.nullable(),
  head: capacitySideSchema,
  problems: z.array(problemSchema),
  warnings: z.array(z.string()),
  environment: environmentSchema,
  commits: commitsSchema,
  runUrl: z.string().nullable(),
  startedAt: z.string(),
  durations: z.strictObject({ totalMs: z.number(), buildMs: z.number(), loadMs: z.number() }),
});

export type CapacityReport = z.output<typeof capacityReportSchema>;
export type CapacitySide = z.output<typeof capacitySideSchema>;
export type CapacityLevel = z.output<typeof capacityLevelSchema>;
export type CapacityReason = z.output<typeof capacityReasonSchema>;
