import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Recorder } from '../../src/engines/core/recorder.ts';
import { valuesOf } from '../../src/metrics/values.ts';
import { type KnownMetrics, knownMetrics, ownCounters } from '../../src/scenario/known-metrics.ts';
import { type LintContext, type LintResult, lintScenario } from '../../src/scenario/lint-scenario.ts';
import { readScenario } from '../../src/scenario/read-scenario.ts';
import { measureSchema } from '../../src/settings/settings-schema.ts';
import { folderWith } from '../generator/load-fixture.ts';
import { roundOf } from '../verdict/simulator.ts';

type Result = { lint: LintResult; known: KnownMetrics };

const check = async (
  text: string,
  measure: Record<string, unknown> = {},
  options: { environment?: string; files?: Record<string, string> } & Partial<LintContext> = {},
): Promise<Result> => {
  await using folder = await folderWith({ 'scenario.yml': text, ...options.files });
  const scenario = await readScenario(path.join(folder.path, 'scenario.yml'), {
    environment: options.environment ?? null,
    overrides: {},
    variables: {},
  });
  const settings = measureSchema.parse(measure);
  const context: LintContext = {
    variables: options.variables ?? [],
    hasToken: options.hasToken ?? false,
    env: options.env ?? {},
    wanted: options.wanted ?? [],
  };
  return { lint: lintScenario(scenario, settings, context), known: knownMetrics(scenario, settings) };
};

const room = `config: {}
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: joinRoom, data: { room: 1 } }
      - think: 0.2
      - loop:
          - emit: { channel: chat, data: { text: hi } }
          - think: 1
        count: 5
`;

describe('a scenario that measures nothing', () => {
  test('is an error that shows the lines to add', async () => {
    const { lint } = await check(room);
    assert.equal(lint.problems.length, 1);
    const [problem] = lint.problems;
    assert.equal(problem?.code, 'SCENARIO_MEASURES_NOTHING');
    assert.equal(problem?.where.line, 5);
    assert.match(problem?.fix ?? '', /^measure:\n {2}acknowledgements: \[joinRoom, chat\]$/m);
  });

  test('measures something with exactly these lines', async () => {
    const { lint, known } = await check(room, { acknowledgements: ['joinRoom', 'chat'] });
    assert.deepEqual(lint.problems, []);
    assert.deepEqual(known.latencies, ['chat.ack', 'connect.handshake', 'joinRoom.ack', 'session.length']);
    assert.equal(known.open, false);
  });

  test('or with a delivery, a tag, or a metric of its own code', async () => {
    const delivery = { deliveries: [{ send: 'chat', receive: 'message', sentPath: 'text' }] };
    const declared = await check(room, delivery);
    assert.deepEqual(declared.lint.problems, []);
    assert.ok(declared.known.latencies.includes('chat.delivery'));
    const tagged = await check(
      room.replace('text: hi } }', 'text: "hi {{ $tag }}" } }\n            delivery: message'),
    );
    assert.deepEqual(tagged.lint.problems, []);
    assert.ok(tagged.known.latencies.includes('chat.delivery'));
    const files = {
      'p.js': `exports.f = (context, events, done) => { events.emit('histogram', 'x', 1); done(); };`,
    };
    const own = await check(room.replace('config: {}', 'config: { processor: p.js }'), {}, { files });
    assert.deepEqual(own.lint.problems, []);
    assert.equal(own.known.open, true);
  });

  test('does not include one that makes HTTP requests', async () => {
    const { lint, known } = await check(`${room}      - get: { url: / }\n`);
    assert.deepEqual(lint.problems, []);
    assert.ok(known.latencies.includes('http.response'));
  });
});

