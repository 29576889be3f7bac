/**
 * Every error a user can meet: what is wrong, where, and what to write instead.
 * Each code is an entry of `catalogue`; nothing else in the code base words an error for the user.
 */

/** Process exit codes, one per outcome. Documented in the README; never renumbered. */
export const exitCodes = {
  pass: 0,
  fail: 1,
  usage: 2,
  inconclusive: 3,
  invalid: 4,
  internal: 70,
  cancelled: 130,
} as const;

export type ExitName = keyof typeof exitCodes;

/** What each exit code means, in one line, for `--help` and the documentation. */
export const exitMeanings: Record<ExitName, string> = {
  pass: 'no limit failed, or the verdict is not one that "fail-on" lists',
  fail: 'a limit failed',
  usage: 'a mistake in a flag, the settings or the scenario; nothing was started',
  inconclusive: 'the measurements could not decide (only if "fail-on" lists it)',
  invalid: 'no verdict can be trusted: the server died, the room was lost, nothing was measured',
  internal: 'a bug in Tailgate',
  cancelled: 'interrupted; everything that was started has been stopped',
};

type Entry<P> = {
  exit: ExitName;
  cause: (params: P) => string;
  fix: (params: P) => string;
};

/** A command of the target that did not do its part; `version` names the base version, where it is that one's. */
type Started = { command: string; version?: string | undefined; log: string; tail: string };

const baseNeedsBuild =
  'The base version has a checkout of its own, which no step of the workflow installs anything into. Let "target.build" install what it needs (for example "npm ci"): it runs for both versions.';

/**
 * The catalogue. `usage` entries are mistakes in what the user wrote; `invalid` entries mean that the run
 * could not produce a verdict that can be trusted.
 */
