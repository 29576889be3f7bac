import * as z from 'zod';
import { readingFields } from '../metrics/server-reading.ts';

/**
 * The schema of tailgate.yml, the only description of the settings: the parser, the editor schema
 * (`tailgate.schema.json`) and `docs/settings.md` come from it, descriptions included. Durations are whole numbers of
 * milliseconds where the name ends in `Ms`.
 */

const text = z.string().min(1);
const durationMs = z.number().int().positive();
const json: z.ZodType<unknown> = z.unknown();
const variables = z.record(z.string(), json);

/** A literal, or the name of an environment variable that holds it, so that no secret stands in the file. */
const secretSchema = z
  .union([text, z.strictObject({ env: text.describe('Name of the environment variable.') })])
  .describe(
    'The text itself, or `{ env: NAME }` to take it from an environment variable, so that no secret stands in the file.',
  );

const environment = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const readySchema = z
  .strictObject({
    type: z
      .enum(['http', 'tcp', 'log', 'socketio', 'websocket'])
      .default('tcp')
      .describe(
        '`tcp`: the port accepts connections. `http`: an answer with the expected status. `log`: a line of output matches. `socketio`, `websocket`: a handshake succeeds.',
      ),
    path: text
      .optional()
      .describe(
        'Path (or full URL) that `http`, `socketio` and `websocket` ask; `/`, `/socket.io/` and the path of `target.url` if not given.',
      ),
    status: z
      .number()
      .int()
      .min(100)
      .max(599)
      .optional()
      .describe('HTTP status that means ready; any below 500 if not given.'),
    pattern: text
      .optional()
      .describe('Regular expression that a line of the output of the server must match, for `log`.'),
    timeoutMs: durationMs
      .default(30_000)
      .describe('The run is invalid when the server is not ready after this.'),
    intervalMs: durationMs.default(100).describe('Pause between two attempts.'),
  })
  .describe('How to tell that the server is ready to be measured.');

const resourcesSchema = z
  .strictObject({
    url: text
      .optional()
      .describe(
        'URL that answers as Prometheus or OpenMetrics do, such as `/metrics`; relative to `target.url`. `{{ side }}` in it is `baseline` or `head`.',
      ),
    headers: z
      .record(z.string(), secretSchema)
      .default({})
      .describe('Headers of the question, for `url`: `{ authorization: { env: NAME } }`.'),
    command: text
      .optional()
      .describe(
        'Command that is run for each sample and prints what `kubectl top pod` or `docker stats --no-stream` print, lines of `name value`, or JSON.',
      ),
    agent: text
      .optional()
      .describe(
        'Command that is started once and prints a line of JSON, or `name value` pairs, for each sample.',
      ),
    metrics: z
      .partialRecord(z.enum(readingFields), text)
      .default({})
      .describe(
        'What stands for a resource under another name than the usual ones: `{ rss: \'container_memory_working_set_bytes{pod="chat-0"}\' }`.',
      ),
    intervalMs: z.number().int().min(100).default(1_000).describe('Time from one sample to the next.'),
    timeoutMs: durationMs.default(5_000).describe('Longest wait for a sample.'),
  })
  .describe(
    'Where the resources of the server are asked for, instead of its process tree: of one that runs elsewhere, or in a container. docs/server.md explains it.',
  );

const versionSchema = z
  .strictObject({
    url: text
      .optional()
      .describe('URL whose answer names the commit, such as `/version`; relative to the URL of the server.'),
    command: text
      .optional()
      .describe('Command that prints the commit; it finds the address of the server in `TAILGATE_URL`.'),
    timeoutMs: durationMs.default(10_000).describe('Longest wait for the answer.'),
  })
  .describe(
    'What tells which commit a server was built from that runs already: the run is invalid when that is not the one that is judged. docs/server.md explains it.',
  );

