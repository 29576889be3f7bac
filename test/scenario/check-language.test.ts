import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import * as z from 'zod';
import { engineNamed } from '../../src/engines/engine-registry.ts';
import { checkLanguage, checkOverrides } from '../../src/scenario/check-language.ts';
import { bareType } from '../../src/scenario/expected-value.ts';
import { languageLevels, scenarioJsonSchema, stepsOfEngine } from '../../src/scenario/scenario-language.ts';
import { scenarioPositions } from '../../src/scenario/scenario-positions.ts';

const findings = (text: string): string[] =>
  checkLanguage(parse(text, { merge: true }), scenarioPositions('s.yml', text).holdsAnchor).map(
    ({ place, level, message }) => `${level} ${place.join('.')}: ${message}`,
  );

const withSteps = (steps: string, engine = 'socketio'): string =>
  `config: {}\nscenarios:\n  - engine: ${engine}\n    flow:\n${steps}`;

describe('a key that does nothing is told, with what to write', () => {
  const cases: [string, string, RegExp][] = [
    [
      'what belongs beside "emit" and stands in it',
      withSteps('      - emit: { channel: a, namespace: /n, response: { channel: b }, acknowledge: {} }\n'),
      /warning .*emit\.namespace: "namespace" means nothing in "emit": write it beside "emit", not inside of it\..*\n.*emit\.response: .*beside "emit".*\n.*emit\.acknowledge: /,
    ],
    [
      'a misspelt key of an acknowledgement',
      withSteps('      - emit: [a]\n        acknowledge: { math: { json: $.0 } }\n'),
      /"math" means nothing in "acknowledge"\. Did you mean "match"\?/,
    ],
    [
      'a misspelt key of a capture',
      withSteps('      - emit: [a]\n        acknowledge: { capture: [{ jsn: $.0, as: x }] }\n'),
      /capture\.0\.jsn: "jsn" means nothing in a capture\. Did you mean "json"\?/,
    ],
    [
      'an expression of a match, which Artillery ignores',
      withSteps(
        '      - emit: [a]\n        acknowledge: { match: { json: $.0, value: 1, expression: "> 0" } }\n',
      ),
      /^warning [^\n]*match\.expression: "expression" means nothing in a match\b[^\n]*$/,
    ],
    [
      'a misspelt key of a loop, which then never ends and is told once',
      withSteps('      - loop: [{ think: 1 }]\n        counts: 3\n'),
      /^warning [^\n]*"counts" means nothing in a loop\. Did you mean "count"\?$/,
    ],
    ['a loop without an end', withSteps('      - loop: [{ think: 1 }]\n'), /This loop never ends/],
    [
      'a key of a step in a loop of a parallel step',
      withSteps('      - parallel: [{ loop: [{ emit: [a], acknowlege: {} }], count: 2 }]\n'),
      /parallel\.0\.loop\.0\.acknowlege: .*Did you mean "acknowledge"\?/,
    ],
    [
      'two steps in one',
      withSteps('      - emit: [a]\n        think: 2\n'),
      /"think" means nothing in a step that emits: it is a step of its own, so write "- think:"/,
    ],
    [
      'an event that is called otherwise, which is an error',
      withSteps('      - emit: { name: join, payload: 1 }\n'),
      /^error [^\n]*emit\.name: "name" means nothing in "emit": write "channel"\.\nwarning [^\n]*"payload" means nothing in "emit": write "data"\.$/,
    ],
    [
      'headers among the options of a connection',
      'config: { ws: { Sec-WebSocket-Protocol: a, Authorization: b }, socketio: { headers: {}, X-Key: c } }\nscenarios: []',
      /ws\.Sec-WebSocket-Protocol: .*: write "subprotocols"\.\n.*ws\.Authorization: .*: write it inside of "headers"\.\n.*socketio\.headers: .*: write "extraHeaders"\.\n.*X-Key: .*inside of "extraHeaders"\.$/,
    ],
    [
      'an option that stands at the wrong place and would be none at the right one either',
      'config: { engines: { ws: { pingInterval: 5, subProtocols: a } } }\nscenarios: []',
      /"pingInterval" means nothing in "config\.engines\.ws"\.\n.*"subProtocols" means nothing in "config\.engines\.ws"\. Did you mean "subprotocols"\?$/,
    ],
    [
      'options of the engine socketio-v3, at the place that its package does not read',
      'config: { socketio-v3: { path: /a }, engines: { socketio-v3: { path: /a, transprots: [] } } }\nscenarios: [{ engine: socketio-v3, flow: [] }]',
      /^warning config\.socketio-v3: [^\n]*; its package reads "config\.socketio" and "config\.engines\.socketio-v3"\.\nwarning [^\n]*"transprots" means nothing in "engines\.socketio-v3"\. Did you mean "transports"\?$/,
    ],
    [
      'a function before a message over ws, which has none',
      withSteps('      - send: hi\n        beforeRequest: sign\n', 'ws'),
      /^error .*"beforeRequest" means nothing in "send"; call the function in a step before: "- function: \.\.\."\.$/,
    ],
    [
      'a key that was meant to be the one that is missing, told once',
      withSteps(
        '      - emit: { Chanel: a }\n        acknowledge: { capture: { json: $.0, name: id }, match: { json: $.0, vlaue: 1 } }\n      - get: { ulr: / }\n',
      ),
      /^error [^\n]*"Chanel" means nothing in "emit": write "channel"\.\nerror [^\n]*"name" means nothing in a capture: write "as"\.\nerror [^\n]*"vlaue" means nothing in a match\. Did you mean "value"\?\nerror [^\n]*"ulr" [^\n]*Did you mean "url"\?$/,
    ],
    [
      'a match of nothing',
      withSteps('      - emit: [a]\n        acknowledge: { match: { json: $.0 } }\n'),
      /^error .*a match needs "value"/,
    ],
    [
      'times, counts, transports and TLS options that are none',
      `${withSteps('      - think: soon\n      - loop: [{ emit: [a], timeout: later }]\n        count: many\n').replace('{}', '{ socketio: { transports: [websockets] }, tls: { rejectUnauthorised: false } }')}`,
      /error config\.socketio\.transports: [^\n]*\nwarning config\.tls\.rejectUnauthorised: [^\n]*"rejectUnauthorized"\?\nerror [^\n]*think: "think" must be a time[^\n]*\nerror [^\n]*count: "count" must be a number or a range[^\n]*\nerror [^\n]*timeout: "timeout" must be a time/,
    ],
    [
      'two ways to end a loop',
      withSteps('      - loop: [{ think: 1 }]\n        over: [1]\n        count: 3\n'),
      /^warning .*count: "count" means nothing beside "over", which alone says how often this loop runs\.$/,
    ],
    [
      'options below "connect"',
      withSteps('      - connect: { options: { path: /a } }\n'),
      /"options" means nothing in "connect": write its keys directly in "connect"\.$/,
    ],
    ['a count beside an emit', withSteps('      - emit: [a]\n        count: 2\n'), /it is a key of a loop/],
    [
      'a target that is none',
      'config:\n  target: 5\nscenarios: [{ flow: [] }]\n',
      /^error config\.target: "target" must be text, not 5\.$/,
    ],
    [
      'a request without a URL',
      'config: {}\nscenarios: [{ flow: [{ get: { headers: {} } }] }]\n',
      /^error scenarios\.0\.flow\.0\.get: an HTTP request needs "url": write it\.$/,
    ],
    [
      'a rate that is a word, and a truth that is none',
      withSteps(
        '      - emit: [a]\n        measure: maybe\n        acknowledge: { capture: { json: $, as: } }\n',
      ),
      /error [^\n]*measure: "measure" must be true or false, not "maybe"\.\n.*"as" has no value\. It must be text; or take the key out/,
    ],
    [
      'a text where a group belongs',
      withSteps('      - emit: chat\n        response: said\n'),
      /"emit" must be a list or a mapping with "channel", "data", "args", not "chat"\.\n.*"response" must be a mapping with/,
    ],
    [
      'two steps in one over HTTP, which Artillery refuses',
      withSteps('      - think: 1\n        log: hi\n', 'http'),
      /^error .*"log" means nothing in "think": it is a step of its own/,
    ],
    [
      'a misspelt delivery, which only Tailgate has',
      withSteps('      - emit: [a]\n        delivery: { evnt: b }\n'),
      /^error .*"evnt".*"event"/,
    ],
    [
      'a key of ws',
      withSteps('      - send: hi\n        respnse: true\n', 'ws'),
      /^error .*"respnse" means nothing in "send".*"response"/,
    ],
    [
      'a key of an answer over ws',
      withSteps('      - send: hi\n        response: { whre: { a: 1 } }\n', 'ws'),
      /^error .*"where"/,
    ],
    [
      'a key of STOMP',
      withSteps('      - subscribe: { destination: /a, recipt: true }\n', 'stomp'),
      /^error .*"receipt"/,
    ],
    [
      'a key of an HTTP request',
      withSteps('      - post: { url: /, jsn: {} }\n', 'http'),
      /^warning .*"json"/,
    ],
    [
      'a misspelt key of a phase',
      'config: { phases: [{ duration: 1, arrivalRate: 1, maxVuser: 2 }] }\nscenarios: []',
      /config\.phases\.0\.maxVuser: .*"maxVusers"/,
    ],
    [
      'a think in a phase',
      'config: { phases: [{ duration: 1, arrivalRate: 1, think: 2 }] }\nscenarios: []',
      /"think" means nothing in a phase/,
    ],
    [
      'a key of an environment',
      'config: { environments: { a: { phase: [] } } }\nscenarios: []',
      /config\.environments\.a\.phase: .*"phases"/,
    ],
    [
      'phases below the options of connections',
      'config: { socketio: { phases: [] } }\nscenarios: []',
      /config\.socketio\.phases: "phases" means nothing in "config\.socketio": write it beside "socketio", not inside of it/,
    ],
    [
      'options below "engines"',
      'config: { engines: { socketio: { path: /ws } } }\nscenarios: []',
      /"path" means nothing in "config\.engines\.socketio": write it in "config\.socketio"/,
    ],
    [
      'options of connections among the defaults',
      'config: { defaults: { socketio: {} } }\nscenarios: []',
      /"socketio".*beside "defaults"/,
    ],
    ['headers of nobody', 'config: { headers: {} }\nscenarios: []', /"extraHeaders" in "config\.socketio"/],
    [
      'a key of a payload file',
      'config: { payload: { path: a.csv, feilds: [a] } }\nscenarios: []',
      /"feilds".*"fields"/,
    ],
    [
      'a key of a scenario',
      'config: {}\nscenarios: [{ engine: socketio, wieght: 2, flow: [] }]',
      /"wieght" means nothing in a scenario.*"weight"/,
    ],
    [
      'functions beside a flow that only HTTP has, and options of a connection that only one engine has there',
      'config: {}\nscenarios:\n  - { engine: ws, flow: [], onError: f, beforeRequest: f }\n  - { engine: socketio-v3, flow: [], socketio: {}, beforeScenario: f }\n  - { engine: http, flow: [], onError: f }\n',
      /^warning scenarios\.0\.onError: "onError" means nothing in a scenario with "engine: ws"; it is for scenarios over HTTP\.\nwarning [^\n]*beforeRequest: [^\n]*; call the function in a step before: [^\n]*\nwarning scenarios\.1\.socketio: "socketio" means nothing in a scenario with "engine: socketio-v3"; options of connections are "config\.socketio"\.$/,
    ],
    [
      'how a refusal is told, which the settings say',
      withSteps('      - send: hi\n        refusals: ignore\n', 'ws'),
      /^error .*"refusals" means nothing in "send"; what a refusal is, the settings say: "measure\.refusals"\.$/,
    ],
    [
      'what tells a delivery over ws, which Socket.IO does not read',
      withSteps('      - emit: [a]\n        delivery: { event: b, where: { type: c } }\n'),
      /^error .*delivery\.where: "where" means nothing in "delivery"/,
    ],
    [
      'a limit of steps at once that is none',
      withSteps('      - parallel: [{ think: 1 }]\n        limit: 0\n'),
      /^error .*limit: "limit" must be a whole number from 1 on, not 0\.$/,
    ],
    [
      'a key at the top',
      'config: {}\nscenario: []\nscenarios: []',
      /"scenario" means nothing at the top of the file.*"scenarios"/,
    ],
  ];
  for (const [name, text, expected] of cases)
    test(name, () => {
      assert.match(findings(text).join('\n'), expected);
    });

  test('but not what YAML only keeps to repeat it, what an engine or a plugin of others has, and what a message says', () => {
    assert.deepEqual(
      findings(`x-note: anything
common: &common { transports: [websocket] }
config:
  engines: { grpc: { channelOpts: {} } }
  plugins: { fuzzer: {} }
  grpc: { a: 1 }
  fuzzer: { b: 1 }
  socketio: { <<: *common, reconnectionDelayMax: 5 }
scenarios:
  - engine: grpc
    anything: 1
    flow: [{ call: { whatever: 1 } }]
  - engine: ws
    flow: [{ send: { any: { key: 1 } }, response: { where: { any: 1 } } }]
`),
      [],
    );
  });
});

