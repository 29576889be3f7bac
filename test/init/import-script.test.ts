import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { importScript } from '../../src/init/import-script.ts';

const imported = (text: string, beside: Record<string, string> = {}) => {
  const result = importScript(text, (name) => beside[name] ?? null)!;
  const [[file, content]] = Object.entries(result.files) as [[string, string]];
  return { ...result, file, content: parse(content) };
};

test('a shell script that holds a room around "artillery run" becomes settings', () => {
  const script = `#!/bin/bash
set -e
node server.js > server.log 2>&1 &
SERVER=$!
sleep 3
node scripts/hold-room.js &
ROOM=$!
export ROOM_ID=$(cat room.txt)
npx artillery run -e ci --variables '{"room":"lobby"}' \\
  --output report.json load/chat.yml
kill $ROOM $SERVER
`;
  const holder = `const socket = io(url, { auth: { token: process.env.TOKEN } });
socket.emit('createRoom', { roomId: 'lobby', size: 5 }, (answer) => {});
process.on('SIGTERM', () => socket.emit("deleteRoom", { roomId: id }));`;
  const { tool, file, content, left } = imported(script, { 'scripts/hold-room.js': holder });
  assert.deepEqual([tool, file], ['Artillery', 'tailgate.yml']);
  assert.deepEqual(content, {
    suites: [{ environment: 'ci', variables: { room: 'lobby' }, scenario: 'load/chat.yml', name: 'chat' }],
    target: { start: 'node server.js' },
    room: {
      create: { event: 'createRoom', data: { roomId: 'lobby', size: 5 } },
      delete: { event: 'deleteRoom' },
    },
  });
  assert.deepEqual(left, [
    { line: 6, what: 'the data of "deleteRoom": { roomId: id } (in scripts/hold-room.js)' },
    { line: 6, what: '"auth" of its connection: set room.auth (in scripts/hold-room.js)' },
    { line: 8, what: 'export ROOM_ID=$(cat room.txt)' },
  ]);
});

test('the WebSocket part of a k6 script becomes a scenario, of Socket.IO where it writes its frames', () => {
  const script = `import ws from 'k6/ws';
import { check } from 'k6';
const url = 'ws://127.0.0.1:3000/socket.io/?EIO=4&transport=websocket';
export const options = { stages: [{ duration: '30s', target: 20 }] };
export default function () {
  const response = ws.connect(url, null, (socket) => {
    socket.on('open', () => {
      socket.send('40');
      socket.send('420["join",{"room":"lobby"}]');
      socket.setInterval(() => {
        socket.send('42["chat",{"text":"hi"}]');
      }, 500);
      socket.send(frameOf(__VU));
    });
    socket.setTimeout(() => { socket.close(); }, 5000);
  });
  check(response, { ok: (r) => r.status === 101 });
}
`;
  const { content, left } = imported(script);
  assert.deepEqual(content, {
    config: {
      target: 'http://127.0.0.1:3000',
      phases: [{ duration: 30, arrivalRate: 0.2, rampTo: 4 }],
      socketio: { transports: ['websocket'] },
    },
    scenarios: [
      {
        name: 'k6',
        engine: 'socketio',
        flow: [
          { emit: { channel: 'join', data: { room: 'lobby' } }, acknowledge: {} },
          { loop: [{ emit: { channel: 'chat', data: { text: 'hi' } } }, { think: 0.5 }], count: 10 },
        ],
      },
    ],
  });
  assert.deepEqual(
    left.map(({ line }) => line),
    [13, 13, 17],
  );
});