export const catalogue = {
  // settings
  SETTINGS_FILE_MISSING: entry<{ path: string }>(
    'usage',
    (p) => `The settings file "${p.path}" does not exist.`,
    () => 'Create it, or name another file with the input "config" (command line: --config FILE).',
  ),
  WORKING_FOLDER_GONE: entry<Record<never, never>>(
    'usage',
    () => 'The folder that this command runs in no longer exists.',
    () => 'Run it from a folder that exists; something removed this one, a clean checkout for example.',
  ),
  SETTINGS_NOT_YAML: entry<{ reason: string }>(
    'usage',
    (p) => `The settings file is not valid YAML: ${p.reason}`,
    () => 'Correct the line named here; YAML is indented with spaces, never tabs.',
  ),
  EXTENDS_NOT_FOUND: entry<{ name: string }>(
    'usage',
    (p) => `The settings "${p.name}" that this file extends cannot be found.`,
    (p) =>
      /^[./\\]/.test(p.name)
        ? 'Correct the path; it is relative to this file.'
        : `Install the package before this step ("npm ci"), or begin a path with "./": "./${p.name}".`,
  ),
  EXTENDS_CIRCULAR: entry<{ circle: readonly string[] }>(
    'usage',
    (p) => `These settings extend each other in a circle: ${p.circle.join(' -> ')}.`,
    () => 'Remove one "extends".',
  ),
  SETTINGS_UNKNOWN_KEY: entry<{ key: string; suggestion?: string | undefined; known: readonly string[] }>(
    'usage',
    (p) => `Unknown setting "${p.key}".`,
    (p) => (p.suggestion ? `Did you mean "${p.suggestion}"?` : `Known settings here: ${list(p.known)}.`),
  ),
  SETTINGS_INVALID_VALUE: entry<{ key: string; problem: string; expected: string }>(
    'usage',
    (p) => `The setting "${p.key}" is not valid: ${p.problem}.`,
    (p) => p.expected,
  ),
  OVERRIDE_INVALID: entry<{ key: string; problem: string }>(
    'usage',
    (p) => `The setting "${p.key}" is not valid: ${p.problem}`,
    () => 'Overrides are merged over "config" of the scenario, so they have its keys; see docs/scenarios.md.',
  ),
  SETTINGS_NOTHING_TO_RUN: entry<Record<never, never>>(
    'usage',
    () => 'There is nothing to run: no suite and no scenario is set.',
    () => 'Set the input "scenario" (command line: --scenario FILE), or list "suites:" in tailgate.yml.',
  ),
  FILE_UNREADABLE: entry<{ path: string; reason: string }>(
    'usage',
    (p) => `"${p.path}" cannot be read: ${p.reason}.`,
    () => 'Name a file that this user may read.',
  ),
  FILE_UNWRITABLE: entry<{ path: string; reason: string }>(
    'usage',
    (p) => `"${p.path}" cannot be written: ${p.reason}.`,
    () =>
      'Name another folder with the input "report-dir" (command line: --report-dir), or let this user write there.',
  ),
  SUITE_UNKNOWN: entry<{ name: string; known: readonly string[] }>(
    'usage',
    (p) => `There is no suite named "${p.name}".`,
    (p) => `Suites in the settings: ${list(p.known)}.`,
  ),
  SECRET_MISSING: entry<{ name: string; key: string; source: 'terminal' | 'workflow' | 'fork' }>(
    'usage',
    (p) =>
      p.source === 'fork'
        ? `The setting "${p.key}" takes its value from the environment variable ${p.name}, which is not set: runs of forks and of Dependabot have no secrets.`
        : `The setting "${p.key}" takes its value from the environment variable ${p.name}, which is not set.`,
    (p) => {
      const literal = `a server that Tailgate starts needs no real secret: write "${p.name}: test-secret" under "target.env", and the same text as "${p.key}"`;
      if (p.source === 'fork') return `${literal.slice(0, 1).toUpperCase()}${literal.slice(1)}.`;
      return p.source === 'terminal'
        ? `Set it for this command: "${p.name}=... tailgate run". Or ${literal}.`
        : `Pass it to the step: "env: { ${p.name}: \${{ secrets.${p.name} }} }". Or ${literal}, which works for forks too.`;
    },
  ),

  INPUT_UNKNOWN: entry<{ name: string; suggestion?: string | undefined; known: readonly string[] }>(
    'usage',
    (p) => `There is no input "${p.name}".`,
    (p) => (p.suggestion ? `Did you mean "${p.suggestion}"?` : `Inputs: ${list(p.known)}.`),
  ),
  COMMAND_UNKNOWN: entry<{ name: string; suggestion?: string | undefined; known: readonly string[] }>(
    'usage',
    (p) => `There is no command "${p.name}".`,
    (p) => (p.suggestion ? `Did you mean "${p.suggestion}"?` : `Commands: ${list(p.known)}.`),
  ),
  OPTION_UNKNOWN: entry<{ option: string; command: string; suggestion?: string | undefined }>(
    'usage',
    (p) => `"tailgate ${p.command}" has no option "${p.option}".`,
    (p) =>
      p.suggestion ? `Did you mean "${p.suggestion}"?` : `"tailgate ${p.command} --help" lists its options.`,
  ),
  ARGUMENTS_INVALID: entry<{ command: string; problem: string }>(
    'usage',
    (p) => `The command line is not valid: ${p.problem}.`,
    (p) => `"tailgate ${p.command} --help" shows the syntax.`,
  ),

  KIND_UNFIT: entry<{ suite: string; command: string }>(
    'usage',
    (p) =>
      `The suite "${p.suite}" is of kind "endurance", which ${p.command} does not measure: users come in waves, and what stays is judged, not how fast it was.`,
    () => 'Name another suite with --suite; "tailgate run" measures this one.',
  ),

  // record and init
  RECORDING_INVALID: entry<{ path: string; problem: string }>(
    'usage',
    (p) => `"${p.path}" cannot be made into a scenario: ${p.problem}.`,
    () =>
      'Save a HAR with WebSocket messages (Chrome: Network, "Export HAR"; Playwright: "recordHar"), or record through a relay with "tailgate record --target URL".',
  ),
  RECORDING_EMPTY: entry<{ url: string }>(
    'usage',
    (p) => `Nothing was recorded: no connection of Socket.IO, WebSocket or STOMP went through ${p.url}.`,
    () =>
      'Open the application at the address of the relay, and let its client connect there: a client that names the server itself goes past it.',
  ),
  FILE_EXISTS: entry<{ path: string; command: string }>(
    'usage',
    (p) => `"${p.path}" exists, and "tailgate ${p.command}" does not overwrite what somebody wrote.`,
    (p) =>
      p.command === 'record' ? 'Name another file with --out, or add --force.' : 'Add --force to replace it.',
  ),

  IMPORT_UNKNOWN: entry<{ path: string }>(
    'usage',
    (p) =>
      `"${p.path}" is neither a script around "artillery run", nor one of k6 with WebSockets, nor a plan of JMeter.`,
    () => 'Name one of these; docs/migration.md says what else maps.',
  ),
  INIT_NO_START: entry<Record<never, never>>(
    'usage',
    () =>
      'Nothing here says how the server is started: no script in package.json, no Dockerfile, no server.js.',
    () => 'Say it: tailgate init --start "COMMAND".',
  ),
  INIT_NO_SERVER: entry<{ failures: readonly string[] }>(
    'usage',
    (p) => `No server to measure was found:\n${p.failures.map((failure) => `  ${failure}`).join('\n')}`,
    () =>
      'Install and build the project first, set what the server needs in the environment, or name the command: tailgate init --start "COMMAND".',
  ),

  INIT_REFUSED: entry<{ reason: string; jwt: { env: string | null } | null }>(
    'usage',
    (p) => `The server lets no client in: ${p.reason}.`,
    ({ jwt }) =>
      jwt === null
        ? 'Record a client that it lets in: tailgate record.'
        : jwt.env === null
          ? 'It verifies tokens with a secret that is in no variable of the environment. Let it read one, JWT_SECRET for example, and run this again.'
          : `It was given a token signed with a ${jwt.env} that is made up here. Where it takes only users that it knows, record one of them: tailgate record.`,
  ),

  // thresholds
  THRESHOLD_SYNTAX: entry<{ source: string; column: number; problem: string; expected: string }>(
    'usage',
    (p) => `The threshold "${p.source}" is not valid at column ${p.column}: ${p.problem}.`,
    (p) => p.expected,
  ),
  THRESHOLD_UNKNOWN_METRIC: entry<{
    sources: readonly string[];
    metric: string;
    suggestion: string | undefined;
    nearest: readonly string[];
    how: string | null;
  }>(
    'usage',
    (p) =>
      `${p.sources.length === 1 ? 'The threshold' : 'The thresholds'} ${list(p.sources)} ${p.sources.length === 1 ? 'names' : 'name'} "${p.metric}", which this suite cannot measure.`,
    (p) =>
      [
        ...(p.suggestion === undefined
          ? p.nearest.length === 0
            ? []
            : [`It can measure for example ${list(p.nearest)}.`]
          : [`Did you mean "${p.suggestion}"?`]),
        ...(p.how === null ? [] : [`To measure "${p.metric}": ${p.how}.`]),
      ].join(' ') || 'docs/thresholds.md lists what can be measured.',
  ),

  CAPACITY_NO_LIMIT: entry<{ suite: string }>(
    'usage',
    (p) => `Suite "${p.suite}" has no absolute limit, so no load would be too much for it.`,
    () => 'Say what must hold, for example:\nthresholds:\n  - p95 < 200ms\n  - errors.rate < 1%',
  ),
  CAPACITY_ONE_SUITE: entry<{ known: readonly string[] }>(
    'usage',
    () => 'A search for the capacity takes one suite, and several are selected.',
    (p) => `Choose one with the input "suite" (command line: --suite NAME): ${list(p.known)}.`,
  ),

  // scenario
  SCENARIO_MISSING: entry<{ path: string }>(
    'usage',
    (p) => `The scenario file "${p.path}" does not exist.`,
    () => 'Correct the path; it is relative to the settings file, or to the working directory for an input.',
  ),
  SCENARIO_INVALID: entry<{ path: string; problem: string }>(
    'usage',
    (p) => `The scenario "${p.path}" is not valid: ${p.problem}`,
    () => 'The scenario language is that of Artillery; see docs/scenarios.md.',
  ),
  SCENARIO_ENVIRONMENT_UNKNOWN: entry<{ name: string; path: string; known: readonly string[] }>(
    'usage',
    (p) => `The scenario "${p.path}" has no environment "${p.name}".`,
    (p) => (p.known.length > 0 ? `It has: ${list(p.known)}.` : 'It has none under "config.environments".'),
  ),
  SCENARIO_ENGINE_UNKNOWN: entry<{ engine: string; path: string; known: readonly string[] }>(
    'usage',
    (p) =>
      p.engine === 'playwright'
        ? `The scenario "${p.path}" uses the engine playwright, which is not supported.`
        : `The scenario "${p.path}" uses the engine "${p.engine}", which Tailgate does not have.`,
    (p) =>
      p.engine === 'playwright'
        ? 'Tailgate drives connections and not browsers: write what the page sends as a scenario of "socketio", "ws", "stomp" or "http".'
        : `Engines: ${list(p.known)}. One that is installed as "artillery-engine-${p.engine}" beside the scenario works, too.`,
  ),
  SCENARIO_FILE_MISSING: entry<{ what: string; file: string; path: string }>(
    'usage',
    (p) => `The ${p.what} "${p.file}" of the scenario "${p.path}" does not exist, or is no file.`,
    () => 'Correct the path; it is relative to the scenario file.',
  ),
  SCENARIO_PLUGIN_MISSING: entry<{ plugin: string; package: string; path: string }>(
    'usage',
    (p) =>
      `The scenario "${p.path}" uses the plugin "${p.plugin}", but the package "${p.package}" is not installed.`,
    (p) =>
      `Install it beside the scenario ("npm install ${p.package}"), or switch it off for this run with the override "plugins: { ${p.plugin}: false }".`,
  ),
  SCENARIO_CODE_FAILED: entry<{ what: string; reason: string; path: string }>(
    'usage',
    (p) => `The ${p.what} of the scenario "${p.path}" cannot be used: ${p.reason}`,
    (p) => {
      const missing = /Cannot find (?:module|package) '([^'./][^']*)'/.exec(p.reason)?.[1];
      return missing === undefined
        ? 'Tailgate loads it as Artillery does; this is what it threw.'
        : `Install "${missing}" where the file that needs it is, for example with "npm ci".`;
    },
  ),
  SCENARIO_TEMPLATE_EMPTY: entry<{ path: string; problem: string; fix: string }>(
    'usage',
    (p) => `A template of the scenario "${p.path}" stands for nothing: ${p.problem}.`,
    (p) => p.fix,
  ),
  SCENARIO_FUNCTION_MISSING: entry<{
    path: string;
    name: string;
    processor: string | null;
    known: readonly string[];
    suggestion: string | undefined;
  }>(
    'usage',
    (p) =>
      p.processor === null
        ? `The scenario "${p.path}" calls the function "${p.name}", but has no processor.`
        : `The processor "${p.processor}" of the scenario "${p.path}" exports no function "${p.name}".`,
    (p) =>
      p.processor === null
        ? 'Set "config.processor" to the module that exports it.'
        : `${p.suggestion === undefined ? '' : `Did you mean "${p.suggestion}"? `}${p.known.length === 0 ? 'It exports no functions.' : `It exports ${list(p.known)}.`}`,
  ),
  SCENARIO_MEASURES_NOTHING: entry<{
    path: string;
    events: readonly string[];
    what: 'emit' | 'message';
    advice: string;
  }>(
    'usage',
    (p) =>
      `The scenario "${p.path}" measures nothing: no ${p.what} waits for ${p.what === 'emit' ? 'an acknowledgement or a response' : 'an answer'}, and no delivery is watched${p.events.length > 0 ? ` (${p.what === 'emit' ? 'events' : 'messages'} sent: ${list(p.events)})` : ''}.`,
    (p) => p.advice,
  ),

  // target
  BUILD_FAILED: entry<Started & { exitCode: number | string }>(
    'invalid',
    (p) => `The build command "${p.command}"${ofVersion(p)} ended with ${p.exitCode}.\n${p.tail}`,
    (p) =>
      p.version === undefined
        ? `Run the command by hand; the full output is in ${p.log}.`
        : `Repair it on the base branch first, or let the absolute limits decide alone ("baseline.require: false"); the full output is in ${p.log}.`,
  ),
  TARGET_EXITED: entry<Started & { exitCode: number | string }>(
    'invalid',
    (p) =>
      `The server "${p.command}"${ofVersion(p)} ended with ${p.exitCode} before it was ready.\n${p.tail}`,
    (p) =>
      p.version === undefined
        ? `Its last lines say why; the whole output is in ${p.log}. A shell runs the command in "target.cwd".`
        : `${baseNeedsBuild} The whole output is in ${p.log}.`,
  ),
  TARGET_UNSUPPORTED: entry<Started & { answer: string }>(
    'invalid',
    (p) =>
      `The server "${p.command}"${ofVersion(p)} cannot be measured: it answered with ${p.answer}.\n${p.tail}`,
    () =>
      'Tailgate needs Socket.IO 3 or 4. Upgrade the server; "allowEIO3: true" keeps its version 2 clients working.',
  ),
  TARGET_NOT_READY: entry<
    Started & { probe: string; timeoutMs: number; last: string; port: number; listens: readonly number[] }
  >(
    'invalid',
    (p) =>
      `The server "${p.command}"${ofVersion(p)} was not ready within ${p.timeoutMs} ms (${p.probe}; last answer: ${p.last}).\n${p.tail}`,
    (p) =>
      p.listens.length > 0 && !p.listens.includes(p.port)
        ? `It listens on port ${p.listens.join(' and ')} instead of ${p.port}, so it does not read its port from the variable PORT. Make it read PORT, or set "target.port: ${p.listens[0]}" (command line: --target http://127.0.0.1:${p.listens[0]}). Two versions side by side need PORT.`
        : `Check the port and the path in "ready", or raise "ready.timeoutMs".${p.version === undefined ? '' : ` ${baseNeedsBuild}`}`,
  ),
  TARGET_DIED: entry<{ command: string; exitCode: number | string; tail: string }>(
    'invalid',
    (p) => `The server "${p.command}" ended with ${p.exitCode} during the measurement.\n${p.tail}`,
    () => 'Its last lines say why. A server that dies under load gets no verdict.',
  ),
  TARGET_UNREACHABLE: entry<{ url: string; reason: string }>(
    'invalid',
    (p) => `Nothing answers at ${p.url} (${p.reason}).`,
    () => 'Start the server before the step, or set "start" so that Tailgate starts it.',
  ),
  PORT_IN_USE: entry<{ port: number; holder: string }>(
    'invalid',
    (p) => `Port ${p.port} is already in use${p.holder ? ` by ${p.holder}` : ''}.`,
    () =>
      'Stop what listens there, or write "{{ port }}" in "target.start" and "target.url" to get a free port.',
  ),
  LIMIT_TOO_LOW: entry<{ limit: string; needed: number; allowed: number; how: string }>(
    'invalid',
    (p) => `The load needs ${p.needed} ${p.limit}, but this machine allows ${p.allowed}.`,
    (p) => p.how,
  ),
  CUSTOM_METRICS_FAILED: entry<{ source: string; reason: string }>(
    'invalid',
    (p) => `The custom metrics ("${p.source}") could not be read: ${p.reason}.`,
    () => 'It must give one JSON object of numbers and nothing else, for example {"persisted": 1200}.',
  ),
  RESOURCES_FAILED: entry<{ source: string; reason: string }>(
    'invalid',
    (p) => `The resources of the server could not be read from "${p.source}": ${p.reason}.`,
    () =>
      'Ask it by hand, and repair "target.resources" (docs/server.md); without it, a server that runs elsewhere has no resources in the report.',
  ),
  TARGET_VERSION_UNREADABLE: entry<{ source: string; url: string; reason: string }>(
    'invalid',
    (p) => `"${p.source}" does not tell which commit runs at ${p.url}: ${p.reason}.`,
    () =>
      'The answer must name the commit by at least seven characters of its id ("target.version", docs/server.md).',
  ),
  TARGET_VERSION_OTHER: entry<{
    url: string;
    side: 'head' | 'baseline';
    found: readonly string[];
    wanted: readonly string[];
  }>(
    'invalid',
    (p) =>
      `At ${p.url} runs ${p.found.join(', ')}, and ${p.wanted.length === 0 ? 'no commit is known here that it could be' : `${p.wanted.join(' or ')} is to be ${p.side === 'head' ? 'judged' : 'compared with'}`}.`,
    (p) =>
      p.side === 'head'
        ? 'Deploy the commit, and start the run once the new version answers everywhere.'
        : 'Deploy the base commit there, or name the commit that runs there in "baseline.ref".',
  ),

  // room
  ROOM_CONNECT_FAILED: entry<{ url: string; reason: string }>(
    'invalid',
    (p) => `The room owner could not connect to ${p.url}: ${p.reason}.`,
    () => 'Check "room.namespace", "room.transports", "room.auth" and "room.headers".',
  ),
  ROOM_REFUSED: entry<{ event: string; reason: string }>(
    'invalid',
    (p) => `The server refused to create the room: it answered "${p.event}" with ${p.reason}.`,
    () => 'Check "room.create.data" and the token of the owner ("room.token" or "room.jwt").',
  ),
  ROOM_UNANSWERED: entry<{ event: string; timeoutMs: number }>(
    'invalid',
    (p) => `The server did not acknowledge "${p.event}" within ${p.timeoutMs} ms.`,
    () =>
      'If it never acknowledges this event, set "room.create.confirm" to the event that confirms the room, or to "none".',
  ),
  ROOM_LOST: entry<{ reason: string; atMs: number }>(
    'invalid',
    (p) =>
      `The room owner was disconnected ${Math.round(p.atMs)} ms into the load (${p.reason}), so the room was lost.`,
    () => 'The report has the measurements up to then, without a verdict.',
  ),

  // load and measurement
  LOAD_FAILED: entry<{ reason: string }>(
    'invalid',
    (p) => `The load generator failed: ${p.reason}`,
    () => 'The report has what it measured before.',
  ),
  NOTHING_MEASURED: entry<{ suite: string }>(
    'invalid',
    (p) => `Nothing was measured in suite "${p.suite}": no latency was recorded.`,
    () => 'The errors above say why; a run without data never passes.',
  ),
  GENERATOR_BOTTLENECK: entry<{ reason: string }>(
    'invalid',
    (p) => `The load generator was the bottleneck: ${p.reason}.`,
    () =>
      'Lower the arrival rate, or use a machine with more cores and set "measure.generators". The server is not to blame. For a burst, "measure.arrivals: best-effort" judges what it can.',
  ),

  // shards
  SHARD_UNSUPPORTED: entry<{ suite: string; what: string; instead: string }>(
    'usage',
    (p) => `Suite "${p.suite}" cannot be driven in shards: ${p.what}.`,
    (p) => p.instead,
  ),
  SHARD_LATE: entry<{ round: number; lateMs: number }>(
    'invalid',
    (p) =>
      `This shard was ready ${Math.ceil(p.lateMs)} ms after the start of round ${p.round}, so it drove no load.`,
    (p) =>
      p.round === 1
        ? 'Set "start-at" later: every shard must have started and reached the server by then.'
        : 'Sessions of the round before took too long. Make them shorter, or set "rounds: 1".',
  ),
  SHARD_REFUSED: entry<{ files: readonly string[]; reason: string }>(
    'invalid',
    (p) =>
      p.files.length === 1
        ? `The shard "${p.files[0]}" was refused: ${p.reason}.`
        : `${p.files.length} shards were refused, each because ${p.reason}: ${some(p.files, list)}.`,
    () => 'Merge each shard of this run once, unchanged, with the settings that it ran with.',
  ),
  SHARD_DOUBLED: entry<{ number: number; files: readonly string[] }>(
    'invalid',
    (p) => `Two files are shard ${p.number}: ${list(p.files)}.`,
    () => 'Give each shard a number of its own, and merge each once.',
  ),
  SHARDS_MISSING: entry<{ missing: readonly number[]; count: number; found: number }>(
    'invalid',
    (p) =>
      p.found === 0
        ? 'There is no shard to merge.'
        : `${p.missing.length} of ${p.count} shards left nothing: ${some(p.missing, (numbers) => numbers.join(', '))}.`,
    () =>
      'Check the logs of their jobs, and where their files were copied to. A part of the load is never judged.',
  ),
  SHARD_FAILED: entry<{ numbers: readonly number[]; suite: string; problem: string }>(
    'invalid',
    (p) =>
      `${p.numbers.length === 1 ? 'Shard' : 'Shards'} ${some(p.numbers, (numbers) => numbers.join(', '))} did not measure suite "${p.suite}": ${p.problem.replace(/\.$/, '')}.`,
    () => 'A part of the load is never judged: start all shards again.',
  ),
  SHARDS_DIVIDED: entry<{ suite: string; round: number; users: number; intended: number }>(
    'invalid',
    (p) =>
      `Round ${p.round} of suite "${p.suite}" has ${p.users} users; the shards were to start ${p.intended}.`,
    () => 'Start every shard with the same scenario and settings, and with the same count ("--shard i/n").',
  ),
  SHARDS_APART: entry<{
    suite: string;
    /** Null where they started a slice of one. */
    round: number | null;
    apartMs: number;
    errorMs: number;
    number: number;
    allowedMs: number;
  }>(
    'invalid',
    (p) =>
      `The shards started ${p.round === null ? 'a part' : `round ${p.round}`} of suite "${p.suite}" ${Math.ceil(p.apartMs)} ms apart${p.errorMs > 0 ? ` (give or take ${Math.ceil(p.errorMs)} ms)` : ''}, shard ${p.number} last; one load allows ${p.allowedMs} ms.`,
    (p) =>
      p.round === null
        ? 'Look at the load of that machine, and at the network between it and shard 1.'
        : 'Look at the load of that machine, and set its clock (chrony, NTP).',
  ),
  RENDEZVOUS_FAILED: entry<{ address: string; reason: string; leads: boolean }>(
    'invalid',
    (p) =>
      p.leads
        ? `Shard 1 cannot wait for the others at ${p.address}: ${p.reason}.`
        : `Shard 1 could not be met at ${p.address}: ${p.reason}.`,
    (p) =>
      p.leads
        ? 'Give a free port of this machine, or a file in a folder that it may write to, in "rendezvous".'
        : 'Start shard 1 with the same "rendezvous" and the same token, where this machine reaches that port, and look into its log.',
  ),
  SHARDS_ABSENT: entry<{
    missing: readonly number[];
    count: number;
    waitedMs: number;
    strangers: readonly string[];
  }>(
    'invalid',
    (p) =>
      `${p.missing.length} of ${p.count} shards did not come to the rendezvous within ${Math.round(p.waitedMs / 1_000)} s: ${some(p.missing, (numbers) => numbers.join(', '))}.${p.strangers.length === 0 ? '' : ` Somebody without the token tried to from ${some(p.strangers, (few) => few.join(', '))}.`}`,
    () =>
      'Look into the logs of their jobs. Give them more time with "?wait=20m" behind the address of the rendezvous. A part of the load is never judged.',
  ),
  SHARD_DISAGREES: entry<{ number: number; reason: string }>(
    'invalid',
    (p) => `Shard ${p.number} is not of this run: ${p.reason}.`,
    () =>
      'Start each shard once, all of them from the same commit, with the same settings, the same count and the same release of Tailgate.',
  ),
  SHARD_LOST: entry<{ number: number; reason: string }>(
    'invalid',
    (p) => `Shard ${p.number} dropped out: ${p.reason.replace(/\.$/, '')}.`,
    () => 'Its log says more. A part of the load is never judged: start all shards again.',
  ),
  SHARDS_ENDED: entry<{ problem: string }>(
    'invalid',
    (p) => `Shard 1 ended the run: ${p.problem.replace(/\.$/, '')}.`,
    () => 'Its log and report say more.',
  ),

  // baseline
  BASELINE_MISSING: entry<{ where: string }>(
    'invalid',
    (p) => `There is no baseline at ${p.where}, and "require-baseline" is set.`,
    () => 'Run once on the default branch to record it, or run "tailgate baseline record".',
  ),
  BASELINE_UNREADABLE: entry<{ where: string; reason: string; advice?: string | undefined }>(
    'invalid',
    (p) => `The baseline at ${p.where} cannot be read: ${p.reason}.`,
    (p) => p.advice ?? 'Restore it from its history, or record a new one with "tailgate baseline record".',
  ),
  BASELINE_WRITE_FAILED: entry<{ where: string; reason: string; advice?: string | undefined }>(
    'invalid',
    (p) => `The baseline could not be written to ${p.where}: ${p.reason}.`,
    (p) =>
      `${p.advice === undefined ? '' : `${p.advice} `}The report folder keeps the record, and everything stored before is still there.`,
  ),
  PULL_REQUEST_NOT_CHECKED_OUT: entry<{ head: string; wanted: string }>(
    'invalid',
    (p) =>
      `The checkout (${p.head}) is the base branch, not the head of the pull request (${p.wanted}), so it has nothing of the pull request to measure.`,
    () =>
      'Start the workflow with "on: pull_request", which checks out the pull request. Never check out the code of a fork under "pull_request_target": see docs/github.md#forks-and-dependabot.',
  ),
  BASE_ABSENT: entry<{ reason: string }>(
    'invalid',
    (p) => `There is no base version to compare with yet: ${p.reason}.`,
    () =>
      'For a new service, let the absolute limits decide alone: "baseline.require: false" (input "require-baseline").',
  ),
  BASE_COMMIT_UNAVAILABLE: entry<{ ref: string; reason: string; advice?: string | undefined }>(
    'invalid',
    (p) => `The base commit ${p.ref} cannot be checked out: ${p.reason}.`,
    (p) =>
      p.advice ??
      'Give the workflow "contents: read", or set "fetch-depth: 0" on actions/checkout; without git, name a folder that holds the base version ("baseline-dir").',
  ),
  RECORDS_UNREADABLE: entry<{ path: string; reason: string }>(
    'usage',
    (p) => `"${p.path}" does not hold the records of a run: ${p.reason}.`,
    () => 'Name the "records.jsonl" in the report folder of the run to accept.',
  ),
  BISECT_RANGE_INVALID: entry<{ good: string; bad: string; reason: string }>(
    'usage',
    (p) => `The commits from "${p.good}" to "${p.bad}" cannot be searched: ${p.reason}.`,
    () =>
      'Name two commits of one history, the good one before the bad one (--good REF --bad REF); in a workflow, set "fetch-depth: 0" on actions/checkout.',
  ),
  BISECT_END_UNMEASURABLE: entry<{ commit: string; reason: string }>(
    'invalid',
    (p) => `The commit ${p.commit} cannot be measured, and the search needs it: ${p.reason}.`,
    () =>
      'Name a good and a bad commit that can be built and measured with the settings and the scenario of today.',
  ),
  JOB_FILE_UNUSABLE: entry<{ path: string; reason: string }>(
    'usage',
    (p) => `The file of jobs "${p.path}" cannot be continued: ${p.reason}.`,
    () => 'Name another file with "--raw FILE"; Tailgate creates it.',
  ),
  INJECTION_MISSING: entry<{ reason: string }>(
    'invalid',
    (p) => `The service time of the server was not multiplied: ${p.reason}.`,
    () =>
      'Let the server slow itself by a factor that it takes from an environment variable, and name that variable with "--inject-env NAME" (docs/verify.md).',
  ),
  CONFIRMATION_MISMATCH: entry<{ path: string; suite: string; reason: string }>(
    'usage',
    (p) => `"${p.path}" cannot be confirmed for suite "${p.suite}": ${p.reason}.`,
    () => 'Confirm in a job of the same workflow run, with the same commit, scenario and settings.',
  ),
  REPORT_UNREADABLE: entry<{ path: string; reason: string }>(
    'usage',
    (p) => `"${p.path}" is not a Tailgate report: ${p.reason}.`,
    () => 'Give two files written by "tailgate run --json FILE".',
  ),
  COMPARED_INVALID: entry<{ which: string; reason: string }>(
    'invalid',
    (p) => `The ${p.which} report is itself invalid: ${p.reason.replace(/\.$/, '')}.`,
    () => 'Compare reports of runs that came to a verdict.',
  ),
  SUITES_VANISHED: entry<{ names: readonly string[] }>(
    'invalid',
    (p) => `The second report lacks what the first has: ${list(p.names)}.`,
    () => 'Compare reports of runs with the same suites. What was not measured cannot pass.',
  ),
  NOTHING_IN_COMMON: entry<{ before: readonly string[]; after: readonly string[] }>(
    'usage',
    (p) =>
      `The reports have no suite in common: the first has ${p.before.map((name) => `"${name}"`).join(', ') || 'none'}, the second ${p.after.map((name) => `"${name}"`).join(', ')}.`,
    () =>
      'Compare reports of the same suites, or two of one suite each ("--suite"): those are compared level by level, whatever they are called.',
  ),

  // GitHub
  GITHUB_PERMISSION: entry<{ action: string; permission: string; status: number }>(
    'usage',
    (p) => `GitHub does not let this token ${p.action} (HTTP ${p.status}).`,
    (p) =>
      `Add to the job:\npermissions:\n${p.permission.startsWith('contents:') ? '' : '  contents: read\n'}  ${p.permission}`,
  ),
  GITHUB_REFUSED: entry<{ action: string; reason: string; advice: string }>(
    'usage',
    (p) => `GitHub refused to ${p.action}: ${p.reason}.`,
    (p) => p.advice,
  ),
  GITHUB_TOKEN_REJECTED: entry<{ action: string }>(
    'usage',
    (p) => `GitHub rejected the token when asked to ${p.action} (HTTP 401).`,
    () => 'Leave the input "github-token" at its default, or check that the token given has not expired.',
  ),
  REPORTS_MISSING: entry<{ path: string; reason: string }>(
    'invalid',
    (p) => `There is no report to publish below "${p.path}": ${p.reason}.`,
    () =>
      'Download the artifacts of the measuring jobs into this folder first; each holds a "report.json" (see docs/github.md).',
  ),
  REPORTS_INCOMPLETE: entry<{ reason: string }>(
    'invalid',
    (p) => `The reports are incomplete: ${p.reason}.`,
    () => 'Check the logs of the measuring jobs: one left no report, or did not end as its report says.',
  ),
  REPORT_REFUSED: entry<{ path: string; reason: string }>(
    'invalid',
    (p) => `The report "${p.path}" was refused: ${p.reason}.`,
    () => 'Publish only what "actions/upload-artifact" took from the report folder of a run.',
  ),
  REPORT_CUT: entry<{ path: string; suites: number; shown: number }>(
    'usage',
    (p) =>
      `The report "${p.path}" has ${p.suites} suites and only the first ${p.shown} are shown; the verdict covers all.`,
    () => 'The report in the artifact has them all.',
  ),
  PULL_REQUEST_UNKNOWN: entry<{ headSha: string }>(
    'usage',
    (p) => `No open pull request has the commit ${p.headSha} at its head.`,
    () => 'It was closed, or has newer commits, whose run will comment.',
  ),
  GITHUB_FAILED: entry<{ action: string; reason: string }>(
    'internal',
    (p) => `GitHub did not ${p.action}: ${p.reason}.`,
    () => 'The verdict, the summary and the report files are not affected.',
  ),

  INTERNAL: entry<{ reason: string }>(
    'internal',
    (p) => `Tailgate itself failed: ${p.reason}`,
    () => 'This is a bug in Tailgate; please report it with the log.',
  ),
  CANCELLED: entry<{ signal: string }>(
    'cancelled',
    (p) => `The run was cancelled (${p.signal}).`,
    () => 'Everything that was started has been stopped.',
  ),
} as const;

