import * as z from 'zod';
import type { EngineDescription } from '../engines/core/engine-description.ts';
import { engineNamed, engines } from '../engines/engine-registry.ts';
import { httpMethods } from '../engines/http/http-methods.ts';

/**
 * The scenario language, the only description of its keys: what is checked before a run, and the JSON Schema by which
 * editors complete scenario files (`scenario.schema.json`), both come from it. Values are described as far as their kind;
 * what else they must be, the engines check when they read a step.
 */

/** What a group of keys is called, and what becomes of a key that is none of them. */
export type LanguageLevel = {
  /** As a message names it: "a loop", "config.phases". */
  subject: string;
  /** Artillery ignores such a key too, so a file with it still means the same: a warning. Else it is an error. */
  unknown: 'warning' | 'error';
  /** Keys that it cannot do without. */
  required?: readonly string[];
  /** For groups that stand for a kind of step: the keys that say so. */
  steps?: readonly string[];
};

/** The groups of the language that know all of their keys. */
export const languageLevels = z.registry<LanguageLevel>();

/** What values of a type are called, where their schema does not tell. */
export const valueNames = z.registry<{ what: string }>();

type Shape = Record<string, z.ZodType>;

const text = z.string().min(1).register(valueNames, { what: 'text' });

/** Text that YAML may read as a number. */
const word = z.union([z.string(), z.number()]).register(valueNames, { what: 'text' });

