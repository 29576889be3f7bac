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
      phases: [{ duration: '30s', arrivalRate: 0.2, rampTo: 4 }],
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