describe('what a scenario can measure', () => {
  const withProcessor = async (text: string): Promise<KnownMetrics> =>
    (
      await check(
        room.replace('config: {}', 'config: { processor: p.js, plugins: { expect: {} } }'),
        { acknowledgements: 'all' },
        { files: { 'p.js': text } },
      )
    ).known;

  test('is known, unless its own code may report more', async () => {
    const quiet = await withProcessor(
      'exports.f = (context, events, done) => { context.vars.a = 1; done(); };',
    );
    assert.equal(quiet.open, false);
    assert.ok(quiet.counters?.includes('plugins.expect.failed'));
    for (const text of [
      `events.emit('counter', 'x', 1)`,
      `const { emitAll } = require('./metrics');`,
      `import { a } from './a.js';`,
    ]) {
      const reporting = await withProcessor(text);
      assert.equal(reporting.open, true, text);
      assert.equal(reporting.counters, null);
    }
  });

  test("an engine's own counters, and nobody else's, are offered and start at 0", async () => {
    const { known } = await check(room, { acknowledgements: 'all' });
    assert.ok(known.counters?.includes('deliveries.unexpected'));
    assert.equal(known.counters?.includes('messages.unread'), false);
    for (const [engine, counter] of [
      ['stomp', 'messages.unread'],
      ['ws', 'messages.received'],
      ['http', 'http.requests'],
    ] as const) {
      const own = ownCounters({ engines: [engine], config: { phases: [] } });
      assert.ok(own.includes(counter), engine);
      const recorder = new Recorder();
      recorder.keepCounters(own);
      recorder.reset();
      const { counters } = recorder.snapshot();
      assert.equal(valuesOf([roundOf({ counters })]).value(counter, 'value'), 0, counter);
    }
  });

  test('includes counters that nobody can list, with HTTP', async () => {
    const { known } = await check('config: {}\nscenarios: [{ flow: [{ get: { url: / } }] }]\n');
    assert.equal(known.open, false);
    assert.equal(known.counters, null);
    assert.deepEqual(known.latencies.slice(-2), ['http.response', 'session.length']);
  });
});

describe('warnings', () => {
  test('a fraction of a second that is a fraction of a millisecond, with its line and what to write', async () => {
    const { lint } = await check(room, { acknowledgements: 'all' });
    assert.equal(lint.warnings.length, 1);
    assert.equal(lint.warnings[0]?.line, 6);
    assert.match(lint.warnings[0]?.message ?? '', /0\.2 milliseconds.*"200ms"/);
  });

  test('also nested, in hooks and as text, and not for what is meant', async () => {
    const { lint } = await check(`config: {}
before:
  flow:
    - think: "1.5"
scenarios:
  - flow:
      - get: { url: / }
      - think: 1
      - think: 0.5s
      - think: "{{ pause }}"
      - parallel:
          - loop:
              - think: .25
            count: 2
`);
    assert.deepEqual(
      lint.warnings.map(({ line }) => line),
      [13, 4],
    );
  });

  test('emits without an answer in a scenario that measures others', async () => {
    const { lint } = await check(room, { acknowledgements: ['joinRoom'] });
    const unanswered = lint.warnings.filter(({ message }) => message.includes('measure.acknowledgements'));
    assert.equal(unanswered.length, 1);
    assert.equal(unanswered[0]?.line, 8);
    assert.match(unanswered[0]?.message ?? '', /"chat"/);
  });

  test('keys that mean nothing, and tags that nobody watches for', async () => {
    const { lint } = await check(`config: {}
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: a, data: "{{ $tag }}" }
        acknowledge: {}
      - emit: { channel: b, data: 1 }
        aknowledge: {}
        response: { channel: b }
`);
    assert.deepEqual(
      lint.warnings.map(({ line, message }) => [line, message.slice(0, 26)]),
      [
        [5, 'The payload has {{ $tag }}'],
        [8, '"aknowledge" means nothing'],
      ],
    );
  });

  test('phases of config that show through those of an environment', async () => {
    const text = `config:
  phases: [{ duration: 1, arrivalRate: 1 }, { duration: 60, arrivalRate: 50 }]
  environments:
    short:
      phases:
        - { duration: 1, arrivalRate: 1 }
scenarios: [{ flow: [{ get: { url: / } }] }]
`;
    const { lint } = await check(text, {}, { environment: 'short' });
    assert.equal(lint.warnings[0]?.line, 5);
    assert.match(lint.warnings[0]?.message ?? '', /phase 2 and later still run/);
    assert.deepEqual((await check(text)).lint.warnings, []);
  });

  test('a step that its engine would refuse is a problem with its line', async () => {
    const { lint } = await check(`config: {}
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: a, data: 1 }
        acknowledge: {}
      - emit: { data: 1 }
`);
    assert.equal(lint.problems.length, 1);
    assert.equal(lint.problems[0]?.code, 'SCENARIO_INVALID');
    assert.equal(lint.problems[0]?.where.line, 7);
  });
});