export const targetSchema = z
  .strictObject({
    build: text.optional().describe('Command that builds the server, run once before its first start.'),
    start: text
      .optional()
      .describe(
        'Command that starts the server, run by a shell in `cwd`. `{{ port }}` in it, and the variable `PORT` in its environment, are its port. Without it, the server at `url` must run already.',
      ),
    url: text
      .default('http://127.0.0.1:{{ port }}')
      .describe('URL of the server; `{{ port }}` is the port of this side.'),
    port: z
      .number()
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe('A fixed port instead of a free one. Side by side needs free ones.'),
    cwd: text
      .default('.')
      .describe('Folder in which `build` and `start` run; the working directory if not given.'),
    env: environment
      .default({})
      .describe('Environment variables for `build` and `start`; `{{ port }}` is filled in.'),
    ready: readySchema.prefault({}),
    stopSignal: z
      .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'])
      .default('SIGTERM')
      .describe('Signal that asks the server to end.'),
    stopTimeoutMs: durationMs
      // With the kill and the check of the port after it, everything is gone within 3 s.
      .default(1_500)
      .describe('The whole process group of the server is killed when it has not ended by then.'),
    buildTimeoutMs: durationMs
      .default(600_000)
      .describe('The build is ended, and the run invalid, after this.'),
    pid: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Process id of a server that runs already, so that its resources can be sampled.'),
    resources: resourcesSchema.optional(),
    version: versionSchema.optional(),
    pin: z
      .boolean()
      .default(true)
      .describe('Pin the server and the load generator to separate cores where the machine allows.'),
    nodePreload: z
      .boolean()
      .default(true)
      .describe(
        'For Node servers: preload a small module that samples event-loop delay, heap and garbage collection.',
      ),
  })
  .describe('The server under test.');

const jwtSchema = z.strictObject({
  secret: secretSchema,
  claims: variables
    .default({})
    .describe('Claims of the token. Text is a template over the variables, for example `{{ userId }}`.'),
  algorithm: z.enum(['HS256', 'HS384', 'HS512']).default('HS256').describe('How the token is signed.'),
  expiresInSeconds: z.number().int().positive().default(3600).describe('Lifetime of the token.'),
});

const emitSchema = z.strictObject({
  event: text.describe('Name of the event.'),
  data: json.optional().describe('The only argument of the emit.'),
  args: z.array(json).optional().describe('All arguments of the emit, instead of `data`.'),
});

export const roomSchema = z
  .strictObject({
    namespace: z.string().default('/').describe('Socket.IO namespace.'),
    path: z.string().default('/socket.io').describe('Path of the Socket.IO server.'),
    transports: z
      .array(z.enum(['websocket', 'polling']))
      .min(1)
      .default(['websocket'])
      .describe('Transports, in the order in which they are tried.'),
    headers: z.record(z.string(), secretSchema).default({}).describe('Extra HTTP headers of the handshake.'),
    auth: variables
      .default({})
      .describe(
        'The `auth` object of the handshake. `{{ token }}` is the token; a value may be `{ env: NAME }`.',
      ),
    query: z.record(z.string(), z.string()).default({}).describe('Query parameters of the handshake.'),
    token: secretSchema
      .optional()
      .describe('A token that exists already, as `{{ token }}` in `auth` and `headers`.'),
    jwt: jwtSchema
      .optional()
      .describe('Mints the token of the owner, as `{{ token }}` in `auth` and `headers`.'),
    create: z
      .strictObject({
        ...emitSchema.shape,
        confirm: z
          .union([
            z.literal('ack'),
            z.literal('none'),
            z.strictObject({ event: text.describe('Event from the server that confirms the room.') }),
          ])
          .default('ack')
          .describe('What confirms the room: its acknowledgement, an event `{ event: NAME }`, or `none`.'),
        expect: json
          .optional()
          .describe(
            'Fields that the answer must have, for example `{ ok: true }`; the room is refused otherwise.',
          ),
      })
      .optional()
      .describe('The event that creates the room. Without it the first user to join creates it.'),
    delete: z
      .strictObject({
        ...emitSchema.shape,
        confirm: z.enum(['ack', 'none']).default('ack').describe('Whether to wait for its acknowledgement.'),
      })
      .optional()
      .describe('The event that deletes the room after the load.'),
    failureEvents: z
      .array(text)
      .default(['exception', 'error'])
      .describe('Events by which the server reports a failure, to the owner and to virtual users.'),
    capture: z
      .record(z.string(), text)
      .default({})
      .describe('Variables for the scenario, each a dotted path into the answer to `create`.'),
    timeoutMs: durationMs.default(10_000).describe('Longest wait for the connection and for every answer.'),
  })
  .describe('The test room: its owner connects before the load and stays connected until after it.');