test('the WebSocket samplers of a JMeter plan become a scenario', () => {
  const sampler = (kind: string, properties: string) =>
    `<eu.luminis.jmeter.wssampler.${kind} guiclass="x" testclass="eu.luminis.jmeter.wssampler.${kind}" testname="s" enabled="true">${properties}</eu.luminis.jmeter.wssampler.${kind}>`;
  const string = (name: string, value: string) => `<stringProp name="${name}">${value}</stringProp>`;
  const plan = `<jmeterTestPlan version="1.2">
<ThreadGroup guiclass="g" testclass="ThreadGroup" testname="Users" enabled="true">
${string('LoopController.loops', '3')}${string('ThreadGroup.num_threads', '40')}${string('ThreadGroup.ramp_time', '20')}
</ThreadGroup>
${sampler('OpenWebSocketSampler', string('server', 'localhost') + string('port', '8080') + string('path', '/live'))}
${sampler('RequestResponseWebSocketSampler', string('requestData', `{&quot;type&quot;:&quot;join&quot;,&quot;user&quot;:&quot;\${name}&quot;}`))}
<ConstantTimer guiclass="g" testclass="ConstantTimer" testname="t" enabled="true">${string('ConstantTimer.delay', '300')}</ConstantTimer>
<HTTPSamplerProxy guiclass="g" testclass="HTTPSamplerProxy" testname="login" enabled="true"></HTTPSamplerProxy>
</jmeterTestPlan>`;
  const { content, left } = imported(plan);
  assert.deepEqual(content, {
    config: { target: 'ws://localhost:8080/live', phases: [{ duration: 20, arrivalCount: 40 }] },
    scenarios: [
      {
        name: 'JMeter',
        engine: 'ws',
        flow: [
          {
            loop: [{ send: { type: 'join', user: '{{ name }}' }, response: true }, { think: '300ms' }],
            count: 3,
          },
        ],
      },
    ],
  });
  assert.deepEqual(left, [{ line: 8, what: 'HTTPSamplerProxy "login"' }]);
  assert.equal(
    importScript('echo hi', () => null),
    null,
  );
});

test('a command ends where the shell ends it, and what only the shell knows is told', () => {
  const suitesOf = (script: string) => {
    const { content, left } = imported(script);
    return { suites: content.suites, target: content.target, left: left.map(({ what }) => what) };
  };
  const plain = { scenario: 'load.yml', name: 'load' };
  for (const script of [
    'artillery run load.yml &',
    'if ! artillery run load.yml; then\n  exit 1\nfi',
    'npx artillery run load.yml --output r.json && npx artillery report r.json',
    'artillery run -q load.yml 2>&1 | tee out.log',
    'artillery run load.yml > out.txt # the load & more',
  ])
    assert.deepEqual(suitesOf(script), { suites: [plain], target: {}, left: [] }, script);
  assert.deepEqual(suitesOf('artillery run load.yml --record --key $KEY -p users.csv').left, [
    '--record of "artillery run"',
    '--key of "artillery run"',
    '-p of "artillery run"',
  ]);
  const room = { ...plain, variables: { room: 'lobby' } };
  assert.deepEqual(suitesOf(`artillery run --variables='{"room":"lobby"}' load.yml`).suites, [room]);
  assert.deepEqual(suitesOf('artillery run -v "{\\"room\\":\\"lobby\\"}" load.yml').suites, [room]);
  const unknown = suitesOf('artillery run -v "{\\"room\\":\\"$ROOM\\"}" -e $ENV load.yml');
  assert.deepEqual([unknown.suites, unknown.left], [[plain], ['-v {"room":"$ROOM"}', '-e $ENV']]);
  const two = suitesOf('cd load && SLOW=1 npx artillery run a.yml && artillery run b.yml');
  assert.deepEqual(
    [two.suites.map(({ scenario }: { scenario: string }) => scenario), two.left],
    [
      ['a.yml', 'b.yml'],
      ['cd load', 'SLOW=1'],
    ],
  );
  assert.deepEqual(suitesOf('node server.js & sleep 5\nartillery run load.yml').target, {
    start: 'node server.js',
  });
});