describe('scenarios of messages', () => {
  const stomp = (steps: string) => `config: {}
scenarios:
  - engine: stomp
    flow:
      - subscribe: /topic/room.1
${steps}`;
  const ws = (steps: string) => `config: {}
scenarios:
  - engine: ws
    flow:
${steps}`;

  test('list what their steps can measure, and nothing else', async () => {
    const rooms = await check(
      stomp('      - send: { destination: /app/chat, body: "{{ $tag }}", receipt: true }\n'),
    );
    assert.deepEqual(rooms.lint.problems, []);
    assert.deepEqual(rooms.known.latencies, [
      'chat.delivery',
      'chat.receipt',
      'connect.handshake',
      'session.length',
      'subscribe.receipt',
    ]);
    assert.equal(rooms.known.open, false);
    const asked = await check(ws('      - send: { type: ask }\n        response: { field: id }\n'));
    assert.deepEqual(asked.known.latencies, ['ask.response', 'connect.handshake', 'session.length']);
  });

  test('that time no message are an error that says what would, by engine', async () => {
    const { lint } = await check(stomp('      - send: { destination: /app/chat, json: { text: hi } }\n'));
    assert.equal(lint.problems[0]?.code, 'SCENARIO_MEASURES_NOTHING');
    assert.equal(lint.problems[0]?.where.line, 6);
    assert.match(lint.problems[0]?.what ?? '', /no message waits for an answer.*messages sent: "chat"/);
    assert.match(lint.problems[0]?.fix ?? '', /"receipt: true"/);
    const declared = await check(stomp('      - send: { destination: /app/chat, json: { text: hi } }\n'), {
      deliveries: [{ send: 'chat', receive: 'chat', sentPath: 'text' }],
    });
    assert.deepEqual(declared.lint.problems, []);
    const silent = await check(ws('      - send: hello\n'));
    assert.equal(silent.lint.problems[0]?.code, 'SCENARIO_MEASURES_NOTHING');
    assert.match(silent.lint.problems[0]?.fix ?? '', /"response: true"/);
  });

  test('that only send are right where a limit asks how long connecting takes', async () => {
    const { lint } = await check(ws('      - send: hello\n'), {}, { wanted: ['connect.handshake'] });
    assert.deepEqual(lint.problems, []);
    assert.match(lint.warnings[0]?.message ?? '', /Nothing answers this message/);
  });

  test('warn of single messages that nothing times', async () => {
    const { lint } = await check(
      ws('      - send: { type: ask }\n        response: true\n      - send: { type: tell }\n'),
    );
    assert.deepEqual(lint.problems, []);
    assert.equal(lint.warnings.length, 1);
    assert.equal(lint.warnings[0]?.line, 7);
    assert.match(lint.warnings[0]?.message ?? '', /"tell".*Add "response"/);
  });

  test('with a step that their engine refuses are invalid at its line', async () => {
    const { lint } = await check(stomp('      - send: { destination: /app/chat, bdy: hi }\n'));
    assert.equal(lint.problems[0]?.code, 'SCENARIO_INVALID');
    assert.equal(lint.problems[0]?.where.line, 6);
    assert.match(lint.problems[0]?.what ?? '', /"bdy" means nothing in "send"\. Did you mean "body"\?/);
  });

  test('with a step of another engine, or a mistake in their settings, are told once', async () => {
    const foreign = await check(
      ws('      - send: hi\n        response: true\n      - emit: { channel: x }\n'),
    );
    assert.equal(foreign.lint.problems.length, 1);
    assert.equal(foreign.lint.problems[0]?.where.line, 7);
    assert.match(foreign.lint.problems[0]?.what ?? '', /the engine "ws" has no step with "emit"/);
    const mistaken = await check(
      stomp('      - send: { destination: /app/chat }\n').replace('{}', '{ stomp: { sokjs: true } }'),
    );
    assert.equal(mistaken.lint.problems.length, 1);
    assert.match(
      mistaken.lint.problems[0]?.what ?? '',
      /"sokjs" means nothing in "config\.stomp"\. Did you mean "sockjs"\?/,
    );
  });
});