const deliverySchema = z.strictObject({
  send: text.describe('Event that a virtual user emits.'),
  receive: text.optional().describe('Event that the receivers get; the same name if not given.'),
  sentPath: text.describe('Where in the sent payload the tag is put, for example `text` or `0.body.id`.'),
  receivedPath: text
    .optional()
    .describe('Where in the received payload it comes back; as `sentPath` if not given.'),
  includesSender: z.boolean().default(false).describe('Whether the sender gets its own message as well.'),
  join: z
    .strictObject({
      event: text.describe('Event whose acknowledgement makes a virtual user a member.'),
      roomPath: text.describe('Where in its payload the room is named.'),
    })
    .optional()
    .describe(
      'How a virtual user becomes a member of a room; without it, everyone connected is in one room.',
    ),
  leave: z
    .strictObject({ event: text.describe('Event that ends the membership.') })
    .optional()
    .describe('How a virtual user leaves its room before it disconnects.'),
});

export const measureSchema = z
  .strictObject({
    acknowledgements: z
      .union([z.enum(['all', 'none']), z.array(text)])
      .default('none')
      .describe(
        'Emits whose acknowledgement is timed although the scenario does not wait for it: `all`, `none`, or a list of events.',
      ),
    refusals: z
      .union([z.enum(['error', 'ignore']), z.array(text)])
      .default('error')
      .describe(
        'What an answer is that says no (`{ ok: false }`, `{ success: false }`, `{ status: "error" }`, `{ error: ... }`, an error before a missing result), where the step does not say itself what it expects. `error`: the error `refused: EVENT`, and no latency. `ignore`: an answer like any other. A list: the events whose answers may say no.',
      ),
    deliveries: z
      .array(deliverySchema)
      .default([])
      .describe('Messages timed from the send to their receipt at every other member.'),
    timeoutMs: durationMs
      .default(10_000)
      .describe('Every wait for a connection, an acknowledgement or a response ends as an error after this.'),
    drainMs: durationMs
      .default(2_000)
      .describe('How long after the last send a delivery still counts; a missing one is lost.'),
    jwt: jwtSchema
      .optional()
      .describe('Mints a token for each virtual user, as `{{ $token }}` in the scenario.'),
    main: text
      .optional()
      .describe(
        'The latency metric that the verdict looks at first, for example `chat.delivery`; if not given, the one with most values, handshakes and session lengths last.',
      ),
    arrivals: z
      .enum(['on-time', 'best-effort'])
      .default('on-time')
      .describe(
        'What users that the load generator cannot start at their instant mean. `on-time`: the round has no verdict. `best-effort`, for bursts: they start as fast as it can start them, the report says how fast that was, and the limits are judged at that rate, except where the delays of the generator itself may be what misses them (docs/how-it-decides.md).',
      ),
    generators: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe(
        'Processes that share the users of the load. Each uses one core at most, so that more of them take a larger load only where the generator has more cores: half of those of the machine, or all of another machine.',
      ),
    raw: z
      .boolean()
      .default(false)
      .describe('Write every single latency as JSON lines into the report folder.'),
    custom: z
      .strictObject({
        command: text
          .optional()
          .describe('Command run after the load, whose standard output is a JSON object of numbers.'),
        url: text.optional().describe('URL asked after the load that answers with a JSON object of numbers.'),
        timeoutMs: durationMs.default(30_000).describe('Longest wait for the numbers.'),
      })
      .optional()
      .describe('Numbers of your own, for example messages persisted; metrics named `custom.NAME`.'),
    profile: z
      .union([
        z.literal('perf'),
        z.strictObject({
          command: text
            .optional()
            .describe(
              'Command run while the server is under load, whose standard output is the profile. `{{ pid }}`, `{{ port }}`, `{{ url }}` and `{{ seconds }}` are filled in.',
            ),
          url: text
            .optional()
            .describe(
              'URL asked while the server is under load, for example `/debug/pprof/profile?seconds={{ seconds }}`.',
            ),
          timeoutMs: durationMs.default(10_000).describe('Longest wait for the profile after its seconds.'),
        }),
      ])
      .optional()
      .describe(
        'Where the profile of a server comes from that does not run on Node: `perf`, or a command or URL that gives pprof, folded stacks or a `.cpuprofile` (docs/explain.md). If not given: `perf`, where it is installed. Profiles are taken to explain a change, and never in what is judged.',
      ),
  })
  .describe('What is measured.');