export type ErrorCode = keyof typeof catalogue;

type ParamsOf<C extends ErrorCode> = (typeof catalogue)[C] extends Entry<infer P> ? P : never;

/** Where in what the user wrote an error lies. Lines and columns count from 1. */
export type SourcePosition = {
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  key?: string | undefined;
};

/**
 * An error of the catalogue, to be shown to the user as it is.
 * `message` is "where: cause" followed by the fix on its own line.
 */
export class TailgateError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly fix: string;
  readonly where: SourcePosition;
  readonly exit: ExitName;

  constructor(
    code: ErrorCode,
    what: string,
    fix: string,
    exit: ExitName,
    where: SourcePosition,
    cause?: unknown,
  ) {
    const place = formatPlace(where);
    super(`${place === '' ? '' : `${place}: `}${what}\n${fix}`, cause === undefined ? undefined : { cause });
    this.name = 'TailgateError';
    this.code = code;
    this.what = what;
    this.fix = fix;
    this.where = where;
    this.exit = exit;
  }
}

/** Several problems found at once, each an error of the catalogue, in the order in which the user wrote them. */
export class TailgateErrors extends Error {
  readonly problems: readonly TailgateError[];
  readonly exit: ExitName;

  constructor(problems: readonly TailgateError[]) {
    super(problems.map((problem) => problem.message).join('\n\n'));
    this.name = 'TailgateErrors';
    this.problems = problems;
    this.exit = problems[0]?.exit ?? 'internal';
  }
}