test('every key that is offered in a step of messages is one that its engine reads', () => {
  const needed: Record<string, Record<string, unknown>> = {
    ws: { send: { t: '{{ $tag }}', id: 1 }, wait: {}, close: {}, connect: {} },
    stomp: {
      send: { destination: '/a', body: '{{ $tag }}' },
      subscribe: { destination: '/a' },
    },
  };
  const given = {
    config: { target: 'ws://127.0.0.1:1' },
    place: 'a scenario',
    path: 's.yml',
    settings: { timeoutMs: 1_000, deliveries: [] },
  };
  let offered = 0;
  for (const name of ['ws', 'stomp']) {
    const { steps, stepKeys } = engineNamed(name)!;
    assert.ok(steps.kind === 'messages');
    const read = (step: Record<string, unknown>) => {
      offered += 1;
      try {
        steps.outline(step, given);
      } catch (error) {
        assert.doesNotMatch((error as Error).message, /unknown key|not both/, JSON.stringify([name, step]));
      }
    };
    for (const level of stepsOfEngine(name)!) {
      const key = stepKeys.find((own) => languageLevels.get(level)?.steps?.includes(own));
      if (key === undefined) continue;
      const step = { [key]: needed[name]![key] ?? {} };
      // The engine looks at the names of keys alone where they have no value.
      for (const [beside, type] of Object.entries(level.shape)) {
        if (beside !== key) read({ ...step, [beside]: undefined });
        for (const inside of Object.keys(groupIn(type as z.ZodType)?.shape ?? {}))
          read({ ...step, [beside]: { ...(step[beside] as object | undefined), [inside]: undefined } });
      }
    }
  }
  assert.ok(offered > 100, `${offered} keys`);
});