export const baselineSchema = z
  .strictObject({
    mode: z
      .enum(['side-by-side', 'branch', 'file', 'none'])
      .default('branch')
      .describe(
        '`side-by-side` measures the base commit in the same job; `branch` and `file` read stored records; `none` leaves absolute limits alone.',
      ),
    path: text.default('.tailgate/baseline.jsonl').describe('The file of records, for `file`.'),
    branch: text.default('tailgate').describe('The orphan branch of records, for `branch`.'),
    remote: text
      .optional()
      .describe('Git remote (name or URL) that holds `branch`, where GitHub is not used.'),
    ref: text
      .optional()
      .describe('For `side-by-side`: the commit to compare with; found from the event if not given.'),
    dir: text.optional().describe('For `side-by-side` without git: folder that holds the base version.'),
    start: text
      .optional()
      .describe('For `side-by-side`: the command that starts the base version, if it differs.'),
    url: text
      .optional()
      .describe(
        'For `side-by-side` of two versions that run already: URL of the base version, where `target.url` is that of the head.',
      ),
    key: z
      .string()
      .optional()
      .describe(
        'Whose history it is, for stored records: suites of the same name under different keys share none. If not given: the folder of the settings file in the repository, empty at its root. `""` goes on with records that have none, as earlier versions stored them.',
      ),
    require: z
      .boolean()
      .optional()
      .describe(
        'Whether a missing baseline makes the run invalid; otherwise the absolute limits decide alone. If not given: yes for `side-by-side`, no for stored records. With `false`, a base version that does not exist yet, does not build or does not start is such a missing baseline.',
      ),
    confirm: z
      .enum(['same-job', 'fresh-job'])
      .default('same-job')
      .describe(
        'Where a run that exceeds what stored runs allow is measured again before it can fail: in the `same-job`, or in a `fresh-job` on another machine: this run then ends with the output `verdict: suspect`.',
      ),
    confirmFrom: text
      .optional()
      .describe(
        'Records of a suspect run (`records.jsonl`, or the report folder of its job), which this run confirms or refutes.',
      ),
    record: z
      .enum(['default-branch', 'always', 'never'])
      .default('default-branch')
      .describe('When this run is stored. A failing run is stored by `tailgate baseline accept` alone.'),
    keep: z.number().int().positive().default(200).describe('Records kept of each suite.'),
    keepDays: z.number().int().positive().default(365).describe('Days for which a record is kept.'),
  })
  .describe('What a run is compared with.');

export const verdictSchema = z
  .strictObject({
    materialityPercent: z
      .number()
      .min(0)
      .default(3)
      .describe(
        'Where no threshold says otherwise, a proven rise of the median fails from here on, in percent; one of the floor (p10) from two thirds of it, one of the tail and the p99 from five thirds.',
      ),
    marginPercent: z
      .number()
      .positive()
      .default(10)
      .describe(
        'Where no threshold says otherwise, the rise of the main latency that must be ruled out to pass, in percent.',
      ),
    marginP99Percent: z.number().positive().default(20).describe('The same of its p99, in percent.'),
    floorMs: z
      .number()
      .min(0)
      .optional()
      .describe(
        'A change of a latency below this many milliseconds is never a failure. If not given: 0 where a change is proven (side by side, history), 1 where it is not (fewer than ten stored runs).',
      ),
    errorRisePoints: z
      .number()
      .min(0)
      .default(0.05)
      .describe('A rise of the error rate below this many percentage points is never a failure.'),
    minPairs: z
      .number()
      .int()
      .min(2)
      .default(6)
      .describe('Pairs measured before the first verdict, side by side.'),
    maxPairs: z
      .number()
      .int()
      .min(2)
      .default(20)
      .describe('Pairs after which an open verdict is inconclusive.'),
    alternate: z
      .enum(['auto', 'slices', 'rounds'])
      .default('auto')
      .describe(
        'How the sides take turns: in `slices`, in whole `rounds` one after the other, or `auto`: in slices where the scenario can be driven so, in slices of 5 s where answers take long, else in rounds.',
      ),
    sliceMs: durationMs.default(1_000).describe('Length of a slice, in which one side alone is driven.'),
    slicesPerSide: z.number().int().min(1).default(10).describe('Slices of each side in a pair.'),
    warmUpMs: z
      .number()
      .int()
      .min(0)
      .default(2_000)
      .describe(
        'Load that each side of a pair is given before its first slice; what it measures is forgotten.',
      ),
    guardMs: z
      .number()
      .int()
      .min(0)
      .default(250)
      .describe('How long messages in flight may take to finish before the other side starts.'),
    minSamplesP99: z
      .number()
      .int()
      .positive()
      .default(1_000)
      .describe('Values without which a p99 is not judged, per side over all rounds.'),
    minSamplesP95: z.number().int().positive().default(200).describe('The same for a p95.'),
    minSamplesP50: z.number().int().positive().default(50).describe('The same for a p50.'),
  })
  .describe('How the verdict is reached; docs/how-it-decides.md explains each.');