test('a step that no engine knows is an error with its line, and with what was probably meant', async () => {
  for (const engine of ['socketio', 'socketio-v3']) {
    const { lint } = await check(`config: {}
scenarios:
  - name: chat
    engine: ${engine}
    flow:
      - loop:
          - emt: { channel: chat }
        count: 2
      - emit: { channel: chat }
        acknowlege: {}
        acknowledge: {}
      - thnik: 2
      - get: { url: / }
      - parallel: [{ log: done }]
`);
    assert.deepEqual(
      lint.problems.map(({ what, where }) => [where.line, what.replace(/^.* is not valid: /, '')]),
      [
        [7, `the engine "${engine}" has no step with "emt"; did you mean "emit"?`],
        [12, `the engine "${engine}" has no step with "thnik"; did you mean "think"?`],
      ],
    );
    assert.match(lint.warnings[0]?.message ?? '', /Take it out: "acknowledge" is there already\./);
  }
});

test('steps of a scenario that does not name its engine are told once, with the line to add', async () => {
  const { lint } = await check(`config: {}
scenarios:
  - flow:
      - connect: { namespace: /chat }
      - emit: { channel: a }
      - emit: { channel: b }
`);
  assert.deepEqual(
    lint.problems.map(({ what, where }) => [where.line, what.replace(/^.* is not valid: /, '')]),
    [
      [
        4,
        'the engine "http" has no step with "connect"; name the engine of the scenario, "engine: socketio"',
      ],
    ],
  );
});

test('a mistake that is made several times is told once, with all of its lines', async () => {
  const { lint } = await check(`config: {}
scenarios:
  - engine: socketio
    flow:
      - on: { channel: a }
      - emit: { channel: a, acknowledge: {} }
      - on: { channel: a }
      - emit: { channel: b }
        acknowlege: {}
      - emit: { channel: c, acknowledge: {} }
        acknowledge: {}
`);
  assert.deepEqual(
    lint.problems.map(({ what }) => what.replace(/^.* is not valid: /, '')),
    ['the engine "socketio" has no step with "on"; did you mean "response"? Also in line 7.'],
  );
  assert.match(
    lint.warnings[0]?.message ?? '',
    /^"acknowledge" means nothing in "emit".* Also in line 10\.$/,
  );
});

test('a step that is not understood may have been meant to set the names that are missing', async () => {
  const { lint } = await check(`config: {}
scenarios:
  - engine: ws
    flow:
      - set: { name: ann }
      - send: "I am {{ name }}"
        response: true
`);
  assert.equal(lint.problems.length, 1);
  assert.match(lint.problems[0]?.what ?? '', /no step with "set"/);
});

test('a message over ws whose one field is JSON in text was meant to be that text', async () => {
  const { lint } = await check(`config: {}
scenarios:
  - engine: ws
    flow:
      - send: { text: '{"type": "ping"}' }
        response: true
      - send: { text: hello }
        response: true
`);
  assert.deepEqual(
    lint.warnings.map(({ line, message }) => [line, message]),
    [
      [
        5,
        'The message is sent as {"text": ...}: its one field holds JSON as text. Write the message itself after "send:".',
      ],
    ],
  );
});

