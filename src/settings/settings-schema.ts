import { z } from 'zod';

/**
 * The schema of tailgate.yml, the only description of the settings: the parser, the editor schema
 * (`tailgate.schema.json`) and the reference in the README come from it. Durations are numbers in milliseconds
 * where the name ends in `Ms`.
 */

const text = z.string().min(1);
const durationMs = z.number().int().positive();
/** A literal, or the name of an environment variable that holds it, so that no secret stands in the file. */
export const secretSchema = z.union([text, z.strictObject({ env: text })]);
const json: z.ZodType<unknown> = z.unknown();
const environment = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const readySchema = z.strictObject({
  type: z.enum(['http', 'tcp', 'log', 'socketio', 'websocket']).default('tcp'),
  /** Path for http, socketio and websocket. */
  path: z.string().optional(),
  /** Expected HTTP status; any below 500 if not given. */
  status: z.number().int().min(100).max(599).optional(),
  /** Regular expression over a line of the server's output, for log. */
  pattern: z.string().optional(),
  timeoutMs: durationMs.default(30_000),
  intervalMs: durationMs.default(100),
});

export const targetSchema = z.strictObject({
  /** Command run once, before the first start. */
  build: text.optional(),
  /** Command that starts the server; `{{ port }}` is a free port. */
  start: text.optional(),
  /** URL of the server; `{{ port }}` is the port of this side. */
  url: text.default('http://127.0.0.1:{{ port }}'),
  /** A fixed port instead of a free one. */
  port: z.number().int().min(1).max(65535).optional(),
  cwd: text.default('.'),
  env: environment.default({}),
  ready: readySchema.prefault({}),
  stopSignal: z.enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']).default('SIGTERM'),
  stopTimeoutMs: durationMs.default(1_500),
  buildTimeoutMs: durationMs.default(600_000),
  /** Process id of a server that runs already, so that its resources can be sampled. */
  pid: z.number().int().positive().optional(),
  /** Pin the server and the generator to separate cores where the machine allows. */
  pin: z.boolean().default(true),
  /** Preload that samples event-loop delay, heap and garbage collection of a Node server. */
  nodePreload: z.boolean().default(true),
});

export const jwtSchema = z.strictObject({
  secret: secretSchema,
  claims: z.record(z.string(), json).default({}),
  algorithm: z.enum(['HS256', 'HS384', 'HS512']).default('HS256'),
  expiresInSeconds: z.number().int().positive().default(3600),
});

const emitSchema = z.strictObject({
  event: text,
  /** First argument of the emit. */
  data: json.optional(),
  /** All arguments, instead of `data`. */
  args: z.array(json).optional(),
});

export const roomSchema = z.strictObject({
  namespace: z.string().default('/'),
  path: z.string().default('/socket.io'),
  transports: z
    .array(z.enum(['websocket', 'polling']))
    .min(1)
    .default(['websocket']),
  headers: z.record(z.string(), secretSchema).default({}),
  /** The Socket.IO `auth` object; `{{ token }}` is the token. */
  auth: z.record(z.string(), json).default({}),
  query: z.record(z.string(), z.string()).default({}),
  token: secretSchema.optional(),
  jwt: jwtSchema.optional(),
  create: z
    .strictObject({
      ...emitSchema.shape,
      /** What confirms the room: the acknowledgement, an event of this name, or nothing. */
      confirm: z.union([z.literal('ack'), z.literal('none'), z.strictObject({ event: text })]).default('ack'),
      /** Fields that the acknowledgement must have, for example `{ ok: true }`. */
      expect: json.optional(),
    })
    .optional(),
  delete: z.strictObject({ ...emitSchema.shape, confirm: z.enum(['ack', 'none']).default('ack') }).optional(),
  /** Events by which the server reports a failure. */
  failureEvents: z.array(text).default(['exception', 'error']),
  /** Values taken from the answer to `create` (dotted path), given to the scenario as variables. */
  capture: z.record(z.string(), text).default({}),
  timeoutMs: durationMs.default(10_000),
});

export const deliverySchema = z.strictObject({
  send: text,
  receive: text.optional(),
  sentPath: text,
  receivedPath: text.optional(),
  includesSender: z.boolean().default(false),
  join: z.strictObject({ event: text, roomPath: text }).optional(),
  leave: z.strictObject({ event: text }).optional(),
});

export const measureSchema = z.strictObject({
  /** Attach a callback to emits that the scenario does not wait for. */
  acknowledgements: z.union([z.enum(['all', 'none']), z.array(text)]).default('none'),
  deliveries: z.array(deliverySchema).default([]),
  timeoutMs: durationMs.default(10_000),
  drainMs: durationMs.default(2_000),
  /** Token per virtual user, as `{{ $token }}`. */
  jwt: jwtSchema.optional(),
  /** The latency metric that the verdict looks at first; the one with most values if not given. */
  main: text.optional(),
  /** Write the raw values of every latency as JSON lines into the report folder. */
  raw: z.boolean().default(false),
  custom: z
    .strictObject({
      /** A command whose standard output is JSON: an object of numbers. */
      command: text.optional(),
      url: text.optional(),
      timeoutMs: durationMs.default(30_000),
    })
    .optional(),
});