// Numbers and truth values may be text: a template, or what comes from the environment.
const number = z
  .union([z.number(), z.string().regex(/^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$|\{\{/)])
  .register(valueNames, { what: 'a number' });

const flag = z
  .union([z.boolean(), z.string().regex(/^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$|\{\{/)])
  .register(valueNames, { what: 'true or false' });

const duration = z.union([z.number(), text]).register(valueNames, { what: 'a number or text' });

/** A time of a step. */
const time = z
  .union([
    z.number(),
    z
      .string()
      .regex(
        /^\s*(\d+\.?\d*|\.\d+)\s*(ms|m?secs?|milliseconds?|s|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)?\s*$|\{\{/i,
      ),
  ])
  .register(valueNames, { what: 'a time such as 5 (seconds) or "500ms"' });

const anything = z.unknown();

const processorFunctions = oneOrMore(text);

/** A `capture` or `match` in Artillery's notation. */
const extractors: Shape = {
  json: word.describe('JSONPath into the answer, for example `$.0.id`.'),
  xpath: word,
  regexp: word,
  flags: word.describe('Flags of `regexp`.'),
  group: number.describe('Group of `regexp`; 0 is the whole match.'),
  header: word,
  selector: word,
  attr: word,
  index: z.union([number, text]),
  strict: flag.describe('`false`: no error when nothing is found.'),
};

const capture = oneOrMore(
  shared(
    'capture',
    group(
      'a capture',
      {
        ...extractors,
        as: text.describe('Name of the variable.'),
        transform: text,
        value: anything,
      },
      ['as'],
    ),
  ),
);

const match = oneOrMore(
  shared(
    'match',
    group(
      'a match',
      {
        ...extractors,
        value: anything.describe('What must be there.'),
        as: text,
      },
      ['value'],
    ),
  ),
);

const answer: Shape = {
  data: anything.describe('What the answer must be.'),
  args: anything.describe('The same as `data`.'),
  concat: flag.describe('Several events together are the data.'),
  capture,
  match,
};

/** What every engine for messages in rooms knows of a delivery. */
const receivers: Shape = {
  includesSender: z.boolean().describe('The server sends a message back to its sender, too.'),
  expect: z
    .union([z.enum(['members', 'unknown']), z.number()])
    .describe('Who must get it: every member, that many, or nobody knows.'),
};

const room = word.describe('The room it goes to; without it, the room that the sender joined last.');

const where = anyKeys().describe('Values by which a delivery is told from other messages.');

const socketIoDelivery = z
  .union([
    z.string(),
    z.boolean(),
    ours('"delivery"', {
      event: word.describe('The event that the receivers get.'),
      ...receivers,
      room,
      path: word.describe('Where the tag is in what the receivers get.'),
    }),
  ])
  .describe('The event that the receivers of this one get: how long it takes, and whether all get it.');

const wsDelivery = z
  .union([z.string(), z.boolean(), ours('"delivery"', { ...receivers, room, where })])
  .describe('Whom a message with `{{ $tag }}` must reach, for example its room; `false` for nobody.');

const membership = z.union([z.string(), z.number(), z.boolean()]);

/** What the steps that send have in common. Tailgate's own. */
const measuring: Shape = {
  joins: membership.describe('The room that the sender is in once this is answered.'),
  leaves: membership.describe('The room that the sender leaves; `true` for the only one.'),
  confirmed: z.literal('sent').describe('A join counts from the send, for a server that confirms nothing.'),
  metric: word.describe('The name in the metrics, instead of that of the event.'),
  measure: z.boolean().describe('`false`: neither timed nor observed.'),
  timeout: time.describe('How long the step waits for its answer.'),
  rate: z
    .union([z.number(), z.string()])
    .describe('Sends a second, whatever the answers do: `20`, `600/min`.'),
  duration: time.describe('How long the step sends at its `rate`.'),
};

const connectionOptions = [
  ...['addTrailingSlash', 'agent', 'auth', 'autoConnect', 'autoUnref', 'ackTimeout', 'ca', 'cert'],
  ...['checkServerIdentity', 'ciphers', 'closeOnBeforeunload', 'enablesXDR', 'extraHeaders', 'family'],
  ...[
    'forceBase64',
    'forceJSONP',
    'forceNew',
    'host',
    'hostname',
    'jsonp',
    'key',
    'localAddress',
    'maxPayload',
  ],
  ...[
    'multiplex',
    'onlyBinaryUpgrades',
    'origin',
    'parser',
    'passphrase',
    'path',
    'perMessageDeflate',
    'pfx',
  ],
  ...[
    'policyPort',
    'port',
    'protocols',
    'query',
    'randomizationFactor',
    'reconnection',
    'reconnectionAttempts',
  ],
  ...['reconnectionDelay', 'reconnectionDelayMax', 'rejectUnauthorized', 'rememberUpgrade', 'requestTimeout'],
  ...[
    'retries',
    'secure',
    'servername',
    'timeout',
    'timestampParam',
    'timestampRequests',
    'transportOptions',
  ],
  ...['transports', 'tryAllTransports', 'upgrade', 'useNativeTimers', 'withCredentials'],
];

const socketIoOptions: Shape = {
  ...Object.fromEntries(connectionOptions.map((name) => [name, anything])),
  transports: oneOrMore(
    z.union([
      z.enum(['websocket', 'polling', 'webtransport']),
      z.string().regex(/\{\{/).register(valueNames, { what: 'a template' }),
    ]),
  ).describe(
    'Transports in the order in which they are tried. `[websocket]` alone costs the generator least.',
  ),
  path: word.describe('Path of the Socket.IO server; `/socket.io` if not given.'),
  auth: anything.describe('What the handshake carries as `auth`; templates are filled in for each user.'),
  query: anything.describe('Query parameters of the handshake.'),
  extraHeaders: anyKeys().describe('HTTP headers of the handshake.'),
  parser: word.describe('`msgpack` for servers with socket.io-msgpack-parser.'),
};

const wsOptions: Shape = {
  headers: anyKeys().describe('HTTP headers of the handshake.'),
  subprotocols: oneOrMore(word).describe('Subprotocols that are offered.'),
  proxy: z.looseObject({ url: text }).describe('A proxy to tunnel through.'),
  timeout: time.describe('How long every wait lasts that says nothing else.'),
  ...Object.fromEntries(
    [
      ...[
        'agent',
        'allowPartialMessageFragments',
        'autoPong',
        'ca',
        'cert',
        'checkServerIdentity',
        'ciphers',
      ],
      ...[
        'closeTimeout',
        'family',
        'finishRequest',
        'followRedirects',
        'generateMask',
        'handshakeTimeout',
        'key',
      ],
      ...[
        'localAddress',
        'maxBufferedChunks',
        'maxFragments',
        'maxPayload',
        'maxRedirects',
        'origin',
        'passphrase',
      ],
      ...[
        'perMessageDeflate',
        'pfx',
        'protocolVersion',
        'rejectUnauthorized',
        'servername',
        'skipUTF8Validation',
      ],
      ...['secureProtocol', 'secureOptions', 'minVersion', 'maxVersion', 'auth'],
    ].map((name) => [name, anything]),
  ),
};

export const socketIoConnection = shared(
  'socketioOptions',
  group('the options of a connection', socketIoOptions),
);

const wsConnection = shared('wsOptions', group('"config.ws"', wsOptions));

const tls = group(
  '"config.tls"',
  Object.fromEntries(
    [
      ...['ALPNProtocols', 'ca', 'cert', 'checkServerIdentity', 'ciphers', 'crl', 'dhparam', 'ecdhCurve'],
      ...['honorCipherOrder', 'key', 'maxVersion', 'minVersion', 'passphrase', 'pfx', 'rejectUnauthorized'],
      ...['secureContext', 'secureOptions', 'secureProtocol', 'servername', 'sessionIdContext', 'sigalgs'],
    ].map((name) => [name, anything]),
  ),
).describe('TLS options of every connection, for example `rejectUnauthorized: false`.');

const socketIoSteps = [
  stepOf('a step that emits', ['emit'], {
    emit: z
      .union([
        z.array(anything),
        group('"emit"', {
          channel: word.describe('Name of the event.'),
          data: anything.describe('Its argument.'),
          args: z.array(anything).describe('All of its arguments, instead of `data`.'),
        }),
      ])
      .describe('The message: its event and what goes with it.'),
    acknowledge: z
      .union([z.boolean(), group('"acknowledge"', answer)])
      .describe('Wait for the acknowledgement; `{}` takes any.'),
    response: group('"response"', {
      channel: word.describe('The event that answers.'),
      on: word.describe('The same as `channel`.'),
      ...answer,
    }).describe('Wait for an event.'),
    delivery: socketIoDelivery,
    ...measuring,
    namespace: word.describe('Namespace to send in.'),
    connect: z.union([z.boolean(), z.string(), socketIoConnection]),
    reconnect: flag,
    beforeRequest: processorFunctions.describe('Functions that may change the step before it is sent.'),
    afterResponse: processorFunctions.describe('Functions that see the answer.'),
  }),
  stepOf('a step that connects', ['connect', 'reconnect'], {
    connect: z
      .union([z.boolean(), z.string(), z.null(), socketIoConnection])
      .describe('Close the connection of the namespace and open a new one, with these options added.'),
    reconnect: z.union([flag, z.null()]).describe('The same, without options.'),
    namespace: word,
    timeout: time.describe('How long it may take until it is connected.'),
  }),
  stepOf('a step that listens', ['response'], {
    response: group('"response"', { channel: text, on: text, ...answer }).describe('Wait for an event.'),
    namespace: word,
    metric: word,
    measure: z.boolean(),
    timeout: time,
  }),
  stepOf('a step that disconnects', ['disconnect'], {
    disconnect: z
      .union([flag, z.null(), group('"disconnect"', {})])
      .describe('Close the connection of the namespace.'),
    namespace: text,
  }),
];

const wsAnswer = z.union([
  z.boolean(),
  ours('"response"', {
    field: z
      .union([z.string(), ours('"field"', { sent: text, received: text })])
      .describe('Where the same id is in the message and in its answer.'),
    where: anyKeys().describe('Values that the answer has, by their path.'),
    capture,
    match,
    timeout: time,
    wait: z.boolean().describe('`false`: the flow goes on without it.'),
  }),
]);

const wsSteps = [
  stepOf(
    'a step that connects',
    ['connect'],
    {
      connect: z.union([
        z.boolean(),
        z.string(),
        z.null(),
        group('"connect"', {
          target: word.describe('Where to connect; a path alone is one of the server under test.'),
          url: text.describe('The same as `target`.'),
          function: text.describe('Function of the processor that changes how to connect.'),
          ...wsOptions,
        }),
      ]),
      timeout: time,
    },
    'warning',
  ),
  stepOf(
    '"send"',
    ['send'],
    {
      // Its content is the message: it may have any keys.
      send: anything.describe('The message: text, or a value that is sent as JSON.'),
      response: wsAnswer.describe('Wait for the answer: `true` is the next message.'),
      delivery: wsDelivery,
      ...measuring,
      binary: z.boolean().describe('Send the text as bytes.'),
    },
    'error',
  ),
  stepOf(
    '"wait"',
    ['wait'],
    {
      wait: z.union([
        z.boolean(),
        z.null(),
        ours('"wait"', { where: anyKeys(), count: number, capture, match, timeout: time }),
      ]),
      metric: word,
      timeout: time,
    },
    'error',
  ),
  stepOf(
    '"close"',
    ['close'],
    { close: z.union([z.boolean(), z.null(), ours('"close"', { code: number, reason: text })]) },
    'error',
  ),
];

const stompConnect: Shape = {
  target: word,
  path: word.describe('Path of the endpoint; `/ws` if neither this nor the target has one.'),
  sockjs: z.boolean(),
  host: word,
  login: word,
  passcode: word,
  version: z.union([text, z.number()]),
  headers: anyKeys(),
  heartbeat: z.union([text, z.array(z.number())]),
  subprotocols: oneOrMore(word),
  connectTimeout: duration,
  ws: wsConnection,
};

const receipts: Shape = {
  headers: anyKeys().describe('Headers of the frame.'),
  receipt: z.boolean().describe('Ask for a receipt, and time it.'),
  metric: word,
  timeout: time,
};

const stompSteps = [
  stompStep('connect', 'target', stompConnect),
  stompStep('disconnect', null, { timeout: time }),
  stompStep('subscribe', 'destination', {
    destination: word,
    id: word,
    ack: z.enum(['auto', 'client', 'client-individual']),
    settle: time,
    ...receipts,
  }),
  stompStep('unsubscribe', 'destination', { destination: text, id: text, ...receipts }),
  stompStep('send', 'destination', {
    destination: word,
    body: anything,
    json: anything,
    contentType: word,
    contentLength: z.boolean(),
    binary: z.boolean(),
    wait: z.boolean(),
    response: z.union([
      z.string(),
      z.boolean(),
      ours('"response"', {
        destination: word,
        where: anyKeys(),
        capture,
        match,
        timeout: time,
      }),
    ]),
    ...receipts,
    delivery: z.union([
      z.string(),
      z.boolean(),
      ours('"delivery"', { destination: word, ...receivers, where }),
    ]),
    measure: z.boolean(),
    rate: z.union([z.number(), z.string()]),
    duration: time,
  }),
  stompStep('waitFor', 'destination', {
    destination: word,
    subscription: word,
    where: anyKeys(),
    count: number,
    capture,
    match,
    ack: z.boolean(),
    timeout: time,
  }),
  stompStep('ack', 'id', { id: text, ...receipts }),
  stompStep('nack', 'id', { id: text, ...receipts }),
];

const request = shared(
  'request',
  group(
    'an HTTP request',
    {
      url: text,
      uri: word,
      method: word,
      headers: anyKeys(),
      json: anything,
      body: anything,
      form: anything,
      formData: anything,
      qs: anyKeys(),
      cookie: anyKeys(),
      auth: group('"auth"', { user: text, pass: text, username: text, password: text }),
      followRedirect: flag,
      followAllRedirects: flag,
      maxRedirects: number,
      gzip: flag,
      https: anyKeys(),
      timeout: duration,
      name: word,
      ifTrue: word,
      setContentLengthHeader: flag,
      responseType: word,
      throwHttpErrors: flag,
      beforeRequest: processorFunctions,
      afterResponse: processorFunctions,
      onError: processorFunctions,
      capture,
      match,
      expect: anything.describe('What the plugin `expect` checks.'),
    },
    ['url'],
  ),
);

const httpSteps = httpMethods.map((method) => stepOf(`a "${method}" step`, [method], { [method]: request }));

type Language = EngineDescription['language'];

/**
 * What scenarios are written in: the steps that a language has of its own, its settings in `config`, and the keys that stand
 * beside `flow`.
 */
const languages: Readonly<
  Record<Language, { steps: readonly z.ZodObject[]; config: z.ZodType; scenario: Shape }>
> = {
  socketio: {
    steps: socketIoSteps,
    config: socketIoConnection,
    scenario: { socketio: socketIoConnection },
  },
  ws: { steps: wsSteps, config: wsConnection, scenario: {} },
  stomp: {
    scenario: {},
    steps: stompSteps,
    config: ours('"config.stomp"', {
      ...stompConnect,
      timeout: duration,
      receipts: z.boolean(),
      settle: duration,
    }),
  },
  http: {
    steps: [],
    scenario: {
      beforeRequest: processorFunctions,
      afterResponse: processorFunctions,
      onError: processorFunctions,
    },
    config: group('"config.http"', {
      timeout: duration,
      maxSockets: number,
      pool: number,
      extendedMetrics: flag,
      cookieJarOptions: anyKeys(),
      defaults: group('"config.http.defaults"', {
        headers: anyKeys(),
        cookie: anyKeys(),
        strictCapture: flag,
        think: anyKeys(),
        auth: anyKeys(),
      }),
    }),
  },
};

const anyFlow = z.array(anything);

const shallow = new Map<string, readonly z.ZodObject[]>();

const phase = shared(
  'phase',
  group('a phase', {
    name: word,
    duration: duration.describe('Seconds, or a time with its unit.'),
    arrivalRate: number.describe('Users that arrive each second.'),
    arrivalCount: number.describe('Users that arrive in all, evenly over the phase.'),
    rampTo: number.describe('Users a second at the end; the rate grows from `arrivalRate`.'),
    maxVusers: number.describe('Most users at the same time; arrivals beyond it are skipped.'),
    pause: duration.describe('No arrivals for this long.'),
    mode: z.enum(['uniform', 'poisson']),
  }),
);

const payload = oneOrMore(
  group('"config.payload"', {
    path: word.describe('CSV file, relative to the scenario.'),
    fields: z.array(text).describe('A variable for each column.'),
    order: z.enum(['random', 'sequence']),
    delimiter: word,
    skipHeader: flag,
    skipEmptyLines: flag,
    cast: flag,
    loadAll: flag,
    name: word,
    options: anyKeys(),
  }),
);

const configShape: Shape = {
  target: z
    .union([z.string(), z.null()])
    .describe(
      'URL of the server. Its address is that of the server under test; its path and query are kept where `target.url` has none.',
    ),
  phases: z.array(phase).describe('How users arrive.'),
  payload,
  variables: z.union([anyKeys(), z.null()]),
  processor: text.describe('Module with the functions of the scenario, relative to it.'),
  plugins: z.union([anyKeys(), z.null()]),
  pluginsScope: word,
  engines: z
    .looseObject({ 'socketio-v3': z.union([socketIoConnection, z.null()]).optional() })
    .describe('Engines that the scenarios use, with options of those of others.'),
  engine: text.describe('Engine of the scenarios that name none.'),
  timeout: time.describe('How long every wait lasts: seconds, or a time with its unit.'),
  tls,
  // An engine that shares the language of another shares its settings.
  ...Object.fromEntries(
    engines
      .filter(({ name, language }) => name === language)
      .map(({ name, language }) => [name, languages[language].config]),
  ),
  defaults: group('"config.defaults"', {
    think: group('"config.defaults.think"', { jitter: z.union([z.number(), z.string()]) }),
    headers: anyKeys(),
    cookie: anyKeys(),
    strictCapture: flag,
  }),
  ensure: anything,
  expect: anything,
  apdex: anything,
  'metrics-by-endpoint': anything,
  'publish-metrics': anything,
  statsInterval: anything,
  includeFiles: anything,
  bundling: anything,
  mode: anything,
};

const environment = group('an environment', configShape);

const config = group('"config"', {
  ...configShape,
  environments: anyKeys(z.union([environment, z.null()])).describe(
    'What an environment changes, by its name.',
  ),
});

const scenarioShape: Shape = {
  name: text,
  engine: text.describe(
    `${engines.map(({ name }) => `\`${name}\``).join(', ')}, or an engine that is installed.`,
  ),
  weight: number.describe('How often this scenario is chosen, against the others.'),
  flow: anyFlow.describe('The steps of a virtual user.'),
  beforeScenario: processorFunctions.describe('Functions that run before the flow of each user.'),
  afterScenario: processorFunctions.describe('Functions that run after it.'),
};

/** Those of all languages, for a scenario of an engine of others. */
const anyScenario = group('a scenario', {
  ...scenarioShape,
  ...Object.assign({}, ...Object.values(languages).map(({ scenario }) => scenario)),
});

const hookShape: Shape = { name: text, engine: text, flow: anyFlow };

/** The groups of a whole file; flows are checked step by step. */
export const scenarioFile = group('a scenario file', {
  config,
  scenarios: z.array(anyScenario),
  before: group('"before"', hookShape).describe('Runs once, before the load.'),
  after: group('"after"', hookShape).describe('Runs once, after the load.'),
});

/**
 * The kinds of steps of an engine, those of every engine included; flows that a step holds are lists of anything.
 * Undefined for an engine that is not ours.
 */
export const stepsOfEngine = (engine: string): readonly z.ZodObject[] | undefined => {
  const described = engineNamed(engine);
  if (described === undefined) return undefined;
  const known = shallow.get(engine);
  if (known !== undefined) return known;
  const steps = [...languages[described.language].steps, ...commonSteps(anyFlow), ...httpSteps];
  shallow.set(engine, steps);
  return steps;
};

const scenarioLevels = new Map(
  engines.map(({ name, language }) => [
    name,
    group(`a scenario with "engine: ${name}"`, {
      ...scenarioShape,
      // An engine that shares the language of another shares its steps and settings alone.
      ...(name === language ? languages[language].scenario : {}),
    }),
  ]),
);

/** The keys of a scenario of an engine; those of any for an engine that is not ours. */
export const scenarioOfEngine = (engine: string): z.ZodObject => scenarioLevels.get(engine) ?? anyScenario;

/** Keys of a group, without what is only right deeper down. */
export const keysOf = (level: z.ZodObject): string[] => Object.keys(level.shape);

/** The JSON Schema of scenario files, for editors. */
export const scenarioJsonSchema = (): Record<string, unknown> => {
  const flowOf = (own: readonly z.ZodObject[]): z.ZodType => {
    let list: z.ZodType | undefined;
    const steps: z.ZodType = z.lazy(() => {
      list ??= z.array(
        z.union([...own, ...commonSteps(steps), ...httpSteps, anyFlow] as unknown as [z.ZodType, z.ZodType]),
      );
      return list;
    });
    return steps;
  };
  const names = engines.map(({ name }) => name);
  const scenarios = (Object.keys(languages) as Language[]).map((language) => {
    const those = z.enum(engines.filter((engine) => engine.language === language).map(({ name }) => name));
    return z.strictObject({
      ...optional({ ...scenarioShape, ...languages[language].scenario }),
      // A scenario that names none is one of HTTP, as in Artillery.
      engine: language === 'http' ? those.optional() : those,
      flow: flowOf(languages[language].steps),
    });
  });
  const others = z.looseObject({
    engine: text.regex(new RegExp(`^(?!(${names.join('|')})$)`)),
    flow: anyFlow.optional(),
  });
  const one = z.union([...scenarios, others] as unknown as [z.ZodType, z.ZodType]);
  const file = z.strictObject({
    config: config.optional(),
    scenarios: z.array(one),
    before: one.optional(),
    after: one.optional(),
  });
  return {
    ...(z.toJSONSchema(file, { io: 'input', target: 'draft-7' }) as Record<string, unknown>),
    title: 'Scenario of Tailgate and Artillery',
    patternProperties: { '^x-': { description: 'Anything; a place to keep YAML anchors.' } },
  };
};

/** Steps of every engine. `inner` describes the flows that a step holds. */
function commonSteps(inner: z.ZodType): z.ZodObject[] {
  return [
    stepOf('a loop', ['loop'], {
      loop: inner.describe('The steps that are repeated.'),
      count: z
        .union([z.number(), z.string().regex(/^\s*\d+\s*(-\s*\d+)?\s*$|\{\{/)])
        .register(valueNames, { what: 'a number or a range such as "2-5"' })
        .describe('Number of rounds, or a range `from-to`.'),
      over: z
        .union([z.array(anything), z.string()])
        .describe('A list, or the name of a variable that holds one.'),
      whileTrue: text.describe('Function of the processor that says whether there is another round.'),
      loopValue: word.describe('Name of the variable that counts the rounds; `$loopCount` if not given.'),
      loopElement: word.describe('Name of the variable that holds the element; `$loopElement` if not given.'),
    }),
    stepOf('"parallel"', ['parallel'], {
      parallel: inner.describe('The steps that run at the same time.'),
      limit: z
        .union([z.number().int().min(1), z.string().regex(/^\s*0*[1-9]\d*\s*$|\{\{/)])
        .register(valueNames, { what: 'a whole number from 1 on' })
        .describe('Most of them at once.'),
    }),
    stepOf('"think"', ['think'], {
      think: time.describe('A pause: whole numbers are seconds, `200ms` has its unit.'),
      jitter: z.union([z.number(), z.string()]),
    }),
    stepOf('"log"', ['log'], { log: text }),
    stepOf('"function"', ['function'], { function: text.describe('A function of the processor.') }),
  ];
}

/** A kind of step, told by the keys it begins with. */
function stepOf(
  subject: string,
  steps: readonly string[],
  shape: Shape,
  unknown: LanguageLevel['unknown'] = 'warning',
): z.ZodObject {
  return z
    .strictObject(optional({ ...shape, name: word.describe('A name for the reader.') }))
    .register(languageLevels, { subject, unknown, steps });
}

function optional(shape: Shape): Shape {
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, value.optional()]));
}

function oneOrMore(value: z.ZodType): z.ZodType {
  return z.union([value, z.array(value)]);
}

/** Keys of Artillery: it ignores what it does not know. */
function group(subject: string, shape: Shape, required: readonly string[] = []): z.ZodObject {
  return z.strictObject(optional(shape)).register(languageLevels, { subject, unknown: 'warning', required });
}

/** Stands once in the JSON Schema, under `id`. */
function shared(id: string, schema: z.ZodObject): z.ZodObject {
  return schema.meta({ id });
}

/** Keys that only Tailgate reads, so that one that is misspelt would be lost. */
function ours(subject: string, shape: Shape): z.ZodObject {
  return z.strictObject(optional(shape)).register(languageLevels, { subject, unknown: 'error' });
}

/** Any keys, whose values are described by `value`. */
function anyKeys(value: z.ZodType = z.unknown()): z.ZodType {
  return z.record(z.string(), value);
}

/** A step of STOMP says its keys in a mapping, or beside it. */
function stompStep(key: string, main: string | null, shape: Shape): z.ZodObject {
  return stepOf(
    `"${key}"`,
    [key],
    {
      [key]: z.union([
        ...(main === null ? [] : [z.string()]),
        z.boolean(),
        z.null(),
        ours(`"${key}"`, shape),
      ] as unknown as [z.ZodType, z.ZodType]),
      ...shape,
    },
    'error',
  );
}