const problemsIn = async (steps: string, engine = 'socketio', config = '{}'): Promise<string[]> =>
  (
    await check(`config: ${config}\nscenarios:\n  - engine: ${engine}\n    flow:\n${steps}`)
  ).lint.problems.map(({ what, fix }) => `${what.replace(/^.* is not valid: /, '')} ${fix}`);

const warningsIn = async (steps: string, engine = 'socketio', config = '{}'): Promise<string[]> =>
  (
    await check(`config: ${config}\nscenarios:\n  - engine: ${engine}\n    flow:\n${steps}`)
  ).lint.warnings.map(({ line, message }) => `${line}: ${message}`);

test('events that Socket.IO keeps for itself cannot be emitted, whoever acknowledges them', async () => {
  for (const event of ['disconnect', 'connect', 'newListener']) {
    const [problem, ...others] = await problemsIn(`      - emit: [${event}]\n        acknowledge: {}\n`);
    assert.match(problem ?? '', new RegExp(`^"${event}" is an event that Socket.IO keeps for itself`));
    assert.equal(/write "- disconnect: true"/.test(problem!), event === 'disconnect');
    assert.deepEqual(others, []);
  }
  assert.deepEqual(await problemsIn('      - emit: [disconnected]\n        acknowledge: {}\n'), []);
});

test('a random number without a range is no number', async () => {
  for (const template of ['$randomNumber()', '$randomNumber(9)', '$randomNumber'])
    assert.match(
      (await problemsIn(`      - send: "{{ ${template} }}"\n        response: true\n`, 'ws')).join(),
      /stands for nothing: .*\$randomNumber.* Write "\{\{ \$randomNumber\(1, 1000\) \}\}"\.$/,
    );
  assert.deepEqual(
    await problemsIn('      - send: "{{ $randomNumber(1, 9) }}"\n        response: true\n', 'ws'),
    [],
  );
});

test('what a plugin would read that is not loaded is told, with the line that loads it', async () => {
  const request = '      - get: { url: /, expect: [{ statusCode: 200 }] }\n';
  const settings = 'ensure: { thresholds: [{ http.response_time.p95: 5 }] }';
  assert.deepEqual(await warningsIn(request, 'http', `{ ${settings} }`), [
    '1: "config.ensure" is for the plugin "ensure", which this file does not load, so it does nothing. Add "plugins: { ensure: {} }" to "config".',
    '5: "expect" is for the plugin "expect", which this file does not load, so it does nothing. Add "plugins: { expect: {} }" to "config".',
  ]);
  const loaded = `{ plugins: { ensure: {}, expect: {} }, ${settings} }`;
  assert.deepEqual(await warningsIn(request, 'http', loaded), []);
});

test('settings of what no scenario does are told', async () => {
  const emit = '      - emit: [a]\n        acknowledge: {}\n';
  const config = '{ ws: {}, socketio: {}, defaults: { headers: { x-key: a } } }';
  assert.deepEqual(await warningsIn(emit, 'socketio', config), [
    '1: "config.ws" is for scenarios with "engine: ws", and there is none.',
    '1: "config.defaults.headers" is for HTTP requests, and there are none. Headers of connections are "config.socketio.extraHeaders".',
  ]);
  assert.equal((await warningsIn(`${emit}      - get: { url: / }\n`, 'socketio', config)).length, 1);
  // Connections of STOMP are WebSockets.
  const subscribe =
    '      - subscribe: /topic/a\n      - send: { destination: /app/a, json: {} }\n        receipt: true\n';
  const stomp = '{ ws: { headers: { a: b } }, stomp: {}, defaults: { headers: { x-key: a } } }';
  assert.deepEqual(
    (await warningsIn(subscribe, 'stomp', stomp)).filter((text) => text.includes('config')),
    [
      '1: "config.defaults.headers" is for HTTP requests, and there are none. Headers of connections are "config.ws.headers".',
    ],
  );
  assert.ok(
    (await warningsIn(emit, 'socketio', '{ stomp: {} }')).some((text) =>
      text.includes('"config.stomp" is for scenarios with "engine: stomp"'),
    ),
  );
});