/** A place as it is shown: "tailgate.yml:4:3 (room.token)"; empty when nothing is known of it. */
export function formatPlace(where: SourcePosition): string {
  const file = where.file ?? '';
  const line = where.line === undefined ? '' : `:${where.line}`;
  const column = where.line !== undefined && where.column !== undefined ? `:${where.column}` : '';
  const place = `${file}${line}${column}`;
  if (where.key === undefined) return place;
  return place === '' ? where.key : `${place} (${where.key})`;
}

/** Makes the error `code` of the catalogue; `where` names the file, line and key when they are known. */
export const tailgateError = <C extends ErrorCode>(
  code: C,
  params: ParamsOf<C>,
  where: SourcePosition = {},
  cause?: unknown,
): TailgateError => {
  const found = catalogue[code] as unknown as Entry<ParamsOf<C>>;
  return new TailgateError(code, found.cause(params), found.fix(params), found.exit, where, cause);
};

/** Throws what was found: nothing, the one problem, or all of them as `TailgateErrors`. */
export const throwProblems = (problems: readonly TailgateError[]): void => {
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new TailgateErrors(problems);
};

/** Everything that was thrown, as errors of the catalogue; what is not of the catalogue becomes INTERNAL. */
export const problemsOf = (thrown: unknown): readonly TailgateError[] => {
  if (thrown instanceof TailgateErrors) return thrown.problems;
  if (thrown instanceof TailgateError) return [thrown];
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return [tailgateError('INTERNAL', { reason }, {}, thrown)];
};

function entry<P>(exit: ExitName, cause: (params: P) => string, fix: (params: P) => string): Entry<P> {
  return {
    exit,
    cause,
    fix,
  };
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

function ofVersion({ version }: Pick<Started, 'version'>): string {
  return version === undefined ? '' : ` of ${version}`;
}

/** The first of many, and how many more there are. */
function some<T>(all: readonly T[], shown: (few: readonly T[]) => string): string {
  return all.length <= 20 ? shown(all) : `${shown(all.slice(0, 20))} and ${all.length - 20} more`;
}