const capacitySchema = z
  .strictObject({
    from: z.number().positive().default(10).describe('Virtual users a second of the first step.'),
    to: z.number().positive().default(10_000).describe('Virtual users a second at which the search ends.'),
    growth: z.number().min(1.1).default(2).describe('Factor from one step to the next until a limit fails.'),
    stepMs: durationMs.default(15_000).describe('Length of a step, without its warm-up.'),
    warmUpMs: durationMs
      .optional()
      .describe(
        'Load before each step, of which nothing is measured: a ramp, and the time until as many users leave as arrive. If not given: 2 s and the length of a session, at most 60 s.',
      ),
    precisionPercent: z
      .number()
      .positive()
      .default(5)
      .describe('The search ends when the highest load that holds and the lowest that fails are this close.'),
    confirmations: z
      .number()
      .int()
      .min(0)
      .default(1)
      .describe(
        'How often the highest load that holds and the lowest that fails are measured again; where the answers differ, most of them decide.',
      ),
    atLeast: z
      .number()
      .positive()
      .optional()
      .describe('Virtual users a second that the server must take: the verdict fails below.'),
    maxDropPercent: z
      .number()
      .min(0)
      .max(100)
      .default(10)
      .describe(
        "Share of the base version's capacity that the head may lose, in percent, for `side-by-side`. A loss within the precision of the search never fails.",
      ),
  })
  .describe('How `tailgate capacity` searches the highest load at which the limits hold.');

const thresholds = z.array(text);
const overrides = z.record(z.string(), json);

const levelSchema = z.strictObject({
  name: text.describe('Name of the level; the suite is reported as `suite/level`.'),
  overrides: overrides.default({}).describe('Merged over `overrides` of the suite.'),
  variables: variables.default({}).describe('Merged over `variables` of the suite.'),
  thresholds: thresholds
    .optional()
    .describe('Limits of this level; each replaces the limit of the suite on the same metric and statistic.'),
});

const suiteSchema = z.strictObject({
  name: text.describe('Name in the report and in the baseline.'),
  kind: z
    .enum(['load', 'endurance'])
    .default('load')
    .describe(
      '`endurance`: users come and go in waves, and what stays in the server after each is judged: memory, sockets, listeners, timers, rooms, descriptors (docs/memory.md).',
    ),
  minutes: z
    .number()
    .positive()
    .optional()
    .describe('For `endurance`: how long the waves go on, both versions together; 2 if not given.'),
  scenario: text.describe('Artillery scenario file.'),
  environment: text.optional().describe('Environment of the scenario (`config.environments`).'),
  overrides: overrides
    .default({})
    .describe('Merged over `config` of the scenario, for example its `phases`.'),
  variables: variables.default({}).describe('Variables for the scenario.'),
  levels: z
    .array(levelSchema)
    .default([])
    .describe('Runs the suite once for each level of load, reported as one table.'),
  target: targetSchema.optional().describe('Merged over `target` of the top level.'),
  room: z
    .union([roomSchema, z.literal(false)])
    .optional()
    .describe('Merged over `room` of the top level; `false` for no room.'),
  measure: measureSchema.optional().describe('Merged over `measure` of the top level.'),
  thresholds: thresholds
    .optional()
    .describe(
      'Limits of this suite; each replaces the limit of the top level on the same metric and statistic.',
    ),
});