export const baselineSchema = z.strictObject({
  /** `side-by-side` measures the base commit in the same job; `branch` and `file` read stored records. */
  mode: z.enum(['side-by-side', 'branch', 'file', 'none']).default('branch'),
  /** For `file`. */
  path: text.default('.tailgate/baseline.jsonl'),
  /** For `branch`. */
  branch: text.default('tailgate'),
  /** Git remote (name or URL) for `branch` outside of GitHub. */
  remote: text.optional(),
  /** For `side-by-side`: the commit to compare with; found from the event if not given. */
  ref: text.optional(),
  /** For `side-by-side` without git: a folder that holds the base version. */
  dir: text.optional(),
  /** For `side-by-side`: the command that starts the base version, if it differs. */
  start: text.optional(),
  require: z.boolean().default(false),
  /** When this run is stored: on the default branch only, always, or never. */
  record: z.enum(['default-branch', 'always', 'never']).default('default-branch'),
  keep: z.number().int().positive().default(200),
  keepDays: z.number().int().positive().default(365),
});

export const verdictSchema = z.strictObject({
  /** A change below this is never a failure, in percent. */
  materialityPercent: z.number().min(0).default(3),
  /** A relative limit that holds for the gated percentiles when no threshold says otherwise, in percent. */
  marginPercent: z.number().positive().default(10),
  marginP99Percent: z.number().positive().default(20),
  /** A change below this many milliseconds is never a failure. */
  floorMs: z.number().min(0).default(1),
  errorRisePoints: z.number().min(0).default(0.05),
  minPairs: z.number().int().min(2).default(6),
  maxPairs: z.number().int().min(2).default(20),
  sliceMs: durationMs.default(1_000),
  slicesPerSide: z.number().int().min(1).default(10),
  /** Load each side of a pair is given before its first slice; what it measures is forgotten. */
  warmUpMs: z.number().int().min(0).default(2_000),
  /** How long messages in flight may take to finish before the other side starts. */
  guardMs: z.number().int().min(0).default(250),
  /** Samples without which a p99 is not judged, per side over all rounds. */
  minSamplesP99: z.number().int().positive().default(1_000),
  minSamplesP95: z.number().int().positive().default(200),
  minSamplesP50: z.number().int().positive().default(50),
});

const suiteOverrides = {
  target: targetSchema.partial().optional(),
  room: z.union([roomSchema, z.literal(false)]).optional(),
  measure: measureSchema.optional(),
  thresholds: z.array(text).optional(),
};

export const suiteSchema = z.strictObject({
  name: text,
  scenario: text,
  /** Environment of the scenario (`config.environments`). */
  environment: text.optional(),
  /** Merged over the scenario's `config`. */
  overrides: z.record(z.string(), json).default({}),
  variables: z.record(z.string(), json).default({}),
  /** The suite once per level: each level's name and what it overrides. */
  levels: z
    .array(
      z.strictObject({
        name: text,
        overrides: z.record(z.string(), json).default({}),
        variables: z.record(z.string(), json).default({}),
      }),
    )
    .default([]),
  ...suiteOverrides,
});

export const settingsSchema = z.strictObject({
  suites: z.array(suiteSchema).default([]),
  target: targetSchema.prefault({}),
  room: roomSchema.optional(),
  measure: measureSchema.prefault({}),
  baseline: baselineSchema.prefault({}),
  verdict: verdictSchema.prefault({}),
  thresholds: z.array(text).default([]),
  /** Verdicts that fail the step. */
  failOn: z.array(z.enum(['fail', 'inconclusive', 'invalid'])).default(['fail', 'invalid']),
  comment: z.enum(['always', 'on-change', 'on-fail', 'never']).default('always'),
  /** Check run or commit status with a fixed name, beside the job's own result. */
  check: z
    .strictObject({
      kind: z.enum(['none', 'check-run', 'commit-status']).default('none'),
      name: text.default('tailgate'),
    })
    .prefault({}),
  /** Rounds of a run against a stored baseline. */
  rounds: z.number().int().positive().default(1),
  maxMinutes: z.number().positive().default(15),
  seed: z.number().int().default(1),
  /** Folder for reports, logs and raw values. */
  reportDir: text.default('.tailgate'),
});

export type Settings = z.output<typeof settingsSchema>;
export type SuiteSettings = z.output<typeof suiteSchema>;
export type TargetSettings = z.output<typeof targetSchema>;
export type RoomSettings = z.output<typeof roomSchema>;
export type ReadySettings = z.output<typeof readySchema>;
export type MeasureSettings = z.output<typeof measureSchema>;
export type BaselineSettings = z.output<typeof baselineSchema>;
export type VerdictSettings = z.output<typeof verdictSchema>;
export type JwtSettings = z.output<typeof jwtSchema>;
/** A secret as it stands in the settings: a literal, or the environment variable that holds it. */
export type SecretSetting = z.output<typeof secretSchema>;