function groupIn(type: z.ZodType): z.ZodObject | null {
  const known = bareType(type);
  if (known instanceof z.ZodObject) return languageLevels.has(known) ? known : null;
  if (!(known instanceof z.ZodUnion)) return null;
  return known.options.map((option) => groupIn(option as z.ZodType)).find((group) => group !== null) ?? null;
}

test('what a message says in a list has any keys, and a step that disconnects may be empty', () => {
  const steps = '      - emit: [move, { id: 1, coords: { lat: 1 } }]\n      - disconnect: {}\n';
  assert.deepEqual(findings(withSteps(steps)), []);
});

test('overrides are checked as what they are merged over, with their places in the settings', () => {
  const content = parse(`config: { plugins: { fuzzer: {} } }\nscenarios: [{ engine: grpc, flow: [] }]\n`);
  const found = checkOverrides(
    {
      phases: [{ duration: 5, arivalRate: 2 }],
      socketio: { path: '/ws', transprots: [] },
      http: 5,
      fuzzer: { any: 1 },
      grpc: { any: 1 },
      plugins: { fuzzer: false },
    },
    content,
  );
  assert.deepEqual(
    found.map(({ place, message }) => `${place.join('.')}: ${message}`),
    [
      'phases.0.arivalRate: "arivalRate" means nothing in a phase. Did you mean "arrivalRate"?',
      'socketio.transprots: "transprots" means nothing in "config.socketio". Did you mean "transports"?',
      'http: "http" must be a mapping with "timeout", "maxSockets", "pool", "extendedMetrics" ..., not 5.',
    ],
  );
});