test('a message that is only a mapping with "json" is sent as that', async () => {
  const sent = (send: string) => warningsIn(`      - send: ${send}\n        response: true\n`, 'ws');
  assert.match((await sent('{ json: { type: ping } }')).join(), /sent as \{"json": \.\.\.\}/);
  assert.deepEqual(await sent('{ json: { type: ping }, id: 1 }'), []);
});

test('a timeout of a step that was meant in milliseconds is told', async () => {
  const step = (timeout: string) =>
    warningsIn(`      - emit: [a]\n        acknowledge: {}\n        timeout: ${timeout}\n`);
  assert.deepEqual(await step('5000'), [
    '7: "timeout: 5000" is 5000 seconds. Write "5000ms" for milliseconds.',
  ]);
  assert.deepEqual(await step('5000ms'), []);
  assert.deepEqual(await step('60'), []);
});

test('texts without a type have no name to be told by', async () => {
  const [problem] = (await check('config: {}\nscenarios: [{ engine: ws, flow: [{ send: hi }] }]\n')).lint
    .problems;
  assert.match(problem?.what ?? '', /no delivery is watched\.$/);
});

test('steps that are told by their words alone: what to write for them', async () => {
  assert.match(
    (await problemsIn('      - set: { a: 1 }\n')).join(),
    /"config\.variables".*"- function: \.\.\."/,
  );
  assert.match(
    (await problemsIn('      - upload: { file: a }\n', 'http')).join(),
    /write "post" with "formData: \{ field: \{ fromFile: path \} \}"/,
  );
});

test('a function that does not exist is told once, whatever it is called with', async () => {
  const [problem, ...others] = await problemsIn(
    '      - send: "{{ $randomInt(1, 2) }} {{ $randomInt(3) }}"\n        response: true\n      - send: "{{ $randomInt() }}"\n        response: true\n',
    'ws',
  );
  assert.match(
    problem ?? '',
    /no function "\$randomInt" for \{\{ \$randomInt\(1, 2\) \}\}, also in line 7\. Write "\{\{ \$randomNumber/,
  );
  assert.deepEqual(others, []);
});

test('what belongs inside of a request and stands beside it', async () => {
  assert.match(
    (await problemsIn('      - get: { url: / }\n        headers: { a: b }\n', 'http')).join(),
    /"headers" means nothing in a "get" step: write it inside of "get"\./,
  );
});

test('a call without braces is used as it stands', async () => {
  const sent = (data: string) => warningsIn(`      - emit: [a, "${data}"]\n        acknowledge: {}\n`);
  assert.deepEqual(await sent('$randomString(10)'), [
    '5: "$randomString(10)" is no template, so it is used as it stands. Write "{{ $randomString(10) }}".',
  ]);
  assert.deepEqual(await sent('{{ $randomString(10) }}'), []);
});

test('a step that names a server of its own is told, and how to write the one under test', async () => {
  const answered = '      - send: a\n        response: true\n';
  const connected = (connect: string) =>
    warningsIn(`      - connect: ${connect}\n${answered}`, 'ws', '{ target: "ws://127.0.0.1:9" }');
  for (const connect of ['wss://example.com/chat?a=1', '{ url: wss://a:b@example.com/chat?a=1 }'])
    assert.deepEqual(await connected(connect), [
      '5: This goes to "example.com", whatever server is under test. For that one, write the path alone: "/chat?...".',
    ]);
  for (const connect of ['/chat', '"{{ target }}/chat"', '{ headers: { a: b } }'])
    assert.deepEqual(await connected(connect), []);
  const asked = (url: string) =>
    warningsIn(`      - get: { url: "${url}" }\n`, 'http', '{ target: "http://127.0.0.1:9" }');
  assert.match((await asked('http://127.0.0.1:9/login')).join(), /write the path alone: "\/login"\.$/);
  assert.deepEqual(await asked('https://example.com/login'), []);
});