export const settingsSchema = z.strictObject({
  extends: z
    .union([text, z.array(text)])
    .optional()
    .describe(
      'Settings files that this one goes over, the later over the earlier: a path that begins with `./` or `../`, or a file of an installed package (`@acme/tailgate/defaults.yml`; `tailgate.yml` if only the package is named). docs/organisation.md explains it.',
    ),
  suites: z.array(suiteSchema).default([]).describe('What is run, in this order.'),
  target: targetSchema.prefault({}),
  room: z
    .union([roomSchema, z.literal(false)])
    .optional()
    .describe(
      'The test room: its owner connects before the load and stays connected until after it; `false` for none.',
    ),
  measure: measureSchema.prefault({}),
  baseline: baselineSchema.prefault({}),
  verdict: verdictSchema.prefault({}),
  capacity: capacitySchema.prefault({}),
  thresholds: thresholds
    .default([])
    .describe('Limits for every suite, in the grammar of docs/thresholds.md.'),
  failOn: z
    .array(z.enum(['fail', 'inconclusive', 'invalid']))
    .default(['fail', 'invalid'])
    .describe('Verdicts that fail the step.'),
  explain: z
    .enum(['never', 'on-change', 'always'])
    .default('on-change')
    .describe(
      'When the work of both sides is counted after the verdict, side by side, to say which function does more and on which line. `on-change`: after a failure, or when what a message costs has moved, for at most 90 s; otherwise for at most 20 s. `always`: with profiles every time. docs/explain.md explains it.',
    ),
  sameCode: z
    .enum(['pass', 'measure'])
    .default('pass')
    .describe(
      'What is done, side by side, when both sides ran the same scripts with the same content and the change touches nothing else that the server could read. `pass`: limits on a change pass after the first pair, and limits on this PR alone have the pairs that they need. `measure`: it is measured all the same.',
    ),
  comment: z
    .enum(['always', 'on-change', 'on-fail', 'never'])
    .default('always')
    .describe('When to comment on the pull request.'),
  check: z
    .strictObject({
      kind: z
        .enum(['none', 'check-run', 'commit-status'])
        .default('none')
        .describe('What is set on the head commit.'),
      name: text.default('tailgate').describe('Its name, to be required in branch protection.'),
    })
    .prefault({})
    .describe('A check with a fixed name, beside the result of the job.'),
  rounds: z.number().int().positive().default(1).describe('Rounds of a run that is not side by side.'),
  maxMinutes: z
    .number()
    .positive()
    .default(15)
    .describe('Minutes after which no further round is started; the verdict is given with what there is.'),
  seed: z.number().int().default(1).describe('Seed of everything random, so that a run can be repeated.'),
  secrets: z
    .array(text)
    .default([])
    .describe(
      'Environment variables whose values are never shown, beside those that other settings name: what a scenario reads from `$processEnvironment`.',
    ),
  secretColumns: z
    .array(text)
    .default([])
    .describe('Columns of payload files whose values are never shown: tokens and passwords of users.'),
  reportDir: text.default('.tailgate').describe('Folder for reports, logs and raw values.'),
});

export type Settings = z.output<typeof settingsSchema>;
export type SuiteSettings = z.output<typeof suiteSchema>;
export type TargetSettings = z.output<typeof targetSchema>;
export type ResourceSettings = z.output<typeof resourcesSchema>;
export type VersionSettings = z.output<typeof versionSchema>;
export type RoomSettings = z.output<typeof roomSchema>;
export type ReadySettings = z.output<typeof readySchema>;
export type MeasureSettings = z.output<typeof measureSchema>;
export type BaselineSettings = z.output<typeof baselineSchema>;
export type CapacitySettings = z.output<typeof capacitySchema>;
export type VerdictSettings = z.output<typeof verdictSchema>;
/** A secret as it stands in the settings: a literal, or the environment variable that holds it. */
export type SecretSetting = z.output<typeof secretSchema>;