test('the load and the connection of k6 are taken as they are, or told', () => {
  const k6 = (options: string, connection = 'url, null') =>
    imported(`import ws from 'k6/ws';
const url = 'ws://127.0.0.1:3000/live';
const params = { headers: { 'X-Room': 'lobby' }, tags: { kind: 'load' } };
export const options = ${options};
export default function () {
  ws.connect(${connection}, (socket) => {
    socket.on('open', () => socket.send('hi'));
    socket.setTimeout(() => socket.close(), 5000);
  });
}
`);
  const phasesOf = (options: string) => k6(options).content.config.phases;
  assert.deepEqual(
    phasesOf(
      `{ stages: [{duration:'30s',target:20},{ target: 20, duration: '1m30s' },{duration:'500ms',target:0},] }`,
    ),
    [
      { duration: 30, arrivalRate: 0.2, rampTo: 4 },
      { duration: 90, arrivalRate: 4 },
      { duration: 0.5, arrivalRate: 4, rampTo: 0 },
    ],
  );
  assert.deepEqual(phasesOf(`{ vus: 10, duration: '1m30s' }`), [{ duration: 90, arrivalRate: 2 }]);
  const arrivals = `executor: 'constant-arrival-rate', rate: 300, timeUnit: '1m', duration: '2m'`;
  assert.deepEqual(phasesOf(`{ scenarios: { chat: { ${arrivals} } } }`), [{ duration: 120, arrivalRate: 5 }]);
  const leftOf = (options: string, connection?: string) =>
    k6(options, connection).left.map(({ what }) => what);
  assert.deepEqual(leftOf(`{ scenarios: { chat: { ${arrivals} } } }`), []);
  assert.deepEqual(leftOf('{ stages: makeStages(), vus: USERS }'), ['stages: makeStages()', 'vus: USERS']);
  assert.deepEqual(leftOf(`{ scenarios: { a: { executor: 'per-vu-iterations', vus: 2, iterations: 9 } } }`), [
    'executor: per-vu-iterations: set "phases"',
    'iterations: 9',
  ]);
  assert.deepEqual(k6('{ vus: 1 }', 'url, params').content.config.ws, { headers: { 'X-Room': 'lobby' } });
  assert.deepEqual(leftOf('{ vus: 1 }', 'url, params'), ['"tags" of the connection']);
  assert.match(
    leftOf('{ vus: 1 }', 'url, { headers: { Cookie: cookieOf(1) } }')[0]!,
    /^the parameters of the connection/,
  );
});

test('a plan of JMeter: its variables and headers, one group of users, and nothing that is disabled', () => {
  const string = (name: string, value: string) => `<stringProp name="${name}">${value}</stringProp>`;
  const of = (variable: string) => ['$', `{${variable}}`].join('');
  const pair = (type: string, name: string, value: string) =>
    `<elementProp name="${name}" elementType="${type}">${string(`${type}.name`, name)}${string(`${type}.value`, value)}</elementProp>`;
  const group = (name: string, users: number, enabled = true) =>
    `<ThreadGroup testclass="ThreadGroup" testname="${name}" enabled="${enabled}">${string('ThreadGroup.num_threads', `${users}`)}${string('ThreadGroup.ramp_time', '10')}</ThreadGroup>`;
  const sampler = (kind: string, properties: string) =>
    `<eu.luminis.jmeter.wssampler.${kind} testclass="eu.luminis.jmeter.wssampler.${kind}" testname="s" enabled="true">${properties}</eu.luminis.jmeter.wssampler.${kind}>\n<hashTree/>`;
  const send = (text: string) => sampler('SingleWriteWebSocketSampler', string('requestData', text));
  const plan = `<jmeterTestPlan version="1.2"><hashTree>
<TestPlan testclass="TestPlan" testname="Plan"><elementProp name="TestPlan.user_defined_variables" elementType="Arguments" testclass="Arguments"><collectionProp name="Arguments.arguments">${pair('Argument', 'HOST', of('__P(host,chat.local)'))}${pair('Argument', 'room', 'lobby')}</collectionProp></elementProp></TestPlan>
<hashTree>
<HeaderManager testclass="HeaderManager" testname="h"><collectionProp name="HeaderManager.headers">${pair('Header', 'Authorization', `Bearer ${of('token')}`)}</collectionProp></HeaderManager>
<hashTree/>
${group('Old', 7, false)}
<hashTree>
${send('old')}
</hashTree>
${group('Users', 40)}
<hashTree>
${sampler('OpenWebSocketSampler', string('server', of('HOST')) + string('port', '8080') + string('path', '/live'))}
${send(`hello ${of('room')}`)}
</hashTree>
${group('Admins', 2)}
<hashTree>
${send('admin')}
</hashTree>
</hashTree></hashTree></jmeterTestPlan>`;
  const { content, left } = imported(plan);
  assert.deepEqual(content.config, {
    target: 'ws://chat.local:8080/live',
    phases: [{ duration: 10, arrivalCount: 40 }],
    variables: { HOST: 'chat.local', room: 'lobby' },
    ws: { headers: { Authorization: 'Bearer {{ token }}' } },
  });
  assert.deepEqual(content.scenarios[0].flow, [{ send: 'hello {{ room }}' }]);
  assert.deepEqual(left, [
    { line: 2, what: 'the property host: its default, chat.local, is written' },
    { line: 18, what: 'a further thread group, "Admins": write a scenario of its own' },
  ]);
});