/** Every YAML file that users may take as a model. */
const ownScenarios = ['scenarios', 'examples'].flatMap((folder) =>
  readdirSync(path.join(import.meta.dirname, '../..', folder), { recursive: true })
    .map((file) => path.join(import.meta.dirname, '../..', folder, String(file)))
    .filter((file) => /\.ya?ml$/.test(file) && !file.includes('node_modules'))
    .filter((file) => /^scenarios:/m.test(readFileSync(file, 'utf8'))),
);

describe('the schema for editors', () => {
  const validate = new Ajv({ strict: false }).compile(scenarioJsonSchema());

  test('takes our own scenarios, in which every key means something', () => {
    assert.ok(ownScenarios.length > 0);
    for (const file of ownScenarios) {
      const text = readFileSync(file, 'utf8');
      assert.deepEqual(findings(text), [], file);
      assert.ok(validate(parse(text)), `${file}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
    }
  });

  test('refuses a key only where the check tells of it, in every mapping of a file', () => {
    const steps: Readonly<Record<string, unknown[]>> = {
      socketio: [
        { emit: { channel: 'a', data: { b: 1 } }, acknowledge: { match: { json: '$.0', value: 1 } } },
        {
          emit: ['a', {}],
          response: { on: 'b', capture: [{ json: '$', as: 'c' }] },
          delivery: { event: 'd' },
        },
        { connect: { auth: { token: 't' } }, namespace: '/n' },
        { loop: [{ parallel: [{ think: 1 }, { get: { url: '/', headers: {} } }] }], count: 2 },
        { disconnect: {} },
      ],
      ws: [
        { connect: { headers: {} } },
        { send: { type: 'a' }, response: { field: { sent: 'id', received: 'id' }, where: {} } },
        { wait: { where: {} } },
        { close: { code: 1000 } },
      ],
      stomp: [
        { connect: { headers: {} } },
        { subscribe: { destination: '/a', headers: {} } },
        { send: { destination: '/a', json: {}, response: { destination: '/b' } } },
      ],
      http: [{ post: { url: '/', json: {}, capture: { json: '$', as: 'a' } } }],
    };
    const config = {
      phases: [{ duration: 1, arrivalRate: 1 }],
      payload: { path: 'a.csv', fields: ['a'] },
      variables: { a: {} },
      plugins: { expect: {} },
      engines: { socketio: {}, 'socketio-v3': {} },
      socketio: { query: {} },
      ws: { headers: {} },
      http: { defaults: { headers: {} } },
      environments: { local: { phases: [{ pause: 1 }] } },
    };
    let refused = 0;
    for (const [engine, flow] of Object.entries(steps)) {
      const file = { config, scenarios: [{ engine, flow }], before: { flow: [{ get: { url: '/' } }] } };
      const told = () => findings(JSON.stringify(file));
      assert.deepEqual(told(), [], engine);
      assert.ok(validate(file), `${engine}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
      for (const group of mappingsIn(file)) {
        group.notAKey = 1;
        const isTaken = validate(file);
        if (!isTaken) refused += 1;
        assert.ok(isTaken || told().length > 0, JSON.stringify(group));
        delete group.notAKey;
      }
    }
    assert.ok(refused > 50, `${refused} refused`);
  });

  test('knows the keys of each kind of step, and refuses others', () => {
    const phases = { phases: [{ duration: 1, arrivalRate: '{{ rate }}' }] };
    const file = (flow: unknown[], engine = 'socketio') => ({
      config: phases,
      scenarios: [{ engine, flow }],
    });
    assert.ok(validate(file([{ emit: ['a', 1], acknowledge: {}, delivery: { event: 'b', expect: 2 } }])));
    assert.ok(validate(file([{ loop: [{ send: 'x', response: { field: 'id' } }], count: 3 }], 'ws')));
    assert.ok(!validate({ ...file([]), config: { phases: [{ duration: 1, arivalRate: 1 }] } }));
    assert.ok(!validate({ config: {} }));
  });
});

/** Every mapping of a value, itself included. */
function* mappingsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const item of Object.values(value)) yield* mappingsIn(item);
}