test('what the package of socketio-v3 does not have is told before the run', async () => {
  const engine = 'socketio-v3';
  const emit = '      - emit: [a]\n        acknowledge: {}\n';
  assert.match(
    (await problemsIn(`${emit}      - disconnect: true\n`, engine)).join(),
    /^the engine "socketio-v3" has no step with "disconnect"; "engine: socketio" has /,
  );
  assert.match(
    (await problemsIn(`${emit}      - response: { channel: b }\n`, engine)).join(),
    /no step with "response"; "engine: socketio" has/,
  );
  assert.match(
    (await problemsIn(`${emit}        rate: 5\n        duration: 1s\n`, engine)).join(),
    /^"rate" needs "engine: socketio"/,
  );
  const unread: [string, RegExp][] = [
    [
      'emit: { channel: a, args: [1] }\n        acknowledge: {}',
      /^5: "args" means nothing .* "emit: \[event/,
    ],
    [
      'emit: [a]\n        acknowledge: {}\n        response: { on: b }',
      /^6: "acknowledge" means nothing beside/,
    ],
    [
      'emit: [a]\n        acknowledge: {}\n        afterResponse: f',
      /^7: "afterResponse" means nothing with/,
    ],
    ['emit: [a]\n        acknowledge: {}\n        beforeRequest: [f, g]', /^7: A list of functions in/],
    ['emit: [a]\n        acknowledge: { concat: true }', /^6: "concat" means nothing with/],
    ['emit: [a, { $binary: AA== }]\n        acknowledge: {}', /^5: "\$binary" is sent as it stands/],
    [
      `connect: { path: /a }\n        timeout: 5\n${emit.trimEnd()}`,
      /^6: "timeout" means nothing beside "connect"/,
    ],
  ];
  for (const [step, message] of unread) {
    const [warning, ...others] = await warningsIn(`      - ${step}\n`, engine);
    assert.match(warning ?? '', message);
    assert.deepEqual(others, [], step);
    assert.deepEqual(await warningsIn(`      - ${step}\n`, 'socketio'), [], step);
  }
});

test('a timeout that is none is told before the run, also in "config"', async () => {
  const emit = '      - emit: [a]\n        acknowledge: {}\n';
  for (const step of ['response: { channel: a }', 'connect: {}', 'emit: [a]'])
    assert.match(
      (await problemsIn(`${emit}      - ${step}\n        timeout: "{{ target }}"\n`)).join(),
      /^"timeout: \{\{ target \}\}" is no time; write seconds \(5\) or "500ms"/,
    );
  assert.match((await problemsIn(emit, 'socketio', '{ timeout: 0 }')).join(), /^"timeout: 0" is no time/);
  assert.match(
    (await problemsIn(emit, 'socketio', '{ timeout: soon }')).join(),
    /^"timeout" must be a time such as 5[^\n]*not "soon"\. [^"]*$/,
  );
  assert.deepEqual(await problemsIn(emit, 'socketio', '{ timeout: 500ms }'), []);
});

test('a match that names nothing, which holds in one engine and never in another', async () => {
  const matching = (match: string, engine: string) =>
    warningsIn(`      - emit: [a]\n        acknowledge: { match: ${match} }\n`, engine);
  assert.match(
    (await matching('{ value: b }', 'socketio-v3')).join(),
    /^6: A match without "json" never holds/,
  );
  assert.deepEqual(await matching('{ value: b }', 'socketio'), []);
  assert.deepEqual(await matching('{ json: $, value: b }', 'socketio-v3'), []);
});
